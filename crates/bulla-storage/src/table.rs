//! Record tables: the open one in memory, and the closed ones on their way to a block file.

use bulla_sealing::{Checkpoint, Header};
use uuid::Uuid;

/// What is known of the open table, for the decision to close it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// The height that its block will have.
    pub height: u64,
    /// Its id.
    pub table_id: Uuid,
    /// Leaves in it so far.
    pub records: u64,
    /// Requests refused for good while it was open.
    pub refused: u64,
    /// What it would take in a block file, roughly, without payloads.
    pub bytes: u64,
    /// When it was opened, POSIX microseconds; 0 for the first table of a ledger.
    pub opened_us: u64,
    /// The time of its first record or refusal, POSIX microseconds.
    pub first_record_us: Option<u64>,
}

/// What the committed Close entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The leader's clock when it proposed, POSIX microseconds. Raised to the last record's time if it is below.
    pub closed_us: u64,
    /// Raft term of the Close entry.
    pub raft_term: u64,
    /// Raft index of the Close entry.
    pub raft_index: u64,
    /// Opaque: where the log is to be replayed from once this table is stored. Becomes durable with the block.
    pub replay_from: Vec<u8>,
}

/// A table that takes no more records: its header is fixed, its bytes never change again.
#[derive(Debug)]
pub struct ClosedTable {
    header: Header,
    checkpoint: Checkpoint,
}

impl ClosedTable {
    /// The height of its block.
    pub fn height(&self) -> u64 {
        self.header.height
    }

    /// Its header: the last leaf of its block.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The tree that ends with its header, as apply computed it.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}
