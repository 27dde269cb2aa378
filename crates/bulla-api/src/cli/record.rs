//! `bulla record`: one record by its id, and the erasure of what was said about it.

use std::io::{self, BufRead, IsTerminal};

use bulla_client::{EraseRequest, RecordAnswer, Stage};
use clap::Subcommand;
use uuid::Uuid;

use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// Show a record, and whether its payload was erased
    Show {
        /// The record id that was given or printed when it was recorded
        record_id: Uuid,
        /// Include what was kept with the record
        #[arg(long)]
        payload: bool,
    },
    /// Destroy what was kept with a record, on every server and for ever
    ///
    /// The record stays, and every receipt of it stays valid. Nobody can read the payload from now on; its bytes leave
    /// the servers' disks within an hour, or the time that they are configured with.
    Erase {
        /// The record id
        record_id: Uuid,
        /// Why. Kept for ever, so it should not repeat what is erased
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Do not ask whether that is meant
        #[arg(long)]
        yes: bool,
    },
}

impl RecordCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let client = servers.client()?;
        match self {
            RecordCommand::Show { record_id, payload } => {
                let answer = client.record(record_id, payload).await?;
                printer.show(&answer, || words(&answer));
            }
            RecordCommand::Erase { record_id, reason, yes } => {
                if !yes {
                    confirm(record_id)?;
                }
                let request = EraseRequest { record_id: None, reason };
                let recorded = client.erase(record_id, request, Stage::Recorded).await?;
                printer.show(&recorded, || {
                    format!("the payload of record {record_id} is erased; the notice is leaf {}", recorded.leaf_index)
                });
            }
        }
        Ok(Exit::Done)
    }
}

/// Lets a person type the record id again: nothing brings the payload back.
fn confirm(record_id: Uuid) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::could_not("erasing cannot be taken back; say --yes if that is meant"));
    }
    eprintln!("This destroys the payload of record {record_id} on every server. Nothing brings it back.");
    eprintln!("Type the record id to go on:");
    let mut typed = String::new();
    io::stdin()
        .lock()
        .read_line(&mut typed)
        .map_err(|error| Failure::caused("what was typed cannot be read", &error))?;
    match typed.trim().parse() == Ok(record_id) {
        true => Ok(()),
        false => Err(Failure::could_not("that is another record id; nothing was erased")),
    }
}

fn words(answer: &RecordAnswer) -> String {
    match answer {
        RecordAnswer::Rejected(rejected) => format!("refused for good: {}", rejected.problem),
        RecordAnswer::Recorded(record) => {
            let mut text = format!("{} at leaf {}, {}", record.act.as_str(), record.leaf_index, record.time);
            if let Some(subject) = record.subject_id {
                text += &format!("\nabout record {subject}");
            }
            match (&record.payload, &record.erased) {
                (_, Some(erased)) => {
                    text += &format!("\npayload erased: notice at leaf {}, {}", erased.leaf_index, erased.time);
                }
                (Some(payload), None) => text += &format!("\nwith {}", payload.as_str()),
                (None, None) => {}
            }
            text
        }
    }
}
