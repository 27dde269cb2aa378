//! Receipts: a record, its proof and the sealed checkpoint, verified before they are handed out.

use bulla_sealing::Receipt;

use crate::error::StorageError;
use crate::ledger::Ledger;

/// The answer to a request for a receipt.
#[derive(Debug)]
pub enum ReceiptAnswer {
    /// The receipt, verified against this node's own policy.
    Ready(Box<Receipt>),
    /// The record is there, its block is not sealed yet.
    NotSealed,
    /// There is no record at this leaf.
    Unknown,
}

impl Ledger {
    /// Makes a receipt of the record at `leaf_index` against the block that holds it.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when what is stored does not verify.
    pub fn receipt(&self, leaf_index: u64, with_payload: bool) -> Result<ReceiptAnswer, StorageError> {
        todo!("{leaf_index} {with_payload}")
    }
}
