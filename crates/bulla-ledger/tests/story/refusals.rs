//! Requests that make no sense, and the reason they are given.

use bulla_ledger::{Act, AssetId, ClassId, PartyId, RecordId, Transfer};
use expect_test::expect;

use crate::{ANNA, BERT, CARA, DESK, FURNITURE, GRAIN, KILOGRAMS, NEW, NOBODY_KNOWN, NOW_US, check, id};

#[test]
fn an_event_may_be_three_hundred_seconds_ahead_and_not_more() {
    let ahead_us = NOW_US + 300_000_000;
    let request = Transfer::transfer(id(1), DESK, ANNA, BERT);
    check(
        &[request.happened_at(ahead_us + 1), request.happened_at(u64::MAX), request.happened_at(ahead_us)],
        &expect![[r#"
            transfer -> 201 the event is more than 300 seconds in the future
            transfer -> 201 the event is more than 300 seconds in the future
            transfer -> leaf 9, seq 1, owner B, holder B
        "#]],
    );
}

#[test]
fn the_gravest_of_several_reasons_is_given() {
    let mut request = Transfer {
        record_id: RecordId::NIL,
        asset_id: AssetId::NIL,
        from: PartyId::NIL,
        to: PartyId::NIL,
        quantity: 0,
        event_time_us: u64::MAX,
        act: Act::Transfer,
        quantity_asset: true,
        moves_title: false,
        moves_custody: false,
        payload_commit: None,
    };
    let mut ladder = vec![request];
    let steps: &[fn(&mut Transfer)] = &[
        |t| t.record_id = id(1),
        |t| t.asset_id = NEW,
        |t| t.from = NOBODY_KNOWN,
        |t| t.to = NOBODY_KNOWN,
        |t| t.to = PartyId::from_bytes([b'Y'; 16]),
        |t| t.moves_title = true,
        |t| t.moves_custody = true,
        |t| t.quantity = 11,
        |t| t.event_time_us = 0,
        |t| (t.from, t.record_id) = (CARA, id(2)),
        |t| (t.to, t.record_id) = (BERT, id(3)),
        |t| (t.asset_id, t.record_id) = (DESK, id(4)),
        |t| (t.quantity_asset, t.quantity, t.record_id) = (false, 1, id(5)),
        |t| (t.asset_id, t.record_id) = (GRAIN, id(6)),
        |t| (t.quantity_asset, t.record_id) = (true, id(7)),
        |t| (t.from, t.record_id) = (ANNA, id(8)),
    ];
    for step in steps {
        step(&mut request);
        ladder.push(request);
    }
    check(
        &ladder,
        &expect![[r#"
        transfer -> 001 the record id must not be nil
        transfer -> 002 an asset must be given
        transfer -> 004 the giving party must be given
        transfer -> 005 the receiving party must be given
        transfer -> 009 giver and receiver are the same party
        transfer -> 011 a transfer must move title, custody or both
        transfer -> 012 units move with title and custody together
        transfer -> 013 the quantity must not be zero
        transfer -> 201 the event is more than 300 seconds in the future
        transfer -> 301 the giving party is not enrolled
        transfer -> 302 the receiving party is not enrolled
        transfer -> 304 the asset is not registered
        transfer -> 308 unique where it is a quantity, or a quantity where it is unique
        transfer -> 310 the giving party does not own the asset
        transfer -> 308 unique where it is a quantity, or a quantity where it is unique
        transfer -> 312 the giving party has fewer units than that
        transfer -> leaf 9, seq 1, A has 9, B has 1
    "#]],
    );
}

#[test]
fn each_act_refuses_what_it_has_no_use_for() {
    let stray = PartyId::from_bytes([b'S'; 16]);
    let retire = Transfer::retire(id(1), DESK, ANNA);
    let enroll = Transfer::enroll(id(1), NOBODY_KNOWN);
    let define = Transfer::define(id(1), ClassId::from_bytes([b'n'; 16]), true, 38);
    check(
        &[
            Transfer { to: stray, ..retire },
            Transfer { moves_title: true, ..retire },
            Transfer { quantity_asset: true, ..retire },
            Transfer { quantity: 2, ..retire },
            Transfer { asset_id: DESK, ..enroll },
            Transfer { from: stray, ..enroll },
            Transfer { to: PartyId::NIL, ..enroll },
            Transfer { quantity: 1, ..enroll },
            Transfer { asset_id: AssetId::NIL, ..define },
            Transfer { to: stray, ..define },
            Transfer { quantity: 39, ..define },
            Transfer { quantity_asset: false, ..define },
            Transfer { from: stray, ..Transfer::issue(id(1), GRAIN, ANNA, 1) },
            Transfer { quantity_asset: false, ..Transfer::issue(id(1), GRAIN, ANNA, 1) },
            Transfer { to: stray, ..Transfer::register_quantity(id(1), NEW, KILOGRAMS) },
            Transfer { quantity: 1, ..Transfer::register_quantity(id(1), NEW, KILOGRAMS) },
            Transfer { from: PartyId::NIL, ..Transfer::register(id(1), NEW, FURNITURE, ANNA) },
            Transfer { payload_commit: None, ..Transfer::amend(id(1), DESK, [7; 32]) },
            Transfer { quantity: 0, ..Transfer::transfer(id(1), DESK, ANNA, BERT) },
        ],
        &expect![[r#"
            retire -> 008 this act has no receiving party; leave it nil
            retire -> 010 a flag does not fit what is to be done
            retire -> 010 a flag does not fit what is to be done
            retire -> 014 the quantity of a unique asset must be 1
            enroll -> 006 this act has no asset; leave it nil
            enroll -> 007 this act has no giving party; leave it nil
            enroll -> 005 the receiving party must be given
            enroll -> 015 this act has no quantity; leave it 0
            define -> 003 a class must be given
            define -> 008 this act has no receiving party; leave it nil
            define -> 016 a class has at most 38 decimal digits
            define -> 015 this act has no quantity; leave it 0
            issue -> 007 this act has no giving party; leave it nil
            issue -> 010 a flag does not fit what is to be done
            register -> 008 this act has no receiving party; leave it nil
            register -> 015 this act has no quantity; leave it 0
            register -> 003 a class must be given
            amend -> 017 an amendment or an incident must commit to a payload
            transfer -> 014 the quantity of a unique asset must be 1
        "#]],
    );
}
