//! Who a data directory belongs to: node, instance, ledger and keys.

use std::path::Path;

use bulla_sealing::ConfigLeaf;
use ed25519_dalek::SigningKey;
use uuid::Uuid;

use crate::error::StorageError;

/// The identity of one node of one ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Unique in the ledger, never used again.
    pub node_id: u64,
    /// The node's name in `genesis`.
    pub node_name: String,
    /// Random; made once with the directory. Two directories never share it.
    pub instance_id: Uuid,
    /// The first leaf of the ledger.
    pub genesis: ConfigLeaf,
    /// Signs this node's attestations.
    pub node_key: SigningKey,
    /// Signs checkpoints; the same on every node of the ledger.
    pub log_key: SigningKey,
}

/// Writes the identity into a directory that has none; makes the directory if need be.
///
/// # Errors
/// [`StorageError::IdentityExists`].
pub fn create(dir: &Path, identity: &Identity) -> Result<(), StorageError> {
    todo!("{dir:?} {identity:?}")
}

/// Reads the identity of a directory.
///
/// # Errors
/// [`StorageError::NoIdentity`], [`StorageError::Corrupt`].
pub fn load(dir: &Path) -> Result<Identity, StorageError> {
    todo!("{dir:?}")
}
