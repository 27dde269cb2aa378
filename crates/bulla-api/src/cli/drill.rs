//! `bulla drill`: bad days, on a scratch cluster, to see what happens.

use clap::{Args, Subcommand};

use super::{Exit, Failure, Printer};

#[derive(Debug, Subcommand)]
pub(crate) enum DrillCommand {
    Tamper(TamperDrill),
}

/// Change the files of servers as their administrator could, and see who notices
///
/// Three servers start in a temporary directory and on ports of this machine only. Five times, the files of one of
/// them are edited: a record in a block file, the row of an asset, the row by which a record is found, the Raft log,
/// and two blocks that change places; every checksum on that server is made to fit. For each it is told who noticed,
/// how, after how long, and when it was healed. It fails when one is not noticed, or not healed, or when any server
/// ever proves what was forged.
#[derive(Debug, Args)]
pub(crate) struct TamperDrill {
    /// Leave the servers running, to look around, until Ctrl-C
    #[arg(long)]
    pub(crate) keep: bool,
}

impl DrillCommand {
    pub(crate) async fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        match self {
            Self::Tamper(drill) => crate::drill::tamper(&drill, printer).await,
        }
    }
}
