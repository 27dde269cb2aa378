//! The record: a line of the ledger for ever, in 176 bytes.

use crate::{DecodeError, PartyId, Transfer};

/// An accepted request in its place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its own index in the log.
    pub leaf_index: u64,
    /// What was asked for and happened.
    pub transfer: Transfer,
    /// Its number in its asset's chain (quantity: in the chain of the `from` position), from 0.
    pub asset_seq: u64,
    /// The record before it in that chain; [`crate::NO_LEAF`] for the first.
    pub prev_leaf: u64,
    /// The record before it in the chain of the `to` position; [`crate::NO_LEAF`] when there is none.
    pub prev_leaf_to: u64,
    /// The record it refers to: a registration refers to the definition of its class.
    pub ref_leaf: u64,
    /// When it was recorded, POSIX microseconds; never decreases along the log.
    pub time_us: u64,
}

impl Record {
    /// Bytes of a record leaf.
    pub const LEN: usize = 176;

    /// The leaf.
    pub fn encode(&self) -> [u8; Self::LEN] {
        todo!()
    }
    /// Reads a leaf; what it returns encodes to the same bytes again.
    pub fn decode(_bytes: &[u8]) -> Result<Self, DecodeError> {
        todo!()
    }
    /// The record before this one in the chain of `party`'s position (nil: the asset's own chain),
    /// or, of a unique asset, in its only chain, whichever party is asked for.
    pub fn previous(&self, _party: PartyId) -> Option<u64> {
        todo!()
    }
}

/// The kind of any leaf, record or not.
pub fn leaf_kind(_leaf: &[u8]) -> Result<u8, DecodeError> {
    todo!()
}
