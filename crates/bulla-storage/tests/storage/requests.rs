//! Random requests over few ids, so that they meet.

use bulla_ledger::{Payload, Transfer};
use bulla_storage::{Batch, Item};
use proptest::prelude::*;

use crate::node::{asset_id, class_id, party_id, record_id};

/// Few record ids, so that many are repeated, with the same content or other.
pub fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let batch = (prop::bool::weighted(0.3), prop::collection::vec(item(), 0..8));
    prop::collection::vec(batch.prop_map(|(atomic, items)| Batch { atomic, items }), 1..6)
}

/// Requests that make most of the others possible.
pub fn opening() -> Vec<Batch> {
    let mut items: Vec<Transfer> =
        (1..=3).map(|party| Transfer::enroll(record_id(200 + party), party_id(party))).collect();
    items.push(Transfer::define(record_id(210), class_id(1), false, 0));
    items.push(Transfer::define(record_id(211), class_id(2), true, 2));
    items.push(Transfer::register(record_id(212), asset_id(1), class_id(1), party_id(1)));
    items.push(Transfer::register_quantity(record_id(213), asset_id(4), class_id(2)));
    items.push(Transfer::issue(record_id(214), asset_id(4), party_id(1), 10));
    let items = items.into_iter().map(|transfer| Item { transfer, payload: None }).collect();
    vec![Batch { atomic: true, items }]
}

fn item() -> impl Strategy<Value = Item> {
    let payload = prop::option::weighted(0.3, (0..2u8, any::<[u8; 32]>()));
    let event_time_us = prop_oneof![8 => Just(0), 1 => 0..2_000u64, 1 => Just(u64::MAX)];
    (transfer(), payload, event_time_us).prop_map(|(transfer, payload, event_time_us)| {
        let transfer = transfer.happened_at(event_time_us);
        let payload = payload.map(|(text, salt)| Payload { salt, bytes: vec![b'0' + text] });
        match &payload {
            Some(payload) => Item { transfer: transfer.with_payload(payload), payload: Some(payload.clone()) },
            None => Item { transfer, payload: None },
        }
    })
}

fn transfer() -> impl Strategy<Value = Transfer> {
    let quantity = prop_oneof![1 => Just(0u128), 6 => 1..6u128, 1 => Just(u128::MAX)];
    // Mostly what the act is for, sometimes what it is not.
    let unique = prop_oneof![8 => 1..4u8, 1 => 4..6u8];
    let counted = prop_oneof![8 => 4..6u8, 1 => 1..4u8];
    (0..15u8, 0..160u8, (unique, counted), (party(), party()), 1..3u8, quantity).prop_map(
        |(act, record, (unique, counted), (from, to), class, quantity)| {
            let (record, unique, counted) = (record_id(record), asset_id(unique), asset_id(counted));
            let (from, to) = (party_id(from), party_id(to));
            match act {
                0 | 1 => Transfer::register(record, unique, class_id(class), to),
                2 => Transfer::register_quantity(record, counted, class_id(class)),
                3 => Transfer::issue(record, counted, to, quantity),
                4 | 5 => Transfer::transfer(record, unique, from, to),
                6 => Transfer::custody(record, unique, from, to),
                7 => Transfer::title(record, unique, from, to),
                8..=10 => Transfer::send(record, counted, from, to, quantity),
                11 => match class {
                    1 => Transfer::retire(record, unique, from),
                    _ => Transfer::define(record, class_id(from.as_bytes()[0] % 8), true, 3),
                },
                12 => Transfer::redeem(record, counted, from, quantity),
                13 => Transfer::enroll(record, to),
                _ if class == 1 => Transfer::amend(record, unique, [7; 32]),
                _ => Transfer::amend_quantity(record, counted, [7; 32]),
            }
        },
    )
}

/// Mostly one of those that the opening enrolls.
fn party() -> impl Strategy<Value = u8> {
    prop_oneof![8 => 1..4u8, 1 => 0..5u8]
}
