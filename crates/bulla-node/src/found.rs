//! Founding a ledger: its keys and its genesis leaf, before any server runs.

use bulla_sealing::{ConfigLeaf, ConfigNode, KeyError, SigningKey};
use bulla_storage::Identity;
use uuid::Uuid;

use crate::options::Member;

/// Why a ledger could not be founded.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// There is no member.
    #[error("a ledger has at least one server; name one")]
    NoMembers,
    /// The names of origin or members cannot stand in a configuration leaf.
    #[error("the names of the servers or the origin cannot found a ledger")]
    Names(#[from] KeyError),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers to make keys from")]
    Randomness(#[from] getrandom::Error),
}

/// Founds a ledger: one identity for each member, all with the same genesis leaf and log key.
///
/// `origin` is the name under which checkpoints are signed, a URL without a scheme; without one it is
/// `bulla/` and the ledger's id. Each identity goes into the data directory of its member, through
/// [`identity_files::create`](bulla_storage::identity_files::create), and nowhere else.
///
/// # Errors
/// See [`FoundError`].
pub fn found(origin: Option<&str>, members: &[Member]) -> Result<Vec<Identity>, FoundError> {
    if members.is_empty() {
        return Err(FoundError::NoMembers);
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
        Some(origin) => ConfigLeaf::genesis(origin, log_public, nodes)?,
        None => ConfigLeaf::genesis_named_by_id(log_public, nodes)?,
    };
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

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
