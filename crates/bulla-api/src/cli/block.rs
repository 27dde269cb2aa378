//! `bulla block`: what was sealed together.

use bulla_client::BlockView;
use clap::Subcommand;

use super::print::count;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum Block {
    /// Show a block: what it seals, and the signed checkpoint that seals it
    Show {
        /// Its height: 0 for the first block of the ledger
        height: u64,
    },
}

impl Block {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let Block::Show { height } = self;
        let client = servers.client()?;
        let block = client.block(height).await?;
        let verified = client.policy().is_some() && block.checkpoint.is_some();
        printer.show(&block, || words(&block, verified));
        Ok(Exit::Done)
    }
}

fn words(block: &BlockView, verified: bool) -> String {
    let seal = match (&block.checkpoint, verified) {
        (None, _) => "closed, but not signed by every server yet".to_owned(),
        (Some(note), true) => format!("sealed; every signature that the policy asks for is there and right\n\n{note}"),
        (Some(note), false) => format!("sealed; give --policy FILE to have the signatures verified\n\n{note}"),
    };
    format!(
        "block {} of table {}\n{} from leaf {}, recorded {} to {}\nrecords root   {}\nlog root       {}\nstate root     {}\nheader         {}\nheader before  {}\n{seal}",
        block.height,
        block.table_id,
        count(block.record_count, "record"),
        block.first_leaf,
        if block.opened.micros == 0 { "from the beginning".to_owned() } else { block.opened.to_string() },
        block.closed,
        block.records_root,
        block.log_root,
        block.state_root,
        block.header_hash,
        block.prev_header,
    )
}
