//! Tables in memory over stored rows: what is so now, newest first.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bulla_ledger::{
    Asset, AssetId, Class, ClassId, Party, PartyId, Position, Prior, Record, RecordId, Source, Subject,
};

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
            Some(Prior::Accepted { transfer, leaf_index: *leaf_index, salt, erased: false })
        }
        Some(PriorAt::Refused(place)) => {
            let refused = &table.refused[*place];
            Some(Prior::Rejected { transfer: refused.transfer, rejection: refused.rejection })
        }
        None => None,
    })
}

/// The record under an id, if it is in this table.
fn subject_in(table: &RecordTable, record_id: RecordId) -> Result<Option<Subject>, StorageError> {
    match table.rows.priors.get(&record_id) {
        Some(PriorAt::Leaf(leaf_index)) => {
            let leaf = table.leaf(*leaf_index).expect("a prior's leaf is in its table");
            Ok(Some(Subject::of(&decode_record(*leaf_index, leaf)?)))
        }
        Some(PriorAt::Refused(_)) | None => Ok(None),
    }
}

impl ChangedRows {
    /// A prior as it is after these changes: once its payload is erased, its salt is forgotten.
    fn prior_since(&self, prior: Prior) -> Prior {
        match prior {
            Prior::Accepted { transfer, leaf_index, .. } if self.erased.contains_key(&leaf_index) => {
                Prior::Accepted { transfer, leaf_index, salt: None, erased: true }
            }
            other => other,
        }
    }

    /// What has become of a record after these changes.
    fn subject_since(&self, subject: Subject) -> Subject {
        let leaf_index = subject.leaf_index;
        Subject {
            erased: subject.erased || self.erased.contains_key(&leaf_index),
            closed: subject.closed || matches!(self.incidents.get(&leaf_index), Some(Some(_))),
            ..subject
        }
    }
}

impl<B: Base> Source for Over<'_, B> {
    type Error = StorageError;

    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, StorageError> {
        let prior = match prior_in(self.table, record_id)? {
            Some(prior) => Some(prior),
            None => self.base.prior(record_id)?,
        };
        Ok(prior.map(|prior| self.table.rows.prior_since(prior)))
    }

    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, StorageError> {
        let subject = match subject_in(self.table, record_id)? {
            Some(subject) => Some(subject),
            None => self.base.subject(record_id)?,
        };
        Ok(subject.map(|subject| self.table.rows.subject_since(subject)))
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
        let prior = match self.newest(|table| prior_in(table, record_id).transpose()) {
            Some(prior) => Some(prior?),
            None => self.stored.prior(record_id)?,
        };
        Ok(prior.map(|prior| self.unstored.iter().fold(prior, |prior, closed| closed.table.rows.prior_since(prior))))
    }

    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, StorageError> {
        let subject = match self.newest(|table| subject_in(table, record_id).transpose()) {
            Some(subject) => Some(subject?),
            None => self.stored.subject(record_id)?,
        };
        let since = |subject, closed: &Arc<ClosedTable>| closed.table.rows.subject_since(subject);
        Ok(subject.map(|subject| self.unstored.iter().fold(subject, since)))
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
pub(crate) struct Memory {
    pub(crate) rows: ChangedRows,
    /// Leaves that commit to a payload.
    with_payload: BTreeSet<u64>,
}

impl Memory {
    /// Takes in what a table changed.
    pub(crate) fn absorb(&mut self, table: RecordTable) {
        let records = table.leaves.iter().filter_map(|leaf| Record::decode(leaf).ok());
        let with_payload = records.filter(|record| record.transfer.payload_commit.is_some());
        self.with_payload.extend(with_payload.map(|record| record.leaf_index));
        self.rows.erased.extend(table.rows.erased);
        self.rows.incidents.extend(table.rows.incidents);
        self.rows.assets.extend(table.rows.assets);
        self.rows.positions.extend(table.rows.positions);
        self.rows.parties.extend(table.rows.parties);
        self.rows.classes.extend(table.rows.classes);
        self.rows.priors.extend(table.rows.priors);
    }
}

impl Source for Memory {
    type Error = StorageError;

    fn prior(&self, _: RecordId) -> Result<Option<Prior>, StorageError> {
        Ok(None)
    }

    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, StorageError> {
        let Some(PriorAt::Leaf(leaf_index)) = self.rows.priors.get(&record_id).copied() else {
            return Ok(None);
        };
        let subject = Subject {
            leaf_index,
            has_payload: self.with_payload.contains(&leaf_index),
            erased: false,
            opens_incident: self.rows.incidents.contains_key(&leaf_index),
            closed: false,
        };
        Ok(Some(self.rows.subject_since(subject)))
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, StorageError> {
        Ok(self.rows.assets.get(&asset_id).copied())
    }

    fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, StorageError> {
        Ok(self.rows.positions.get(&(asset_id, party_id)).copied())
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, StorageError> {
        Ok(self.rows.parties.get(&party_id).copied())
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, StorageError> {
        Ok(self.rows.classes.get(&class_id).copied())
    }
}

impl Base for Memory {
    fn is_spent(&self, record_id: RecordId) -> Result<bool, StorageError> {
        Ok(self.rows.priors.contains_key(&record_id))
    }
}
