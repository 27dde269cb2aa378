//! `bulla receipt`: proofs of single records, which anybody can check without asking anybody.

use std::path::PathBuf;

use bulla_client::{ClientError, Time};
use bulla_ledger::Record;
use bulla_sealing::{Verified, verify_receipt};
use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::exit::chain;
use super::print::print;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum ReceiptCommand {
    /// Get the receipt of a record, verified against --policy
    Get {
        /// The record id that was given or printed when it was recorded
        record_id: Uuid,
        /// Include what was kept with the record. Whoever has the receipt can then read it for ever
        #[arg(long)]
        payload: bool,
        /// Write it to this file rather than print it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify a receipt against --policy. Asks no server, needs no network
    Verify {
        /// The file that holds the receipt
        file: PathBuf,
    },
}

impl ReceiptCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        match self {
            ReceiptCommand::Get { record_id, payload, out } => {
                let proven = servers.client()?.receipt(record_id, payload).await.map_err(not_sealed)?;
                match out {
                    None => print(&proven.text),
                    Some(out) => {
                        std::fs::write(&out, &proven.text).map_err(|error| {
                            Failure::caused(format_args!("cannot write the receipt to {}", out.display()), &error)
                        })?;
                        show(&proven.verified, &proven.record, printer);
                    }
                }
                Ok(Exit::Done)
            }
            ReceiptCommand::Verify { file } => {
                let policy = servers.policy()?;
                let text = std::fs::read(&file)
                    .map_err(|error| Failure::caused(format_args!("cannot read {}", file.display()), &error))?;
                let verified = verify_receipt(&text, &policy).map_err(|error| {
                    let what = format!("{} proves nothing: {}", file.display(), chain(&error));
                    if error.is_unknown() { Failure::could_not(what) } else { Failure::no(what) }
                })?;
                let record = Record::decode(&verified.record).map_err(|error| {
                    Failure::caused("the receipt is right, but this release cannot read its record", &error)
                })?;
                show(&verified, &record, printer);
                Ok(Exit::Done)
            }
        }
    }
}

/// While a record is not sealed there is no receipt, which is no fault of anybody.
fn not_sealed(error: ClientError) -> Failure {
    match &error {
        ClientError::Refused(problem) if problem.code == "not_sealed" => Failure::unsealed(
            "there is no receipt yet: not every server has signed; try again, and see `bulla cluster status`",
        ),
        _ => error.into(),
    }
}

fn show(verified: &Verified, record: &Record, printer: &Printer) {
    let signers: Vec<&str> = verified.sealed.nodes.iter().map(|signer| signer.name.as_str()).collect();
    let transfer = &record.transfer;
    let payload = verified.payload.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let value = json!({
        "proven": true,
        "record_id": transfer.record_id.to_string(),
        "act": transfer.act.name(),
        "leaf_index": record.leaf_index,
        "asset_id": transfer.asset_id.to_string(),
        "from": transfer.from.to_string(),
        "to": transfer.to.to_string(),
        "quantity": transfer.quantity.to_string(),
        "time": Time::from_micros(record.time_us),
        "height": verified.header.height,
        "table_id": verified.header.table_id,
        "signed_by": signers,
        "payload": payload,
    });
    printer.show(&value, || {
        let mut text = format!("proven: {verified}\nrecord {}: {}", transfer.record_id, transfer.act.name());
        for (label, id) in [
            ("asset", transfer.asset_id.to_string()),
            ("from ", transfer.from.to_string()),
            ("to   ", transfer.to.to_string()),
        ] {
            text += &format!("\n  {label} {id}");
        }
        if transfer.quantity_asset {
            text += &format!("\n  quantity {} of the smallest unit", transfer.quantity);
        }
        if let Some(payload) = payload {
            text += &format!("\n  with {payload}");
        }
        text
    });
}
