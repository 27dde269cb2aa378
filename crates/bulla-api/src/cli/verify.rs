//! `bulla verify`: is everything as it was sealed?

use std::path::{Path, PathBuf};

use bulla_client::BlockView;
use bulla_node::{StorageError, Store, StoreOptions, Verified, identity_files};
use bulla_sealing::{Hash, table_id};
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::exit::chain;
use super::print::count;
use super::{Exit, Failure, Printer, Servers, progress};

/// Verify a whole ledger from its files, or what a running cluster has sealed
///
/// With --data, every block file of a stopped server is read again: hashes, signatures, and the rules
/// applied to every record from the first. Without it, the blocks that a running cluster serves are held
/// against --policy, and each against the one before.
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
    if servers.has_policy() {
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
            "everything is as it was sealed: {} read again, {} leaves hashed and held against the rules",
            count(verified.blocks, "block"),
            verified.leaves,
        );
        text += &match verified.blocks - verified.sealed_blocks {
            0 => "\nall of them carry the signatures of every server".to_owned(),
            newest => format!(
                "\nall but the newest {newest} carry the signatures of every server: those reach the files with the block after"
            ),
        };
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

/// Holds every sealed block against the policy, and against the block before it.
async fn cluster(servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
    let policy = servers.policy()?;
    let client = servers.client()?;
    let proven = client.checkpoint().await?;
    let newest = proven.sealed.checkpoint;
    let bar = progress::bar(newest.size, "leaves").with_message("verifying");
    let mut chain = Chain::new(policy.ledger_id());
    while chain.leaves < newest.size {
        let block = client.block(chain.height).await?;
        chain.add(&block).map_err(Failure::no)?;
        bar.set_position(chain.leaves);
    }
    bar.finish_and_clear();
    if chain.leaves != newest.size {
        return Err(Failure::no(format!("the newest checkpoint, of {} leaves, seals no block", newest.size)));
    }
    let signers: Vec<&str> = proven.sealed.nodes.iter().map(|signer| signer.name.as_str()).collect();
    let value = json!({
        "proven": true,
        "blocks": chain.height,
        "size": newest.size,
        "root": newest.root.to_string(),
        "signed_by": signers,
    });
    printer.show(&value, || {
        format!(
            "{} of ledger {}: each is signed as the policy asks, and says that it follows the one before\n\
             newest checkpoint: {} leaves, root {}, signed by {}\n\
             (this is about blocks; `bulla verify --data DIR` checks every record in them)",
            count(chain.height, "block"),
            newest.origin,
            newest.size,
            newest.root,
            signers.join(", ")
        )
    });
    Ok(Exit::Done)
}

/// Blocks that follow each other, from the first.
struct Chain {
    ledger_id: Uuid,
    /// Height of the next block.
    height: u64,
    /// Leaves of the blocks so far.
    leaves: u64,
    header_before: Hash,
}

impl Chain {
    fn new(ledger_id: Uuid) -> Chain {
        Chain { ledger_id, height: 0, leaves: 0, header_before: Hash([0; 32]) }
    }

    /// Adds a block whose signatures were verified already.
    fn add(&mut self, block: &BlockView) -> Result<(), String> {
        let height = self.height;
        if block.checkpoint.is_none() {
            return Err(format!("block {height} lies below the newest checkpoint and has none of its own"));
        }
        let ends = block.first_leaf.checked_add(block.record_count) == Some(block.leaf_index);
        let follows = block.first_leaf == self.leaves && block.prev_header.0 == self.header_before;
        if block.height != height || !ends || !follows || block.leaf_index == u64::MAX {
            return Err(format!("block {height} does not follow the block before it"));
        }
        if table_id(self.ledger_id, height, &self.header_before) != block.table_id {
            return Err(format!("the table of block {height} has an id that was made up"));
        }
        (self.height, self.leaves, self.header_before) = (height + 1, block.leaf_index + 1, block.header_hash.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bulla_client::Time;

    use super::*;

    /// Two blocks that follow each other, of one record each.
    fn blocks() -> [BlockView; 2] {
        let ledger = Uuid::from_u128(7);
        let mut before = Hash([0; 32]);
        [0, 1].map(|height| {
            let (first_leaf, header_hash) = (2 * height, Hash([u8::try_from(height).unwrap() + 1; 32]));
            let block = BlockView {
                height,
                table_id: table_id(ledger, height, &before),
                leaf_index: first_leaf + 1,
                first_leaf,
                record_count: 1,
                opened: Time::from_micros(1),
                closed: Time::from_micros(2),
                raft_term: 3,
                raft_index: 4,
                records_root: Hash([5; 32]).into(),
                log_root: Hash([6; 32]).into(),
                prev_header: before.into(),
                config: Hash([8; 32]).into(),
                header_hash: header_hash.into(),
                file_bytes: 0,
                file_sha256: Hash([9; 32]).into(),
                checkpoint: Some("signed".to_owned()),
            };
            before = header_hash;
            block
        })
    }

    fn check(blocks: &[BlockView], expected: Result<u64, &str>) {
        let mut chain = Chain::new(Uuid::from_u128(7));
        let added = blocks.iter().try_for_each(|block| chain.add(block));
        assert_eq!(added.map(|()| chain.leaves), expected.map_err(str::to_owned));
    }

    #[test]
    fn blocks_that_follow_each_other_are_a_chain() {
        check(&blocks(), Ok(4));
    }

    #[test]
    fn a_block_that_was_changed_left_out_or_not_sealed_is_noticed() {
        let mut changed = blocks();
        changed[1].record_count = 2;
        check(&changed, Err("block 1 does not follow the block before it"));
        let mut exchanged = blocks();
        exchanged[1].table_id = Uuid::from_u128(1);
        check(&exchanged, Err("the table of block 1 has an id that was made up"));
        check(&blocks()[1..], Err("block 0 does not follow the block before it"));
        let mut open = blocks();
        open[0].checkpoint = None;
        check(&open, Err("block 0 lies below the newest checkpoint and has none of its own"));
    }
}
