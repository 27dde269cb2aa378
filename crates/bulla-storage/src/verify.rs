//! Verification of a whole ledger from its block files alone.

use bulla_sealing::Checkpoint;

use crate::error::StorageError;
use crate::ledger::Ledger;

/// How far verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Blocks verified.
    pub blocks_done: u64,
    /// Blocks there are.
    pub blocks: u64,
    /// Leaves verified.
    pub leaves_done: u64,
}

/// What verification found to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Blocks read.
    pub blocks: u64,
    /// Blocks whose checkpoint carries the valid signatures of all voters.
    pub sealed_blocks: u64,
    /// Leaves hashed and folded again.
    pub leaves: u64,
    /// The tree that ends with the last block; `None` without blocks.
    pub checkpoint: Option<Checkpoint>,
}

impl Ledger {
    /// Reads every block file again: checksums, hashes, chain, roots, and the rules applied to every record from the
    /// first; then compares the result with the rows, and the seals with the policy.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] names the first thing that is wrong.
    pub fn verify_all(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified, StorageError> {
        progress(Progress { blocks_done: 0, blocks: 0, leaves_done: 0 });
        todo!()
    }
}
