//! `bulla policy`: the keys that receipts and checkpoints must be signed with.

use std::path::PathBuf;

use bulla_sealing::Policy;
use clap::Args;

use super::print::print;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Args)]
pub(crate) struct PolicyCommand {
    /// Read it from a server's data directory, rather than ask a server what it claims
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl PolicyCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let text = match self.data {
            Some(data) => of_directory(&data)?.to_text(),
            None => servers.client()?.claimed_policy().await?,
        };
        if printer.json() {
            printer.show(&serde_json::json!({ "policy": text }), String::new);
        } else {
            print(&text);
        }
        Ok(Exit::Done)
    }
}

/// The policy of the ledger that a data directory belongs to, from its first leaf.
pub(crate) fn of_directory(data: &std::path::Path) -> Result<Policy, Failure> {
    let identity = bulla_node::identity_files::load(data)
        .map_err(|error| Failure::caused("cannot read the identity of the data directory", &error))?;
    Policy::from_config(&identity.genesis).map_err(|error| Failure::caused("the first leaf has unusable keys", &error))
}
