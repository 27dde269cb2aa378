//! `bulla receipt`: proofs of single records, which anybody can check without asking anybody.

use std::path::PathBuf;

use bulla_client::{ClientError, RecordAnswer, Time};
use bulla_ledger::{Act, Record, Transfer};
use bulla_sealing::{Verified, verify_receipt};
use clap::Subcommand;
use serde_json::{Value, json};
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
                let client = servers.client()?;
                let proven = client.receipt(record_id, payload).await.map_err(not_sealed)?;
                if payload && proven.verified.payload.is_none() {
                    tell_if_erased(client.record(record_id, false).await?);
                }
                match out {
                    None if printer.json() => {
                        let mut facts = facts(&proven.verified, &proven.record);
                        facts["receipt"] = json!(proven.text);
                        printer.show_json(&facts);
                    }
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
    printer.show(&facts(verified, record), || words(verified, record));
}

/// What a receipt proves, for programs.
fn facts(verified: &Verified, record: &Record) -> Value {
    let signers: Vec<&str> = verified.sealed.nodes.iter().map(|signer| signer.name.as_str()).collect();
    let transfer = &record.transfer;
    let mut facts = json!({
        "proven": true,
        "record_id": transfer.record_id.to_string(),
        "act": transfer.act.name(),
        "leaf_index": record.leaf_index,
        "time": Time::from_micros(record.time_us),
        "height": verified.header.height,
        "table_id": verified.header.table_id,
        "signed_by": signers,
        "payload": payload(verified),
    });
    for (what, id) in whom(transfer) {
        facts[what] = json!(id);
    }
    if let Some(moves) = moves(transfer) {
        facts["moves"] = json!(moves);
    }
    if let Some(units) = units(transfer) {
        facts["units"] = json!(units.to_string());
    }
    if transfer.event_time_us != 0 {
        facts["event_time"] = json!(Time::from_micros(transfer.event_time_us));
    }
    facts
}

/// The same for people.
fn words(verified: &Verified, record: &Record) -> String {
    let transfer = &record.transfer;
    let mut text = format!("proven: {verified}\nrecord {}: {}", transfer.record_id, transfer.act.name());
    for (what, id) in whom(transfer) {
        text += &format!("\n  {:<6} {id}", what.trim_end_matches("_id"));
    }
    text += match moves(transfer) {
        Some("title") => "\n  moves  the title only: another owner, the same holder",
        Some("custody") => "\n  moves  custody only: another holder, the same owner",
        _ => "",
    };
    if let Some(units) = units(transfer) {
        text += &format!("\n  units  {units}, of the smallest that its class counts");
    }
    if transfer.event_time_us != 0 {
        text += &format!("\n  on     {}, as whoever sent it says", Time::from_micros(transfer.event_time_us));
    }
    if let Some(payload) = payload(verified) {
        text += &format!("\n  with   {payload}");
    }
    text
}

/// Why a receipt is without the payload that was asked for.
fn tell_if_erased(answer: RecordAnswer) {
    if let RecordAnswer::Recorded(record) = answer
        && let Some(erased) = record.erased
    {
        eprintln!("payload erased: notice at leaf {}, {}", erased.leaf_index, erased.time);
    }
}

/// What a record speaks of, each id under the name that it has in the API.
fn whom(transfer: &Transfer) -> Vec<(&'static str, String)> {
    let (asset, from, to) = (&transfer.asset_id.0, &transfer.from.0, &transfer.to.0);
    let ids = match transfer.act {
        Act::Enroll => vec![("party_id", to)],
        Act::Define => vec![("class_id", asset)],
        Act::Incident | Act::Erase => vec![("subject_id", asset)],
        Act::Register => vec![("asset_id", asset), ("class_id", from), ("to", to)],
        _ => vec![("asset_id", asset), ("from", from), ("to", to)],
    };
    ids.into_iter().filter(|(_, id)| !id.is_nil()).map(|(what, id)| (what, id.to_string())).collect()
}

/// What moves of a single thing, as the API calls it.
fn moves(transfer: &Transfer) -> Option<&'static str> {
    match (transfer.act, transfer.moves_title, transfer.moves_custody) {
        _ if transfer.quantity_asset => None,
        (Act::Transfer, true, true) => Some("both"),
        (Act::Transfer, true, false) => Some("title"),
        (Act::Transfer, false, true) => Some("custody"),
        _ => None,
    }
}

/// How many units moved. The class, which the receipt does not hold, says how many make one.
fn units(transfer: &Transfer) -> Option<u128> {
    let counted = matches!(transfer.act, Act::Issue | Act::Transfer | Act::Redeem);
    (counted && transfer.quantity_asset).then_some(transfer.quantity)
}

fn payload(verified: &Verified) -> Option<String> {
    verified.payload.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use bulla_ledger::{AssetId, ClassId, PartyId, RecordId};

    use super::*;

    fn names(transfer: &Transfer) -> Vec<&'static str> {
        whom(transfer).into_iter().map(|(what, _)| what).collect()
    }

    #[test]
    fn a_receipt_names_only_what_its_record_speaks_of() {
        let id = |n| Uuid::from_u128(n);
        let (record, asset, class) = (RecordId(id(1)), AssetId(id(2)), ClassId(id(3)));
        let (from, to) = (PartyId(id(4)), PartyId(id(5)));
        assert_eq!(names(&Transfer::enroll(record, to)), ["party_id"]);
        assert_eq!(names(&Transfer::define(record, class, true, 2)), ["class_id"]);
        assert_eq!(names(&Transfer::register(record, asset, class, to)), ["asset_id", "class_id", "to"]);
        assert_eq!(names(&Transfer::register_quantity(record, asset, class)), ["asset_id", "class_id"]);
        assert_eq!(names(&Transfer::transfer(record, asset, from, to)), ["asset_id", "from", "to"]);
        assert_eq!(names(&Transfer::retire(record, asset, from)), ["asset_id", "from"]);
        assert_eq!(moves(&Transfer::custody(record, asset, from, to)), Some("custody"));
        assert_eq!(moves(&Transfer::send(record, asset, from, to, 7)), None);
        // A class keeps its decimals where others keep a quantity.
        assert_eq!(units(&Transfer::define(record, class, true, 2)), None);
        assert_eq!(units(&Transfer::send(record, asset, from, to, 7)), Some(7));
    }
}
