//! Tables in memory over stored rows: what is so now, newest first.

use std::collections::VecDeque;
use std::sync::Arc;

use bulla_ledger::{Asset, AssetId, Class, ClassId, Party, PartyId, Position, Prior, RecordId, Source};

use crate::error::StorageError;
use crate::rows::{Of, Rows, Snapshot};
use crate::stored::{Stored, decode_record};
use crate::table::{ChangedRows, ClosedTable, PriorAt, RecordTable};

/// Facts that records are folded over.
pub(crate) trait Base: Source<Error = StorageError> {
    /// Whether a record id was used, recorded or refused.
    fn is_spent(&self, record_id: RecordId) -> Result<bool, StorageError>;
}

/// A table over what was before it.
pub(crate) struct Over<'a, B> {
    pub(crate) table: &'a RecordTable,
    pub(crate) base: &'a B,
}

/// The closed tables that are not stored yet, over the stored rows.
pub(crate) struct Below<'a> {
    pub(crate) unstored: &'a VecDeque<Arc<ClosedTable>>,
    pub(crate) stored: Stored<'a, Snapshot>,
}

impl Below<'_> {
    /// The newest answer that a closed table in memory has.
    fn newest<T>(&self, of: impl Fn(&RecordTable) -> Option<T>) -> Option<T> {
        self.unstored.iter().rev().find_map(|closed| of(&closed.table))
    }
}

/// The prior of a record id that this table recorded or refused.
pub(crate) fn prior_in(table: &RecordTable, record_id: RecordId) -> Result<Option<Prior>, StorageError> {
    Ok(match table.rows.priors.get(&record_id) {
        Some(PriorAt::Leaf(leaf_index)) => {
            let leaf = table.leaf(*leaf_index).expect("a prior's leaf is in its table");
            let transfer = decode_record(*leaf_index, leaf)?.transfer;
            let salt = table.payloads.get(leaf_index).map(|payload| payload.salt);
            Some(Prior::Accepted { transfer, leaf_index: *leaf_index, salt })
        }
        Some(PriorAt::Refused(place)) => {
            let refused = &table.refused[*place];
            Some(Prior::Rejected { transfer: refused.transfer, rejection: refused.rejection })
        }
        None => None,
    })
}

impl<B: Base> Source for Over<'_, B> {
    type Error = StorageError;

    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, StorageError> {
        match prior_in(self.table, record_id)? {
            Some(prior) => Ok(Some(prior)),
            None => self.base.prior(record_id),
        }
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, StorageError> {
        match self.table.rows.assets.get(&asset_id) {
            Some(asset) => Ok(Some(*asset)),
            None => self.base.asset(asset_id),
        }
    }

    fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, StorageError> {
        match self.table.rows.positions.get(&(asset_id, party_id)) {
            Some(position) => Ok(Some(*position)),
            None => self.base.position(asset_id, party_id),
        }
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, StorageError> {
        match self.table.rows.parties.get(&party_id) {
            Some(party) => Ok(Some(*party)),
            None => self.base.party(party_id),
        }
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, StorageError> {
        match self.table.rows.classes.get(&class_id) {
            Some(class) => Ok(Some(*class)),
            None => self.base.class(class_id),
        }
    }
}

impl<B: Base> Base for Over<'_, B> {
    fn is_spent(&self, record_id: RecordId) -> Result<bool, StorageError> {
        Ok(self.table.rows.priors.contains_key(&record_id) || self.base.is_spent(record_id)?)
    }
}

impl Source for Below<'_> {
    type Error = StorageError;

    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, StorageError> {
        match self.newest(|table| prior_in(table, record_id).transpose()) {
            Some(prior) => prior.map(Some),
            None => self.stored.prior(record_id),
        }
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, StorageError> {
        match self.newest(|table| table.rows.assets.get(&asset_id).copied()) {
            Some(asset) => Ok(Some(asset)),
            None => self.stored.asset(asset_id),
        }
    }

    fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, StorageError> {
        match self.newest(|table| table.rows.positions.get(&(asset_id, party_id)).copied()) {
            Some(position) => Ok(Some(position)),
            None => self.stored.position(asset_id, party_id),
        }
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, StorageError> {
        match self.newest(|table| table.rows.parties.get(&party_id).copied()) {
            Some(party) => Ok(Some(party)),
            None => self.stored.party(party_id),
        }
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, StorageError> {
        match self.newest(|table| table.rows.classes.get(&class_id).copied()) {
            Some(class) => Ok(Some(class)),
            None => self.stored.class(class_id),
        }
    }
}

impl Base for Below<'_> {
    fn is_spent(&self, record_id: RecordId) -> Result<bool, StorageError> {
        let in_memory = self.unstored.iter().any(|closed| closed.table.rows.priors.contains_key(&record_id));
        Ok(in_memory || self.stored.is_spent(record_id)?)
    }
}

impl<R: Rows> Base for Stored<'_, R> {
    fn is_spent(&self, record_id: RecordId) -> Result<bool, StorageError> {
        Ok(self.rows.get(Of::Priors, record_id.as_bytes())?.is_some())
    }
}

/// All rows of a ledger in memory: what a verification folds into. Knows which record ids are spent, not how.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) ChangedRows);

impl Memory {
    /// Takes in what a table changed.
    pub(crate) fn absorb(&mut self, table: RecordTable) {
        self.0.assets.extend(table.rows.assets);
        self.0.positions.extend(table.rows.positions);
        self.0.parties.extend(table.rows.parties);
        self.0.classes.extend(table.rows.classes);
        self.0.priors.extend(table.rows.priors);
    }
}

impl Source for Memory {
    type Error = StorageError;

    fn prior(&self, _: RecordId) -> Result<Option<Prior>, StorageError> {
        Ok(None)
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, StorageError> {
        Ok(self.0.assets.get(&asset_id).copied())
    }

    fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, StorageError> {
        Ok(self.0.positions.get(&(asset_id, party_id)).copied())
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, StorageError> {
        Ok(self.0.parties.get(&party_id).copied())
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, StorageError> {
        Ok(self.0.classes.get(&class_id).copied())
    }
}

impl Base for Memory {
    fn is_spent(&self, record_id: RecordId) -> Result<bool, StorageError> {
        Ok(self.0.priors.contains_key(&record_id))
    }
}
