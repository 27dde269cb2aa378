//! `bulla promise`: a server's signed word before sealing, and whether it was kept.

use std::path::PathBuf;

use bulla_client::Time;
use bulla_sealing::{Fate, Verified, VerifiedPromise, verify_promise, verify_receipt};
use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::exit::chain;
use super::print::print;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum PromiseCommand {
    /// Get a server's promise that it has a record, verified against --policy. It is no receipt
    Get {
        /// The record id that was given or printed when it was recorded
        record_id: Uuid,
        /// Write it to this file rather than print it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify a promise against --policy, and hold it against a receipt. Asks no server, needs no network
    Verify {
        /// The file that holds the promise
        file: PathBuf,
        /// A receipt of the promised record, or of one that stands in its place
        #[arg(long, value_name = "FILE")]
        receipt: Option<PathBuf>,
    },
}

impl PromiseCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        match self {
            PromiseCommand::Get { record_id, out } => {
                let promised = servers.client()?.promise(record_id).await?;
                match out {
                    None => print(&promised.text),
                    Some(out) => {
                        std::fs::write(&out, &promised.text).map_err(|error| {
                            Failure::caused(format_args!("cannot write the promise to {}", out.display()), &error)
                        })?;
                        show(&promised.verified, None, printer);
                    }
                }
                Ok(Exit::Done)
            }
            PromiseCommand::Verify { file, receipt } => {
                let policy = servers.policy()?;
                let nothing = |file: &PathBuf, error: &(dyn std::error::Error + 'static), is_unknown: bool| {
                    let what = format!("{} proves nothing: {}", file.display(), chain(error));
                    if is_unknown { Failure::could_not(what) } else { Failure::no(what) }
                };
                let promise = verify_promise(&read(&file)?, &policy)
                    .map_err(|error| nothing(&file, &error, error.is_unknown()))?;
                let receipt = match &receipt {
                    Some(file) => Some(
                        verify_receipt(&read(file)?, &policy)
                            .map_err(|error| nothing(file, &error, error.is_unknown()))?,
                    ),
                    None => None,
                };
                Ok(show(&promise, receipt.as_ref(), printer))
            }
        }
    }
}

fn read(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::caused(format_args!("cannot read {}", file.display()), &error))
}

/// Says who promised what and when, and what the receipt makes of it.
fn show(verified: &VerifiedPromise, receipt: Option<&Verified>, printer: &Printer) -> Exit {
    let VerifiedPromise { node_name, promise } = verified;
    let fate = receipt.map(|receipt| verified.held_against(receipt));
    let word = fate.as_ref().map(|fate| match fate {
        Fate::Kept => "kept",
        Fate::Broken(_) => "broken",
        Fate::NotComparable => "not_comparable",
    });
    let value = json!({
        "promised_by": node_name,
        "time": Time::from_micros(promise.time_ms.saturating_mul(1_000)),
        "leaf_index": promise.leaf_index,
        "leaf_hash": promise.leaf_hash.to_string(),
        "table_id": promise.table_id,
        "origin": promise.origin,
        "fate": word,
        "what": fate.as_ref().map(ToString::to_string),
    });
    printer.show(&value, || match &fate {
        Some(fate) => format!("{verified}{fate}"),
        None => verified.to_string().trim_end().to_owned(),
    });
    match fate {
        Some(Fate::Broken(_)) => Exit::No,
        Some(Fate::NotComparable) => Exit::CouldNot,
        Some(Fate::Kept) | None => Exit::Done,
    }
}
