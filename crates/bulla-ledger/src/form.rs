//! What can be told from a request alone, without looking at the ledger.

use crate::{Payload, Rejection, Transfer};

/// The most decimal digits of a quantity class: 10^38 still fits a `u128`.
pub const SCALE_MAX: u8 = 38;

/// Whether the request is well formed: everything that needs no state.
pub fn check_form(_transfer: &Transfer) -> Result<(), Rejection> {
    todo!()
}

/// Whether the payload that came with the request, if any, is the one it commits to. A request may
/// commit to a payload that only the client keeps.
pub fn check_payload(_transfer: &Transfer, _payload: Option<&Payload>) -> Result<(), Rejection> {
    todo!()
}
