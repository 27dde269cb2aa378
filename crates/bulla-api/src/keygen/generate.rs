//! Makes the keys that found a ledger: `bulla keygen`.

use std::path::{Path, PathBuf};

use bulla_node::NodeId;
use bulla_node::config::ClusterConfig;
use bulla_sealing::{ConfigLeaf, ConfigNode, SigningKey};
use uuid::Uuid;

use super::authority::Authority;
use super::files::{Access, make_directory, sync_directory, write_new};
use super::{AUTHORITY_CERTIFICATE, AUTHORITY_KEY, GENESIS, LOG_KEY, NODE_KEY, TLS_CERTIFICATE, TLS_KEY};
use super::{KeyFilesError, node_directory, seed};

/// The keys of a new ledger, as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKeys {
    /// The id of the ledger that they found.
    pub ledger_id: Uuid,
    /// The first line of its checkpoints.
    pub origin: String,
    /// The key that can certify further nodes. It belongs on no server.
    pub authority_key: PathBuf,
    /// The directory to take to each server, in the order of the configuration.
    pub nodes: Vec<(NodeId, PathBuf)>,
}

/// Makes the authority, the log's key and every node's keys, into the directory `out`.
///
/// Every call founds another ledger, under another id.
///
/// # Errors
/// [`KeyFilesError::Exists`] before anything is written, when one of the files is there already;
/// [`KeyFilesError::Config`], [`KeyFilesError::Io`], [`KeyFilesError::Randomness`].
pub fn generate(config: &ClusterConfig, out: &Path) -> Result<NewKeys, KeyFilesError> {
    let nodes: Vec<_> = config.nodes.iter().map(|node| (node.id, node_directory(out, node.id))).collect();
    let authority_key = out.join(AUTHORITY_KEY);
    let authority_certificate = out.join(AUTHORITY_CERTIFICATE);
    let planned = nodes.iter().map(|(_, directory)| directory).chain([&authority_key, &authority_certificate]);
    for path in planned {
        if path.exists() {
            return Err(KeyFilesError::Exists { path: path.clone() });
        }
    }

    let log_key = seed::new_key()?;
    let node_keys = config.nodes.iter().map(|_| seed::new_key()).collect::<Result<Vec<_>, _>>()?;
    let genesis = genesis(config, &log_key, &node_keys)?;
    let authority = Authority::new(genesis.ledger_id)?;

    make_directory(out)?;
    write_new(&authority_key, authority.key().as_bytes(), Access::Private)?;
    write_new(&authority_certificate, authority.certificate().as_bytes(), Access::Public)?;
    for ((node_id, directory), node_key) in nodes.iter().zip(&node_keys) {
        make_directory(directory)?;
        let tls = authority.certify(*node_id)?;
        seed::write(&directory.join(NODE_KEY), node_key)?;
        seed::write(&directory.join(LOG_KEY), &log_key)?;
        write_new(&directory.join(GENESIS), &genesis.encode(), Access::Public)?;
        write_new(&directory.join(TLS_KEY), tls.key.as_bytes(), Access::Private)?;
        write_new(&directory.join(TLS_CERTIFICATE), tls.certificate.as_bytes(), Access::Public)?;
        write_new(&directory.join(AUTHORITY_CERTIFICATE), authority.certificate().as_bytes(), Access::Public)?;
        sync_directory(directory)?;
    }
    sync_directory(out)?;
    Ok(NewKeys { ledger_id: genesis.ledger_id, origin: genesis.origin, authority_key, nodes })
}

fn genesis(
    config: &ClusterConfig,
    log_key: &SigningKey,
    node_keys: &[SigningKey],
) -> Result<ConfigLeaf, KeyFilesError> {
    let public = |key: &SigningKey| key.verifying_key().to_bytes();
    let nodes = config.nodes.iter().zip(node_keys);
    let nodes = nodes.map(|(node, key)| ConfigNode { name: node.name.clone(), public_key: public(key) }).collect();
    let genesis = match &config.ledger.origin {
        Some(origin) => ConfigLeaf::genesis(origin, public(log_key), nodes),
        None => ConfigLeaf::genesis_named_by_id(public(log_key), nodes),
    };
    Ok(genesis?)
}
