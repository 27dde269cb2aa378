//! `bulla verify`: is everything as it was sealed?

use std::path::{Path, PathBuf};

use bulla_node::{StorageError, Store, StoreOptions, Verified, identity_files};
use clap::Args;
use serde_json::json;

use super::exit::chain;
use super::print::count;
use super::{Exit, Failure, Printer, Servers, progress};

/// Verify a whole ledger from the block files of a data directory, or, without --data, what a running
/// cluster has sealed.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The data directory of a server that is stopped, or a copy of one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Verify {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        match self.data {
            Some(data) => files(&data, servers, printer),
            None => cluster(servers, printer).await,
        }
    }
}

fn files(data: &Path, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
    if servers.policy.is_some() {
        let (given, own) = (servers.policy()?, super::policy::of_directory(data)?);
        if given != own {
            return Err(Failure::no(format!(
                "{} belongs to ledger {}, and the policy is of ledger {} or of other keys",
                data.display(),
                own.ledger_id(),
                given.ledger_id()
            )));
        }
    }
    let verified = directory(data)?;
    let size = verified.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let root = verified.checkpoint.as_ref().map(|checkpoint| checkpoint.root.to_string());
    let value = json!({
        "proven": true,
        "blocks": verified.blocks,
        "sealed_blocks": verified.sealed_blocks,
        "leaves": verified.leaves,
        "size": size,
        "root": root,
    });
    printer.show(&value, || {
        let mut text = format!(
            "everything is as it was sealed: {} read again, {} hashed and checked against the rules\n\
             {} signed by every server",
            count(verified.blocks, "block"),
            count(verified.leaves, "record"),
            if verified.sealed_blocks == verified.blocks {
                "all of them are".to_owned()
            } else {
                format!("{} of them are", verified.sealed_blocks)
            },
        );
        if let Some(root) = root {
            text += &format!("\nroot of the whole log of {size} leaves: {root}");
        }
        text
    });
    Ok(Exit::Done)
}

/// Reads every block file again, hashes every leaf, and applies the rules to every record.
pub(crate) fn directory(data: &Path) -> Result<Verified, Failure> {
    read_again(data).map_err(failed)
}

fn read_again(data: &Path) -> Result<Verified, StorageError> {
    let identity = identity_files::load(data)?;
    let store = Store::open(data, &identity, StoreOptions::default())?;
    let bar = progress::bar(0, "blocks").with_message("verifying");
    let verified = store.ledger().verify_all(&mut |progress| {
        bar.set_length(progress.blocks);
        bar.set_position(progress.blocks_done);
    });
    bar.finish_and_clear();
    verified
}

fn failed(error: StorageError) -> Failure {
    match &error {
        StorageError::Corrupt { .. } => Failure::no(format!("something was changed: {}", chain(&error))),
        _ => Failure::could_not(chain(&error)),
    }
}

/// Holds the newest checkpoint, and the block that it seals, against the policy.
async fn cluster(servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
    servers.policy()?;
    let client = servers.client()?;
    let proven = client.checkpoint().await?;
    let view = client.cluster().await?;
    let height = view.sealed_height.ok_or_else(|| Failure::no("a checkpoint is served, but no block is sealed"))?;
    let blocks = height + 1;
    let bar = progress::bar(blocks, "blocks").with_message("verifying");
    let mut header_before = None;
    let mut leaves = 0;
    for height in 0..blocks {
        let block = client.block(height).await?;
        if block.checkpoint.is_none() {
            return Err(Failure::no(format!("block {height} is said to be sealed and has no checkpoint")));
        }
        let follows = header_before.is_none_or(|before| before == block.prev_header);
        if !follows || block.first_leaf != leaves {
            return Err(Failure::no(format!("block {height} does not follow the block before it")));
        }
        (header_before, leaves) = (Some(block.header_hash), block.leaf_index + 1);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let signers: Vec<&str> = proven.sealed.nodes.iter().map(|signer| signer.name.as_str()).collect();
    let checkpoint = &proven.sealed.checkpoint;
    let value = json!({
        "proven": true,
        "blocks": blocks,
        "size": checkpoint.size,
        "root": checkpoint.root.to_string(),
        "signed_by": signers,
    });
    printer.show(&value, || {
        format!(
            "{} of ledger {}, each signed as the policy asks and following the one before\n\
             newest checkpoint: {} leaves, root {}, signed by {}\n\
             (this checks what the servers signed; `bulla verify --data DIR` checks every record)",
            count(blocks, "block"),
            view.origin,
            checkpoint.size,
            checkpoint.root,
            signers.join(", ")
        )
    });
    Ok(Exit::Done)
}
