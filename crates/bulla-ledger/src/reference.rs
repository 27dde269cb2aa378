//! The whole ledger in a few maps: slow, simple, and the oracle of every other implementation.

use std::convert::Infallible;

use crate::{
    Asset, AssetId, Class, ClassId, Outcome, Party, PartyId, Payload, Position, Prior, Record,
    RecordId, Source, Transfer,
};

/// A ledger in memory, written independently of [`crate::decide`].
#[derive(Debug, Clone)]
pub struct ReferenceLedger {
    records: Vec<Record>,
}

impl ReferenceLedger {
    /// An empty ledger whose first record will stand at `first_leaf_index`.
    pub fn new(_first_leaf_index: u64) -> Self {
        todo!()
    }
    /// Answers one request at `time_us` (or at the time of the record before, if that is later).
    pub fn submit(
        &mut self,
        _transfer: &Transfer,
        _payload: Option<&Payload>,
        _time_us: u64,
    ) -> Outcome {
        todo!()
    }
    /// Answers several requests in order; if `atomic`, all of them take effect or none does.
    pub fn submit_batch(
        &mut self,
        _items: &[(Transfer, Option<Payload>)],
        _atomic: bool,
        _time_us: u64,
    ) -> Vec<Outcome> {
        todo!()
    }
    /// Leaves one place of the log to a leaf that is not a record: a header or config leaf.
    pub fn skip_leaf(&mut self) {
        todo!()
    }
    /// Where the next record would stand.
    pub fn next_leaf_index(&self) -> u64 {
        todo!()
    }
    /// Every record, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }
    /// The record at a leaf.
    pub fn record_at(&self, _leaf_index: u64) -> Option<&Record> {
        todo!()
    }
    /// What became of the first request with this id.
    pub fn prior(&self, _record_id: RecordId) -> Option<Prior> {
        todo!()
    }
    /// An asset.
    pub fn asset(&self, _asset_id: AssetId) -> Option<Asset> {
        todo!()
    }
    /// A position.
    pub fn position(&self, _asset_id: AssetId, _party_id: PartyId) -> Option<Position> {
        todo!()
    }
    /// A party.
    pub fn party(&self, _party_id: PartyId) -> Option<Party> {
        todo!()
    }
    /// A class.
    pub fn class(&self, _class_id: ClassId) -> Option<Class> {
        todo!()
    }
    /// All assets, in order of id.
    pub fn assets(&self) -> impl Iterator<Item = &Asset> {
        [].iter()
    }
    /// All positions, in order of asset, then party.
    pub fn positions(&self) -> impl Iterator<Item = &Position> {
        [].iter()
    }
    /// All parties, in order of id.
    pub fn parties(&self) -> impl Iterator<Item = &Party> {
        [].iter()
    }
    /// All classes, in order of id.
    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        [].iter()
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
}
