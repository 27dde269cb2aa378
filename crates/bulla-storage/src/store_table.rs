//! Closing and storing: the open table gets its header, then becomes a block file and rows.

use std::sync::{Arc, RwLockWriteGuard};

use bulla_ledger::NO_LEAF;
use bulla_ledger::RecordId;
use bulla_sealing::{Checkpoint, Hash, HashSource, Header, StateMap};

use crate::block_file::{BlockParts, FileSum};
use crate::chain::Charter;
use crate::erasure::put_erased;
use crate::error::StorageError;
use crate::ledger::{Ledger, State};
use crate::manifest::{ManifestRow, put_durable};
use crate::proven::KEPT_LEVELS;
use crate::refused::Refused;
use crate::rows::{Changes, Of, Rows, Snapshot};
use crate::seal_rows::put_seal_changes;
use crate::stored::{Blocks, PriorRow, Stored, subtree_key};
use crate::table::{ClosedTable, Closing, PriorAt, RecordTable};

impl Ledger {
    /// Closes the open table if `height` is its height, and opens the next one.
    pub fn close(&self, height: u64, closing: Closing) -> Option<Arc<ClosedTable>> {
        let (mut state, states) = self.to_be_closed(height)?;
        let state = &mut *state;
        let Closing { closed_us, raft_term, raft_index, replay_from } = closing;
        let charter = &self.charter;
        let header = state.chain.close(charter, &mut state.open, states.clone(), closed_us, raft_term, raft_index);
        state.maps.keep(height, states, state.provable_height());
        let next = state.chain.open_table(&self.charter);
        let chain = state.chain.clone();
        state.chain.absorb(&next);
        let checkpoint = chain.checkpoint(&self.charter);
        let seal_changes = state.seals.close(&header, &checkpoint);
        let table = std::mem::replace(&mut state.open, next);
        let closed = Arc::new(ClosedTable { table, header, checkpoint, chain, replay_from, seal_changes });
        state.unstored.push_back(Arc::clone(&closed));
        Some(closed)
    }

    /// The state while `height` is the open table, and the states of all assets after that table. Those take a while
    /// to compute, so readers go on meanwhile; should the table have changed as well, they are computed again.
    fn to_be_closed(&self, height: u64) -> Option<(RwLockWriteGuard<'_, State>, StateMap)> {
        loop {
            let (end, states) = {
                let state = self.state();
                if state.open.height != height {
                    return None;
                }
                (state.open.next_leaf(), state.chain.states_after(&state.open))
            };
            let state = self.state_mut();
            if (state.open.height, state.open.next_leaf()) == (height, end) {
                return Some((state, states));
            }
        }
    }

    /// Writes the block file, then makes block, rows, payloads, seals and `replay_from` durable in one transaction.
    /// Tables are stored in the order in which they were closed. Blocks its thread for the whole write.
    ///
    /// # Errors
    /// [`StorageError::Superseded`] when `reset_open` or `adopt` dropped the table; all others are fatal.
    ///
    /// # Panics
    /// When a table closed before this one is not stored yet.
    pub fn store(&self, closed: &ClosedTable) -> Result<(), StorageError> {
        let database = self.writer();
        let height = closed.height();
        match self.state().unstored.iter().position(|unstored| std::ptr::eq(&**unstored, closed)) {
            Some(0) => {}
            Some(_) => panic!("table {height} is stored before an earlier one"),
            None => return Err(StorageError::Superseded { height }),
        }
        let file = parts(&self.charter, &closed.table).write(&self.directory.block(height))?;
        let path = self.path();
        Changes::commit(&database, &path, |changes| {
            put_block(changes, &self.blocks, &closed.table, &closed.header, closed.checkpoint.root, file)?;
            put_seal_changes(changes, &closed.seal_changes)?;
            put_durable(changes, &closed.chain, &closed.replay_from)
        })?;
        let snapshot = Arc::new(Snapshot::take(&database, &path)?);
        self.remember(&snapshot);
        let mut state = self.state_mut();
        state.snapshot = snapshot;
        state.durable.height = Some(height);
        state.durable.replay_from = Some(closed.replay_from.clone());
        state.seals.stored(&closed.seal_changes);
        state.unstored.pop_front();
        Ok(())
    }

    /// The tree that ends with block `height`, recomputed from the bytes of its stored file and the kept hashes of
    /// the blocks before it.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when it is not what apply computed, [`StorageError::Unknown`] when it is not stored.
    pub fn checkpoint_from_disk(&self, height: u64) -> Result<Checkpoint, StorageError> {
        let snapshot = Arc::clone(&self.state().snapshot);
        let row =
            ManifestRow::read(&*snapshot, height)?.ok_or_else(|| StorageError::unknown(format!("block {height}")))?;
        let path = self.directory.block(height);
        let corrupt = |detail: &str| StorageError::corrupt(path.display().to_string(), detail);
        let (block, _) = self.blocks.watched(height, self.blocks.file(height)?.read_all())?;
        let (header_hash, records) = block.leaves.hashes.split_last().ok_or_else(|| corrupt("it has no leaves"))?;
        let header_leaf = block.leaves.iter().last().expect("there are leaves");
        let header =
            Header::decode(header_leaf).map_err(|error| corrupt(&format!("its header does not decode: {error}")))?;
        let mut log = Stored { rows: &*snapshot, blocks: &self.blocks }.frontier(row.first_leaf)?;
        log.extend(records);
        let agrees = header.records_root == bulla_sealing::subtree_root(records)
            && header.log_root == log.root()
            && header.height == height
            && header.first_leaf == row.first_leaf
            && *header_hash == row.header_hash;
        log.push(*header_hash);
        match agrees && log.root() == row.root && log.size() == row.end_leaf {
            true => Ok(Checkpoint { origin: self.charter.config.origin.clone(), size: log.size(), root: log.root() }),
            false => Err(corrupt("it is not the block that was computed when its records were applied")),
        }
    }
}

pub(crate) fn parts<'a>(charter: &Charter, table: &'a RecordTable) -> BlockParts<'a> {
    BlockParts {
        ledger_id: charter.config.ledger_id,
        height: table.height,
        first_leaf: table.first_leaf,
        leaves: &table.leaves,
        refused: &table.refused,
    }
}

/// Everything that `ledger.redb` says about a block, except seals and the end of what is durable. The block file must
/// be in its place.
pub(crate) fn put_block(
    changes: &mut Changes<'_>,
    blocks: &Blocks,
    table: &RecordTable,
    header: &Header,
    root: Hash,
    file: FileSum,
) -> Result<(), StorageError> {
    ManifestRow::of(header, root, file).put(changes, table.height)?;
    put_priors(changes, table)?;
    put_assets(changes, table)?;
    put_positions(changes, table)?;
    for (party_id, party) in &table.rows.parties {
        changes.put(Of::Parties, party_id.as_bytes(), &party.encode())?;
    }
    for (class_id, class) in &table.rows.classes {
        changes.put(Of::Classes, class_id.as_bytes(), &class.encode())?;
    }
    for (leaf_index, payload) in &table.payloads {
        changes.put(Of::Payloads, &leaf_index.to_be_bytes(), &[&payload.salt, payload.bytes.as_slice()].concat())?;
    }
    put_erased(changes, table)?;
    for (opened, closed) in &table.rows.incidents {
        changes.put(Of::Incidents, &opened.to_be_bytes(), &closed.unwrap_or(NO_LEAF).to_be_bytes())?;
    }
    put_subtrees(changes, blocks, header)
}

fn put_priors(changes: &mut Changes<'_>, table: &RecordTable) -> Result<(), StorageError> {
    prior_rows(table).try_for_each(|(record_id, row)| changes.put(Of::Priors, record_id.as_bytes(), &row.encode()))
}

/// What became of the record ids that were new in a table.
pub(crate) fn prior_rows(table: &RecordTable) -> impl Iterator<Item = (RecordId, PriorRow)> {
    table.rows.priors.iter().map(|(record_id, prior)| {
        let row = match prior {
            PriorAt::Leaf(leaf_index) => PriorRow::Leaf(*leaf_index),
            PriorAt::Refused(place) => PriorRow::Refused(table.height, Refused::clone(&table.refused[*place])),
        };
        (*record_id, row)
    })
}

fn put_assets(changes: &mut Changes<'_>, table: &RecordTable) -> Result<(), StorageError> {
    for (asset_id, asset) in &table.rows.assets {
        let key = asset_id.as_bytes();
        if let Some(before) = changes.get(Of::Assets, key)? {
            let before = bulla_ledger::Asset::decode(&before)
                .map_err(|error| changes.corrupt_row(Of::Assets, key, &error.to_string()))?;
            for party_id in [before.owner, before.holder] {
                changes.remove(Of::Holdings, &[*party_id.as_bytes(), *key].concat())?;
            }
        }
        changes.put(Of::Assets, key, &asset.encode())?;
        let keeps = !asset.quantity_asset && !asset.retired;
        for party_id in [asset.owner, asset.holder].iter().filter(|_| keeps) {
            changes.put(Of::Holdings, &[*party_id.as_bytes(), *key].concat(), &[])?;
        }
    }
    Ok(())
}

fn put_positions(changes: &mut Changes<'_>, table: &RecordTable) -> Result<(), StorageError> {
    for ((asset_id, party_id), position) in &table.rows.positions {
        changes.put(Of::Positions, &[*asset_id.as_bytes(), *party_id.as_bytes()].concat(), &position.encode())?;
        let holding = [*party_id.as_bytes(), *asset_id.as_bytes()].concat();
        match position.available > 0 && !party_id.is_nil() {
            true => changes.put(Of::Holdings, &holding, &[])?,
            false => changes.remove(Of::Holdings, &holding)?,
        }
    }
    Ok(())
}

/// Keeps the roots of the subtrees that this block completed, lowest level first: each is made of those below it.
pub(crate) fn put_subtrees(changes: &mut Changes<'_>, blocks: &Blocks, header: &Header) -> Result<(), StorageError> {
    for level in KEPT_LEVELS {
        for index in header.first_leaf >> level..(header.leaf_index + 1) >> level {
            let root = Stored { rows: changes, blocks }.subtree(level, index)?;
            changes.put(Of::Subtrees, &subtree_key(level, index), &root.0)?;
        }
    }
    Ok(())
}
