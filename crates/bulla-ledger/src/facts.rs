//! What must be known about the ledger to judge a request, and where it is looked up.

use crate::{
    Act, Asset, AssetId, Class, ClassId, Party, PartyId, Payload, Position, Record, RecordId, Rejection, Transfer,
    check_payload, commit,
};

/// Where facts come from.
pub trait Source {
    /// Why a fact could not be read.
    type Error;
    /// What became of the first request with this id, if it took effect or spent the id.
    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, Self::Error>;
    /// An asset.
    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, Self::Error>;
    /// A party's position, or with [`PartyId::NIL`] what is outstanding.
    fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, Self::Error>;
    /// A party.
    fn party(&self, party_id: PartyId) -> Result<Option<Party>, Self::Error>;
    /// A class.
    fn class(&self, class_id: ClassId) -> Result<Option<Class>, Self::Error>;
    /// A record that another one is to be about; `None` when no record has this id, also when it was refused.
    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, Self::Error>;
}

/// What became of the first request under a record id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prior {
    /// It was recorded.
    Accepted {
        /// As recorded.
        transfer: Transfer,
        /// Where.
        leaf_index: u64,
        /// The salt of its payload; `None` when there is no payload, or it was not kept, or erased.
        salt: Option<[u8; 32]>,
        /// Whether its payload was erased: then nothing is left to compare another one with.
        erased: bool,
    },
    /// It was refused for ever.
    Rejected {
        /// As asked for.
        transfer: Transfer,
        /// Why.
        rejection: Rejection,
    },
}

/// A record that another one is about: its payload is to be erased, or the incident that it opened is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Where it stands.
    pub leaf_index: u64,
    /// Whether it commits to a payload.
    pub has_payload: bool,
    /// Whether that was erased since.
    pub erased: bool,
    /// Whether it opened an incident.
    pub opens_incident: bool,
    /// Whether that was closed since.
    pub closed: bool,
}

impl Subject {
    /// What a record itself says; nothing has become of it yet.
    pub fn of(record: &Record) -> Self {
        let transfer = &record.transfer;
        Self {
            leaf_index: record.leaf_index,
            has_payload: transfer.payload_commit.is_some(),
            erased: false,
            opens_incident: record.opens_incident(),
            closed: false,
        }
    }
}

/// All that [`crate::decide`] needs to know in order to judge one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Whether the payload that came along is the one committed to.
    pub(crate) payload: Result<(), Rejection>,
    pub(crate) prior: Option<Prior>,
    /// Whether what the request says is what the prior one said.
    pub(crate) same_payload: bool,
    pub(crate) class: Option<Class>,
    pub(crate) asset: Option<Asset>,
    pub(crate) from_party: Option<Party>,
    pub(crate) to_party: Option<Party>,
    pub(crate) from_position: Option<Position>,
    pub(crate) to_position: Option<Position>,
    pub(crate) subject: Option<Subject>,
}

impl Facts {
    /// Looks up what the request needs: what became of its record id first, and nothing else when
    /// that settles it.
    ///
    /// # Errors
    /// The source's own.
    pub fn gather<S: Source>(transfer: &Transfer, payload: Option<&Payload>, source: &S) -> Result<Self, S::Error> {
        let mut facts = Self {
            payload: check_payload(transfer, payload),
            prior: source.prior(transfer.record_id)?,
            same_payload: false,
            class: None,
            asset: None,
            from_party: None,
            to_party: None,
            from_position: None,
            to_position: None,
            subject: None,
        };
        if let Some(prior) = &facts.prior {
            facts.same_payload = same_payload(transfer, payload, prior);
            return Ok(facts);
        }
        let party = |party_id: PartyId| match party_id {
            PartyId::NIL => Ok(None),
            party_id => source.party(party_id),
        };
        match transfer.act {
            Act::Enroll => facts.to_party = party(transfer.to)?,
            Act::Define => facts.class = class_named(transfer, source)?,
            Act::Incident | Act::Erase => {
                facts.subject = transfer.subject().map_or(Ok(None), |subject| source.subject(subject))?;
            }
            Act::Register => {
                facts.to_party = party(transfer.to)?;
                facts.class = class_named(transfer, source)?;
                facts.asset = source.asset(transfer.asset_id)?;
            }
            Act::Issue | Act::Transfer | Act::Retire | Act::Redeem | Act::Amend => {
                facts.from_party = party(transfer.from)?;
                facts.to_party = party(transfer.to)?;
                facts.asset = source.asset(transfer.asset_id)?;
                let position = |party_id: Option<PartyId>| match party_id {
                    Some(party_id) => source.position(transfer.asset_id, party_id),
                    None => Ok(None),
                };
                let [from, to] = transfer.positions_touched();
                facts.from_position = position(from)?;
                facts.to_position = position(to)?;
            }
        }
        Ok(facts)
    }
}

fn class_named<S: Source>(transfer: &Transfer, source: &S) -> Result<Option<Class>, S::Error> {
    transfer.class_id().map_or(Ok(None), |class_id| source.class(class_id))
}

/// A client that asks again has no way to know the salt of the first time, so its payload is
/// compared under that. Of a refused request no payload was kept; the refusal stands whatever the
/// payload says. Nor is there anything to compare with once a payload was erased.
fn same_payload(transfer: &Transfer, payload: Option<&Payload>, prior: &Prior) -> bool {
    let Prior::Accepted { transfer: first, salt, erased, .. } = prior else {
        return true;
    };
    if *erased || transfer.payload_commit == first.payload_commit {
        return true;
    }
    match (salt, payload) {
        (Some(salt), Some(payload)) => first.payload_commit == Some(commit(salt, &payload.bytes)),
        _ => false,
    }
}
