//! Receipts: a record, its proof and the sealed checkpoint, verified before they are handed out.

use std::sync::Arc;

use bulla_sealing::{Receipt, inclusion_proof};

use crate::error::StorageError;
use crate::ledger::Ledger;
use crate::manifest::{ManifestRow, block_of_leaf};
use crate::stored::Stored;

/// The answer to a request for a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptAnswer {
    /// The receipt, verified against this node's own policy.
    Ready(Box<Receipt>),
    /// The record is there, its block is not sealed yet.
    NotSealed,
    /// There is no record at this leaf.
    Unknown,
}

impl Ledger {
    /// Makes a receipt of the record at `leaf_index`, against the checkpoint of the block that holds it.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when what is stored does not verify: a wrong receipt never leaves the node.
    pub fn receipt(&self, leaf_index: u64, with_payload: bool) -> Result<ReceiptAnswer, StorageError> {
        self.receipt_at(leaf_index, with_payload, |own_size| own_size)
    }

    /// Makes a receipt of the record at `leaf_index`, against the checkpoint of the size that `choose` prefers to the
    /// one of the record's own block, whose size it is given. If no sealed block of that size or above ends there, the
    /// own one it is.
    ///
    /// # Errors
    /// As [`Ledger::receipt`].
    pub fn receipt_at(
        &self,
        leaf_index: u64,
        with_payload: bool,
        choose: impl FnOnce(u64) -> u64,
    ) -> Result<ReceiptAnswer, StorageError> {
        let Some(record) = self.record_at(leaf_index)? else {
            return Ok(ReceiptAnswer::Unknown);
        };
        let corrupt = |detail: String| StorageError::corrupt(format!("the proof of leaf {leaf_index}"), detail);
        let (height, note, row) = {
            let state = self.readable()?;
            let sealed = block_of_leaf(&*state.snapshot, leaf_index)?.filter(|height| state.is_sealed(*height));
            let Some(height) = sealed else {
                return Ok(ReceiptAnswer::NotSealed);
            };
            (height, state.note(height)?, ManifestRow::read(&*state.snapshot, height)?)
        };
        let own = note.ok_or_else(|| corrupt("the seal of its block is missing".into()))?;
        let row = row.ok_or_else(|| corrupt("its block is missing".into()))?;
        let (header_index, own_size) = (row.end_leaf - 1, row.end_leaf);
        let (size, note) = match choose(own_size) {
            later if later > own_size => match self.checkpoint_of_size(later)? {
                Some(note) => (later, note),
                None => (own_size, own),
            },
            _ => (own_size, own),
        };
        // Taken after the choice, so that it holds all that was chosen.
        let snapshot = Arc::clone(&self.readable()?.snapshot);
        let stored = Stored { rows: &*snapshot, blocks: &self.blocks };
        let payload = match with_payload {
            true => stored.payload(leaf_index)?.map(|payload| (payload.salt, payload.bytes)),
            false => None,
        };
        let receipt = Receipt {
            record: record.encode().to_vec(),
            payload,
            header: stored.leaf_of(height, header_index)?,
            header_path: inclusion_proof(header_index, size, &stored)?,
            index: leaf_index,
            path: inclusion_proof(leaf_index, size, &stored)?,
            checkpoint: note,
        };
        match receipt.verify(&self.charter.policy) {
            Ok(_) => Ok(ReceiptAnswer::Ready(Box::new(receipt))),
            Err(error) => Err(corrupt(error.to_string())),
        }
    }
}
