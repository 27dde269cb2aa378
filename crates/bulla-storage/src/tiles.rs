//! The sealed log as others mirror it: tiles of hashes, bundles of entries, and every checkpoint there was.
//!
//! Coordinates are those of C2SP tlog-tiles. A tile of level L holds the roots of perfect subtrees of 256^L leaves;
//! both tiles and bundles end where the log is sealed.

use std::sync::Arc;

use bulla_sealing::{Hash, HashSource, SignedNote, consistency_proof};

use crate::error::StorageError;
use crate::ledger::Ledger;
use crate::manifest::{ManifestRow, block_of_leaf};
use crate::rows::Snapshot;
use crate::stored::Stored;

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// The highest level that a log of less than 2^64 leaves has tiles of.
const LEVEL_MAX: u8 = 7;

impl Ledger {
    /// The hashes of tile `index` of `level`, the first `width` of them (1 to 256), 32 bytes each; `None` when the
    /// sealed log does not reach that far, or there is no such tile.
    ///
    /// # Errors
    /// When the hashes cannot be read.
    pub fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, StorageError> {
        if level > LEVEL_MAX {
            return Ok(None);
        }
        let Some((start, end)) = extent(index, width) else { return Ok(None) };
        let subtree_level = 8 * level;
        let leaves = end.checked_shl(u32::from(subtree_level)).filter(|leaves| leaves >> subtree_level == end);
        let (snapshot, sealed_size) = self.sealed_log()?;
        if leaves.is_none_or(|leaves| leaves > sealed_size) {
            return Ok(None);
        }
        let stored = Stored { rows: &*snapshot, blocks: &self.blocks };
        let hashes = match level {
            0 => stored.leaf_hashes(start, end)?,
            _ => (start..end).map(|node| stored.subtree(subtree_level, node)).collect::<Result<_, _>>()?,
        };
        Ok(Some(hashes.iter().flat_map(|hash| hash.0).collect()))
    }

    /// The first `width` leaves (1 to 256) of bundle `index`, each behind its length as a big-endian u16 and checked
    /// against its hash; `None` when the sealed log does not reach that far.
    ///
    /// # Errors
    /// When the leaves cannot be read.
    pub fn entry_bundle(&self, index: u64, width: u16) -> Result<Option<Vec<u8>>, StorageError> {
        let Some((start, end)) = extent(index, width) else { return Ok(None) };
        let (snapshot, sealed_size) = self.sealed_log()?;
        if end > sealed_size {
            return Ok(None);
        }
        let stored = Stored { rows: &*snapshot, blocks: &self.blocks };
        let mut bundle = Vec::new();
        for leaf_index in start..end {
            let leaf = stored.leaf(leaf_index)?.ok_or_else(|| {
                StorageError::corrupt(format!("leaf {leaf_index}"), "it is sealed, but no block holds it")
            })?;
            let length = u16::try_from(leaf.len()).expect("a leaf is at most 65,535 bytes");
            bundle.extend_from_slice(&length.to_be_bytes());
            bundle.extend_from_slice(&leaf);
        }
        Ok(Some(bundle))
    }

    /// The signed checkpoint of exactly `size` leaves; `None` when no sealed block ends there.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn checkpoint_of_size(&self, size: u64) -> Result<Option<SignedNote>, StorageError> {
        let Some(last_leaf) = size.checked_sub(1) else { return Ok(None) };
        let state = self.readable()?;
        let Some(height) = block_of_leaf(&*state.snapshot, last_leaf)? else { return Ok(None) };
        let row = ManifestRow::read(&*state.snapshot, height)?;
        match row.is_some_and(|row| row.end_leaf == size) && state.is_sealed(height) {
            true => state.note(height),
            false => Ok(None),
        }
    }

    /// The hashes that prove the sealed log of `size2` leaves to begin with that of `size1`: empty from the empty log
    /// and between equal sizes; `None` when `size1` is above `size2`, or the sealed log does not reach that far.
    ///
    /// # Errors
    /// When the hashes cannot be read.
    pub fn consistency_proof(&self, size1: u64, size2: u64) -> Result<Option<Vec<Hash>>, StorageError> {
        let (snapshot, sealed_size) = self.sealed_log()?;
        if size1 > size2 || size2 > sealed_size {
            return Ok(None);
        }
        let stored = Stored { rows: &*snapshot, blocks: &self.blocks };
        match size1 {
            0 => Ok(Some(Vec::new())),
            _ => consistency_proof(size1, size2, &stored).map(Some),
        }
    }

    /// The stored rows, and how many leaves of the log are sealed.
    fn sealed_log(&self) -> Result<(Arc<Snapshot>, u64), StorageError> {
        let state = self.readable()?;
        let row = match state.seals.sealed_height {
            Some(height) => ManifestRow::read(&*state.snapshot, height)?,
            None => None,
        };
        Ok((Arc::clone(&state.snapshot), row.map_or(0, |row| row.end_leaf)))
    }
}

/// The nodes or leaves of a tile, if such a tile can be.
fn extent(index: u64, width: u16) -> Option<(u64, u64)> {
    let start = index.checked_mul(u64::from(TILE_WIDTH))?;
    let end = start.checked_add(u64::from(width))?;
    (1..=TILE_WIDTH).contains(&width).then_some((start, end))
}
