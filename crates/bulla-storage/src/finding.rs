//! Findings: what a scrub found wrong, as data, and how it can be put right.

use crate::rows::Of;

/// Something stored that is not what it should be. Not an error: the scrub goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file or row, as a noun phrase.
    pub what: String,
    /// What about it is wrong, to the byte where that can be told.
    pub detail: String,
    /// The block that it belongs to, if it belongs to one.
    pub height: Option<u64>,
    /// How it can be put right.
    pub remedy: Remedy,
}

/// How damage can be put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The block file of a peer, staged and given to [`Ledger::replace_block`](crate::Ledger::replace_block).
    Fetch {
        /// Height of the block.
        height: u64,
    },
    /// The side data of a peer, given to [`Ledger::mend_from_side`](crate::Ledger::mend_from_side).
    Side {
        /// Height of the block.
        height: u64,
        /// What has to be in it.
        rows: Vec<RowKey>,
    },
    /// [`Ledger::rewrite`](crate::Ledger::rewrite): all that is needed follows from what was verified.
    Rewrite(Vec<RowFix>),
    /// Entries of the Raft log that stored blocks have made superfluous: a snapshot and a purge remove them.
    Purge,
    /// The ledger's rows have to be made anew from blocks that are verified.
    Rebuild,
    /// Nothing a program should do: who this node is or what it signed is not what it was.
    Operator,
}

/// Names a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey {
    pub(crate) of: Of,
    pub(crate) key: Vec<u8>,
}

/// How a row should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFix(pub(crate) Fix);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fix {
    Put(Of, Vec<u8>, Vec<u8>),
    Remove(Of, Vec<u8>),
    /// The row of a party and an asset, as the rows of assets and positions say.
    Holding(Vec<u8>),
    /// The rows that say where the blocks end.
    Ends,
}

impl Finding {
    pub(crate) fn rows(of: Of, detail: &str, height: Option<u64>, fixes: Vec<RowFix>) -> Self {
        let what = match fixes.first() {
            Some(RowFix(Fix::Put(_, key, _) | Fix::Remove(_, key) | Fix::Holding(key))) => {
                let others = fixes.len() - 1;
                let more = if others == 0 { String::new() } else { format!(" and {others} more") };
                format!("row {} of table {}{more}", crate::rows::hex(key), of.name())
            }
            _ => format!("the rows of table {}", of.name()),
        };
        Self { what, detail: detail.to_owned(), height, remedy: Remedy::Rewrite(fixes) }
    }
}
