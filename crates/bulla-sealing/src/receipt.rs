//! Receipts (C2SP tlog-proof): a record, the proof that it is in the log, and the sealed checkpoint.

use crate::hash::Hash;
use crate::note::SignedNote;

/// Most raw bytes of a receipt's extra line.
pub const RECEIPT_EXTRA_BYTES_MAX: usize = 48_000;

/// A receipt as parsed, or as put together by a node. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The record leaf.
    pub record: Vec<u8>,
    /// Salt and bytes of the record's payload, when it was asked for.
    pub payload: Option<([u8; 32], Vec<u8>)>,
    /// The header leaf of the record's block.
    pub header: Vec<u8>,
    /// Inclusion proof of the header.
    pub header_path: Vec<Hash>,
    /// Leaf index of the record.
    pub index: u64,
    /// Inclusion proof of the record.
    pub path: Vec<Hash>,
    /// The checkpoint that both paths lead to.
    pub checkpoint: SignedNote,
}

impl Receipt {
    /// The receipt's text.
    ///
    /// # Errors
    /// When it would be too large.
    pub fn to_text(&self) -> Result<String, ReceiptTooLarge> {
        todo!()
    }

    /// Parses a receipt.
    ///
    /// # Errors
    /// When the text is not a receipt.
    pub fn parse(text: &[u8]) -> Result<Receipt, MalformedReceipt> {
        todo!()
    }
}

/// The receipt would be larger than a receipt may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("too large")]
pub struct ReceiptTooLarge;

/// Why text is not a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedReceipt {
    /// The first line.
    #[error("first line")]
    FirstLine,
}
