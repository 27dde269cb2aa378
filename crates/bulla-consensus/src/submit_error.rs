//! Why a batch got no answers.

use crate::transport::NodeId;

/// Why a batch got no answers. Answers that say no are not errors: they are
/// [`Answer::Rejected`](bulla_storage::Answer::Rejected).
///
/// Whatever the error, the batch may be sent again as it is: record ids make that safe, and are
/// needed, since after [`SubmitError::Unavailable`] it may have been recorded all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// No leader with a majority answered in time.
    #[error("no leader with a majority of servers could record this in time; send it again with the same record ids")]
    Unavailable {
        /// The leader as far as it is known.
        leader: Option<NodeId>,
    },
    /// More is waiting than this node is willing to hold.
    #[error("too much is waiting to be recorded; send it again in a moment")]
    Overloaded,
    /// The leader's disk has no more free than its reserve.
    #[error(
        "the leader's disk is nearly full, and what is recorded must still find room; free some space, then send it again"
    )]
    DiskFull,
    /// The batch has more requests than are allowed.
    #[error("a batch holds at most {records_max} requests, this one has {records}; send it in parts")]
    TooManyRecords {
        /// Requests in the batch.
        records: usize,
        /// Requests allowed.
        records_max: usize,
    },
    /// The batch is too long, payloads included.
    #[error("a batch holds at most {bytes_max} bytes, payloads included, this one has {bytes}; send it in parts")]
    TooManyBytes {
        /// Bytes of the batch.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// The node's ledger is being rebuilt from its peers.
    #[error("this node is quarantined and rebuilds its ledger from its peers; send it to another one")]
    Quarantined,
    /// The node is stopping, or has stopped after a failure that its log names.
    #[error("this node has stopped; send it to another one, or start this one again")]
    Stopped,
}
