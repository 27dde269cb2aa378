//! Files of other programs, recorded in the ledger: as they stream by, once each, bad rows apart.
//!
//! ```text
//!   file ──Source──▶ rows, each a few Steps ──run──▶ batches ──Sink──▶ the ledger
//!                         │                             │
//!                         └──── what is wrong with a row, with its line ────▶ Report
//! ```
//! Every step has a record id made from the row, so an import that was cut off is simply run again:
//! what was recorded is answered again, and the rest follows.

mod ids;
mod ndjson;
mod report;
mod rows;
mod run;
mod snipe_it;
mod step;
mod transfers_csv;
mod when;

#[cfg(test)]
mod tests;

use std::io;

pub(crate) use ids::shared as shared_id;
pub(crate) use ndjson::Ndjson;
pub(crate) use report::Report;
pub(crate) use run::{Cause, Sink, Stopped, run};
pub(crate) use snipe_it::{Options as SnipeItOptions, SnipeIt};
use step::Step;
pub(crate) use transfers_csv::{Opening, Options as TransfersCsvOptions, TransfersCsv};
pub(crate) use when::{Dates, SlashOrder};

/// A file being read, row by row.
pub(crate) trait Source {
    /// The next row, or `None` at the end of the file.
    ///
    /// # Errors
    /// What reading the file fails with; a bad row is no error.
    fn next_row(&mut self) -> io::Result<Option<Planned>>;
}

/// What one row of a file asks for.
#[derive(Debug)]
pub(crate) struct Planned {
    /// Line of the file on which the row starts; the first line is 1.
    pub(crate) line: u64,
    /// What to record, each step relying on those before it; or why the row is refused.
    steps: Result<Vec<Step>, String>,
    /// An asset that the ledger must have had before.
    must_exist: Option<String>,
}

impl Planned {
    fn refused(line: u64, reason: String) -> Planned {
        Planned { line, steps: Err(reason), must_exist: None }
    }
}
