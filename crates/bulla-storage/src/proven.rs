//! Proven leaf hashes: 256 at a time, held against a root that is kept outside of the block files.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bulla_sealing::{Hash, HashSource, subtree_root};

use crate::error::StorageError;
use crate::manifest::{ManifestRow, block_of_leaf};
use crate::rows::{Of, Rows};
use crate::states::stored_header;
use crate::stored::{Stored, subtree_key};

/// The hashes of the leaves from a multiple of 256 on, up to 256 of them.
pub(crate) type Tile = Arc<Vec<Hash>>;

/// Tiles that were proven, the newest of them kept: the log only grows, so what was proven stays so.
#[derive(Debug, Default)]
pub(crate) struct ProvenTiles {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tiles: BTreeMap<u64, Tile>,
    oldest_first: VecDeque<u64>,
}

impl ProvenTiles {
    /// Forgets all; needed when blocks may be replaced.
    pub(crate) fn clear(&self) {
        *self.kept.lock().expect(NO_PANIC) = Kept::default();
    }

    fn get(&self, number: u64) -> Option<Tile> {
        self.kept.lock().expect(NO_PANIC).tiles.get(&number).cloned()
    }

    fn keep(&self, number: u64, tile: &Tile) {
        let mut kept = self.kept.lock().expect(NO_PANIC);
        if kept.tiles.insert(number, Arc::clone(tile)).is_none() {
            kept.oldest_first.push_back(number);
        }
        if kept.oldest_first.len() > TILES_MAX {
            let oldest = kept.oldest_first.pop_front().expect("there are more than none");
            kept.tiles.remove(&oldest);
        }
    }
}

impl<R: Rows> Stored<'_, R> {
    /// The hash of a stored leaf, proven by the root of the 256 leaves around it, or by that of the whole tree where
    /// they are not complete yet. A block file that was replaced, all checksums in order, does not get past this.
    pub(crate) fn proven_hash(&self, leaf_index: u64) -> Result<Hash, StorageError> {
        match self.proven_tile(leaf_index) {
            Ok(tile) => Ok(tile[(leaf_index % TILE_LEAVES) as usize]),
            // Damage to another block of the same tile is no reason not to serve this one.
            Err(StorageError::Corrupt { what, detail }) => match self.proven_by_header(leaf_index)? {
                Some(hash) => Ok(hash),
                None => Err(StorageError::Corrupt { what, detail }),
            },
            Err(error) => Err(error),
        }
    }

    /// The hash of a leaf, proven by the root over its block's own records in the header that the manifest names. Dear:
    /// all of the block's hashes are read for it.
    fn proven_by_header(&self, leaf_index: u64) -> Result<Option<Hash>, StorageError> {
        let Some(height) = block_of_leaf(self.rows, leaf_index)? else { return Ok(None) };
        let header = stored_header(self, height)?;
        let file = self.file(height)?;
        let hashes = file.hashes(file.first_leaf(), file.end_leaf())?;
        let (header_hash, records) = hashes.split_last().expect("a block that fits the manifest has a header");
        let is_proven = *header_hash == header.leaf_hash() && subtree_root(records) == header.records_root;
        Ok(is_proven.then(|| hashes[(leaf_index - file.first_leaf()) as usize]))
    }

    /// The hashes of stored leaves, proven.
    pub(crate) fn proven_hashes(&self, start: u64, end: u64) -> Result<Vec<Hash>, StorageError> {
        let mut hashes = Vec::with_capacity((end - start) as usize);
        let mut at = start;
        while at < end {
            let stop = end.min((at / TILE_LEAVES + 1) * TILE_LEAVES);
            // What is asked for may reach into a later block than the first of it.
            let tile = self.proven_tile(stop - 1)?;
            let first = at - at % TILE_LEAVES;
            hashes.extend_from_slice(&tile[(at - first) as usize..(stop - first) as usize]);
            at = stop;
        }
        Ok(hashes)
    }

    /// The tile that holds a leaf, at least up to it.
    fn proven_tile(&self, leaf_index: u64) -> Result<Tile, StorageError> {
        let number = leaf_index / TILE_LEAVES;
        let proven = &self.blocks.proven;
        if let Some(tile) = proven.get(number).filter(|tile| leaf_index % TILE_LEAVES < tile.len() as u64) {
            return Ok(tile);
        }
        let tile = Arc::new(self.prove_tile(number, leaf_index)?);
        proven.keep(number, &tile);
        Ok(tile)
    }

    fn prove_tile(&self, number: u64, leaf_index: u64) -> Result<Vec<Hash>, StorageError> {
        let (start, full) = (number * TILE_LEAVES, (number + 1) * TILE_LEAVES);
        if let Some(root) = self.kept_root(TILE_LEVEL, number)? {
            let hashes = self.hashes_in_files(start, full)?;
            return match subtree_root(&hashes) == root {
                true => Ok(hashes),
                false => Err(self.unproven(start, full)),
            };
        }
        let height = block_of_leaf(self.rows, leaf_index)?
            .ok_or_else(|| StorageError::unknown(format!("leaf {leaf_index} in a block")))?;
        let row = ManifestRow::read(self.rows, height)?
            .ok_or_else(|| self.rows.corrupt_row(Of::Manifest, &height.to_be_bytes(), "it is missing"))?;
        if !(start + 1..full).contains(&row.end_leaf) {
            let key = subtree_key(TILE_LEVEL, number);
            return Err(self.rows.corrupt_row(Of::Subtrees, &key, "it is missing"));
        }
        let hashes = self.hashes_in_files(start, row.end_leaf)?;
        let mut log = self.frontier(start)?;
        log.extend(&hashes);
        match log.root() == row.root {
            true => Ok(hashes),
            false => Err(self.unproven(start, row.end_leaf)),
        }
    }

    /// The root of a perfect subtree, if it is kept as a row.
    pub(crate) fn kept_root(&self, level: u8, index: u64) -> Result<Option<Hash>, StorageError> {
        let key = subtree_key(level, index);
        match self.rows.get(Of::Subtrees, &key)? {
            Some(stored) => match stored.try_into() {
                Ok(hash) => Ok(Some(Hash(hash))),
                Err(_) => Err(self.rows.corrupt_row(Of::Subtrees, &key, "it is no hash")),
            },
            None => Ok(None),
        }
    }

    /// Which of the blocks that these leaves are in is not what it was, nobody can tell from here.
    fn unproven(&self, start: u64, end: u64) -> StorageError {
        let mut at = start;
        while let Ok(Some(height)) = block_of_leaf(self.rows, at) {
            self.blocks.suspect(height);
            match self.blocks.file(height) {
                Ok(file) if at < file.end_leaf() && file.end_leaf() < end => at = file.end_leaf(),
                _ => break,
            }
        }
        let what = format!("the block of leaves {start} to {}", end - 1);
        StorageError::corrupt(what, "their hashes do not lead to the root that was computed when it was stored")
    }
}

impl<R: Rows> HashSource for Stored<'_, R> {
    type Error = StorageError;

    fn leaf_hashes(&self, start: u64, end: u64) -> Result<Vec<Hash>, StorageError> {
        self.proven_hashes(start, end)
    }

    fn subtree(&self, level: u8, index: u64) -> Result<Hash, StorageError> {
        if let Some(root) = self.kept_root(level, index)? {
            return Ok(root);
        }
        let below = KEPT_LEVELS.iter().rev().find(|kept| **kept < level);
        match below {
            Some(below) => {
                let children = 1 << (level - below);
                let roots: Result<Vec<Hash>, _> =
                    (index * children..(index + 1) * children).map(|child| self.subtree(*below, child)).collect();
                Ok(subtree_root(&roots?))
            }
            // This root is about to be kept: there is none yet to prove the leaves by.
            None if level == TILE_LEVEL => {
                Ok(subtree_root(&self.hashes_in_files(index << level, (index + 1) << level)?))
            }
            None => Ok(subtree_root(&self.proven_hashes(index << level, (index + 1) << level)?)),
        }
    }
}

/// The levels whose subtree roots are kept: with 256 leaves a tile, those of C2SP tiles.
pub(crate) const KEPT_LEVELS: [u8; 3] = [TILE_LEVEL, 16, 24];
const TILE_LEVEL: u8 = 8;
const TILE_LEAVES: u64 = 1 << TILE_LEVEL;
/// 8 KiB each.
const TILES_MAX: usize = 4_096;
const NO_PANIC: &str = "no panic while proven tiles are held";
