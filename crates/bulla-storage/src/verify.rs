//! Verification of a whole ledger from its block files alone, and of the rows and seals against it.

use std::path::Path;
use std::sync::Arc;

use bulla_ledger::{NO_LEAF, Record};
use bulla_sealing::Checkpoint;

use crate::block_audit::{damage, read_ahead};
use crate::block_file::{Block, BlockFile, FileSum};
use crate::chain::Chain;
use crate::error::StorageError;
use crate::fold::{FoldError, fold};
use crate::layers::Memory;
use crate::ledger::Ledger;
use crate::manifest::{ManifestRow, read_chain};
use crate::rows::{Of, Rows, Snapshot};
use crate::seal::checkpoint_of;
use crate::seal_rows::read_seal;
use crate::store_table::prior_rows;
use crate::stored::Stored;
use crate::table::RecordTable;

/// How far verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Blocks verified.
    pub blocks_done: u64,
    /// Blocks there are.
    pub blocks: u64,
    /// Leaves verified.
    pub leaves_done: u64,
}

/// What verification found to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Blocks read.
    pub blocks: u64,
    /// Blocks whose checkpoint carries the valid signatures of all voters.
    pub sealed_blocks: u64,
    /// Leaves hashed and folded again.
    pub leaves: u64,
    /// The tree that ends with the last block; `None` without blocks.
    pub checkpoint: Option<Checkpoint>,
}

impl Ledger {
    /// Reads every stored block file again: checksums, hashes, chain, roots, and the rules applied to every record from
    /// the first; several threads read and hash. Then holds the rows, payloads and seals of `ledger.redb` against what
    /// came out. Recording goes on meanwhile. Keeps every row of the ledger in memory while it runs.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] names the first thing that is wrong.
    pub fn verify_all(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified, StorageError> {
        let snapshot = Arc::clone(&self.state().snapshot);
        let expected = read_chain(&*snapshot)?;
        let (mut chain, mut memory, mut sealed_blocks) = (Chain::new(), Memory::default(), 0);
        let mut at = Progress { blocks_done: 0, blocks: expected.height, leaves_done: 0 };
        progress(at);
        let read = |height| read_block(&self.directory.block(height));
        read_ahead(expected.height, read, |height, read| {
            self.verify_block(height, read?, &snapshot, &mut chain, &mut memory)?;
            sealed_blocks += u64::from(self.verify_seal(height, &snapshot)?);
            at = Progress { blocks_done: height + 1, leaves_done: chain.log.size(), ..at };
            progress(at);
            Ok::<(), StorageError>(())
        })?;
        if chain.encode() != expected.encode() {
            let what = format!("the end of the chain in {}", self.path().display());
            return Err(StorageError::corrupt(what, "it is not where the blocks end"));
        }
        verify_rows(&snapshot, &memory)?;
        Ok(Verified {
            blocks: expected.height,
            sealed_blocks,
            leaves: chain.log.size(),
            checkpoint: (expected.height > 0).then(|| chain.checkpoint(&self.charter)),
        })
    }

    fn verify_block(
        &self,
        height: u64,
        (block, file): (Block, FileSum),
        snapshot: &Snapshot,
        chain: &mut Chain,
        memory: &mut Memory,
    ) -> Result<(), StorageError> {
        let path = self.directory.block(height);
        let corrupt = |detail: &str| StorageError::corrupt(path.display().to_string(), detail);
        let (table, header) = match fold(&block, memory, chain, &self.charter) {
            Err(FoldError::Wrong(reason)) => return Err(corrupt(&reason)),
            Err(FoldError::Storage(error)) => return Err(error),
            Ok(folded) => folded,
        };
        if ManifestRow::read(snapshot, height)? != Some(ManifestRow::of(&header, chain.log.root(), file)) {
            return Err(corrupt("it is not the block that the manifest names"));
        }
        verify_priors(snapshot, &table)?;
        memory.absorb(table);
        self.verify_payloads(&block, snapshot)
    }

    fn verify_payloads(&self, block: &Block, snapshot: &Snapshot) -> Result<(), StorageError> {
        let stored = Stored { rows: snapshot, blocks: &self.blocks };
        let records = block.leaves.iter().filter_map(|leaf| Record::decode(leaf).ok());
        for record in records.filter(|record| record.transfer.payload_commit.is_some()) {
            let leaf_index = record.leaf_index;
            if let Some(notice) = stored.erased_by(leaf_index)?
                && snapshot
                    .get(Of::Payloads, &leaf_index.to_be_bytes())?
                    .is_some_and(|row| row.iter().any(|byte| *byte != 0))
            {
                let what = format!("the payload of leaf {leaf_index}");
                return Err(StorageError::corrupt(
                    what,
                    format!("it is there although leaf {notice} says it was erased"),
                ));
            }
            match stored.payload(leaf_index)? {
                Some(payload) if Some(payload.commit()) != record.transfer.payload_commit => {
                    let what = format!("the payload of leaf {leaf_index}");
                    return Err(StorageError::corrupt(what, "it is not the one that the record commits to"));
                }
                // Without a payload: it was erased, or never sent.
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a block is sealed; if so, the seal is valid.
    fn verify_seal(&self, height: u64, snapshot: &Snapshot) -> Result<bool, StorageError> {
        let Some(note) = read_seal(snapshot, height)? else {
            return Ok(false);
        };
        let row = ManifestRow::read(snapshot, height)?.expect("it was just compared");
        match self.charter.policy.verify(&note) {
            Ok(sealed) if sealed.checkpoint == checkpoint_of(&self.charter, &row) => Ok(true),
            _ => Err(StorageError::corrupt(format!("the seal of block {height}"), "it does not verify")),
        }
    }
}

/// Reads a block with all that its file can say of itself; if it is damaged, names the byte.
fn read_block(path: &Path) -> Result<(Block, FileSum), StorageError> {
    BlockFile::open(path).and_then(|file| file.read_all()).map_err(|error| match error {
        StorageError::Corrupt { .. } => damage(path).unwrap_or(error),
        other => other,
    })
}

/// Each record id of a block leads to what became of it.
fn verify_priors(snapshot: &Snapshot, table: &RecordTable) -> Result<(), StorageError> {
    for (record_id, row) in prior_rows(table) {
        let key = record_id.as_bytes();
        if snapshot.get(Of::Priors, key)? != Some(row.encode()) {
            return Err(snapshot.corrupt_row(Of::Priors, key, "it does not lead to what became of the record"));
        }
    }
    Ok(())
}

/// Every row that the blocks make is there, and there is no other.
fn verify_rows(snapshot: &Snapshot, memory: &Memory) -> Result<(), StorageError> {
    let rows = &memory.rows;
    let assets = rows.assets.iter().map(|(id, row)| (id.as_bytes().to_vec(), row.encode().to_vec()));
    verify_table(snapshot, Of::Assets, assets)?;
    let position_key = |asset: &[u8; 16], party: &[u8; 16]| [*asset, *party].concat();
    let positions = rows.positions.iter();
    let positions = positions.map(|(id, row)| (position_key(id.0.as_bytes(), id.1.as_bytes()), row.encode().to_vec()));
    verify_table(snapshot, Of::Positions, positions)?;
    let parties = rows.parties.iter().map(|(id, row)| (id.as_bytes().to_vec(), row.encode().to_vec()));
    verify_table(snapshot, Of::Parties, parties)?;
    let classes = rows.classes.iter().map(|(id, row)| (id.as_bytes().to_vec(), row.encode().to_vec()));
    verify_table(snapshot, Of::Classes, classes)?;
    let leaf = |leaf_index: &u64| leaf_index.to_be_bytes().to_vec();
    verify_table(snapshot, Of::Erased, rows.erased.iter().map(|(target, notice)| (leaf(target), leaf(notice))))?;
    let incidents = rows.incidents.iter().map(|(opened, closed)| (leaf(opened), leaf(&closed.unwrap_or(NO_LEAF))));
    verify_table(snapshot, Of::Incidents, incidents)?;
    match snapshot.len(Of::Priors)? == rows.priors.len() as u64 {
        true => Ok(()),
        false => Err(StorageError::corrupt("the table of record ids", "it does not name the records of the blocks")),
    }
}

fn verify_table(
    snapshot: &Snapshot,
    of: Of,
    expected: impl ExactSizeIterator<Item = (Vec<u8>, Vec<u8>)>,
) -> Result<(), StorageError> {
    if snapshot.len(of)? != expected.len() as u64 {
        return Err(snapshot.corrupt_row(of, &[], "the table has rows that the blocks do not make, or lacks some"));
    }
    for (key, value) in expected {
        if snapshot.get(of, &key)?.as_ref() != Some(&value) {
            return Err(snapshot.corrupt_row(of, &key, "it is not what the blocks make of it"));
        }
    }
    Ok(())
}
