//! A data directory in use by this process.

use std::path::Path;

use crate::error::StorageError;
use crate::guard::Guard;
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::raft_log::RaftLog;

/// What may be tuned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// Memory for the pages of the ledger's database, bytes.
    pub ledger_cache_bytes: usize,
    /// Memory for the pages of the log's database, bytes.
    pub log_cache_bytes: usize,
    /// Block files held open at once.
    pub open_blocks_max: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { ledger_cache_bytes: 256 << 20, log_cache_bytes: 64 << 20, open_blocks_max: 64 }
    }
}

/// One node's data directory, locked for this process until it is dropped.
#[derive(Debug)]
pub struct Store {
    identity: Identity,
    raft_log: RaftLog,
    ledger: Ledger,
    guard: Guard,
}

impl Store {
    /// Opens the directory of the node `expect`; makes the databases the first time.
    ///
    /// # Errors
    /// [`StorageError::InUse`], [`StorageError::NoIdentity`], [`StorageError::IdentityMismatch`],
    /// [`StorageError::FormatVersion`], [`StorageError::Corrupt`].
    pub fn open(dir: &Path, expect: &Identity, options: StoreOptions) -> Result<Self, StorageError> {
        todo!("{dir:?} {expect:?} {options:?}")
    }

    /// Who this node is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The Raft log and vote.
    pub fn raft_log(&self) -> &RaftLog {
        &self.raft_log
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What this node ever signed.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }
}
