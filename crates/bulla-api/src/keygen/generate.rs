//! Makes the keys that found a ledger: `bulla keygen`.

use std::path::{Path, PathBuf};

use bulla_node::config::ClusterConfig;
use bulla_node::{Member, NodeId, found};
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
/// [`KeyFilesError::Found`], [`KeyFilesError::Io`], [`KeyFilesError::Certificates`].
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

    let members: Vec<Member> =
        config.nodes.iter().map(|node| Member { node_id: node.id, name: node.name.clone() }).collect();
    let identities = found(config.ledger.origin.as_deref(), &members)?;
    let genesis = identities[0].genesis.clone();
    let authority = Authority::new(genesis.ledger_id)?;

    make_directory(out)?;
    write_new(&authority_key, authority.key().as_bytes(), Access::Private)?;
    write_new(&authority_certificate, authority.certificate().as_bytes(), Access::Public)?;
    for ((node_id, directory), identity) in nodes.iter().zip(&identities) {
        make_directory(directory)?;
        let tls = authority.certify(*node_id)?;
        seed::write(&directory.join(NODE_KEY), &identity.node_key)?;
        seed::write(&directory.join(LOG_KEY), &identity.log_key)?;
        write_new(&directory.join(GENESIS), &genesis.encode(), Access::Public)?;
        write_new(&directory.join(TLS_KEY), tls.key.as_bytes(), Access::Private)?;
        write_new(&directory.join(TLS_CERTIFICATE), tls.certificate.as_bytes(), Access::Public)?;
        write_new(&directory.join(AUTHORITY_CERTIFICATE), authority.certificate().as_bytes(), Access::Public)?;
        sync_directory(directory)?;
    }
    sync_directory(out)?;
    Ok(NewKeys { ledger_id: genesis.ledger_id, origin: genesis.origin, authority_key, nodes })
}
