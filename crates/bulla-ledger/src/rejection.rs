//! The ledger's "no": every reason, numbered for ever, in order of precedence.

use std::fmt;

/// Why a request was refused: an answer, the same on every node. When several reasons hold, the
/// one listed first here, which is the one with the lowest number, is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// The record id is nil, or that of the record which a payload is erased of.
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
    /// An amendment or an incident that says nothing.
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
    /// No record has the id of the one that this is about.
    UnknownRecord,
    /// What would be closed is no record that opened an incident.
    NotAnIncident,
    /// The incident was closed before.
    IncidentClosed,
    /// The record commits to no payload.
    NothingToErase,
    /// The payload was erased before.
    AlreadyErased,
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
    /// Every rejection, in order of precedence.
    pub const ALL: &'static [Self] = &[
        Self::NilRecordId,
        Self::NilAsset,
        Self::NilClass,
        Self::NilParty(Side::From),
        Self::NilParty(Side::To),
        Self::AssetMustBeNil,
        Self::PartyMustBeNil(Side::From),
        Self::PartyMustBeNil(Side::To),
        Self::SameParty,
        Self::FlagsNotForAct,
        Self::MovesNothing,
        Self::SplitsQuantity,
        Self::ZeroQuantity,
        Self::QuantityNotOne,
        Self::QuantityNotZero,
        Self::ScaleTooLarge,
        Self::PayloadRequired,
        Self::PayloadNotCommitted,
        Self::PayloadTooLong,
        Self::PayloadMismatch,
        Self::ExistsWithDifferentContent(Field::Act),
        Self::ExistsWithDifferentContent(Field::Flags),
        Self::ExistsWithDifferentContent(Field::Asset),
        Self::ExistsWithDifferentContent(Field::From),
        Self::ExistsWithDifferentContent(Field::To),
        Self::ExistsWithDifferentContent(Field::Quantity),
        Self::ExistsWithDifferentContent(Field::EventTime),
        Self::ExistsWithDifferentContent(Field::Payload),
        Self::EventTimeInFuture,
        Self::UnknownParty(Side::From),
        Self::UnknownParty(Side::To),
        Self::UnknownClass,
        Self::UnknownAsset,
        Self::AssetExists,
        Self::PartyExists,
        Self::ClassExists,
        Self::WrongAssetKind,
        Self::AssetRetired,
        Self::NotTheOwner,
        Self::NotTheHolder,
        Self::InsufficientQuantity,
        Self::QuantityOverflow,
        Self::UnknownRecord,
        Self::NotAnIncident,
        Self::IncidentClosed,
        Self::NothingToErase,
        Self::AlreadyErased,
        Self::BatchRejected,
    ];

    /// The number, for ever. Its hundreds tell what was at fault: 0 the request itself, 1 its
    /// record id, 2 its time, 3 the state of the ledger, 9 another item of its batch.
    ///
    /// ```
    /// use bulla_ledger::Rejection;
    ///
    /// assert_eq!(Rejection::NotTheHolder.code(), 311);
    /// assert_eq!(Rejection::from_code(311), Some(Rejection::NotTheHolder));
    /// ```
    pub const fn code(self) -> u16 {
        match self {
            Self::NilRecordId => 1,
            Self::NilAsset => 2,
            Self::NilClass => 3,
            Self::NilParty(Side::From) => 4,
            Self::NilParty(Side::To) => 5,
            Self::AssetMustBeNil => 6,
            Self::PartyMustBeNil(Side::From) => 7,
            Self::PartyMustBeNil(Side::To) => 8,
            Self::SameParty => 9,
            Self::FlagsNotForAct => 10,
            Self::MovesNothing => 11,
            Self::SplitsQuantity => 12,
            Self::ZeroQuantity => 13,
            Self::QuantityNotOne => 14,
            Self::QuantityNotZero => 15,
            Self::ScaleTooLarge => 16,
            Self::PayloadRequired => 17,
            Self::PayloadNotCommitted => 18,
            Self::PayloadTooLong => 19,
            Self::PayloadMismatch => 20,
            Self::ExistsWithDifferentContent(field) => match field {
                Field::Act => 101,
                Field::Flags => 102,
                Field::Asset => 103,
                Field::From => 104,
                Field::To => 105,
                Field::Quantity => 106,
                Field::EventTime => 107,
                Field::Payload => 108,
            },
            Self::EventTimeInFuture => 201,
            Self::UnknownParty(Side::From) => 301,
            Self::UnknownParty(Side::To) => 302,
            Self::UnknownClass => 303,
            Self::UnknownAsset => 304,
            Self::AssetExists => 305,
            Self::PartyExists => 306,
            Self::ClassExists => 307,
            Self::WrongAssetKind => 308,
            Self::AssetRetired => 309,
            Self::NotTheOwner => 310,
            Self::NotTheHolder => 311,
            Self::InsufficientQuantity => 312,
            Self::QuantityOverflow => 313,
            Self::UnknownRecord => 314,
            Self::NotAnIncident => 315,
            Self::IncidentClosed => 316,
            Self::NothingToErase => 317,
            Self::AlreadyErased => 318,
            Self::BatchRejected => 901,
        }
    }

    /// The rejection with this number; `None` when there is none.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|rejection| rejection.code() == code)
    }

    /// The name in `snake_case`, without side or field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NilRecordId => "nil_record_id",
            Self::NilAsset => "nil_asset",
            Self::NilClass => "nil_class",
            Self::NilParty(_) => "nil_party",
            Self::AssetMustBeNil => "asset_must_be_nil",
            Self::PartyMustBeNil(_) => "party_must_be_nil",
            Self::SameParty => "same_party",
            Self::FlagsNotForAct => "flags_not_for_act",
            Self::MovesNothing => "moves_nothing",
            Self::SplitsQuantity => "splits_quantity",
            Self::ZeroQuantity => "zero_quantity",
            Self::QuantityNotOne => "quantity_not_one",
            Self::QuantityNotZero => "quantity_not_zero",
            Self::ScaleTooLarge => "scale_too_large",
            Self::PayloadRequired => "payload_required",
            Self::PayloadNotCommitted => "payload_not_committed",
            Self::PayloadTooLong => "payload_too_long",
            Self::PayloadMismatch => "payload_mismatch",
            Self::ExistsWithDifferentContent(_) => "exists_with_different_content",
            Self::EventTimeInFuture => "event_time_in_future",
            Self::UnknownParty(_) => "unknown_party",
            Self::UnknownClass => "unknown_class",
            Self::UnknownAsset => "unknown_asset",
            Self::AssetExists => "asset_exists",
            Self::PartyExists => "party_exists",
            Self::ClassExists => "class_exists",
            Self::WrongAssetKind => "wrong_asset_kind",
            Self::AssetRetired => "asset_retired",
            Self::NotTheOwner => "not_the_owner",
            Self::NotTheHolder => "not_the_holder",
            Self::InsufficientQuantity => "insufficient_quantity",
            Self::QuantityOverflow => "quantity_overflow",
            Self::UnknownRecord => "unknown_record",
            Self::NotAnIncident => "not_an_incident",
            Self::IncidentClosed => "incident_closed",
            Self::NothingToErase => "nothing_to_erase",
            Self::AlreadyErased => "already_erased",
            Self::BatchRejected => "batch_rejected",
        }
    }

    /// Whether the answer holds for ever and spends the record id: the same request then gets the
    /// same answer, even when it has become possible since. So it is for all that the state of the
    /// ledger forbids. After any other rejection the id is still free.
    pub const fn is_final(self) -> bool {
        self.code() / 100 == 3
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NilRecordId => "the record id must not be nil",
            Self::NilAsset => "an asset must be given",
            Self::NilClass => "a class must be given",
            Self::NilParty(Side::From) => "the giving party must be given",
            Self::NilParty(Side::To) => "the receiving party must be given",
            Self::AssetMustBeNil => "this act has no asset; leave it nil",
            Self::PartyMustBeNil(Side::From) => "this act has no giving party; leave it nil",
            Self::PartyMustBeNil(Side::To) => "this act has no receiving party; leave it nil",
            Self::SameParty => "giver and receiver are the same party",
            Self::FlagsNotForAct => "a flag does not fit what is to be done",
            Self::MovesNothing => "a transfer must move title, custody or both",
            Self::SplitsQuantity => "units move with title and custody together",
            Self::ZeroQuantity => "the quantity must not be zero",
            Self::QuantityNotOne => "the quantity of a unique asset must be 1",
            Self::QuantityNotZero => "this act has no quantity; leave it 0",
            Self::ScaleTooLarge => "a class has at most 38 decimal digits",
            Self::PayloadRequired => "an amendment or an incident must commit to a payload",
            Self::PayloadNotCommitted => "a payload was sent without a commitment to it",
            Self::PayloadTooLong => "a payload has at most 65536 bytes",
            Self::PayloadMismatch => "the payload is not the one committed to",
            Self::ExistsWithDifferentContent(field) => {
                let field = field.name();
                return write!(f, "this record id was used before, with a different {field}");
            }
            Self::EventTimeInFuture => "the event is more than 300 seconds in the future",
            Self::UnknownParty(Side::From) => "the giving party is not enrolled",
            Self::UnknownParty(Side::To) => "the receiving party is not enrolled",
            Self::UnknownClass => "the class is not defined",
            Self::UnknownAsset => "the asset is not registered",
            Self::AssetExists => "the asset is registered already",
            Self::PartyExists => "the party is enrolled already",
            Self::ClassExists => "the class is defined already",
            Self::WrongAssetKind => "unique where it is a quantity, or a quantity where it is unique",
            Self::AssetRetired => "the asset is retired",
            Self::NotTheOwner => "the giving party does not own the asset",
            Self::NotTheHolder => "the giving party does not hold the asset",
            Self::InsufficientQuantity => "the giving party has fewer units than that",
            Self::QuantityOverflow => "more units would be outstanding than can be counted",
            Self::UnknownRecord => "there is no record of this id",
            Self::NotAnIncident => "the record did not open an incident",
            Self::IncidentClosed => "the incident is closed already",
            Self::NothingToErase => "the record has no payload",
            Self::AlreadyErased => "the payload is erased already",
            Self::BatchRejected => "another item of the same atomic batch was refused",
        })
    }
}

impl Field {
    /// The field's name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Flags => "flags",
            Self::Asset => "asset_id",
            Self::From => "from",
            Self::To => "to",
            Self::Quantity => "quantity",
            Self::EventTime => "event_time_us",
            Self::Payload => "payload",
        }
    }
}

impl Side {
    /// The side's name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect_file;
    use std::fmt::Write;

    #[test]
    fn numbers_and_names_never_change() {
        let mut table = String::new();
        for rejection in Rejection::ALL {
            let (code, name) = (rejection.code(), rejection.name());
            let id = if rejection.is_final() { "id spent" } else { "id free" };
            writeln!(table, "{code:03} {name:30} {id:8} {rejection}").unwrap();
        }
        expect_file!["../golden/rejections.txt"].assert_eq(&table);
    }

    #[test]
    fn numbers_rise_in_order_of_precedence() {
        assert!(Rejection::ALL.is_sorted_by(|a, b| a < b && a.code() < b.code()));
    }

    #[test]
    fn every_number_leads_back_to_its_rejection() {
        for code in 0..=u16::MAX {
            let back = Rejection::from_code(code).map(Rejection::code);
            assert!(back.is_none_or(|back| back == code), "{code}");
        }
    }
}
