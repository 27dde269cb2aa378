//! Verifying a receipt: the rules, in their order, and in words what they showed.

use crate::header::Header;
use crate::policy::{Policy, SealError, Sealed};
use crate::receipt::{MalformedReceipt, Receipt};

/// What a receipt proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The record leaf.
    pub record: Vec<u8>,
    /// Its place in the log.
    pub leaf_index: u64,
    /// Its payload, when the receipt carries it.
    pub payload: Option<Vec<u8>>,
    /// Header of its block.
    pub header: Header,
    /// The checkpoint and who signed it.
    pub sealed: Sealed,
}

/// Verifies a receipt's text.
///
/// # Errors
/// Each rule has its own.
pub fn verify_receipt(text: &[u8], policy: &Policy) -> Result<Verified, ReceiptError> {
    todo!()
}

impl Receipt {
    /// Verifies a receipt.
    ///
    /// # Errors
    /// Each rule has its own.
    pub fn verify(&self, policy: &Policy) -> Result<Verified, ReceiptError> {
        todo!()
    }
}

/// Why a receipt does not prove.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a receipt.
    #[error("not a receipt")]
    Malformed(#[from] MalformedReceipt),
    /// Not sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}
