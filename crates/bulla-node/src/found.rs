//! Founding a ledger: its keys and its genesis leaf, before any server runs.

use bulla_sealing::{ConfigLeaf, ConfigNode, SigningKey};
use bulla_storage::Identity;
use uuid::Uuid;

use crate::node::OpenError;
use crate::options::Member;

/// Founds a ledger: one identity for each member, all with the same genesis leaf and log key.
///
/// `origin` is the name under which checkpoints are signed, a URL without a scheme; without one it is
/// `bulla/` and the ledger's id. Each identity goes into the data directory of its member, through
/// [`identity_files::create`](bulla_storage::identity_files::create), and nowhere else.
///
/// # Errors
/// [`OpenError::Members`] when there is no member, or the system has no randomness.
pub fn found(origin: Option<&str>, members: &[Member]) -> Result<Vec<Identity>, OpenError> {
    if members.is_empty() {
        return Err(OpenError::Members("a ledger has at least one server; name one".into()));
    }
    let log_key = SigningKey::from_bytes(&random()?);
    let mut node_keys = Vec::with_capacity(members.len());
    for _ in members {
        node_keys.push(SigningKey::from_bytes(&random()?));
    }
    let nodes = members
        .iter()
        .zip(&node_keys)
        .map(|(member, key)| ConfigNode { name: member.name.clone(), public_key: key.verifying_key().to_bytes() });
    let (log_public, nodes) = (log_key.verifying_key().to_bytes(), nodes.collect());
    let genesis = match origin {
        Some(origin) => ConfigLeaf::genesis(origin, log_public, nodes),
        None => ConfigLeaf::genesis_named_by_id(log_public, nodes),
    };
    let genesis = genesis.map_err(|error| OpenError::Members(error.to_string()))?;
    let mut identities = Vec::with_capacity(members.len());
    for (member, node_key) in members.iter().zip(node_keys) {
        identities.push(Identity {
            node_id: member.node_id,
            node_name: member.name.clone(),
            instance_id: Uuid::from_bytes(random()?),
            genesis: genesis.clone(),
            node_key,
            log_key: log_key.clone(),
        });
    }
    Ok(identities)
}

fn random<const N: usize>() -> Result<[u8; N], OpenError> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| OpenError::Members(format!("the system gives no random numbers for new keys: {error}")))?;
    Ok(bytes)
}
