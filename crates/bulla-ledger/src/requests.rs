//! One constructor for each thing that can be asked for.

use crate::{Act, AssetId, ClassId, PartyId, Payload, RecordId, Transfer};

impl Transfer {
    /// A unique asset of class `class` enters the ledger; `to` becomes its owner and holder.
    pub const fn register(record_id: RecordId, asset: AssetId, class: ClassId, to: PartyId) -> Self {
        Self { asset_id: asset, from: PartyId(class.0), to, ..blank(Act::Register, record_id) }
    }

    /// A quantity asset of class `class` enters the ledger. Nothing of it is outstanding yet.
    pub const fn register_quantity(record_id: RecordId, asset: AssetId, class: ClassId) -> Self {
        Self { quantity_asset: true, quantity: 0, ..Self::register(record_id, asset, class, PartyId::NIL) }
    }

    /// `quantity` new units of a quantity asset come into being, for `to`.
    pub const fn issue(record_id: RecordId, asset: AssetId, to: PartyId, quantity: u128) -> Self {
        Self { asset_id: asset, to, quantity, quantity_asset: true, ..blank(Act::Issue, record_id) }
    }

    /// Title and custody of a unique asset pass from its owner and holder `from` to `to`.
    #[expect(clippy::self_named_constructors, reason = "transferring is what it asks for")]
    pub const fn transfer(record_id: RecordId, asset: AssetId, from: PartyId, to: PartyId) -> Self {
        Self { asset_id: asset, from, to, moves_title: true, moves_custody: true, ..blank(Act::Transfer, record_id) }
    }

    /// A unique asset is handed from its holder `from` to `to`; its owner stays.
    pub const fn custody(record_id: RecordId, asset: AssetId, from: PartyId, to: PartyId) -> Self {
        Self { moves_title: false, ..Self::transfer(record_id, asset, from, to) }
    }

    /// A unique asset is made over from its owner `from` to `to`; its holder stays.
    pub const fn title(record_id: RecordId, asset: AssetId, from: PartyId, to: PartyId) -> Self {
        Self { moves_custody: false, ..Self::transfer(record_id, asset, from, to) }
    }

    /// `quantity` units of a quantity asset pass from `from` to `to`.
    pub const fn send(record_id: RecordId, asset: AssetId, from: PartyId, to: PartyId, quantity: u128) -> Self {
        Self { quantity, quantity_asset: true, ..Self::transfer(record_id, asset, from, to) }
    }

    /// A unique asset of `owner` leaves the ledger. Its last owner and holder stay on record.
    pub const fn retire(record_id: RecordId, asset: AssetId, owner: PartyId) -> Self {
        Self { asset_id: asset, from: owner, ..blank(Act::Retire, record_id) }
    }

    /// `quantity` units of a quantity asset, which `from` has, cease to be.
    pub const fn redeem(record_id: RecordId, asset: AssetId, from: PartyId, quantity: u128) -> Self {
        Self { asset_id: asset, from, quantity, quantity_asset: true, ..blank(Act::Redeem, record_id) }
    }

    /// Something is said about a unique asset: what `payload_commit` commits to.
    pub const fn amend(record_id: RecordId, asset: AssetId, payload_commit: [u8; 32]) -> Self {
        Self { asset_id: asset, payload_commit: Some(payload_commit), ..blank(Act::Amend, record_id) }
    }

    /// Something is said about a quantity asset: what `payload_commit` commits to.
    pub const fn amend_quantity(record_id: RecordId, asset: AssetId, payload_commit: [u8; 32]) -> Self {
        Self { quantity_asset: true, quantity: 0, ..Self::amend(record_id, asset, payload_commit) }
    }

    /// `party` becomes known to the ledger.
    pub const fn enroll(record_id: RecordId, party: PartyId) -> Self {
        Self { to: party, quantity: 0, ..blank(Act::Enroll, record_id) }
    }

    /// Something went wrong with a server's copy: what `payload_commit` commits to.
    pub const fn incident(record_id: RecordId, payload_commit: [u8; 32]) -> Self {
        Self { quantity: 0, payload_commit: Some(payload_commit), ..blank(Act::Incident, record_id) }
    }

    /// What the incident `opened` told of was put right: what `payload_commit` commits to.
    pub const fn close_incident(record_id: RecordId, opened: RecordId, payload_commit: [u8; 32]) -> Self {
        Self { asset_id: AssetId(opened.0), ..Self::incident(record_id, payload_commit) }
    }

    /// The payload of the record `target` is destroyed.
    pub const fn erase(record_id: RecordId, target: RecordId) -> Self {
        Self { asset_id: AssetId(target.0), quantity: 0, ..blank(Act::Erase, record_id) }
    }

    /// `class` becomes known: whether its assets are quantities, and with how many decimal digits
    /// (0 to 38; 0 for unique assets).
    pub const fn define(record_id: RecordId, class: ClassId, quantity: bool, scale: u8) -> Self {
        Self {
            asset_id: AssetId(class.0),
            quantity: scale as u128,
            quantity_asset: quantity,
            ..blank(Act::Define, record_id)
        }
    }

    /// The same request, committed to `payload`.
    pub fn with_payload(self, payload: &Payload) -> Self {
        Self { payload_commit: Some(payload.commit()), ..self }
    }

    /// The same request, about something that happened at `event_time_us` (POSIX microseconds).
    pub const fn happened_at(self, event_time_us: u64) -> Self {
        Self { event_time_us, ..self }
    }
}

/// A request about one unique thing, with all else left out.
const fn blank(act: Act, record_id: RecordId) -> Transfer {
    Transfer {
        record_id,
        asset_id: AssetId::NIL,
        from: PartyId::NIL,
        to: PartyId::NIL,
        quantity: 1,
        event_time_us: 0,
        act,
        quantity_asset: false,
        moves_title: false,
        moves_custody: false,
        payload_commit: None,
    }
}
