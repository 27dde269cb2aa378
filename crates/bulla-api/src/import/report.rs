//! What an import did, counted, and every row that it could not record.

use serde::Serialize;

/// Most refused rows that are remembered one by one; all are counted.
const REFUSED_MAX: usize = 100_000;

/// What became of the rows of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Rows looked at.
    pub(crate) rows: u64,
    /// Rows of which something was recorded now.
    pub(crate) recorded: u64,
    /// Rows that had been recorded in full before.
    pub(crate) repeated: u64,
    /// Rows that were not recorded.
    pub(crate) refused: u64,
    /// Parties that were not known before.
    pub(crate) new_parties: u64,
    /// Classes that were not known before.
    pub(crate) new_classes: u64,
    /// Assets that were not known before.
    pub(crate) new_assets: u64,
    /// Records made in all.
    pub(crate) records: u64,
    /// The refused rows in the order of the file, the first 100,000 of them.
    pub(crate) refused_rows: Vec<Refused>,
}

/// A row that was not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    /// Line of the file on which it starts.
    pub(crate) line: u64,
    /// Why, in words.
    pub(crate) reason: String,
}

impl Report {
    /// Counts a refused row.
    pub(super) fn refuse(&mut self, line: u64, reason: String) {
        self.refused += 1;
        if self.refused_rows.len() < REFUSED_MAX {
            self.refused_rows.push(Refused { line, reason });
        }
    }
}
