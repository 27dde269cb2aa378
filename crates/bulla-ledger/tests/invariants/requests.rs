//! Requests to try the claims on.

use bulla_ledger::{Act, AssetId, ClassId, PartyId, Payload, RecordId, Transfer};
use proptest::prelude::*;

use crate::NOW_US;

/// A request and the payload that comes with it.
pub type Item = (Transfer, Option<Payload>);

/// A world so small that requests meet: few ids of each kind, and earlier requests come again,
/// some of them altered.
pub fn requests() -> impl Strategy<Value = Vec<Item>> {
    let again = proptest::option::weighted(0.2, (any::<prop::sample::Index>(), 0..20u8));
    proptest::collection::vec((item(), again), 1..120).prop_map(|items| {
        let opening = opening().into_iter().map(|transfer| (transfer, None));
        let mut requests: Vec<Item> = opening.collect();
        for (item, again) in items {
            requests.push(match again {
                Some((earlier, how)) => {
                    let (transfer, payload) = requests[earlier.index(requests.len())].clone();
                    (altered(transfer, how), payload)
                }
                None => item,
            });
        }
        requests
    })
}

/// So that most stories get somewhere.
pub fn opening() -> [Transfer; 9] {
    let mut n = 0;
    [
        Transfer::enroll(record(0), party(1)),
        Transfer::enroll(record(0), party(2)),
        Transfer::enroll(record(0), party(3)),
        Transfer::define(record(0), class(1), false, 0),
        Transfer::define(record(0), class(2), true, 2),
        Transfer::register(record(0), asset(1), class(1), party(1)),
        Transfer::register_quantity(record(0), asset(2), class(2)),
        Transfer::issue(record(0), asset(2), party(1), 9),
        Transfer::issue(record(0), asset(2), party(2), 3),
    ]
    .map(|transfer| {
        n += 1;
        Transfer { record_id: record(200 + n), ..transfer }
    })
}

fn item() -> impl Strategy<Value = Item> {
    let nearly_sensible = (sensible(), 0..20u8).prop_map(|(transfer, how)| altered(transfer, how));
    let transfer = prop_oneof![4 => sensible(), 1 => nearly_sensible, 1 => senseless()];
    let event_time_us = prop_oneof![
        8 => Just(0),
        1 => Just(NOW_US + 300_000_000),
        1 => Just(NOW_US + 300_000_001),
    ];
    let payload = prop_oneof![
        3 => Just(None),
        1 => (0..3u8, 0..3u8).prop_map(|(salt, text)| {
            Some(Payload { salt: [salt; 32], bytes: vec![text] })
        }),
    ];
    (transfer, event_time_us, payload, any::<prop::sample::Index>()).prop_map(
        |(transfer, event_time_us, payload, odd)| {
            let transfer = transfer.happened_at(event_time_us);
            match payload {
                Some(payload) if odd.index(20) == 0 => (transfer, Some(payload)),
                Some(payload) => (transfer.with_payload(&payload), Some(payload)),
                None => (transfer, None),
            }
        },
    )
}

fn sensible() -> impl Strategy<Value = Transfer> {
    let quantity = prop_oneof![6 => 1..5u128, 1 => Just(u128::MAX), 1 => Just(u128::MAX - 12)];
    (0..60u8, 1..4u8, 1..4u8, 1..5u8, 1..5u8, quantity, 0..17u8, 1..8u8).prop_map(
        |(record_id, asset_id, class_id, from, to, quantity, shape, subject)| {
            let (id, a, c) = (record(record_id), asset(asset_id), class(class_id));
            let (from, to) = (party(from), party(to));
            match shape {
                0 => Transfer::register(id, a, c, to),
                1 => Transfer::register_quantity(id, a, c),
                2 => Transfer::issue(id, a, to, quantity),
                3 | 4 => Transfer::transfer(id, a, from, to),
                5 => Transfer::custody(id, a, from, to),
                6 => Transfer::title(id, a, from, to),
                7 | 8 => Transfer::send(id, a, from, to, quantity),
                9 => Transfer::redeem(id, a, from, quantity),
                10 if record_id % 4 == 0 => Transfer::retire(id, a, from),
                10 => Transfer::amend(id, a, [record_id; 32]),
                11 => Transfer::amend_quantity(id, a, [record_id; 32]),
                12 | 15 => Transfer::erase(id, record(subject)),
                13 => Transfer::incident(record(subject), [record_id; 32]),
                14 => Transfer::close_incident(id, record(subject), [record_id; 32]),
                _ if record_id % 2 == 0 => Transfer::enroll(id, to),
                _ => Transfer::define(id, c, quantity.is_multiple_of(2), (quantity % 40) as u8),
            }
        },
    )
}

fn senseless() -> impl Strategy<Value = Transfer> {
    (any::<[u8; 6]>(), 0..Act::ALL.len(), any::<[bool; 4]>()).prop_map(|(n, act, flags)| Transfer {
        record_id: record(n[0] % 60),
        asset_id: asset(n[1] % 4),
        from: party(n[2] % 5),
        to: party(n[3] % 5),
        quantity: u128::from(n[4] % 3),
        event_time_us: 0,
        act: Act::ALL[act],
        quantity_asset: flags[0],
        moves_title: flags[1],
        moves_custody: flags[2],
        payload_commit: flags[3].then_some([n[5] % 2; 32]),
    })
}

/// The same request, perhaps with something changed.
fn altered(transfer: Transfer, how: u8) -> Transfer {
    let mut altered = transfer;
    match how {
        0 => altered.record_id = RecordId::NIL,
        1 => altered.asset_id = asset(1),
        2 => altered.asset_id = AssetId::NIL,
        3 => altered.from = party(1),
        4 => altered.from = PartyId::NIL,
        5 => altered.to = party(2),
        6 => altered.to = PartyId::NIL,
        7 => altered.quantity += u128::from(altered.quantity < 99),
        8 => altered.quantity = 39,
        9 => altered.event_time_us = 1,
        10 => altered.quantity_asset = !altered.quantity_asset,
        11 => altered.moves_title = !altered.moves_title,
        12 => altered.moves_custody = !altered.moves_custody,
        13 => altered.payload_commit = None,
        14 => altered.payload_commit = Some([1; 32]),
        _ => {}
    }
    altered
}

const fn record(n: u8) -> RecordId {
    RecordId::from_bytes([n; 16])
}

const fn asset(n: u8) -> AssetId {
    AssetId::from_bytes([n; 16])
}

/// The same bytes as assets and classes: ids of different kinds must never meet.
const fn party(n: u8) -> PartyId {
    PartyId::from_bytes([n; 16])
}

const fn class(n: u8) -> ClassId {
    ClassId::from_bytes([n; 16])
}
