//! What applying an entry answers to whoever proposed it.

use std::fmt;

use bulla_storage::{Answer, AttestOutcome};

/// The answer to one entry, the same on every node that applies it.
#[derive(Debug, Clone)]
pub enum Response {
    /// The entry held no command.
    Nothing,
    /// The answers to the requests, batch by batch, in their order.
    Recorded(Vec<Vec<Answer>>),
    /// Whether the table was closed by this entry; false when it was closed already.
    Closed(bool),
    /// What became of an attestation.
    Attested(AttestOutcome),
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Nothing => write!(f, "nothing"),
            Response::Recorded(batches) => write!(f, "answers to {} batches", batches.len()),
            Response::Closed(closed) => write!(f, "closed: {closed}"),
            Response::Attested(outcome) => write!(f, "attested: {outcome:?}"),
        }
    }
}
