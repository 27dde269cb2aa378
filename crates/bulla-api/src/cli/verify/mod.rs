//! `bulla verify`: is everything as it was sealed?

mod blocks;
mod files;
mod finding;
mod servers;
mod state;
mod wanted;

use std::path::PathBuf;

use clap::Args;

pub(crate) use self::files::directory;
use super::receipt::ReceiptCommand;
use super::{Exit, Failure, Printer, Servers};

/// Verify a whole ledger from its files, or what running servers show
///
/// With --data, every block file of a stopped server is read again: hashes, signatures, and the rules
/// applied to every record from the first. Without it, every server given with --url must show a log that
/// all servers signed (--policy), the same as the others, and one that continues what it showed before
/// (--state).
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The data directory of a server that is stopped, or a copy of one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// With --data, read the block files alone. Nothing is written or locked, so the server may run, and a copy
    /// of its blocks directory will do. They hold no signatures: give --checkpoint
    #[arg(long, requires = "data")]
    blocks_only: bool,
    /// The signed checkpoint to hold the block files against, such as `curl .../checkpoint` gets
    #[arg(long, value_name = "FILE", requires = "blocks_only")]
    checkpoint: Option<PathBuf>,
    /// A signed checkpoint up to which these block files were verified before. What lies below is held against
    /// it with the hashes in the files, and not hashed again
    #[arg(long, value_name = "FILE", requires = "blocks_only")]
    from_checkpoint: Option<PathBuf>,
    /// Show this block, out of a log that was read and proven from its first leaf
    #[arg(long, value_name = "HEIGHT")]
    block: Option<u64>,
    /// Show every record of this asset, and that there is no other, out of a log that was read and proven
    /// from its first leaf
    #[arg(long, value_name = "NAME|ID")]
    asset: Option<String>,
    /// Verify one receipt only, as `bulla receipt verify` does
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "full", "state", "block", "asset", "save_checkpoint"])]
    receipt: Option<PathBuf>,
    /// Keep here the newest signed checkpoint that was proven
    #[arg(long, value_name = "FILE")]
    save_checkpoint: Option<PathBuf>,
    /// Remember here what the servers showed, and hold against it what they show next time
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    state: Option<PathBuf>,
    /// Keep here the signed checkpoints that prove a rollback or two histories
    #[arg(long, value_name = "DIR", default_value = ".", conflicts_with = "data")]
    evidence: PathBuf,
    /// Ask only the servers that are given, and not the members of the cluster that those name
    #[arg(long, conflicts_with = "data")]
    no_discovery: bool,
    /// Read every record of every server too, and apply the rules to each
    #[arg(long, conflicts_with = "data")]
    full: bool,
}

impl Verify {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        if let Some(file) = self.receipt {
            return ReceiptCommand::Verify { file }.run(servers, printer).await;
        }
        match &self.data {
            Some(_) if !self.blocks_only && (self.block.is_some() || self.asset.is_some()) => Err(Failure::could_not(
                "--block and --asset pick from block files or from servers: give --blocks-only, or --url without --data",
            )),
            Some(data) if self.blocks_only => blocks::verify(&self, data, servers, printer),
            Some(data) => files::verify(&self, data, servers, printer),
            None => servers::verify(&self, servers, printer).await,
        }
    }
}
