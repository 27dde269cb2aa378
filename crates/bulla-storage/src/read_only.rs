//! A data directory that is only looked at: nothing in it is written or removed, not even to mend what a crash left.

use std::fs::File;
use std::path::Path;

use bulla_sealing::SignedNote;

use crate::chain::Charter;
use crate::directory::Directory;
use crate::error::StorageError;
use crate::identity::{self, Identity};
use crate::ledger::Ledger;
use crate::overlay::open_over;
use crate::quarantine::Quarantine;
use crate::raft_log::RaftLog;
use crate::rows::Snapshot;
use crate::store::{StoreOptions, add_newer_tables, check_stamp};
use crate::stored::Blocks;
use crate::verify::{Progress, Verified};

/// The stored ledger of a node that is not running, or a copy of its directory. While it is held, no node can take the
/// directory.
#[derive(Debug)]
pub struct ReadOnlyStore {
    ledger: Ledger,
    // Last, as in a store.
    _lock: Option<File>,
}

impl ReadOnlyStore {
    /// Opens a directory as it is. The Raft log is checked when it is there; a copy may be without it.
    ///
    /// # Errors
    /// [`StorageError::InUse`] when a node runs there, [`StorageError::NoIdentity`],
    /// [`StorageError::IdentityMismatch`], [`StorageError::FormatVersion`], [`StorageError::Quarantined`],
    /// [`StorageError::Corrupt`]; [`StorageError::Io`] when it cannot be read.
    pub fn open(dir: &Path) -> Result<ReadOnlyStore, StorageError> {
        let directory = Directory::new(dir);
        let lock = directory.share()?;
        let identity = identity::load(dir)?;
        if let Some(mark) = Quarantine::read(&directory.quarantine())? {
            return Err(StorageError::Quarantined { reason: mark.reason });
        }
        check_raft_log(&directory, &identity)?;
        Ok(ReadOnlyStore { ledger: load(directory, &identity)?, _lock: lock })
    }

    /// As [`Ledger::verify_all`].
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] names the first thing that is wrong.
    pub fn verify_all(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified, StorageError> {
        self.ledger.verify_all(progress)
    }

    /// The newest signed checkpoint in the files.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when what is stored does not check.
    pub fn checkpoint(&self) -> Result<Option<SignedNote>, StorageError> {
        self.ledger.checkpoint()
    }
}

fn load(directory: Directory, identity: &Identity) -> Result<Ledger, StorageError> {
    let path = directory.ledger();
    if !path.exists() {
        return Err(StorageError::corrupt(path.display().to_string(), "the file is missing"));
    }
    let database = open_over(&path)?;
    add_newer_tables(&database, &path)?;
    check_stamp(&Snapshot::take(&database, &path)?, identity)?;
    let blocks = Blocks::new(directory.clone(), identity.genesis.ledger_id, StoreOptions::default().open_blocks_max);
    Ledger::load_as_it_is(directory, Charter::of(identity), database, blocks)
}

fn check_raft_log(directory: &Directory, identity: &Identity) -> Result<(), StorageError> {
    let path = directory.raft_log();
    match path.exists() {
        true => RaftLog::new(&path, open_over(&path)?, &identity.stamp()).map(drop),
        false => Ok(()),
    }
}
