//! What happens on a node, told to whoever watches it.

use bulla_ledger::RecordId;

use crate::transport::NodeId;

/// Something that happened, in the order in which this node learned of it.
///
/// A watcher that is too slow misses events and is told how many; what it missed can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Records were applied: a majority has them on disk. The log now has this many leaves.
    Recorded {
        /// Leaves in the log, headers included.
        size: u64,
    },
    /// A table was closed; the next one is open.
    Closed {
        /// The table's height.
        height: u64,
    },
    /// A closed table is stored in a block file of this node.
    Stored {
        /// The table's height.
        height: u64,
    },
    /// A voter's attestation was counted.
    Attested {
        /// The table's height.
        height: u64,
        /// The voter's name.
        by: String,
    },
    /// Every voter has signed: the table is a block.
    Sealed {
        /// The block's height.
        height: u64,
    },
    /// A voter signed another root than this node computed. A person must look.
    OtherRoot {
        /// The table's height.
        height: u64,
        /// The voter's name.
        by: String,
    },
    /// An incident was recorded: something is wrong with a server's copy, or was put right.
    Incident {
        /// Its record.
        record_id: RecordId,
        /// The record's leaf.
        leaf_index: u64,
        /// The incident that it closes; `None` when it opens one.
        closed: Option<RecordId>,
    },
    /// This node takes no part until its ledger is rebuilt.
    Quarantined {
        /// Why, for people.
        reason: String,
    },
    /// This node's ledger is rebuilt and verified; it takes part again.
    Readmitted,
    /// The bytes of payloads that were erased are destroyed on this node.
    Shredded {
        /// The last block that asked for it.
        height: u64,
    },
    /// Raft has another leader, or none.
    Leader {
        /// The leader, if one is known.
        node_id: Option<NodeId>,
    },
}
