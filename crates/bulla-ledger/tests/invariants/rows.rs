//! A ledger that is nothing but what `decide` made of it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bulla_ledger::{
    Asset, AssetId, Class, ClassId, Effects, Facts, Outcome, Party, PartyId, Place, Position, Prior, Record, RecordId,
    Source, Subject, decide,
};

use crate::NOW_US;
use crate::requests::Item;

/// The ledger as storage keeps it: rows, changed by nothing but the effects of `decide`.
#[derive(Default)]
pub struct Rows {
    pub records: BTreeMap<u64, Record>,
    pub priors: BTreeMap<RecordId, Prior>,
    pub assets: BTreeMap<AssetId, Asset>,
    pub positions: BTreeMap<(AssetId, PartyId), Position>,
    pub parties: BTreeMap<PartyId, Party>,
    pub classes: BTreeMap<ClassId, Class>,
    pub subjects: BTreeMap<RecordId, Subject>,
}

impl Rows {
    pub fn submit(&mut self, (transfer, payload): &Item) -> Outcome {
        let Ok(facts) = Facts::gather(transfer, payload.as_ref(), self);
        let place = Place { leaf_index: self.records.len() as u64 + 1, time_us: NOW_US };
        let outcome = decide(transfer, &facts, place);
        match outcome {
            Outcome::Accepted(effects) => {
                self.write(&effects);
                let leaf_index = effects.record.leaf_index;
                let salt = payload.as_ref().map(|payload| payload.salt);
                let prior = Prior::Accepted { transfer: *transfer, leaf_index, salt, erased: false };
                self.priors.insert(transfer.record_id, prior);
            }
            Outcome::Rejected(rejection) if rejection.is_final() => {
                let prior = Prior::Rejected { transfer: *transfer, rejection };
                self.priors.insert(transfer.record_id, prior);
            }
            _ => {}
        }
        outcome
    }

    fn write(&mut self, effects: &Effects) {
        let record = effects.record;
        self.records.insert(record.leaf_index, record);
        self.subjects.insert(record.transfer.record_id, Subject::of(&record));
        if let Some(subject) = record.transfer.subject() {
            let became = self.subjects.get_mut(&subject).expect("it is about a record");
            became.erased |= record.erases().is_some();
            became.closed |= record.closes_incident().is_some();
            if let (Some(_), Some(Prior::Accepted { salt, erased, .. })) =
                (record.erases(), self.priors.get_mut(&subject))
            {
                (*salt, *erased) = (None, true);
            }
        }
        self.assets.extend(effects.asset.map(|row| (row.asset_id, row)));
        self.parties.extend(effects.party.map(|row| (row.party_id, row)));
        self.classes.extend(effects.class.map(|row| (row.class_id, row)));
        let positions = effects.positions.into_iter().flatten();
        self.positions.extend(positions.map(|row| ((row.asset_id, row.party_id), row)));
    }

    pub fn after(requests: &[Item]) -> Self {
        let mut rows = Self::default();
        for item in requests {
            rows.submit(item);
        }
        rows
    }

    /// Every chain there is: whose, its last sequence number, its last leaf.
    pub fn chains(&self) -> Vec<(AssetId, PartyId, u64, u64)> {
        let unique = self.assets.values().filter(|row| !row.quantity_asset);
        let unique = unique.map(|row| (row.asset_id, PartyId::NIL, row.seq, row.last_leaf));
        let positions = self.positions.values();
        let positions = positions.map(|row| (row.asset_id, row.party_id, row.seq, row.last_leaf));
        unique.chain(positions).collect()
    }
}

impl Source for Rows {
    type Error = Infallible;

    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, Infallible> {
        Ok(self.priors.get(&record_id).copied())
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, Infallible> {
        Ok(self.assets.get(&asset_id).copied())
    }

    fn position(&self, asset: AssetId, party: PartyId) -> Result<Option<Position>, Infallible> {
        Ok(self.positions.get(&(asset, party)).copied())
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, Infallible> {
        Ok(self.parties.get(&party_id).copied())
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, Infallible> {
        Ok(self.classes.get(&class_id).copied())
    }

    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, Infallible> {
        Ok(self.subjects.get(&record_id).copied())
    }
}
