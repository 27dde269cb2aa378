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
        let Some(record) = self.record_at(leaf_index)? else {
            return Ok(ReceiptAnswer::Unknown);
        };
        let (snapshot, height, note) = {
            let state = self.state();
            let sealed = block_of_leaf(&*state.snapshot, leaf_index)?.filter(|height| state.is_sealed(*height));
            let Some(height) = sealed else {
                return Ok(ReceiptAnswer::NotSealed);
            };
            (Arc::clone(&state.snapshot), height, state.note(height)?)
        };
        let corrupt = |detail: String| StorageError::corrupt(format!("the proof of leaf {leaf_index}"), detail);
        let note = note.ok_or_else(|| corrupt("the seal of its block is missing".into()))?;
        let row = ManifestRow::read(&*snapshot, height)?.ok_or_else(|| corrupt("its block is missing".into()))?;
        let stored = Stored { rows: &*snapshot, blocks: &self.blocks };
        let (header_index, size) = (row.end_leaf - 1, row.end_leaf);
        let payload = match with_payload {
            true => stored.payload(leaf_index)?.map(|payload| (payload.salt, payload.bytes)),
            false => None,
        };
        let receipt = Receipt {
            record: record.encode().to_vec(),
            payload,
            header: self.blocks.file(height)?.leaf(header_index)?,
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
