//! From the ledger's rows and records to what a caller is shown.

use bulla_client::{
    Act, AssetView, ClassView, Digest, Document, ErasedView, HoldingView, IncidentView, Kind, Moves, PartyView,
    Quantity, RecordAnswer, RecordView, RejectedView, Stage, Time,
};
use bulla_ledger::{
    Asset, AssetId, Class, ClassId, NO_LEAF, Name, Party, PartyId, Record, RecordId, Rejection, Transfer, asset_id,
    class_id, party_id,
};
use bulla_node::{Entry, Holding, Incident, Ledger, StorageError};
use uuid::Uuid;

use super::errors::{ApiError, Missing};
use super::prepare::name_in;

/// Makes views; looks up what a row does not say itself, such as names and scales.
pub(crate) struct Viewer<'a> {
    pub(crate) ledger_id: Uuid,
    pub(crate) ledger: &'a Ledger,
}

impl Viewer<'_> {
    pub(crate) fn party(&self, party: &Party) -> Result<PartyView, StorageError> {
        let id = party.party_id;
        Ok(PartyView {
            party_id: id.0,
            name: self.name(party.leaf_index, |ledger, name| party_id(ledger, name) == id)?,
            leaf_index: party.leaf_index,
        })
    }

    pub(crate) fn class(&self, class: &Class) -> Result<ClassView, StorageError> {
        let id = class.class_id;
        Ok(ClassView {
            class_id: id.0,
            name: self.name(class.leaf_index, |ledger, name| class_id(ledger, name) == id)?,
            kind: kind(class.quantity),
            scale: class.scale,
            leaf_index: class.leaf_index,
        })
    }

    pub(crate) fn asset(&self, asset: &Asset) -> Result<AssetView, StorageError> {
        let id = asset.asset_id;
        // A quantity asset's own chain is the position of nobody, which counts what is outstanding.
        let own = match asset.quantity_asset {
            true => self.ledger.position(id, PartyId::NIL)?,
            false => None,
        };
        let party = |id: PartyId| (!asset.quantity_asset).then_some(id.0);
        let outstanding = match &own {
            Some(own) => Some(self.quantity(own.available, asset.class_id)?),
            None => None,
        };
        Ok(AssetView {
            asset_id: id.0,
            name: self.name(asset.registered_leaf, |ledger, name| asset_id(ledger, name) == id)?,
            class_id: asset.class_id.0,
            kind: kind(asset.quantity_asset),
            retired: asset.retired,
            owner: party(asset.owner),
            holder: party(asset.holder),
            outstanding,
            seq: own.as_ref().map_or(asset.seq, |own| own.seq),
            registered_leaf: asset.registered_leaf,
            last_leaf: own.as_ref().map_or(asset.last_leaf, |own| own.last_leaf),
        })
    }

    pub(crate) fn holding(&self, party: PartyId, holding: &Holding) -> Result<HoldingView, StorageError> {
        let asset = &holding.asset;
        let unique = !asset.quantity_asset;
        let position = holding.position.as_ref();
        let available = match position {
            Some(position) => Some(self.quantity(position.available, asset.class_id)?),
            None => None,
        };
        Ok(HoldingView {
            asset_id: asset.asset_id.0,
            party_id: party.0,
            kind: kind(asset.quantity_asset),
            owns: unique && asset.owner == party,
            holds: unique && asset.holder == party,
            available,
            last_leaf: position.map_or(asset.last_leaf, |position| position.last_leaf),
        })
    }

    /// What became of a record id, with payload and salt if they are asked for.
    pub(crate) fn record(&self, record_id: RecordId, payload: bool) -> Result<RecordAnswer, ApiError> {
        let view = self.ledger.record(record_id)?.ok_or(Missing::Record)?;
        match &view.entry {
            Entry::Recorded(record) => Ok(RecordAnswer::Recorded(Box::new(self.recorded(record, &view, payload)?))),
            Entry::Refused { rejection, .. } => Ok(RecordAnswer::Rejected(RejectedView {
                record_id: record_id.0,
                problem: ApiError::from(*rejection).problem(),
            })),
        }
    }

    fn recorded(
        &self,
        record: &Record,
        found: &bulla_node::RecordView,
        with_payload: bool,
    ) -> Result<RecordView, ApiError> {
        let transfer = &record.transfer;
        let act = act(transfer);
        let is_define = act == Act::Define;
        let payload = match with_payload {
            true => self.ledger.payload(record.leaf_index)?,
            false => None,
        };
        let document =
            payload.as_ref().and_then(|payload| Document::parse(std::str::from_utf8(&payload.bytes).ok()?).ok());
        let counts = transfer.quantity_asset && matches!(act, Act::Issue | Act::Transfer | Act::Redeem);
        let quantity = match counts {
            true => Some(self.quantity_of(transfer.quantity, transfer.asset_id)?),
            false => None,
        };
        let given = (act != Act::Register).then_some(transfer.from).filter(|party| !party.is_nil());
        let taken = (act != Act::Enroll).then_some(transfer.to).filter(|party| !party.is_nil());
        Ok(RecordView {
            record_id: transfer.record_id.0,
            act,
            leaf_index: record.leaf_index,
            time: Time::from_micros(record.time_us),
            event_time: (transfer.event_time_us != 0).then_some(Time::from_micros(transfer.event_time_us)),
            height: found.height,
            table_id: found.table_id,
            stage: if found.sealed { Stage::Sealed } else { Stage::Recorded },
            asset_id: transfer.asset().map(|asset| asset.0),
            subject_id: transfer.subject().map(|record| record.0),
            class_id: transfer.class_id().map(|class| class.0),
            party_id: (act == Act::Enroll).then_some(transfer.to.0),
            from: given.map(|party| party.0),
            to: taken.map(|party| party.0),
            quantity,
            moves: moves(transfer),
            kind: is_define.then_some(kind(transfer.quantity_asset)),
            scale: is_define.then_some(transfer.quantity).and_then(|scale| scale.try_into().ok()),
            asset_seq: record.asset_seq,
            prev_leaf: leaf(record.prev_leaf),
            prev_leaf_to: leaf(record.prev_leaf_to),
            ref_leaf: leaf(record.ref_leaf),
            payload_commit: transfer.payload_commit.map(Digest::from),
            salt: payload.map(|payload| Digest::from(payload.salt)),
            payload: document,
            erased: self.erased(record.leaf_index)?,
        })
    }

    /// The notice that the payload at `leaf_index` was erased.
    pub(crate) fn erased(&self, leaf_index: u64) -> Result<Option<ErasedView>, StorageError> {
        let notice = match self.ledger.erased_by(leaf_index)? {
            Some(notice) => self.ledger.record_at(notice)?,
            None => None,
        };
        Ok(notice.map(|notice| ErasedView {
            record_id: notice.transfer.record_id.0,
            leaf_index: notice.leaf_index,
            time: Time::from_micros(notice.time_us),
        }))
    }

    /// Something that went wrong with a server's copy.
    pub(crate) fn incident(&self, incident: &Incident) -> Result<IncidentView, ApiError> {
        let record = self.full_record(&incident.opened)?;
        let told = record.payload.as_ref().and_then(|payload| serde_json::from_str(payload.as_str()).ok());
        let closed = incident.closed.as_ref().map(|closed| self.full_record(closed)).transpose()?;
        Ok(IncidentView { open: closed.is_none(), told, record, closed })
    }

    /// A record with its payload.
    fn full_record(&self, record: &Record) -> Result<RecordView, ApiError> {
        let found = self.ledger.record(record.transfer.record_id)?.ok_or(Missing::Record)?;
        self.recorded(record, &found, true)
    }

    pub(crate) fn quantity(&self, units: u128, class: ClassId) -> Result<Quantity, StorageError> {
        // Nothing is registered in a class that is not there, and no class ever goes away.
        let scale = self.ledger.class(class)?.map_or(0, |class| class.scale);
        Ok(Quantity::from_units(units, scale))
    }

    pub(crate) fn quantity_of(&self, units: u128, asset: AssetId) -> Result<Quantity, ApiError> {
        let asset = self.ledger.asset(asset)?.ok_or(Rejection::UnknownAsset)?;
        Ok(self.quantity(units, asset.class_id)?)
    }

    /// The name in the payload at `leaf_index`, if it is one that the id follows from.
    fn name(&self, leaf_index: u64, belongs: impl Fn(Uuid, &Name) -> bool) -> Result<Option<String>, StorageError> {
        let name = self.ledger.payload(leaf_index)?.as_ref().and_then(name_in);
        Ok(name.filter(|name| belongs(self.ledger_id, name)).map(|name| name.to_string()))
    }
}

fn kind(quantity: bool) -> Kind {
    if quantity { Kind::Quantity } else { Kind::Unique }
}

fn act(transfer: &Transfer) -> Act {
    match transfer.act {
        bulla_ledger::Act::Register => Act::Register,
        bulla_ledger::Act::Issue => Act::Issue,
        bulla_ledger::Act::Transfer => Act::Transfer,
        bulla_ledger::Act::Retire => Act::Retire,
        bulla_ledger::Act::Redeem => Act::Redeem,
        bulla_ledger::Act::Amend => Act::Amend,
        bulla_ledger::Act::Incident => Act::Incident,
        bulla_ledger::Act::Erase => Act::Erase,
        bulla_ledger::Act::Enroll => Act::Enroll,
        bulla_ledger::Act::Define => Act::Define,
    }
}

fn moves(transfer: &Transfer) -> Option<Moves> {
    match (transfer.quantity_asset, transfer.moves_title, transfer.moves_custody) {
        (true, _, _) | (false, false, false) => None,
        (false, true, true) => Some(Moves::Both),
        (false, true, false) => Some(Moves::Title),
        (false, false, true) => Some(Moves::Custody),
    }
}

fn leaf(leaf_index: u64) -> Option<u64> {
    (leaf_index != NO_LEAF).then_some(leaf_index)
}
