//! Reads of many things: lists in the order of their ids, and the history of an asset.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bulla_ledger::{Asset, AssetId, Class, ClassId, DecodeError, NO_LEAF, Party, PartyId, Position, Record, Source};

use crate::error::StorageError;
use crate::ledger::{Ledger, State};
use crate::rows::{Of, Rows, after, borrowed};
use crate::table::ChangedRows;

/// Something that a party owns, holds or has units of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The asset.
    pub asset: Asset,
    /// The party's units of it, for a quantity asset.
    pub position: Option<Position>,
}

/// Something that went wrong with a server's copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The record that told of it; its payload says what it was.
    pub opened: Record,
    /// The record that told of its end.
    pub closed: Option<Record>,
}

impl Ledger {
    /// Incidents in the order in which they were recorded, after the leaf `after`, at most `limit`.
    ///
    /// # Errors
    /// As [`Ledger::assets`].
    pub fn incidents(&self, after: Option<u64>, limit: usize) -> Result<Vec<Incident>, StorageError> {
        let found = self.readable()?.incidents(after, limit)?;
        let record = |leaf_index| {
            let lost = || StorageError::corrupt(format!("the incident at leaf {leaf_index}"), "it is no record");
            self.record_at(leaf_index)?.ok_or_else(lost)
        };
        let incident = |(opened, closed): (u64, Option<u64>)| {
            Ok(Incident { opened: record(opened)?, closed: closed.map(record).transpose()? })
        };
        found.into_iter().map(incident).collect()
    }

    /// How many incidents were recorded, and how many of them are not closed.
    ///
    /// # Errors
    /// As [`Ledger::assets`].
    pub fn incident_count(&self) -> Result<(u64, u64), StorageError> {
        let incidents = self.readable()?.incidents(None, usize::MAX)?;
        let open = incidents.values().filter(|closed| closed.is_none()).count();
        Ok((incidents.len() as u64, open as u64))
    }

    /// Assets in the order of their ids, after `after`, at most `limit`.
    ///
    /// # Errors
    /// As all reads: [`StorageError::Corrupt`] when what is stored does not check.
    pub fn assets(&self, after: Option<AssetId>, limit: usize) -> Result<Vec<Asset>, StorageError> {
        let state = self.readable()?;
        let key = after.map(|id| *id.as_bytes());
        let changed = |rows: &ChangedRows| newer(&rows.assets, after, limit);
        state.merged(Of::Assets, &[], key.as_ref(), limit, Asset::decode, |asset| asset.asset_id, changed)
    }

    /// Parties in the order of their ids, after `after`, at most `limit`.
    ///
    /// # Errors
    /// As [`Ledger::assets`].
    pub fn parties(&self, after: Option<PartyId>, limit: usize) -> Result<Vec<Party>, StorageError> {
        let state = self.readable()?;
        let key = after.map(|id| *id.as_bytes());
        let changed = |rows: &ChangedRows| newer(&rows.parties, after, limit);
        state.merged(Of::Parties, &[], key.as_ref(), limit, Party::decode, |party| party.party_id, changed)
    }

    /// Classes in the order of their ids, after `after`, at most `limit`.
    ///
    /// # Errors
    /// As [`Ledger::assets`].
    pub fn classes(&self, after: Option<ClassId>, limit: usize) -> Result<Vec<Class>, StorageError> {
        let state = self.readable()?;
        let key = after.map(|id| *id.as_bytes());
        let changed = |rows: &ChangedRows| newer(&rows.classes, after, limit);
        state.merged(Of::Classes, &[], key.as_ref(), limit, Class::decode, |class| class.class_id, changed)
    }

    /// Every party that ever had units of a quantity asset, in the order of party ids, after `after`, at most `limit`.
    /// Nobody's position, which counts what is outstanding, is not among them.
    ///
    /// # Errors
    /// As [`Ledger::assets`].
    pub fn positions_of_asset(
        &self,
        asset_id: AssetId,
        after: Option<PartyId>,
        limit: usize,
    ) -> Result<Vec<Position>, StorageError> {
        let state = self.readable()?;
        let after = after.unwrap_or(PartyId::NIL);
        let changed = |rows: &ChangedRows| {
            let range = (Bound::Excluded((asset_id, after)), Bound::Unbounded);
            let of_asset = rows.positions.range(range).take_while(|(key, _)| key.0 == asset_id);
            of_asset.take(limit).map(|(_, position)| *position).collect()
        };
        let id = |position: &Position| position.party_id;
        state.merged(Of::Positions, asset_id.as_bytes(), Some(after.as_bytes()), limit, Position::decode, id, changed)
    }

    /// What a party owns, holds or has units of, in the order of asset ids, after `after`, at most `limit`.
    ///
    /// # Errors
    /// As [`Ledger::assets`].
    pub fn holdings(
        &self,
        party_id: PartyId,
        after: Option<AssetId>,
        limit: usize,
    ) -> Result<Vec<Holding>, StorageError> {
        let state = self.readable()?;
        let mut holdings = Vec::new();
        if party_id.is_nil() {
            return Ok(holdings);
        }
        let mut after = after;
        while holdings.len() < limit {
            let candidates = state.touched(party_id, after)?;
            let Some(last) = candidates.last().copied() else { break };
            for asset_id in candidates {
                holdings.extend(state.now(&self.blocks, |now| holding(now, party_id, asset_id))?);
            }
            after = Some(last);
        }
        holdings.truncate(limit);
        Ok(holdings)
    }

    /// The records of an asset, newest first, below leaf `before`, at most `limit`.
    ///
    /// For a unique asset `party` keeps only the records that party gave or received in. For a quantity asset it names
    /// the position whose chain is walked; without it that is the asset's own chain: registration, issues, redemptions
    /// and amendments.
    ///
    /// # Errors
    /// As [`Ledger::assets`]. The chain is followed link by link, and a link that leads nowhere is
    /// [`StorageError::Corrupt`].
    pub fn history(
        &self,
        asset_id: AssetId,
        party: Option<PartyId>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Record>, StorageError> {
        let Some(asset) = self.asset(asset_id)? else {
            return Ok(Vec::new());
        };
        let chain = party.filter(|_| asset.quantity_asset).unwrap_or(PartyId::NIL);
        let newest = match asset.quantity_asset {
            true => self.position(asset_id, chain)?.map(|position| position.last_leaf),
            false => Some(asset.last_leaf),
        };
        let mut next = match before {
            Some(before) => self.link_below(asset_id, chain, before, newest)?,
            None => newest,
        };
        let mut records = Vec::new();
        while let Some(leaf_index) = next
            && records.len() < limit
        {
            let record = self.linked(asset_id, leaf_index)?;
            next = below(&record, chain)?;
            let concerns = |party| record.transfer.from == party || record.transfer.to == party;
            if asset.quantity_asset || party.is_none_or(concerns) {
                records.push(record);
            }
        }
        Ok(records)
    }

    /// The newest leaf of a chain below `before`. Straight from there when `before` is a leaf of the chain itself, as
    /// it is when a caller turns pages; else from the newest downwards.
    fn link_below(
        &self,
        asset_id: AssetId,
        chain: PartyId,
        before: u64,
        newest: Option<u64>,
    ) -> Result<Option<u64>, StorageError> {
        let mut next = newest;
        if let Some(record) = self.record_at(before)?.filter(|record| is_of(record, asset_id))
            && touches(&record, chain)
        {
            return below(&record, chain);
        }
        while let Some(leaf_index) = next.filter(|leaf_index| *leaf_index >= before) {
            next = below(&self.linked(asset_id, leaf_index)?, chain)?;
        }
        Ok(next)
    }

    fn linked(&self, asset_id: AssetId, leaf_index: u64) -> Result<Record, StorageError> {
        match self.record_at(leaf_index)? {
            Some(record) if is_of(&record, asset_id) => Ok(record),
            _ => {
                let what = format!("the history of asset {asset_id}");
                Err(StorageError::corrupt(what, format!("leaf {leaf_index} is not one of its records")))
            }
        }
    }
}

impl State {
    /// Leaves of incidents, and of the records that closed them.
    fn incidents(&self, after_leaf: Option<u64>, limit: usize) -> Result<BTreeMap<u64, Option<u64>>, StorageError> {
        let key = after_leaf.map(u64::to_be_bytes);
        let range = after(&[], key.as_ref().map(|key| key.as_slice()));
        let mut incidents = BTreeMap::new();
        for (key, value) in self.snapshot.range(Of::Incidents, borrowed(&range), limit)? {
            let leaf = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_be_bytes);
            let (Some(opened), Some(closed)) = (leaf(&key), leaf(&value)) else {
                return Err(self.snapshot.corrupt_row(Of::Incidents, &key, "it is no leaf index"));
            };
            incidents.insert(opened, (closed != NO_LEAF).then_some(closed));
        }
        let start = after_leaf.map_or(Bound::Unbounded, Bound::Excluded);
        // Oldest first, so that what is known last stays.
        for table in self.tables().rev() {
            incidents.extend(table.rows.incidents.range((start, Bound::Unbounded)));
        }
        Ok(incidents.into_iter().take(limit).collect())
    }

    /// Rows of `of` under `prefix`, after `after`, with what the tables in memory changed laid over them.
    #[expect(clippy::too_many_arguments, reason = "each says something different about the one list")]
    fn merged<K: Ord, V>(
        &self,
        of: Of,
        prefix: &[u8],
        after_key: Option<&[u8; 16]>,
        limit: usize,
        decode: impl Fn(&[u8]) -> Result<V, DecodeError>,
        id: impl Fn(&V) -> K,
        changed: impl Fn(&ChangedRows) -> Vec<V>,
    ) -> Result<Vec<V>, StorageError> {
        let range = after(prefix, after_key.map(|key| key.as_slice()));
        let mut merged = BTreeMap::new();
        for (key, value) in self.snapshot.range(of, borrowed(&range), limit)? {
            let row = decode(&value).map_err(|error| self.snapshot.corrupt_row(of, &key, &error.to_string()))?;
            merged.insert(id(&row), row);
        }
        // Oldest first, so that the newest stays. Rows are never removed, so the first `limit` of all are among the
        // first `limit` of each.
        for table in self.tables().rev() {
            merged.extend(changed(&table.rows).into_iter().map(|row| (id(&row), row)));
        }
        Ok(merged.into_values().take(limit).collect())
    }

    /// The next assets that a party may have something to do with.
    fn touched(&self, party_id: PartyId, after_asset: Option<AssetId>) -> Result<BTreeSet<AssetId>, StorageError> {
        let range = after(party_id.as_bytes(), after_asset.as_ref().map(|id| id.as_bytes().as_slice()));
        let rows = self.snapshot.range(Of::Holdings, borrowed(&range), CANDIDATES)?;
        let mut assets: BTreeSet<AssetId> = BTreeSet::new();
        for (key, _) in rows {
            let asset_id =
                key.last_chunk().ok_or_else(|| self.snapshot.corrupt_row(Of::Holdings, &key, "short key"))?;
            assets.insert(AssetId::from_bytes(*asset_id));
        }
        let start = match after_asset {
            Some(after_asset) => Bound::Excluded((party_id, after_asset)),
            None => Bound::Included((party_id, AssetId::NIL)),
        };
        for table in self.tables() {
            let touched = table.rows.touched.range((start, Bound::Unbounded));
            assets.extend(touched.take_while(|key| key.0 == party_id).map(|key| key.1).take(CANDIDATES));
        }
        Ok(assets.into_iter().take(CANDIDATES).collect())
    }
}

/// What the party has of the asset now, if anything.
fn holding<S: Source>(now: &S, party_id: PartyId, asset_id: AssetId) -> Result<Option<Holding>, S::Error> {
    let Some(asset) = now.asset(asset_id)? else {
        return Ok(None);
    };
    if !asset.quantity_asset {
        let holds = !asset.retired && (asset.owner == party_id || asset.holder == party_id);
        return Ok(holds.then_some(Holding { asset, position: None }));
    }
    let position = now.position(asset_id, party_id)?.filter(|position| position.available > 0);
    Ok(position.map(|position| Holding { asset, position: Some(position) }))
}

fn newer<K: Ord + Copy, V: Copy>(rows: &BTreeMap<K, V>, after: Option<K>, limit: usize) -> Vec<V> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    rows.range((start, Bound::Unbounded)).take(limit).map(|(_, row)| *row).collect()
}

fn is_of(record: &Record, asset_id: AssetId) -> bool {
    record.transfer.asset() == Some(asset_id)
}

/// Whether a record is in the chain of `party`'s position; a unique asset has one chain only.
fn touches(record: &Record, party: PartyId) -> bool {
    let transfer = &record.transfer;
    let own_chain = matches!(transfer.act, bulla_ledger::Act::Register | bulla_ledger::Act::Amend);
    match (transfer.quantity_asset, own_chain) {
        (false, _) => true,
        (true, true) => party.is_nil(),
        (true, false) => transfer.from == party || transfer.to == party,
    }
}

/// The link below a record, which must lead down.
fn below(record: &Record, chain: PartyId) -> Result<Option<u64>, StorageError> {
    match record.previous(chain) {
        Some(previous) if previous >= record.leaf_index => {
            Err(StorageError::corrupt(format!("leaf {}", record.leaf_index), "it links to a later leaf"))
        }
        previous => Ok(previous),
    }
}

/// Assets looked at in one step of a list of holdings.
const CANDIDATES: usize = 256;
