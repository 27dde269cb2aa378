//! Every reason there is to refuse a request, one line each; the ledger gives the first of them.

use super::ReferenceLedger;
use crate::{Act, AssetId, ClassId, Field, PartyId, Payload, Prior, RecordId, Rejection, Side, Transfer, commit};

/// Reasons that lie in the request.
pub(super) fn of_form(t: &Transfer, payload: Option<&Payload>) -> Vec<Rejection> {
    use Act::{Amend, Define, Enroll, Erase, Incident, Issue, Redeem, Register, Retire, Transfer};
    let act = |acts: &[Act]| acts.contains(&t.act);
    let [quantity, unique] = [t.quantity_asset, !t.quantity_asset];
    let moves = t.moves_title || t.moves_custody;
    let receives = act(&[Issue, Transfer, Enroll]) || (act(&[Register]) && unique);
    let no_asset = [AssetId::NIL].contains(&t.asset_id);
    let [no_from, no_to] = [t.from, t.to].map(|party| party == PartyId::NIL);
    let counts = !act(&[Define, Enroll, Erase, Incident]);
    let bytes = payload.map(|payload| payload.bytes.len());
    let committed = payload.map(|payload| commit(&payload.salt, &payload.bytes));
    all_that_hold([
        (t.record_id.is_nil(), Rejection::NilRecordId),
        (act(&[Erase]) && no_asset, Rejection::NilRecordId),
        (!act(&[Enroll, Define, Erase, Incident]) && no_asset, Rejection::NilAsset),
        ((act(&[Define]) && no_asset) || (act(&[Register]) && no_from), Rejection::NilClass),
        (act(&[Transfer, Retire, Redeem]) && no_from, Rejection::NilParty(Side::From)),
        (receives && no_to, Rejection::NilParty(Side::To)),
        (act(&[Enroll]) && !no_asset, Rejection::AssetMustBeNil),
        (act(&[Issue, Amend, Enroll, Define, Erase, Incident]) && !no_from, Rejection::PartyMustBeNil(Side::From)),
        (!receives && !no_to, Rejection::PartyMustBeNil(Side::To)),
        (act(&[Transfer]) && t.from == t.to, Rejection::SameParty),
        (!act(&[Transfer]) && moves, Rejection::FlagsNotForAct),
        (act(&[Issue, Redeem]) && unique, Rejection::FlagsNotForAct),
        (act(&[Retire, Enroll, Erase, Incident]) && quantity, Rejection::FlagsNotForAct),
        (act(&[Transfer]) && !moves, Rejection::MovesNothing),
        (act(&[Transfer]) && quantity && t.moves_title != t.moves_custody, Rejection::SplitsQuantity),
        (act(&[Issue, Transfer, Redeem]) && quantity && t.quantity == 0, Rejection::ZeroQuantity),
        (counts && unique && t.quantity != 1, Rejection::QuantityNotOne),
        (act(&[Register, Amend]) && quantity && t.quantity != 0, Rejection::QuantityNotZero),
        (act(&[Enroll, Erase, Incident]) && t.quantity != 0, Rejection::QuantityNotZero),
        (act(&[Define]) && unique && t.quantity != 0, Rejection::QuantityNotZero),
        (act(&[Define]) && quantity && t.quantity > 38, Rejection::ScaleTooLarge),
        (act(&[Amend, Incident]) && t.payload_commit.is_none(), Rejection::PayloadRequired),
        (payload.is_some() && t.payload_commit.is_none(), Rejection::PayloadNotCommitted),
        (bytes > Some(65_536), Rejection::PayloadTooLong),
        (committed.is_some() && committed != t.payload_commit, Rejection::PayloadMismatch),
    ])
}

/// Reasons that lie in the first request with the same record id.
pub(super) fn of_repeat(t: &Transfer, payload: Option<&Payload>, prior: &Prior) -> Vec<Rejection> {
    let (first, salt, forgotten) = match prior {
        Prior::Accepted { transfer, salt, erased, .. } => (transfer, *salt, *erased),
        Prior::Rejected { transfer, .. } => (transfer, None, true),
    };
    let said_again = payload.zip(salt).map(|(payload, salt)| commit(&salt, &payload.bytes));
    let other_payload = !forgotten
        && t.payload_commit != first.payload_commit
        && (said_again.is_none() || said_again != first.payload_commit);
    let other = Rejection::ExistsWithDifferentContent;
    all_that_hold([
        (t.act != first.act, other(Field::Act)),
        (t.quantity_asset != first.quantity_asset, other(Field::Flags)),
        (t.moves_title != first.moves_title, other(Field::Flags)),
        (t.moves_custody != first.moves_custody, other(Field::Flags)),
        (t.asset_id != first.asset_id, other(Field::Asset)),
        (t.from != first.from, other(Field::From)),
        (t.to != first.to, other(Field::To)),
        (t.quantity != first.quantity, other(Field::Quantity)),
        (t.event_time_us != first.event_time_us, other(Field::EventTime)),
        (other_payload, other(Field::Payload)),
    ])
}

/// Reasons that lie in the clock and in what the ledger knows.
pub(super) fn of_state(ledger: &ReferenceLedger, t: &Transfer, time_us: u64) -> Vec<Rejection> {
    use Act::{Define, Enroll, Erase, Incident, Issue, Redeem, Register, Retire, Transfer};
    let act = |acts: &[Act]| acts.contains(&t.act);
    let [quantity, unique] = [t.quantity_asset, !t.quantity_asset];
    let [from_known, to_known] = [t.from, t.to].map(|party| ledger.party(party).is_some());
    let asset = ledger.asset(t.asset_id);
    let about_asset = !act(&[Enroll, Define, Register, Erase, Incident]);
    let subject_id = RecordId(t.asset_id.0);
    let subject = ledger.recorded(subject_id).map(|(_, subject)| subject);
    let closes = act(&[Incident]) && !subject_id.is_nil();
    let class = ledger.class(ClassId(t.from.0));
    let receives = act(&[Issue, Transfer]) || (act(&[Register]) && unique);
    let units = |party| ledger.position(t.asset_id, party).map_or(0, |row| row.available);
    let owner = asset.map_or(PartyId::NIL, |asset| asset.owner);
    let holder = asset.map_or(PartyId::NIL, |asset| asset.holder);
    all_that_hold([
        (t.event_time_us.saturating_sub(time_us) > 300_000_000, Rejection::EventTimeInFuture),
        (act(&[Transfer, Retire, Redeem]) && !from_known, Rejection::UnknownParty(Side::From)),
        (receives && !to_known, Rejection::UnknownParty(Side::To)),
        (act(&[Register]) && class.is_none(), Rejection::UnknownClass),
        (about_asset && asset.is_none(), Rejection::UnknownAsset),
        (act(&[Register]) && asset.is_some(), Rejection::AssetExists),
        (act(&[Enroll]) && to_known, Rejection::PartyExists),
        (act(&[Define]) && ledger.class(ClassId(t.asset_id.0)).is_some(), Rejection::ClassExists),
        (act(&[Register]) && class.is_some_and(|class| class.quantity != quantity), Rejection::WrongAssetKind),
        (about_asset && asset.is_some_and(|asset| asset.quantity_asset != quantity), Rejection::WrongAssetKind),
        (about_asset && asset.is_some_and(|asset| asset.retired), Rejection::AssetRetired),
        ((t.moves_title || act(&[Retire])) && unique && owner != t.from, Rejection::NotTheOwner),
        (t.moves_custody && unique && holder != t.from, Rejection::NotTheHolder),
        (act(&[Transfer, Redeem]) && quantity && units(t.from) < t.quantity, Rejection::InsufficientQuantity),
        (act(&[Issue]) && units(PartyId::NIL).checked_add(t.quantity).is_none(), Rejection::QuantityOverflow),
        ((act(&[Erase]) || closes) && subject.is_none(), Rejection::UnknownRecord),
        (closes && subject.is_some_and(|s| s.act != Incident || !s.asset_id.is_nil()), Rejection::NotAnIncident),
        (closes && ledger.is_closed(subject_id), Rejection::IncidentClosed),
        (act(&[Erase]) && subject.is_some_and(|s| s.payload_commit.is_none()), Rejection::NothingToErase),
        (act(&[Erase]) && ledger.is_erased(subject_id), Rejection::AlreadyErased),
    ])
}

fn all_that_hold<const N: usize>(reasons: [(bool, Rejection); N]) -> Vec<Rejection> {
    reasons.into_iter().filter_map(|(holds, reason)| holds.then_some(reason)).collect()
}
