//! `bulla timestamp`: when something was sealed, as an authority outside signed it, and how to check that.

use std::path::{Path, PathBuf};

use bulla_client::{Time, Timestamp, TimestampAuthority};
use bulla_sealing::{Sealed, SignedNote};
use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::chain;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum TimestampCommand {
    /// Get a timestamp and the seal that it is of, verified against --policy
    ///
    /// The signature of the authority is left to `bulla timestamp verify` and to openssl; it prints both commands.
    Get {
        /// The first timestamp that covers this many leaves, and so every record below that leaf; without it, the
        /// newest
        #[arg(long, value_name = "SIZE")]
        from: Option<u64>,
        /// Write both files into this directory
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Verify a timestamp: that the seal is one of --policy, that it is what was stamped, and that the authority
    /// signed that. Asks no server, needs no network
    ///
    /// It knows of no certificate that was revoked; for that, give `openssl ts -verify` the authority's list.
    Verify {
        /// The file that was stamped
        seal: PathBuf,
        /// The authority's reply
        reply: PathBuf,
        /// The authority's certificate in PEM. Get it from the authority, not from whom you want to check
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
    },
}

impl TimestampCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        match self {
            TimestampCommand::Get { from, out } => {
                let proven = servers.client()?.timestamp(from).await?;
                let size = proven.sealed.checkpoint.size;
                let [seal, reply] = ["seal", "tsr"].map(|extension| out.join(format!("{size}.{extension}")));
                std::fs::create_dir_all(&out).map_err(cannot("make", &out))?;
                std::fs::write(&seal, &proven.seal).map_err(cannot("write", &seal))?;
                std::fs::write(&reply, &proven.reply).map_err(cannot("write", &reply))?;
                let (seal, reply) = (seal.display().to_string(), reply.display().to_string());
                let openssl = format!("openssl ts -verify -data {seal} -in {reply} -CAfile AUTHORITY.pem");
                let bulla = format!("bulla timestamp verify {seal} {reply} --certificate AUTHORITY.pem");
                let mut value = facts(&proven.sealed, &proven.timestamp);
                value["signature"] = json!("not verified");
                (value["seal"], value["reply"], value["verify"]) = (json!(seal), json!(reply), json!([bulla, openssl]));
                printer.show(&value, || {
                    let words = words(&proven.sealed, &proven.timestamp);
                    format!(
                        "{words}\nthe authority's signature is NOT verified yet; with its certificate, either of these \
                         does that:\n  {bulla}\n  {openssl}"
                    )
                });
            }
            TimestampCommand::Verify { seal, reply, certificate } => {
                let policy = servers.policy()?;
                let read = |path: &Path| std::fs::read(path).map_err(cannot("read", path));
                let (seal_bytes, reply_bytes, pem) = (read(&seal)?, read(&reply)?, read(&certificate)?);
                let authority = TimestampAuthority::from_pem(&pem).map_err(|error| {
                    Failure::could_not(format!("{} is of no use: {}", certificate.display(), chain(&error)))
                })?;
                let no = |path: &Path, error: &(dyn std::error::Error + 'static)| {
                    Failure::no(format!("{} proves nothing: {}", path.display(), chain(error)))
                };
                let note = SignedNote::parse(&seal_bytes).map_err(|error| no(&seal, &error))?;
                let sealed = policy.verify(&note).map_err(|error| no(&seal, &error))?;
                let timestamp = Timestamp::parse(&reply_bytes).map_err(|error| no(&reply, &error))?;
                timestamp.stamps(&seal_bytes).map_err(|error| no(&reply, &error))?;
                timestamp.signed_by(&authority).map_err(|error| no(&reply, &error))?;
                let mut value = facts(&sealed, &timestamp);
                value["signature"] = json!("verified");
                printer.show(&value, || {
                    format!("proven: {}\nsigned under the authority's certificate", words(&sealed, &timestamp))
                });
            }
        }
        Ok(Exit::Done)
    }
}

fn facts(sealed: &Sealed, timestamp: &Timestamp) -> Value {
    json!({
        "origin": sealed.checkpoint.origin,
        "size": sealed.checkpoint.size,
        "root": sealed.checkpoint.root.to_string(),
        "time": time(timestamp),
        "serial": timestamp.serial,
    })
}

fn words(sealed: &Sealed, timestamp: &Timestamp) -> String {
    let checkpoint = &sealed.checkpoint;
    format!(
        "the first {} leaves of {} were sealed by {}, timestamp {}",
        checkpoint.size,
        checkpoint.origin,
        time(timestamp),
        timestamp.serial
    )
}

fn time(timestamp: &Timestamp) -> Time {
    Time::from_micros(timestamp.time_s.saturating_mul(1_000_000))
}

fn cannot(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let path = path.to_owned();
    move |error| Failure::caused(format_args!("cannot {action} {}", path.display()), &error)
}
