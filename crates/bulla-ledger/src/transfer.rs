//! The request: one thing that somebody wants recorded, in 128 bytes.

use crate::{AssetId, ClassId, DecodeError, PartyId, Payload, RecordId};

/// What a request does. The number is the record's kind byte, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Act {
    /// An asset enters the ledger.
    Register = 0x01,
    /// Units of a quantity asset come into being.
    Issue = 0x02,
    /// An asset, or units of one, pass from one party to another.
    Transfer = 0x03,
    /// A unique asset leaves the ledger.
    Retire = 0x04,
    /// Units of a quantity asset cease to be.
    Redeem = 0x05,
    /// Something is said about an asset; nothing moves.
    Amend = 0x0D,
    /// A party becomes known.
    Enroll = 0x30,
    /// An asset class becomes known.
    Define = 0x31,
}

impl Act {
    /// The kind byte.
    pub const fn code(self) -> u8 {
        self as u8
    }
    /// The act with this kind byte; `None` for kinds that are not built.
    pub const fn from_code(_code: u8) -> Option<Self> {
        todo!()
    }
    /// One lower-case word.
    pub const fn name(self) -> &'static str {
        todo!()
    }
}

/// A request, as a client sends it and a Raft entry carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// The client's id of this request.
    pub record_id: RecordId,
    /// The asset; the class for [`Act::Define`]; nil for [`Act::Enroll`].
    pub asset_id: AssetId,
    /// The giver; nil for [`Act::Issue`]. For [`Act::Register`] it carries the asset's class.
    pub from: PartyId,
    /// The receiver; nil for [`Act::Retire`] and [`Act::Redeem`].
    pub to: PartyId,
    /// Units, scaled by the class; 1 for a unique asset; the scale itself for [`Act::Define`].
    pub quantity: u128,
    /// When it happened in the world, POSIX microseconds, as the client says; 0 = when recorded.
    pub event_time_us: u64,
    /// What is done.
    pub act: Act,
    /// A quantity asset (or class), not a unique one.
    pub quantity_asset: bool,
    /// A transfer of ownership.
    pub moves_title: bool,
    /// A transfer of possession.
    pub moves_custody: bool,
    /// What the record commits to having been said about it.
    pub payload_commit: Option<[u8; 32]>,
}

impl Transfer {
    /// Bytes of an encoded request.
    pub const LEN: usize = 128;

    /// A unique asset of class `class` enters the ledger; `to` becomes owner and holder.
    pub fn register(record_id: RecordId, asset: AssetId, class: ClassId, to: PartyId) -> Self {
        todo!("{record_id}{asset}{class}{to}")
    }
    /// A quantity asset of class `class` enters the ledger, with nothing outstanding yet.
    pub fn register_quantity(record_id: RecordId, asset: AssetId, class: ClassId) -> Self {
        todo!("{record_id}{asset}{class}")
    }
    /// `quantity` new units of a quantity asset, for `to`.
    pub fn issue(record_id: RecordId, asset: AssetId, to: PartyId, quantity: u128) -> Self {
        todo!("{record_id}{asset}{to}{quantity}")
    }
    /// Title and custody of a unique asset pass from `from` to `to`.
    pub fn transfer(record_id: RecordId, asset: AssetId, from: PartyId, to: PartyId) -> Self {
        todo!("{record_id}{asset}{from}{to}")
    }
    /// Custody alone: `to` holds the asset from now on, the owner stays.
    pub fn custody(record_id: RecordId, asset: AssetId, from: PartyId, to: PartyId) -> Self {
        todo!("{record_id}{asset}{from}{to}")
    }
    /// Title alone: `to` owns the asset from now on, the holder stays.
    pub fn title(record_id: RecordId, asset: AssetId, from: PartyId, to: PartyId) -> Self {
        todo!("{record_id}{asset}{from}{to}")
    }
    /// `quantity` units of a quantity asset pass from `from` to `to`.
    pub fn send(
        record_id: RecordId,
        asset: AssetId,
        from: PartyId,
        to: PartyId,
        quantity: u128,
    ) -> Self {
        todo!("{record_id}{asset}{from}{to}{quantity}")
    }
    /// A unique asset leaves the ledger for ever.
    pub fn retire(record_id: RecordId, asset: AssetId, owner: PartyId) -> Self {
        todo!("{record_id}{asset}{owner}")
    }
    /// `quantity` units of `from` cease to be.
    pub fn redeem(record_id: RecordId, asset: AssetId, from: PartyId, quantity: u128) -> Self {
        todo!("{record_id}{asset}{from}{quantity}")
    }
    /// Something is said about a unique asset.
    pub fn amend(record_id: RecordId, asset: AssetId, payload_commit: [u8; 32]) -> Self {
        todo!("{record_id}{asset}{payload_commit:?}")
    }
    /// Something is said about a quantity asset.
    pub fn amend_quantity(record_id: RecordId, asset: AssetId, payload_commit: [u8; 32]) -> Self {
        todo!("{record_id}{asset}{payload_commit:?}")
    }
    /// `party` becomes known to the ledger.
    pub fn enroll(record_id: RecordId, party: PartyId) -> Self {
        todo!("{record_id}{party}")
    }
    /// `class` becomes known: quantity or unique, and the decimal digits of its quantities (0 to
    /// 38; 0 for a unique class).
    pub fn define(record_id: RecordId, class: ClassId, quantity: bool, scale: u8) -> Self {
        todo!("{record_id}{class}{quantity}{scale}")
    }

    /// The same request, committed to `payload`.
    pub fn with_payload(self, payload: &Payload) -> Self {
        Self {
            payload_commit: Some(payload.commit()),
            ..self
        }
    }
    /// The same request about something that happened at `event_time_us`.
    pub fn happened_at(self, event_time_us: u64) -> Self {
        Self {
            event_time_us,
            ..self
        }
    }

    /// The class that a registration or definition speaks of; meaningless for other acts.
    pub fn class_id(&self) -> Option<ClassId> {
        todo!()
    }

    /// The 128 bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        todo!()
    }
    /// Reads a request; what it returns encodes to the same bytes again. It may still be malformed:
    /// see [`crate::check_form`].
    pub fn decode(_bytes: &[u8]) -> Result<Self, DecodeError> {
        todo!()
    }
}
