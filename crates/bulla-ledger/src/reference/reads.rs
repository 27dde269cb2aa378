//! What the reference ledger knows, read off its records and chains.

use std::convert::Infallible;

use super::ReferenceLedger;
use crate::{
    Asset, AssetId, Class, ClassId, Party, PartyId, Position, Prior, Record, RecordId, Source, Subject, Transfer,
};

impl ReferenceLedger {
    /// Leaves one place of the log to a leaf that is no record: a header or a config leaf.
    pub const fn skip_leaf(&mut self) {
        self.next_leaf_index += 1;
    }

    /// Where the next record would stand.
    pub const fn next_leaf_index(&self) -> u64 {
        self.next_leaf_index
    }

    /// Every record, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// The record at a leaf; `None` when there is none, or it is no record.
    pub fn record_at(&self, leaf_index: u64) -> Option<&Record> {
        self.records.get(&leaf_index)
    }

    /// The leaves of a chain, oldest first: of a unique asset with [`PartyId::NIL`], of a position
    /// of a quantity asset with its party.
    pub fn chain(&self, asset_id: AssetId, party_id: PartyId) -> &[u64] {
        self.chains.get(&(asset_id, party_id)).map_or(&[], |leaves| leaves)
    }

    /// What became of the first request with this id, if it was recorded or refused for ever.
    pub fn prior(&self, record_id: RecordId) -> Option<Prior> {
        self.priors.get(&record_id).copied()
    }

    /// Where the record with this id stands, and what it asked for.
    pub(super) fn recorded(&self, record_id: RecordId) -> Option<(u64, Transfer)> {
        match self.priors.get(&record_id)? {
            Prior::Accepted { leaf_index, transfer, .. } => Some((*leaf_index, *transfer)),
            Prior::Rejected { .. } => None,
        }
    }

    /// Whether the payload of a record was erased.
    pub fn is_erased(&self, record_id: RecordId) -> bool {
        self.erased.contains(&record_id)
    }

    /// Whether an incident was closed.
    pub fn is_closed(&self, record_id: RecordId) -> bool {
        self.closed.contains(&record_id)
    }

    /// An asset.
    pub fn asset(&self, asset_id: AssetId) -> Option<Asset> {
        let registered = self.registered.get(&asset_id)?;
        let leaf_index = registered.leaf_index;
        let quantity_asset = registered.transfer.quantity_asset;
        let chain = self.chain(asset_id, PartyId::NIL);
        let of_nobody = PartyId::NIL;
        Some(Asset {
            asset_id,
            class_id: ClassId(registered.transfer.from.0),
            quantity_asset,
            owner: self.owners.get(&asset_id).copied().unwrap_or(of_nobody),
            holder: self.holders.get(&asset_id).copied().unwrap_or(of_nobody),
            retired: self.retired.contains(&asset_id),
            seq: if quantity_asset { 0 } else { chain.len() as u64 - 1 },
            registered_leaf: leaf_index,
            last_leaf: if quantity_asset { leaf_index } else { chain[chain.len() - 1] },
        })
    }

    /// The position of a party in a quantity asset; of [`PartyId::NIL`], what is outstanding.
    pub fn position(&self, asset_id: AssetId, party_id: PartyId) -> Option<Position> {
        let available = *self.units.get(&(asset_id, party_id))?;
        let chain = self.chain(asset_id, party_id);
        let [seq, last_leaf] = [chain.len() as u64 - 1, chain[chain.len() - 1]];
        Some(Position { asset_id, party_id, available, seq, last_leaf })
    }

    /// A party.
    pub fn party(&self, party_id: PartyId) -> Option<Party> {
        self.parties.get(&party_id).copied()
    }

    /// A class.
    pub fn class(&self, class_id: ClassId) -> Option<Class> {
        self.classes.get(&class_id).copied()
    }

    /// All assets, in order of their ids.
    pub fn assets(&self) -> impl Iterator<Item = Asset> {
        self.registered.keys().filter_map(|&asset_id| self.asset(asset_id))
    }

    /// All positions, in order of asset, then party; that of nobody comes first.
    pub fn positions(&self) -> impl Iterator<Item = Position> {
        self.units.keys().filter_map(|&(asset_id, party_id)| self.position(asset_id, party_id))
    }

    /// All parties, in order of their ids.
    pub fn parties(&self) -> impl Iterator<Item = Party> {
        self.parties.values().copied()
    }

    /// All classes, in order of their ids.
    pub fn classes(&self) -> impl Iterator<Item = Class> {
        self.classes.values().copied()
    }
}

impl Source for ReferenceLedger {
    type Error = Infallible;

    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, Infallible> {
        Ok(self.prior(record_id))
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, Infallible> {
        Ok(self.asset(asset_id))
    }

    fn position(&self, asset: AssetId, party: PartyId) -> Result<Option<Position>, Infallible> {
        Ok(self.position(asset, party))
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, Infallible> {
        Ok(self.party(party_id))
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, Infallible> {
        Ok(self.class(class_id))
    }

    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, Infallible> {
        let record = self.recorded(record_id).map(|(leaf_index, _)| &self.records[&leaf_index]);
        let (erased, closed) = (self.is_erased(record_id), self.is_closed(record_id));
        Ok(record.map(|record| Subject { erased, closed, ..Subject::of(record) }))
    }
}
