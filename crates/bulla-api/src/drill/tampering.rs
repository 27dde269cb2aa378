//! The tamperings of the drill: what is edited, and how.

use std::path::Path;

use bulla_node::StorageError;
use bulla_node::tamper::{self, Tampered};

use super::books::Books;

/// One thing that somebody with every right on a server could do to its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tampering {
    /// Edit a record in a block file.
    Record,
    /// Edit the row that says who has an asset.
    StateRow,
    /// Make the row by which a record is found lead to another one.
    LookupRow,
    /// Edit an entry of the Raft log.
    LogEntry,
    /// Let two blocks change places.
    SwapBlocks,
}

impl Tampering {
    pub(super) const ALL: [Self; 5] = [Self::Record, Self::StateRow, Self::LookupRow, Self::LogEntry, Self::SwapBlocks];

    /// What is done, for people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Record => "a record in a block file names another receiver",
            Self::StateRow => "the row that says who has the asset names another holder",
            Self::LookupRow => "the row by which a record is found leads to another record",
            Self::LogEntry => "an entry of the Raft log names another receiver",
            Self::SwapBlocks => "two blocks change places",
        }
    }

    /// One word for programs.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::StateRow => "state_row",
            Self::LookupRow => "lookup_row",
            Self::LogEntry => "log_entry",
            Self::SwapBlocks => "swap_blocks",
        }
    }

    /// Does it to the data directory of a server that is stopped.
    pub(super) fn edit(self, dir: &Path, books: &Books) -> Result<Tampered, StorageError> {
        match self {
            Self::Record => tamper::change_record(dir, books.old(), books.thief()),
            Self::StateRow => tamper::change_holder(dir, books.asset_id(), books.thief()),
            Self::LookupRow => tamper::change_lookup(dir, books.old(), books.another()),
            Self::LogEntry => tamper::change_log_entry(dir, books.last(), books.thief()),
            Self::SwapBlocks => tamper::swap_blocks(dir, 1, 2),
        }
    }
}
