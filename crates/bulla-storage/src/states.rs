//! State maps: the states of all assets and positions as a map, whose root stands in every header.

use std::collections::{BTreeMap, BTreeSet};

use bulla_ledger::{Asset, AssetId, PartyId, Position, Record, Source, State};
use bulla_sealing::{Hash, Header, StateMap, state_value};

use crate::error::StorageError;
use crate::manifest::ManifestRow;
use crate::rows::{Of, Rows};
use crate::stored::Stored;
use crate::table::{ChangedRows, RecordTable};

/// The map as it was after each of the newest blocks: proofs are given as of the last one that is sealed and stored,
/// while tables above it come and go. They share what they have in common.
#[derive(Debug, Default)]
pub(crate) struct StateMaps {
    /// By height of the block.
    after: BTreeMap<u64, StateMap>,
}

impl StateMaps {
    /// Keeps the map of a table that has closed. Those below `provable`, the highest block that proofs can be given
    /// for, are of no use any more.
    pub(crate) fn keep(&mut self, height: u64, map: StateMap, provable: Option<u64>) {
        self.after.insert(height, map);
        if let Some((lowest, _)) = provable.and_then(|provable| self.after.range(..=provable).next_back()) {
            self.after = self.after.split_off(&lowest.clone());
        }
        // Sealing may wait for days, and what changed in them is not to fill the memory. The lowest ones are sealed
        // next, and the newest is where others are told apart from, so one in between has to go.
        if self.after.len() > MAPS_MAX {
            let second_newest = self.after.keys().rev().nth(1).copied();
            second_newest.map(|height| self.after.remove(&height));
        }
    }

    /// The newest map at or below a block, and its height.
    pub(crate) fn at_or_below(&self, height: u64) -> Option<(u64, &StateMap)> {
        self.after.range(..=height).next_back().map(|(height, map)| (*height, map))
    }

    fn newest(&self) -> StateMap {
        self.after.values().next_back().cloned().unwrap_or_default()
    }

    /// Makes the maps again from the rows as of the last stored block, and holds them against the stored headers.
    /// Also returns the map after that block.
    ///
    /// Of blocks that are not sealed yet the records are undone, down to the last sealed one, and done again.
    pub(crate) fn load<R: Rows>(
        stored: &Stored<'_, R>,
        blocks: u64,
        sealed_height: Option<u64>,
    ) -> Result<(Self, StateMap), StorageError> {
        let sealed_blocks = sealed_height.map_or(0, |height| height + 1);
        let first = sealed_blocks.max(blocks.saturating_sub(UNDONE_MAX));
        let mut undone = Undone::default();
        let mut changes = Vec::new();
        for height in (first..blocks).rev() {
            changes.push(undone.block(stored, height)?);
        }
        let mut map = StateMap::new();
        map.update(&undone.values(stored)?);
        let mut maps = Self::default();
        match first.checked_sub(1) {
            Some(height) => maps.check_and_keep(stored, height, map.clone())?,
            None if map.root() == Hash::ZERO => {}
            None => return Err(StorageError::corrupt("the rows of assets and positions", "no record made them")),
        }
        for (height, changes) in (first..blocks).zip(changes.into_iter().rev()) {
            map.update(&changes);
            maps.check_and_keep(stored, height, map.clone())?;
        }
        let newest = maps.newest();
        Ok((maps, newest))
    }

    fn check_and_keep<R: Rows>(
        &mut self,
        stored: &Stored<'_, R>,
        height: u64,
        map: StateMap,
    ) -> Result<(), StorageError> {
        match stored_header(stored, height)?.state_root == map.root() {
            true => self.keep(height, map, None),
            false => {
                let what = format!("the state after block {height} in {}", stored.rows.path().display());
                return Err(StorageError::corrupt(what, "the rows of assets and positions are not what was sealed"));
            }
        }
        Ok(())
    }
}

/// The map after a table, given the one before it.
pub(crate) fn after_table(before: &StateMap, table: &RecordTable) -> StateMap {
    let mut map = before.clone();
    map.update(&changed(&table.rows));
    map
}

/// Keys and values of the states that these rows are, in the order of the keys.
fn changed(rows: &ChangedRows) -> Vec<(Hash, Hash)> {
    let unique = rows.assets.values().filter_map(State::of_asset);
    let positions = rows.positions.values().copied().map(State::Position);
    let mut changes: Vec<(Hash, Hash)> = unique.chain(positions).map(|state| entry(&state)).collect();
    changes.sort_unstable();
    changes
}

fn entry(state: &State) -> (Hash, Hash) {
    (Hash(state.key()), state_value(&state.encode()))
}

/// The header of a stored block.
pub(crate) fn stored_header<R: Rows>(stored: &Stored<'_, R>, height: u64) -> Result<Header, StorageError> {
    let corrupt = |detail: &str| StorageError::corrupt(format!("the header of block {height}"), detail);
    let row = ManifestRow::read(stored.rows, height)?.ok_or_else(|| corrupt("it is missing in the manifest"))?;
    // By the manifest's hash alone, so that damage to the blocks around it is no reason not to start.
    let leaf = stored.file(height)?.leaf(row.end_leaf - 1, row.header_hash)?;
    match Header::decode(&leaf) {
        Ok(header) if header.leaf_hash() == row.header_hash => Ok(header),
        _ => Err(corrupt("it is not the one that was stored")),
    }
}

/// What was so at an earlier time, where that is not what the rows say.
#[derive(Default)]
struct Undone {
    states: BTreeMap<Chain, Option<State>>,
}

/// An asset, and whose position in it; no party for a unique asset.
type Chain = (AssetId, Option<PartyId>);

impl Undone {
    /// Undoes the records of a block. Returns what they had made of the states they touched.
    fn block<R: Rows>(&mut self, stored: &Stored<'_, R>, height: u64) -> Result<Vec<(Hash, Hash)>, StorageError> {
        let block = stored.block(height)?;
        let mut records: Vec<Record> = block.leaves.iter().filter_map(|leaf| Record::decode(leaf).ok()).collect();
        records.reverse();
        let touched: BTreeSet<Chain> = records.iter().flat_map(chains).collect();
        let mut changes = Vec::with_capacity(touched.len());
        for chain in touched {
            changes.extend(self.state(stored, chain)?.as_ref().map(entry));
        }
        changes.sort_unstable();
        for record in &records {
            for chain in chains(record) {
                let earlier = match self.state(stored, chain)? {
                    Some(state) => state.before(record).map_err(|error| misfit(record, &error.to_string()))?,
                    None => return Err(misfit(record, "there is no state that it led to")),
                };
                self.states.insert(chain, earlier);
            }
        }
        Ok(changes)
    }

    fn state<R: Rows>(&self, stored: &Stored<'_, R>, chain: Chain) -> Result<Option<State>, StorageError> {
        match (self.states.get(&chain), chain) {
            (Some(state), _) => Ok(*state),
            (None, (asset_id, None)) => Ok(stored.asset(asset_id)?.as_ref().and_then(State::of_asset)),
            (None, (asset_id, Some(party_id))) => Ok(stored.position(asset_id, party_id)?.map(State::Position)),
        }
    }

    /// Keys and values of all states at that time, in the order of the keys.
    fn values<R: Rows>(&self, stored: &Stored<'_, R>) -> Result<Vec<(Hash, Hash)>, StorageError> {
        let mut values: Vec<(Hash, Hash)> = self.states.values().flatten().map(entry).collect();
        let mut add = |chain: Chain, state: State| {
            if !self.states.contains_key(&chain) {
                values.push(entry(&state));
            }
        };
        stored.rows.each(Of::Assets, |key, row| {
            let asset =
                Asset::decode(row).map_err(|error| stored.rows.corrupt_row(Of::Assets, key, &error.to_string()))?;
            if let Some(state) = State::of_asset(&asset) {
                add((asset.asset_id, None), state);
            }
            Ok(())
        })?;
        stored.rows.each(Of::Positions, |key, row| {
            let position = Position::decode(row)
                .map_err(|error| stored.rows.corrupt_row(Of::Positions, key, &error.to_string()))?;
            add((position.asset_id, Some(position.party_id)), State::Position(position));
            Ok(())
        })?;
        values.sort_unstable();
        match values.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            true => Ok(values),
            false => {
                Err(StorageError::corrupt("the rows of assets and positions", "two of them are of the same thing"))
            }
        }
    }
}

/// The chains that a record lengthened.
fn chains(record: &Record) -> impl Iterator<Item = Chain> + use<> {
    let transfer = record.transfer;
    let is_asset = transfer.asset().is_some();
    let unique = (is_asset && !transfer.quantity_asset).then_some((transfer.asset_id, None));
    let positions = transfer.positions_touched().into_iter().flatten();
    let positions = positions.filter(move |_| is_asset).map(move |party_id| (transfer.asset_id, Some(party_id)));
    unique.into_iter().chain(positions)
}

fn misfit(record: &Record, detail: &str) -> StorageError {
    StorageError::corrupt(format!("the state that leaf {} led to", record.leaf_index), detail)
}

/// Most maps kept at once.
const MAPS_MAX: usize = 16;

/// Most blocks that are undone when a ledger is opened, to come from what is so now to what was sealed. With more than
/// that unsealed, proofs wait until sealing has caught up.
const UNDONE_MAX: u64 = 256;
