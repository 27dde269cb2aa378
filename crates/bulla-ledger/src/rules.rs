//! What the state of the ledger forbids, and what each act does to it.

use crate::{
    Act, Asset, Class, Effects, Facts, NO_LEAF, Party, PartyId, Place, Position, Record, Rejection, Side, Transfer,
};

/// What a well-formed request that was never seen before does. Reasons to refuse it are found in
/// order of precedence.
pub(crate) fn apply(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    let effects = match transfer.act {
        Act::Enroll => enroll(transfer, facts, place)?,
        Act::Define => define(transfer, facts, place)?,
        Act::Incident => incident(transfer, facts, place)?,
        Act::Erase => erase(transfer, facts, place)?,
        Act::Register if transfer.quantity_asset => register_quantity(transfer, facts, place)?,
        Act::Register => register(transfer, facts, place)?,
        _ if transfer.quantity_asset => change_quantity(transfer, facts, place)?,
        _ => change_unique(transfer, facts, place)?,
    };
    assert_linked(&effects.record);
    Ok(effects)
}

fn enroll(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    if facts.to_party.is_some() {
        return Err(Rejection::PartyExists);
    }
    let party = Party { party_id: transfer.to, leaf_index: place.leaf_index };
    Ok(Effects { party: Some(party), ..Effects::of(unlinked(transfer, place)) })
}

fn define(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    if facts.class.is_some() {
        return Err(Rejection::ClassExists);
    }
    let class = Class {
        class_id: transfer.class_id().expect("a definition names a class"),
        quantity: transfer.quantity_asset,
        scale: u8::try_from(transfer.quantity).expect("a well-formed scale is at most 38"),
        leaf_index: place.leaf_index,
    };
    Ok(Effects { class: Some(class), ..Effects::of(unlinked(transfer, place)) })
}

/// Opens an incident, or closes the one that it names.
fn incident(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    if transfer.subject().is_none() {
        return Ok(Effects::of(unlinked(transfer, place)));
    }
    let opened = facts.subject.ok_or(Rejection::UnknownRecord)?;
    if !opened.opens_incident {
        return Err(Rejection::NotAnIncident);
    }
    if opened.closed {
        return Err(Rejection::IncidentClosed);
    }
    Ok(Effects::of(Record { ref_leaf: opened.leaf_index, ..unlinked(transfer, place) }))
}

/// Says that the payload of another record is no more. Whether that payload was ever sent to the ledger does not
/// matter: only that the record commits to one, which every reader of the leaves can see.
fn erase(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    let target = facts.subject.ok_or(Rejection::UnknownRecord)?;
    if !target.has_payload {
        return Err(Rejection::NothingToErase);
    }
    if target.erased {
        return Err(Rejection::AlreadyErased);
    }
    Ok(Effects::of(Record { ref_leaf: target.leaf_index, ..unlinked(transfer, place) }))
}

/// The receiver becomes owner and holder.
fn register(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    let class = class_of_new_asset(transfer, facts)?;
    let record = Record { ref_leaf: class.leaf_index, ..unlinked(transfer, place) };
    let asset = new_asset(transfer, class, place);
    assert_one_owner_one_holder(&asset);
    Ok(Effects { asset: Some(asset), ..Effects::of(record) })
}

/// Nobody has any yet: the position of nobody begins, and counts zero units outstanding.
fn register_quantity(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    let class = class_of_new_asset(transfer, facts)?;
    let record = Record { ref_leaf: class.leaf_index, ..unlinked(transfer, place) };
    let outstanding = touched(transfer, None, PartyId::NIL, 0, place);
    Ok(Effects {
        asset: Some(new_asset(transfer, class, place)),
        positions: [Some(outstanding), None],
        ..Effects::of(record)
    })
}

fn class_of_new_asset(transfer: &Transfer, facts: &Facts) -> Result<Class, Rejection> {
    if !transfer.to.is_nil() && facts.to_party.is_none() {
        return Err(Rejection::UnknownParty(Side::To));
    }
    let class = facts.class.ok_or(Rejection::UnknownClass)?;
    assert_eq!(Some(class.class_id), transfer.class_id(), "the class is the one named");
    if facts.asset.is_some() {
        return Err(Rejection::AssetExists);
    }
    if class.quantity != transfer.quantity_asset {
        return Err(Rejection::WrongAssetKind);
    }
    Ok(class)
}

fn new_asset(transfer: &Transfer, class: Class, place: Place) -> Asset {
    Asset {
        asset_id: transfer.asset_id,
        class_id: class.class_id,
        quantity_asset: transfer.quantity_asset,
        owner: transfer.to,
        holder: transfer.to,
        retired: false,
        seq: 0,
        registered_leaf: place.leaf_index,
        last_leaf: place.leaf_index,
    }
}

/// Transfer, retire or amend a unique asset. The owner disposes of title, the holder of custody.
fn change_unique(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    let before = known_asset(transfer, facts)?;
    let retires = transfer.act == Act::Retire;
    if (transfer.moves_title || retires) && transfer.from != before.owner {
        return Err(Rejection::NotTheOwner);
    }
    if transfer.moves_custody && transfer.from != before.holder {
        return Err(Rejection::NotTheHolder);
    }
    let asset = Asset {
        owner: if transfer.moves_title { transfer.to } else { before.owner },
        holder: if transfer.moves_custody { transfer.to } else { before.holder },
        retired: retires,
        seq: before.seq + 1,
        last_leaf: place.leaf_index,
        ..before
    };
    let record = Record { asset_seq: asset.seq, prev_leaf: before.last_leaf, ..unlinked(transfer, place) };
    assert_one_owner_one_holder(&asset);
    Ok(Effects { asset: Some(asset), ..Effects::of(record) })
}

/// Issue, transfer, redeem or amend a quantity asset.
fn change_quantity(transfer: &Transfer, facts: &Facts, place: Place) -> Result<Effects, Rejection> {
    known_asset(transfer, facts)?;
    let quantity = transfer.quantity;
    let before = [facts.from_position, facts.to_position];
    let [from, to] = before.map(|position| position.map_or(0, |position| position.available));
    // Nobody has more than is outstanding, and that is counted in a u128, so only an issue can
    // overflow; and what somebody has can always be taken from what is outstanding.
    let after = match transfer.act {
        Act::Issue => [
            from.checked_add(quantity).ok_or(Rejection::QuantityOverflow)?,
            to.checked_add(quantity).expect("a party has no more than is outstanding"),
        ],
        Act::Redeem => [
            from.checked_sub(quantity).ok_or(Rejection::InsufficientQuantity)?,
            to.checked_sub(quantity).expect("what a party has is outstanding"),
        ],
        Act::Transfer => [
            from.checked_sub(quantity).ok_or(Rejection::InsufficientQuantity)?,
            to.checked_add(quantity).expect("two parties have no more than is outstanding"),
        ],
        _ => [from, to],
    };
    assert_conserved(transfer, [from, to], after);

    let [from_party, to_party] = transfer.positions_touched();
    let from_party = from_party.expect("an act on a quantity asset touches a position");
    let [from_before, to_before] = before;
    assert!(from_before.is_some() || !from_party.is_nil(), "an asset's own position is there");
    let from_after = touched(transfer, from_before, from_party, after[0], place);
    let to_after = to_party.map(|to_party| touched(transfer, to_before, to_party, after[1], place));
    let record = Record {
        asset_seq: from_after.seq,
        prev_leaf: from_before.map_or(NO_LEAF, |position| position.last_leaf),
        prev_leaf_to: to_before.map_or(NO_LEAF, |position| position.last_leaf),
        ..unlinked(transfer, place)
    };
    Ok(Effects { positions: [Some(from_after), to_after], ..Effects::of(record) })
}

/// The asset, if it and the parties are known and it is what the request takes it for.
fn known_asset(transfer: &Transfer, facts: &Facts) -> Result<Asset, Rejection> {
    if !transfer.from.is_nil() && facts.from_party.is_none() {
        return Err(Rejection::UnknownParty(Side::From));
    }
    if !transfer.to.is_nil() && facts.to_party.is_none() {
        return Err(Rejection::UnknownParty(Side::To));
    }
    let asset = facts.asset.ok_or(Rejection::UnknownAsset)?;
    assert_eq!(asset.asset_id, transfer.asset_id, "the asset is the one named");
    if asset.quantity_asset != transfer.quantity_asset {
        return Err(Rejection::WrongAssetKind);
    }
    if asset.retired {
        return Err(Rejection::AssetRetired);
    }
    Ok(asset)
}

/// A position after one more record.
fn touched(
    transfer: &Transfer,
    before: Option<Position>,
    party_id: PartyId,
    available: u128,
    place: Place,
) -> Position {
    let asset_id = transfer.asset_id;
    if let Some(before) = before {
        assert_eq!([before.asset_id.0, before.party_id.0], [asset_id.0, party_id.0]);
    }
    let seq = before.map_or(0, |before| before.seq + 1);
    Position { asset_id, party_id, available, seq, last_leaf: place.leaf_index }
}

/// A record that is the first of its chain and refers to nothing.
fn unlinked(transfer: &Transfer, place: Place) -> Record {
    Record {
        leaf_index: place.leaf_index,
        transfer: *transfer,
        asset_seq: 0,
        prev_leaf: NO_LEAF,
        prev_leaf_to: NO_LEAF,
        ref_leaf: NO_LEAF,
        time_us: place.time_us,
    }
}

impl Effects {
    /// A record that changes no row.
    fn of(record: Record) -> Self {
        Self { record, asset: None, positions: [None, None], party: None, class: None }
    }
}

/// A transfer moves units; it never makes or destroys them. Only an issue makes, and only a
/// redemption destroys, and both count it in what is outstanding.
fn assert_conserved(transfer: &Transfer, before: [u128; 2], after: [u128; 2]) {
    let quantity = transfer.quantity;
    let gained = [after[0].checked_sub(before[0]), after[1].checked_sub(before[1])];
    let lost = [before[0].checked_sub(after[0]), before[1].checked_sub(after[1])];
    match transfer.act {
        Act::Issue => {
            assert_eq!(gained, [Some(quantity); 2]);
            assert!(after[1] <= after[0], "a party has no more than is outstanding");
        }
        Act::Redeem => {
            assert_eq!(lost, [Some(quantity); 2]);
            assert!(after[0] <= after[1], "a party has no more than is outstanding");
        }
        Act::Transfer => assert_eq!([lost[0], gained[1]], [Some(quantity); 2]),
        _ => assert_eq!(before, after),
    }
}

fn assert_one_owner_one_holder(asset: &Asset) {
    assert!(!asset.owner.is_nil() && !asset.holder.is_nil(), "a unique asset is somebody's");
}

/// Links lead backwards, and only a first record has none; so every walk along them ends, at the
/// first record.
fn assert_linked(record: &Record) {
    assert_ne!(record.leaf_index, NO_LEAF, "the log is not that long");
    assert_eq!(record.asset_seq == 0, record.prev_leaf == NO_LEAF);
    for link in [record.prev_leaf, record.prev_leaf_to, record.ref_leaf] {
        assert!(link == NO_LEAF || link < record.leaf_index, "a link leads backwards");
    }
}
