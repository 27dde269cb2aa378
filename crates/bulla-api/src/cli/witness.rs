//! `bulla witness`: a witness of ledgers that others run, and its key.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bulla_node::config::{Address, LimitsSection};
use bulla_sealing::Policy;
use clap::{Args, Subcommand};
use serde_json::json;
use tokio::net::TcpListener;

use super::serve::{log_to_standard_error, stop_signal, stopped};
use super::{Exit, Failure, Printer, chain};
use crate::http::HttpServer;
use crate::keygen::{load_witness_key, make_witness_key};
use crate::witness::{Witness, router};

/// Witness ledgers that others run: cosign each as long as it only grows
///
/// It speaks C2SP tlog-witness over HTTP, and runs until it gets SIGTERM or SIGINT (Ctrl-C). It needs no data of any
/// ledger. What it last cosigned is in its state directory; never put an older copy of that in its place.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct WitnessCommand {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    run: Option<Run>,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Make the key of a new witness, and print what others know it by
    Keygen {
        /// The name that it signs with: one that nobody else uses, such as a URL without its scheme
        #[arg(long)]
        name: String,
        /// A new file for the key
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// The key that `bulla witness keygen` made
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where to listen, host:port
    #[arg(long, value_name = "ADDR")]
    listen: String,
    /// The directory of what was cosigned last
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The policies of the ledgers to witness, one file each
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    policy: Vec<PathBuf>,
}

impl WitnessCommand {
    pub(crate) async fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        match (self.other, self.run) {
            (Some(Other::Keygen { name, out }), _) => {
                let made = make_witness_key(&out, &name).map_err(|error| Failure::could_not(chain(&error)))?;
                let vkey = made.verifier_key().to_string();
                printer.show(&json!({ "vkey": vkey, "key": out }), || vkey.clone());
                Ok(Exit::Done)
            }
            (None, Some(run)) => run.run(printer).await,
            (None, None) => unreachable!("clap asks for one of the two"),
        }
    }
}

impl Run {
    async fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        log_to_standard_error();
        let cosigner = load_witness_key(&self.key).map_err(|error| Failure::could_not(chain(&error)))?;
        let policies = self.policy.iter().map(read_policy).collect::<Result<_, _>>()?;
        let witness = Witness::open(cosigner, &self.state, policies);
        let witness = witness.map_err(|error| Failure::could_not(chain(&error)))?;
        let vkey = witness.verifier_key();

        let mut stop = stop_signal()?;
        let listener = self.listen().await?;
        let router = router(Arc::new(witness));
        let server = HttpServer::serve_router(router, LimitsSection::default(), listener)
            .map_err(|error| Failure::caused("cannot serve HTTP", &error))?;
        ready(&vkey, server.address(), printer);
        stopped(&mut stop).await;
        server.shutdown().await;
        Ok(Exit::Done)
    }

    async fn listen(&self) -> Result<TcpListener, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::could_not(format!("cannot listen on {} ({error}); give another --listen host:port", self.listen))
        };
        // Port 0, any free one, is no address that others could be given, and still one to listen on.
        let bound: io::Result<TcpListener> = match self.listen.parse::<SocketAddr>() {
            Ok(address) => TcpListener::bind(address).await,
            Err(_) => {
                let address: Address = self.listen.parse().map_err(|error| failed(&error))?;
                TcpListener::bind((address.host(), address.port())).await
            }
        };
        bound.map_err(|error| failed(&error))
    }
}

fn read_policy(path: &PathBuf) -> Result<Policy, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::caused(format_args!("cannot read the policy {}", path.display()), &error))?;
    Policy::parse(&text)
        .map_err(|error| Failure::could_not(format!("{} is not a policy: {}", path.display(), chain(&error))))
}

/// The one line that says that requests are answered from now on.
fn ready(vkey: &bulla_sealing::VerifierKey, http: SocketAddr, printer: &Printer) {
    let value = json!({ "ready": true, "name": vkey.name, "url": format!("http://{http}"), "vkey": vkey.to_string() });
    printer.show(&value, || format!("witness {} is ready on http://{http}", vkey.name));
}
