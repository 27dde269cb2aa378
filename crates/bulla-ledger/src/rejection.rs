//! The ledger's "no": every reason, numbered for ever, in order of precedence.

/// Why a request was refused: an answer, the same on every node. When several reasons hold, the
/// one listed first here, which is the one with the lowest number, is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// The record id is nil.
    NilRecordId,
    /// The asset is nil where one is needed.
    NilAsset,
    /// The class is nil where one is needed.
    NilClass,
    /// A party is nil where one is needed.
    NilParty(Side),
    /// An asset is given where the act has none.
    AssetMustBeNil,
    /// A party is given where the act has none.
    PartyMustBeNil(Side),
    /// A transfer from a party to itself.
    SameParty,
    /// A flag is set, or missing, against the nature of the act.
    FlagsNotForAct,
    /// A transfer that moves neither title nor custody.
    MovesNothing,
    /// A quantity transfer that moves title without custody, or custody without title.
    SplitsQuantity,
    /// Zero units where some must move.
    ZeroQuantity,
    /// The quantity of a unique asset is always 1.
    QuantityNotOne,
    /// A quantity is given where the act has none.
    QuantityNotZero,
    /// More than 38 decimal digits, which no `u128` holds.
    ScaleTooLarge,
    /// An amendment that says nothing.
    PayloadRequired,
    /// A payload came along, but the request does not commit to one.
    PayloadNotCommitted,
    /// The payload is longer than 65,536 bytes.
    PayloadTooLong,
    /// The payload is not the one that the request commits to.
    PayloadMismatch,
    /// The record id was used before, for a request that differs in the named field.
    ExistsWithDifferentContent(Field),
    /// The event is more than 300 s later than the record of it.
    EventTimeInFuture,
    /// The party was never enrolled.
    UnknownParty(Side),
    /// The class was never defined.
    UnknownClass,
    /// The asset was never registered.
    UnknownAsset,
    /// The asset is registered already.
    AssetExists,
    /// The party is enrolled already.
    PartyExists,
    /// The class is defined already.
    ClassExists,
    /// The asset or class is a quantity where the request says unique, or the other way round.
    WrongAssetKind,
    /// The asset is retired.
    AssetRetired,
    /// `from` does not own the asset.
    NotTheOwner,
    /// `from` does not hold the asset.
    NotTheHolder,
    /// `from` has fewer units than it would give.
    InsufficientQuantity,
    /// More units would be outstanding than a `u128` can count.
    QuantityOverflow,
    /// Nothing is wrong with this request, but another one of the same atomic batch was refused.
    BatchRejected,
}

/// One of the two parties of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The giver.
    From,
    /// The receiver.
    To,
}

/// The field in which a request differs from the one recorded first under its record id; the first
/// such field in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// What is done.
    Act,
    /// Unique or quantity, title, custody.
    Flags,
    /// The asset, or the class that is defined.
    Asset,
    /// The giver, or the class of an asset that is registered.
    From,
    /// The receiver.
    To,
    /// The number of units.
    Quantity,
    /// When it happened.
    EventTime,
    /// The payload.
    Payload,
}

impl Rejection {
    /// The number, for ever. Hundreds: 0 the request is malformed, 1 its id is taken, 2 the clock,
    /// 3 the state of the ledger forbids it, 9 another item of its batch.
    pub fn code(self) -> u16 {
        todo!()
    }
    /// The rejection with this number, if there is one.
    pub fn from_code(_code: u16) -> Option<Self> {
        todo!()
    }
    /// The name in `snake_case`, without side or field.
    pub fn name(self) -> &'static str {
        todo!()
    }
    /// True when the answer holds for ever and spends the record id: the same request gets the same
    /// answer again, even if it would be possible by then. True of all that the state of the ledger
    /// forbids. Otherwise the id stays free.
    pub fn is_final(self) -> bool {
        todo!()
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
