//! What is asked of the ledger, and what it answers.

use bulla_ledger::{Payload, Rejection, Transfer};
use uuid::Uuid;

/// One request with what travels beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is to happen.
    pub transfer: Transfer,
    /// The payload that `transfer.payload_commit` commits to, if the client sent one.
    pub payload: Option<Payload>,
}

/// Requests that arrived together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// All or nothing: when one item is rejected, none is recorded.
    pub atomic: bool,
    /// The requests, in order.
    pub items: Vec<Item>,
}

/// The answer to one item. The same on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The transfer is in the ledger.
    Recorded {
        /// Its leaf in the Merkle log.
        leaf_index: u64,
        /// The height of the table that holds it.
        height: u64,
        /// The table that holds it.
        table_id: Uuid,
        /// Record time, POSIX microseconds.
        time_us: u64,
        /// True when it was recorded by an earlier request with the same id and content.
        repeated: bool,
    },
    /// The transfer is not in the ledger.
    Rejected {
        /// Why.
        rejection: Rejection,
    },
}
