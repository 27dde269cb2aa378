//! What every command that records something takes, and how its answer is told.

use bulla_client::{Client, Document, Recorded, Stage, Time, TransferRequest};
use clap::ValueEnum;
use uuid::Uuid;

use super::{Exit, Failure, Printer};

/// What every command that records something takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct WriteOptions {
    /// Your own UUID for this record: repeating the command with the same one changes nothing twice
    #[arg(long, value_name = "UUID")]
    record_id: Option<Uuid>,
    /// Anything worth keeping with the record, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = document)]
    payload: Option<Document>,
    /// When it happened, if not just now (such as 2026-01-31T08:30:00Z)
    #[arg(long, value_name = "TIME")]
    event_time: Option<Time>,
    /// How far the record must have come before the command ends
    #[arg(long, value_name = "STAGE", default_value = "recorded")]
    wait: Wait,
}

/// How far a record must have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Wait {
    /// A majority of the servers has it on disk
    #[default]
    Recorded,
    /// Every server has it and signed for it
    Sealed,
}

impl WriteOptions {
    /// Whether anything is to be kept with the record.
    pub(crate) fn has_payload(&self) -> bool {
        self.payload.is_some()
    }

    /// Records `request`, and prints what became of it.
    pub(crate) async fn record(
        &self,
        client: &Client,
        mut request: TransferRequest,
        printer: &Printer,
    ) -> Result<Exit, Failure> {
        request.record_id = self.record_id;
        request.payload = self.payload.clone();
        request.event_time = self.event_time;
        let wait = match self.wait {
            Wait::Recorded => Stage::Recorded,
            Wait::Sealed => Stage::Sealed,
        };
        let recorded = client.submit(request, wait).await?;
        printer.show(&recorded, || words(&recorded));
        match recorded.stage < wait {
            // What was recorded is printed above, so this is no failure to be told in place of it.
            true => {
                eprintln!("bulla: not every server has signed yet; `bulla cluster status` says whom it waits for");
                Ok(Exit::NotSealed)
            }
            false => Ok(Exit::Done),
        }
    }
}

fn words(recorded: &Recorded) -> String {
    let stage = match (recorded.repeated, recorded.stage) {
        (false, Stage::Recorded) => "recorded",
        (false, Stage::Sealed) => "recorded and sealed",
        (true, Stage::Recorded) => "recorded before, so nothing changed; it stands",
        (true, Stage::Sealed) => "recorded and sealed before, so nothing changed; it stands",
    };
    format!(
        "{stage} as leaf {} of the ledger, in the table of block {}, at {}\nrecord id {}",
        recorded.leaf_index, recorded.height, recorded.time, recorded.record_id
    )
}

fn document(text: &str) -> Result<Document, String> {
    Document::parse(text).map_err(|error| error.to_string())
}
