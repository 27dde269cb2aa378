//! What can be told from a request alone, without looking at the ledger.

use crate::{Act, PAYLOAD_BYTES_MAX, Payload, Rejection, Side, Transfer};

/// The most decimal digits of a quantity: 10^38 is the last power of ten that a `u128` holds.
pub const SCALE_MAX: u8 = 38;

/// Whether the request is well formed: all that needs no state. The leader asks this before a
/// request costs anything, and [`crate::decide`] asks again.
///
/// ```
/// use bulla_ledger::{AssetId, PartyId, RecordId, Rejection, Transfer, check_form};
///
/// let [desk, anna] = [[1; 16], [2; 16]];
/// let to_herself = Transfer::transfer(
///     RecordId::from_bytes([9; 16]),
///     AssetId::from_bytes(desk),
///     PartyId::from_bytes(anna),
///     PartyId::from_bytes(anna),
/// );
/// assert_eq!(check_form(&to_herself), Err(Rejection::SameParty));
/// ```
pub fn check_form(transfer: &Transfer) -> Result<(), Rejection> {
    check_ids(transfer)?;
    check_flags(transfer)?;
    check_quantity(transfer)?;
    if matches!(transfer.act, Act::Amend | Act::Incident) && transfer.payload_commit.is_none() {
        return Err(Rejection::PayloadRequired);
    }
    Ok(())
}

/// Whether the payload that came along, if any, is the one that the request commits to. Without
/// one, a commitment may stand alone: the client keeps what was said.
pub fn check_payload(transfer: &Transfer, payload: Option<&Payload>) -> Result<(), Rejection> {
    let Some(payload) = payload else {
        return Ok(());
    };
    let Some(payload_commit) = transfer.payload_commit else {
        return Err(Rejection::PayloadNotCommitted);
    };
    if payload.bytes.len() > PAYLOAD_BYTES_MAX {
        return Err(Rejection::PayloadTooLong);
    }
    if payload.commit() != payload_commit {
        return Err(Rejection::PayloadMismatch);
    }
    Ok(())
}

/// What an id field of a request holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nil,
    Asset,
    Class,
    Record,
    Party(Side),
}

/// What `asset_id`, `from` and `to` hold.
fn ids_held(transfer: &Transfer) -> [Holds; 3] {
    let from = Holds::Party(Side::From);
    let to = Holds::Party(Side::To);
    match transfer.act {
        Act::Register if transfer.quantity_asset => [Holds::Asset, Holds::Class, Holds::Nil],
        Act::Register => [Holds::Asset, Holds::Class, to],
        Act::Issue => [Holds::Asset, Holds::Nil, to],
        Act::Transfer => [Holds::Asset, from, to],
        Act::Retire | Act::Redeem => [Holds::Asset, from, Holds::Nil],
        Act::Amend => [Holds::Asset, Holds::Nil, Holds::Nil],
        Act::Enroll => [Holds::Nil, Holds::Nil, to],
        Act::Define => [Holds::Class, Holds::Nil, Holds::Nil],
        Act::Erase | Act::Incident => [Holds::Record, Holds::Nil, Holds::Nil],
    }
}

/// Ids that must be there are there, and fields that mean nothing here are nil.
fn check_ids(transfer: &Transfer) -> Result<(), Rejection> {
    // An incident without another one opens.
    let about_nothing = transfer.act == Act::Erase && transfer.subject().is_none();
    if transfer.record_id.is_nil() || about_nothing {
        return Err(Rejection::NilRecordId);
    }
    let held = ids_held(transfer);
    let nil = [transfer.asset_id.is_nil(), transfer.from.is_nil(), transfer.to.is_nil()];
    for (holds, nil) in held.into_iter().zip(nil) {
        match holds {
            Holds::Asset if nil => return Err(Rejection::NilAsset),
            Holds::Class if nil => return Err(Rejection::NilClass),
            Holds::Party(side) if nil => return Err(Rejection::NilParty(side)),
            _ => {}
        }
    }
    let unused =
        [Rejection::AssetMustBeNil, Rejection::PartyMustBeNil(Side::From), Rejection::PartyMustBeNil(Side::To)];
    for ((holds, nil), rejection) in held.into_iter().zip(nil).zip(unused) {
        if holds == Holds::Nil && !nil {
            return Err(rejection);
        }
    }
    if transfer.act == Act::Transfer && transfer.from == transfer.to {
        return Err(Rejection::SameParty);
    }
    Ok(())
}

/// The flags fit the act: only transfers move, only quantities are issued and redeemed, and units
/// have no owner apart from their holder.
fn check_flags(transfer: &Transfer) -> Result<(), Rejection> {
    let &Transfer { act, quantity_asset, moves_title, moves_custody, .. } = transfer;
    let moves = moves_title || moves_custody;
    let fits = match act {
        Act::Transfer => true,
        Act::Register | Act::Amend | Act::Define => !moves,
        Act::Issue | Act::Redeem => !moves && quantity_asset,
        Act::Retire | Act::Enroll | Act::Incident | Act::Erase => !moves && !quantity_asset,
    };
    if !fits {
        return Err(Rejection::FlagsNotForAct);
    }
    if act == Act::Transfer && !moves {
        return Err(Rejection::MovesNothing);
    }
    if act == Act::Transfer && quantity_asset && !(moves_title && moves_custody) {
        return Err(Rejection::SplitsQuantity);
    }
    Ok(())
}

/// A unique asset always counts 1; units that move are counted; a class tells its scale; all else
/// has no quantity.
fn check_quantity(transfer: &Transfer) -> Result<(), Rejection> {
    let &Transfer { act, quantity_asset, quantity, .. } = transfer;
    let (holds, rejection) = match act {
        Act::Define if quantity_asset => (quantity <= u128::from(SCALE_MAX), Rejection::ScaleTooLarge),
        Act::Define | Act::Enroll | Act::Incident | Act::Erase => (quantity == 0, Rejection::QuantityNotZero),
        _ if !quantity_asset => (quantity == 1, Rejection::QuantityNotOne),
        Act::Register | Act::Amend => (quantity == 0, Rejection::QuantityNotZero),
        Act::Issue | Act::Transfer | Act::Retire | Act::Redeem => (quantity > 0, Rejection::ZeroQuantity),
    };
    if holds { Ok(()) } else { Err(rejection) }
}

const _: () = assert!(10u128.checked_pow(SCALE_MAX as u32).is_some());
const _: () = assert!(10u128.checked_pow(SCALE_MAX as u32 + 1).is_none());
