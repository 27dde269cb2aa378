//! Erasure: payloads that a record said to be destroyed leave the rows, then the free pages, then every file beside them.

use std::sync::Arc;

use bulla_ledger::{Prior, Source};
use redb::Database;

use crate::answer::Batch;
use crate::directory::list;
use crate::error::StorageError;
use crate::ledger::Ledger;
use crate::rows::{Changes, Of, Rows, Snapshot};
use crate::shred::{DatabaseOf, destroy, overwrite_free_pages};
use crate::table::RecordTable;

impl Ledger {
    /// Whether bytes of erased payloads are still to be destroyed: if so, the height of the last block that asks for it.
    /// Outlives a restart.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn shred_due(&self) -> Result<Option<u64>, StorageError> {
        read_due(&*Arc::clone(&self.state().snapshot))
    }

    /// Destroys what the ledger's files still have of the payloads erased up to the block `due`, which
    /// [`Ledger::shred_due`] named. Others record and read meanwhile. The Raft log is shredded apart, and before.
    ///
    /// False when somebody still reads what was so before, as a long verification does: then it is to be tried again.
    /// Nobody may be pulling blocks.
    ///
    /// # Errors
    /// When the disk is full or fails. What is not done is done again by the next call, also after a restart.
    pub fn shred(&self, due: u64) -> Result<bool, StorageError> {
        let path = self.path();
        {
            let database = self.writer();
            Changes::commit(&database, &path, remove_erased)?;
            self.take_snapshot(&database)?;
        }
        if self.is_read_as_before() {
            return Ok(false);
        }
        for path in list(&self.directory.incoming())? {
            // Payloads come along with blocks, and stay here when the blocks do not arrive.
            if path.extension().is_some_and(|extension| extension == "side") {
                destroy(&path)?;
            }
        }
        for path in self.directory.databases_set_aside()? {
            destroy(&path)?;
        }
        overwrite_free_pages(self, &path)?;
        let database = self.writer();
        Changes::commit(&database, &path, |changes| match read_due(&*changes)? == Some(due) {
            true => changes.remove(Of::Meta, SHRED_DUE),
            false => Ok(()),
        })?;
        self.take_snapshot(&database)?;
        Ok(true)
    }

    /// Takes the payloads out of a batch that belong to records of before whose payloads were erased.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn drop_erased(&self, batch: &mut Batch) -> Result<(), StorageError> {
        let state = self.state();
        let any = state.tables().any(|table| !table.rows.erased.is_empty()) || state.snapshot.len(Of::Erased)? > 0;
        for item in batch.items.iter_mut().filter(|item| any && item.payload.is_some()) {
            let prior = state.now(&self.blocks, |now| now.prior(item.transfer.record_id))?;
            if matches!(prior, Some(Prior::Accepted { erased: true, .. })) {
                item.payload = None;
            }
        }
        Ok(())
    }

    /// The rows as they are now become those that are read.
    fn take_snapshot(&self, database: &Database) -> Result<(), StorageError> {
        let snapshot = Arc::new(Snapshot::take(database, &self.path())?);
        self.remember(&snapshot);
        self.state_mut().snapshot = snapshot;
        Ok(())
    }
}

impl DatabaseOf for Ledger {
    fn with(&self, change: &mut dyn FnMut(&Database) -> Result<(), StorageError>) -> Result<(), StorageError> {
        change(&self.writer())
    }
}

/// What a table says about erased payloads.
///
/// The bytes of a payload are overwritten in their row, by as many, before the row goes: a row that is only removed may
/// leave its last bytes behind in a page that lives on.
pub(crate) fn put_erased(changes: &mut Changes<'_>, table: &RecordTable) -> Result<(), StorageError> {
    for (target, notice) in &table.rows.erased {
        let key = target.to_be_bytes();
        changes.put(Of::Erased, &key, &notice.to_be_bytes())?;
        if let Some(payload) = changes.get(Of::Payloads, &key)? {
            changes.put(Of::Payloads, &key, &vec![0; payload.len()])?;
        }
    }
    match table.shred {
        true => changes.put(Of::Meta, SHRED_DUE, &table.height.to_be_bytes()),
        false => Ok(()),
    }
}

/// The rows whose bytes were overwritten.
fn remove_erased(changes: &mut Changes<'_>) -> Result<(), StorageError> {
    let mut erased = Vec::new();
    changes.each(Of::Erased, |key, _| {
        erased.push(key.to_vec());
        Ok(())
    })?;
    erased.iter().try_for_each(|key| changes.remove(Of::Payloads, key))
}

fn read_due(rows: &impl Rows) -> Result<Option<u64>, StorageError> {
    match rows.get(Of::Meta, SHRED_DUE)? {
        Some(height) => match height.try_into() {
            Ok(height) => Ok(Some(u64::from_be_bytes(height))),
            Err(_) => Err(rows.corrupt_row(Of::Meta, SHRED_DUE, "it is no height")),
        },
        None => Ok(None),
    }
}

const SHRED_DUE: &[u8] = b"shred_due";
