//! The state machine's data: open and closed tables in memory over stored blocks and rows.

use std::sync::Arc;

use bulla_sealing::Checkpoint;

use crate::answer::{Answer, Batch};
use crate::error::StorageError;
use crate::table::{ClosedTable, Closing, TableInfo};

/// How far the ledger would be after a power cut now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Durable {
    /// The highest stored block; `None` before the first.
    pub height: Option<u64>,
    /// What that block's [`Closing`] said; the log entries after it must be applied again.
    pub replay_from: Option<Vec<u8>>,
}

/// The ledger of one node. All methods may be called from any thread.
#[derive(Debug)]
pub struct Ledger {}

impl Ledger {
    /// Applies batches in order, as of `time_us` (POSIX microseconds, raised to the last record time if it is below).
    ///
    /// # Errors
    /// The state is then as before the call.
    pub fn apply_requests(&self, time_us: u64, batches: &[Batch]) -> Result<Vec<Vec<Answer>>, StorageError> {
        todo!("{time_us} {batches:?}")
    }

    /// The table that records go to now.
    pub fn open_table(&self) -> TableInfo {
        todo!()
    }

    /// The tables that are closed but not stored yet, lowest first.
    pub fn closed_tables(&self) -> Vec<Arc<ClosedTable>> {
        todo!()
    }

    /// Closes the open table if `height` is its height, and opens the next one.
    pub fn close(&self, height: u64, closing: Closing) -> Option<Arc<ClosedTable>> {
        todo!("{height} {closing:?}")
    }

    /// Writes the block file, then makes block, rows, payloads, seals and `replay_from` durable in one transaction.
    /// Tables are stored in the order in which they were closed. Blocks its thread for the whole write.
    ///
    /// # Errors
    /// [`StorageError::Superseded`] when `reset_open` dropped the table.
    pub fn store(&self, table: &ClosedTable) -> Result<(), StorageError> {
        todo!("{table:?}")
    }

    /// What a restart would begin with.
    pub fn durable(&self) -> Durable {
        todo!()
    }

    /// The tree that ends with block `height`, recomputed from the bytes of its stored file.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when it is not what apply computed.
    pub fn checkpoint_from_disk(&self, height: u64) -> Result<Checkpoint, StorageError> {
        todo!("{height}")
    }

    /// Drops the open table and those not stored yet: back to the state after the last stored block.
    pub fn reset_open(&self) -> Result<(), StorageError> {
        todo!()
    }
}
