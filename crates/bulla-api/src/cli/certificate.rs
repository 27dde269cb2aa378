//! `bulla certificate`: where an asset is and how it came there, with nothing left out, for anybody to check.

use std::path::PathBuf;

use bulla_client::{ClientError, Named, ProvenAsset, ProvenCustody, Time, verify_certificate};
use bulla_ledger::State;
use bulla_sealing::VerifiedStates;
use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::chain;
use super::print::print;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum CertificateCommand {
    /// Get the certificate of an asset, verified against --policy
    Get {
        /// Its name or UUID
        asset: Named,
        /// Of an asset that is a quantity: of what this party has
        #[arg(long)]
        party: Option<Named>,
        /// Write it to this file rather than print it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify a certificate against --policy. Asks no server, needs no network
    Verify {
        /// The file that holds the certificate
        file: PathBuf,
    },
}

impl CertificateCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        match self {
            CertificateCommand::Get { asset, party, out } => {
                let client = servers.client()?;
                let (text, proven) = client.certificate(&asset, party.as_ref()).await.map_err(not_sealed)?;
                match out {
                    None => print(&text),
                    Some(out) => {
                        write(&out, &text)?;
                        show(&proven, printer);
                    }
                }
            }
            CertificateCommand::Verify { file } => {
                let policy = servers.policy()?;
                let text = std::fs::read(&file)
                    .map_err(|error| Failure::caused(format_args!("cannot read {}", file.display()), &error))?;
                let proven = verify_certificate(&text, &policy).map_err(|error| {
                    let what = format!("{} proves nothing: {}", file.display(), chain(&error));
                    if error.is_unknown() { Failure::could_not(what) } else { Failure::no(what) }
                })?;
                show(&proven, printer);
            }
        }
        Ok(Exit::Done)
    }
}

/// Gets what proves the state of an asset, says what that is, and keeps it in a file when one is named.
pub(crate) async fn prove(
    servers: &Servers,
    asset: &Named,
    party: Option<&Named>,
    out: Option<PathBuf>,
    printer: &Printer,
) -> Result<Exit, Failure> {
    let (text, proven) = servers.client()?.asset_proof(asset, party).await.map_err(not_sealed)?;
    if let Some(out) = out {
        write(&out, &text)?;
    }
    let ProvenAsset { asset_id, state, verified, .. } = &proven;
    let value = json!({
        "proven": true,
        "asset_id": asset_id.to_string(),
        "state": state.as_ref().map(state_json),
        "seal": seal_json(verified),
    });
    printer.show(&value, || format!("proven: {proven}"));
    Ok(Exit::Done)
}

fn show(proven: &ProvenCustody, printer: &Printer) {
    let custody = &proven.custody;
    let records = custody.records.iter().map(|record| {
        let transfer = &record.transfer;
        json!({
            "record_id": transfer.record_id.to_string(),
            "act": transfer.act.name(),
            "leaf_index": record.leaf_index,
            "from": transfer.from.to_string(),
            "to": transfer.to.to_string(),
            "quantity": transfer.quantity.to_string(),
            "time": Time::from_micros(record.time_us),
        })
    });
    let value = json!({
        "proven": true,
        "asset_id": custody.state.asset_id().to_string(),
        "state": state_json(&custody.state),
        "records": records.collect::<Vec<_>>(),
        "seal": seal_json(&proven.verified),
    });
    printer.show(&value, || format!("proven: {proven}"));
}

fn state_json(state: &State) -> Value {
    match state {
        State::Unique(unique) => json!({
            "owner": unique.owner.to_string(),
            "holder": unique.holder.to_string(),
            "retired": unique.retired,
            "seq": unique.seq,
            "last_leaf": unique.last_leaf,
        }),
        State::Position(position) => json!({
            "party": position.party_id.to_string(),
            "available": position.available.to_string(),
            "seq": position.seq,
            "last_leaf": position.last_leaf,
        }),
    }
}

fn seal_json(verified: &VerifiedStates) -> Value {
    let signers: Vec<&str> = verified.sealed.nodes.iter().map(|signer| signer.name.as_str()).collect();
    json!({
        "height": verified.header.height,
        "table_id": verified.header.table_id,
        "state_root": verified.header.state_root.to_string(),
        "signed_by": signers,
    })
}

fn write(out: &PathBuf, text: &str) -> Result<(), Failure> {
    std::fs::write(out, text)
        .map_err(|error| Failure::caused(format_args!("cannot write to {}", out.display()), &error))
}

/// While nothing of an asset is sealed there is no proof, which is no fault of anybody.
fn not_sealed(error: ClientError) -> Failure {
    match &error {
        ClientError::Refused(problem) if problem.code == "not_sealed" => Failure::unsealed(
            "there is no proof yet: not every server has signed; try again, and see `bulla cluster status`",
        ),
        _ => error.into(),
    }
}
