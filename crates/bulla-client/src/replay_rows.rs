//! The facts that a replayed log's records are held against, in memory.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hint::black_box;

use bulla_ledger::{
    Asset, AssetId, Class, ClassId, Effects, Party, PartyId, Position, Prior, Record, RecordId, Source, State, Subject,
};
use bulla_sealing::{Hash, state_value};

/// Everything that the records so far led to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// Every record id that was used, with what became of the record.
    spent: Map<RecordId, Subject>,
    assets: Map<AssetId, Kept<Asset>>,
    positions: Map<Chain, Kept<Position>>,
    parties: Map<PartyId, Party>,
    classes: Map<ClassId, Class>,
    /// What has changed since the last [`Rows::changed_states`]: unique assets, and positions.
    changed_assets: Vec<AssetId>,
    changed_positions: Vec<Chain>,
}

/// Ids are chosen by clients, so the keys of these maps' hashes are random: nobody can choose ids that collide.
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// An asset, and whose position in it.
type Chain = (AssetId, PartyId);

/// A row, and whether it is listed among those that have changed.
#[derive(Debug, Clone)]
struct Kept<T> {
    row: T,
    is_listed: bool,
}

impl Rows {
    /// Whether a record has this id.
    pub(crate) fn is_spent(&self, record_id: RecordId) -> bool {
        self.spent.contains_key(&record_id)
    }

    /// Reads what these records will need. Applying the rules to a record waits for the rows that it is about; here
    /// nothing waits for anything, so the processor fetches many rows from memory at once.
    pub(crate) fn fetch<'a>(&self, records: impl Iterator<Item = &'a Record>) {
        for Record { transfer, .. } in records {
            black_box(self.spent.contains_key(&transfer.record_id));
            black_box(self.assets.get(&transfer.asset_id).map(|asset| asset.row.seq));
            black_box(self.parties.get(&transfer.to).map(|party| party.leaf_index));
            if transfer.quantity_asset {
                for party_id in [transfer.from, transfer.to] {
                    black_box(self.positions.get(&(transfer.asset_id, party_id)).map(|position| position.row.seq));
                }
            }
        }
    }

    /// Makes a record's effects so.
    pub(crate) fn apply(&mut self, effects: &Effects) {
        let record = &effects.record;
        self.spent.insert(record.transfer.record_id, Subject::of(record));
        if let Some(subject) = record.transfer.subject().and_then(|subject| self.spent.get_mut(&subject)) {
            subject.erased |= record.erases().is_some();
            subject.closed |= record.closes_incident().is_some();
        }
        if let Some(asset) = effects.asset {
            let kept =
                self.assets.entry(asset.asset_id).or_insert(Kept { row: asset, is_listed: asset.quantity_asset });
            kept.row = asset;
            if !std::mem::replace(&mut kept.is_listed, true) {
                self.changed_assets.push(asset.asset_id);
            }
        }
        for position in effects.positions.into_iter().flatten() {
            let chain = (position.asset_id, position.party_id);
            let kept = self.positions.entry(chain).or_insert(Kept { row: position, is_listed: false });
            kept.row = position;
            if !std::mem::replace(&mut kept.is_listed, true) {
                self.changed_positions.push(chain);
            }
        }
        self.parties.extend(effects.party.map(|party| (party.party_id, party)));
        self.classes.extend(effects.class.map(|class| (class.class_id, class)));
    }

    /// Keys and values of the states that have changed since this was last called, in the order of the keys.
    pub(crate) fn changed_states(&mut self) -> Vec<(Hash, Hash)> {
        let mut changes = Vec::with_capacity(self.changed_assets.len() + self.changed_positions.len());
        let entry = |state: State| (Hash(state.key()), state_value(&state.encode()));
        let mut states = Vec::with_capacity(TOGETHER);
        for asset_ids in self.changed_assets.chunks(TOGETHER) {
            states.extend(asset_ids.iter().filter_map(|asset_id| {
                let kept = self.assets.get_mut(asset_id)?;
                kept.is_listed = false;
                State::of_asset(&kept.row)
            }));
            changes.extend(states.drain(..).map(entry));
        }
        for chains in self.changed_positions.chunks(TOGETHER) {
            states.extend(chains.iter().filter_map(|chain| {
                let kept = self.positions.get_mut(chain)?;
                kept.is_listed = false;
                Some(State::Position(kept.row))
            }));
            changes.extend(states.drain(..).map(entry));
        }
        self.changed_assets.clear();
        self.changed_positions.clear();
        // Two keys that begin alike are rare, and the first bytes are compared in one step.
        let first_bytes = |key: &Hash| u64::from_be_bytes(*key.0.first_chunk().expect("8 of 32 bytes"));
        changes.sort_unstable_by(|(one, _), (other, _)| {
            first_bytes(one).cmp(&first_bytes(other)).then_with(|| one.cmp(other))
        });
        changes
    }
}

impl Source for Rows {
    type Error = Infallible;

    fn prior(&self, _: RecordId) -> Result<Option<Prior>, Infallible> {
        // Only ids that were never used are asked about.
        Ok(None)
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, Infallible> {
        Ok(self.assets.get(&asset_id).map(|kept| kept.row))
    }

    fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, Infallible> {
        Ok(self.positions.get(&(asset_id, party_id)).map(|kept| kept.row))
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, Infallible> {
        Ok(self.parties.get(&party_id).copied())
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, Infallible> {
        Ok(self.classes.get(&class_id).copied())
    }

    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, Infallible> {
        Ok(self.spent.get(&record_id).copied())
    }
}

/// States that are read from memory together before they are hashed.
const TOGETHER: usize = 128;
