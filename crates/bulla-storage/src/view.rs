//! What reads answer: a record, a table, a block.

use bulla_ledger::{Record, Rejection, Transfer};
use bulla_sealing::{Header, SignedNote};
use uuid::Uuid;

/// What a record id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It was recorded.
    Recorded(Record),
    /// It was refused for good.
    Refused {
        /// What was asked.
        transfer: Transfer,
        /// Why not.
        rejection: Rejection,
        /// When, POSIX microseconds.
        time_us: u64,
    },
}

/// What a record id stands for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView {
    /// The record, or the refusal.
    pub entry: Entry,
    /// Height of the table that holds it.
    pub height: u64,
    /// That table's id.
    pub table_id: Uuid,
    /// Whether that table is sealed.
    pub sealed: bool,
}

/// Where a table is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableState {
    /// It takes records.
    Open,
    /// It waits for attestations.
    Closed,
    /// It is a block that every voter signed.
    Sealed,
}

/// A record table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableView {
    /// Its height.
    pub height: u64,
    /// Its id.
    pub table_id: Uuid,
    /// Where it is in its life.
    pub state: TableState,
    /// Its first leaf.
    pub first_leaf: u64,
    /// Leaves in it, not counting the header.
    pub records: u64,
    /// When it was opened, POSIX microseconds.
    pub opened_us: u64,
    /// Its header, once it is closed.
    pub header: Option<Header>,
    /// The voters that have not attested yet; empty while it is open.
    pub waiting_for: Vec<String>,
}

/// A stored block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockView {
    /// Its header.
    pub header: Header,
    /// The checkpoint that ends with it, once sealed.
    pub note: Option<SignedNote>,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// Length of its file.
    pub bytes: u64,
}
