//! Catching up: a node that lacks blocks pulls them whole from a peer, verifies them, and switches once.

use bytes::Bytes;

use crate::error::StorageError;
use crate::ledger::Ledger;

/// A block of a peer on its way into this directory.
#[derive(Debug)]
pub struct StagedBlock {}

impl StagedBlock {
    /// Writes a piece of the block file at `offset`.
    pub fn write(&mut self, offset: u64, piece: &[u8]) -> Result<(), StorageError> {
        todo!("{offset} {piece:?}")
    }

    /// Writes what the peer's [`Ledger::side_data`] answered.
    pub fn write_side(&mut self, side_data: &[u8]) -> Result<(), StorageError> {
        todo!("{side_data:?}")
    }

    /// Makes both durable. Without it the staged block is thrown away.
    pub fn finish(self) -> Result<(), StorageError> {
        todo!()
    }
}

impl Ledger {
    /// Length of a stored block file, bytes.
    pub fn block_len(&self, height: u64) -> Result<u64, StorageError> {
        todo!("{height}")
    }

    /// Up to `len_max` bytes of a stored block file; empty at its end.
    pub fn read_block(&self, height: u64, offset: u64, len_max: usize) -> Result<Bytes, StorageError> {
        todo!("{height} {offset} {len_max}")
    }

    /// What belongs to a stored block and is not in its file: payloads, the seal, attestations.
    pub fn side_data(&self, height: u64) -> Result<Bytes, StorageError> {
        todo!("{height}")
    }

    /// Begins to receive a block. Replaces what was staged for that height before.
    pub fn stage(&self, height: u64) -> Result<StagedBlock, StorageError> {
        todo!("{height}")
    }

    /// True when the block is staged completely.
    pub fn is_staged(&self, height: u64) -> bool {
        todo!("{height}")
    }

    /// Verifies the staged blocks after the last stored one up to `upto`, folds their records again, and makes all of
    /// them durable at once together with `replay_from`. The open table and those not stored are dropped.
    ///
    /// # Errors
    /// [`StorageError::BadBlock`] when a block is not what the rules or the signatures say: nothing has changed then.
    pub fn adopt(&self, upto: u64, replay_from: Vec<u8>) -> Result<(), StorageError> {
        todo!("{upto} {replay_from:?}")
    }
}
