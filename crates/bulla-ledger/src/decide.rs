//! Whether a request may happen, and what follows: facts in, outcome out.

use crate::{
    Asset, AssetId, Class, ClassId, Party, PartyId, Payload, Position, Record, RecordId, Rejection,
    Transfer,
};

/// How far the world may be ahead of the ledger's clock, in microseconds.
pub const EVENT_TIME_AHEAD_US_MAX: u64 = 300_000_000;

/// Where facts come from.
pub trait Source {
    /// Why a fact could not be read.
    type Error;
    /// What became of the first request with this id, if it took effect or spent the id.
    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, Self::Error>;
    /// An asset.
    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, Self::Error>;
    /// A party's position, or with [`PartyId::NIL`] what is outstanding.
    fn position(
        &self,
        asset_id: AssetId,
        party_id: PartyId,
    ) -> Result<Option<Position>, Self::Error>;
    /// A party.
    fn party(&self, party_id: PartyId) -> Result<Option<Party>, Self::Error>;
    /// A class.
    fn class(&self, class_id: ClassId) -> Result<Option<Class>, Self::Error>;
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
    },
    /// It was refused for ever.
    Rejected {
        /// As asked for.
        transfer: Transfer,
        /// Why.
        rejection: Rejection,
    },
}

/// All that [`decide`] needs to know about the ledger to judge one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    prior: Option<Prior>,
}

impl Facts {
    /// Looks up what the request needs: the record id first, and nothing else if that is taken.
    /// An error is the source's own.
    pub fn gather<S: Source>(
        _transfer: &Transfer,
        _payload: Option<&Payload>,
        _source: &S,
    ) -> Result<Self, S::Error> {
        todo!()
    }
}

/// Where and when a record goes, if the request is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The next index of the log.
    pub leaf_index: u64,
    /// Record time, POSIX microseconds; the caller never lets it decrease.
    pub time_us: u64,
}

/// The answer to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "most answers are acceptances, and none is kept"
)]
pub enum Outcome {
    /// It happens.
    Accepted(Effects),
    /// It happened before; nothing happens now.
    AlreadyAccepted {
        /// Where the first one stands.
        leaf_index: u64,
    },
    /// It does not happen. [`Rejection::is_final`] says whether the id is spent.
    Rejected(Rejection),
    /// It was refused for ever before, for this reason.
    AlreadyRejected(Rejection),
}

/// What an accepted request changes: one new record, and the new state of every row it touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effects {
    /// The new leaf.
    pub record: Record,
    /// The asset, when its row is new or changed.
    pub asset: Option<Asset>,
    /// Of a quantity asset: the `from` position, then the `to` position.
    pub positions: [Option<Position>; 2],
    /// A new party.
    pub party: Option<Party>,
    /// A new class.
    pub class: Option<Class>,
}

/// The rules. A pure function; allocates nothing.
pub fn decide(_transfer: &Transfer, facts: &Facts, _place: Place) -> Outcome {
    todo!("{:?}", facts.prior)
}
