//! `bulla demo`: the whole story, on this machine.

use clap::Args;

use super::{Exit, Failure, Printer};

/// Show a cluster of three servers at work: record, seal, lose a server, recover, verify
///
/// Everything happens in a temporary directory and on ports of this machine only, and is gone
/// afterwards.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Leave the cluster running, to look around, until Ctrl-C
    #[arg(long)]
    pub(crate) keep: bool,
    /// How many assets the made-up company has
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) assets: u32,
    /// How often something changes hands
    #[arg(long, value_name = "M", default_value_t = 1_500, value_parser = clap::value_parser!(u64).range(5..=1_000_000))]
    pub(crate) transfers: u64,
    /// Another seed is another company
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Demo {
    pub(crate) async fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        crate::demo::run(&self, printer).await
    }
}
