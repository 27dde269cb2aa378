//! Short stories: requests in, answers out, line by line.

use bulla_ledger::{
    Act, AssetId, ClassId, Outcome, PartyId, Payload, RecordId, ReferenceLedger, Rejection,
    Transfer, decide,
};
use bulla_ledger::{Facts, Place};
use expect_test::{Expect, expect};

const NOW_US: u64 = 1_700_000_000_000_000;

/// Tells the story of one request a line. The only place that calls the ledger; each request is
/// judged by the rules and by the reference, which must agree.
fn check(requests: &[Transfer], expect: &Expect) {
    let mut ledger = begun();
    let story: String = requests
        .iter()
        .map(|request| tell(&mut ledger, request, None))
        .collect();
    expect.assert_eq(&story);
}

fn tell(ledger: &mut ReferenceLedger, request: &Transfer, payload: Option<&Payload>) -> String {
    let Ok(facts) = Facts::gather(request, payload, ledger);
    let place = Place {
        leaf_index: ledger.next_leaf_index(),
        time_us: NOW_US,
    };
    let outcome = decide(request, &facts, place);
    assert_eq!(ledger.submit(request, payload, NOW_US), outcome);
    format!("{} -> {}\n", request.act.name(), answer(&outcome))
}

fn answer(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted(effects) => {
            let record = effects.record;
            let mut told = format!("leaf {}, seq {}", record.leaf_index, record.asset_seq);
            if let Some(asset) = effects.asset.filter(|asset| !asset.quantity_asset) {
                let [owner, holder] = [asset.owner, asset.holder].map(initial);
                told += &format!(", owner {owner}, holder {holder}");
                told += if asset.retired { ", retired" } else { "" };
            }
            for position in effects.positions.into_iter().flatten() {
                told += &format!(
                    ", {} has {}",
                    initial(position.party_id),
                    position.available
                );
            }
            told
        }
        Outcome::AlreadyAccepted { leaf_index } => format!("already leaf {leaf_index}"),
        Outcome::Rejected(rejection) => format!("{:03} {rejection}", rejection.code()),
        Outcome::AlreadyRejected(rejection) => format!("already {:03}", rejection.code()),
    }
}

fn initial(party: PartyId) -> char {
    if party.is_nil() {
        '-'
    } else {
        char::from(party.as_bytes()[0])
    }
}

const ANNA: PartyId = PartyId::from_bytes([b'A'; 16]);
const BERT: PartyId = PartyId::from_bytes([b'B'; 16]);
const CARA: PartyId = PartyId::from_bytes([b'C'; 16]);
const NOBODY_KNOWN: PartyId = PartyId::from_bytes([b'X'; 16]);
const DESK: AssetId = AssetId::from_bytes([b'd'; 16]);
const GRAIN: AssetId = AssetId::from_bytes([b'g'; 16]);
const NEW: AssetId = AssetId::from_bytes([b'n'; 16]);
const FURNITURE: ClassId = ClassId::from_bytes([b'f'; 16]);
const KILOGRAMS: ClassId = ClassId::from_bytes([b'k'; 16]);

const fn id(n: u8) -> RecordId {
    RecordId::from_bytes([n; 16])
}

/// Anna, Bert and Cara are known; Anna has the desk and 10 of the grain.
fn begun() -> ReferenceLedger {
    let mut ledger = ReferenceLedger::new(1);
    for (n, request) in (200..).zip([
        Transfer::enroll(id(1), ANNA),
        Transfer::enroll(id(1), BERT),
        Transfer::enroll(id(1), CARA),
        Transfer::define(id(1), FURNITURE, false, 0),
        Transfer::define(id(1), KILOGRAMS, true, 3),
        Transfer::register(id(1), DESK, FURNITURE, ANNA),
        Transfer::register_quantity(id(1), GRAIN, KILOGRAMS),
        Transfer::issue(id(1), GRAIN, ANNA, 10),
    ]) {
        let request = Transfer {
            record_id: id(n),
            ..request
        };
        assert!(matches!(
            ledger.submit(&request, None, NOW_US),
            Outcome::Accepted(_)
        ));
    }
    ledger
}

#[test]
fn an_asset_passes_from_hand_to_hand_and_retires() {
    check(
        &[
            Transfer::transfer(id(1), DESK, ANNA, BERT),
            Transfer::custody(id(2), DESK, BERT, CARA),
            Transfer::title(id(3), DESK, BERT, ANNA),
            Transfer::amend(id(4), DESK, [7; 32]),
            Transfer::retire(id(5), DESK, ANNA),
            Transfer::transfer(id(6), DESK, ANNA, BERT),
            Transfer::amend(id(7), DESK, [7; 32]),
        ],
        &expect![[r#"
            transfer -> leaf 9, seq 1, owner B, holder B
            transfer -> leaf 10, seq 2, owner B, holder C
            transfer -> leaf 11, seq 3, owner A, holder C
            amend -> leaf 12, seq 4, owner A, holder C
            retire -> leaf 13, seq 5, owner A, holder C, retired
            transfer -> 309 the asset is retired
            amend -> 309 the asset is retired
        "#]],
    );
}

#[test]
fn only_the_owner_gives_title_and_only_the_holder_gives_custody() {
    check(
        &[
            Transfer::custody(id(1), DESK, ANNA, BERT),
            Transfer::custody(id(2), DESK, ANNA, CARA),
            Transfer::title(id(3), DESK, BERT, CARA),
            Transfer::transfer(id(4), DESK, ANNA, CARA),
            Transfer::transfer(id(5), DESK, BERT, CARA),
            Transfer::retire(id(6), DESK, BERT),
            Transfer::title(id(7), DESK, ANNA, BERT),
        ],
        &expect![[r#"
            transfer -> leaf 9, seq 1, owner A, holder B
            transfer -> 311 the giving party does not hold the asset
            transfer -> 310 the giving party does not own the asset
            transfer -> 311 the giving party does not hold the asset
            transfer -> 310 the giving party does not own the asset
            retire -> 310 the giving party does not own the asset
            transfer -> leaf 10, seq 2, owner B, holder B
        "#]],
    );
}

#[test]
fn units_are_issued_sent_and_redeemed_and_never_more_than_there_are() {
    check(
        &[
            Transfer::issue(id(1), GRAIN, BERT, 5),
            Transfer::send(id(2), GRAIN, ANNA, BERT, 7),
            Transfer::send(id(3), GRAIN, ANNA, BERT, 4),
            Transfer::redeem(id(4), GRAIN, BERT, 12),
            Transfer::redeem(id(5), GRAIN, BERT, 1),
            Transfer::redeem(id(6), GRAIN, CARA, 1),
            Transfer::amend_quantity(id(7), GRAIN, [7; 32]),
            Transfer::issue(id(8), GRAIN, CARA, u128::MAX - 3),
            Transfer::issue(id(9), GRAIN, CARA, u128::MAX - 2),
            Transfer::send(id(10), GRAIN, CARA, ANNA, u128::MAX - 3),
        ],
        &expect![[r#"
            issue -> leaf 9, seq 2, - has 15, B has 5
            transfer -> leaf 10, seq 1, A has 3, B has 12
            transfer -> 312 the giving party has fewer units than that
            redeem -> leaf 11, seq 2, B has 0, - has 3
            redeem -> 312 the giving party has fewer units than that
            redeem -> 312 the giving party has fewer units than that
            amend -> leaf 12, seq 4, - has 3
            issue -> leaf 13, seq 5, - has 340282366920938463463374607431768211455, C has 340282366920938463463374607431768211452
            issue -> 313 more units would be outstanding than can be counted
            transfer -> leaf 14, seq 1, C has 0, A has 340282366920938463463374607431768211455
        "#]],
    );
}

#[test]
fn what_is_not_known_cannot_take_part() {
    check(
        &[
            Transfer::transfer(id(1), DESK, NOBODY_KNOWN, BERT),
            Transfer::transfer(id(2), DESK, ANNA, NOBODY_KNOWN),
            Transfer::transfer(id(3), NEW, ANNA, BERT),
            Transfer::register(id(4), NEW, FURNITURE, NOBODY_KNOWN),
            Transfer::register(id(5), NEW, ClassId::from_bytes([b'?'; 16]), ANNA),
            Transfer::issue(id(6), GRAIN, NOBODY_KNOWN, 1),
            Transfer::issue(id(7), NEW, ANNA, 1),
        ],
        &expect![[r#"
            transfer -> 301 the giving party is not enrolled
            transfer -> 302 the receiving party is not enrolled
            transfer -> 304 the asset is not registered
            register -> 302 the receiving party is not enrolled
            register -> 303 the class is not defined
            issue -> 302 the receiving party is not enrolled
            issue -> 304 the asset is not registered
        "#]],
    );
}

#[test]
fn nothing_becomes_known_twice() {
    check(
        &[
            Transfer::enroll(id(1), ANNA),
            Transfer::define(id(2), FURNITURE, true, 2),
            Transfer::register(id(3), DESK, FURNITURE, BERT),
            Transfer::register_quantity(id(4), DESK, KILOGRAMS),
        ],
        &expect![[r#"
            enroll -> 306 the party is enrolled already
            define -> 307 the class is defined already
            register -> 305 the asset is registered already
            register -> 305 the asset is registered already
        "#]],
    );
}

#[test]
fn unique_assets_and_quantities_do_not_mix() {
    check(
        &[
            Transfer::send(id(1), DESK, ANNA, BERT, 1),
            Transfer::transfer(id(2), GRAIN, ANNA, BERT),
            Transfer::amend_quantity(id(3), DESK, [7; 32]),
            Transfer::register(id(4), NEW, KILOGRAMS, ANNA),
            Transfer::register_quantity(id(5), NEW, FURNITURE),
            Transfer::retire(id(6), GRAIN, ANNA),
        ],
        &expect![[r#"
            transfer -> 308 unique where it is a quantity, or a quantity where it is unique
            transfer -> 308 unique where it is a quantity, or a quantity where it is unique
            amend -> 308 unique where it is a quantity, or a quantity where it is unique
            register -> 308 unique where it is a quantity, or a quantity where it is unique
            register -> 308 unique where it is a quantity, or a quantity where it is unique
            retire -> 308 unique where it is a quantity, or a quantity where it is unique
        "#]],
    );
}

#[test]
fn the_first_answer_stands_even_when_things_have_changed() {
    let too_early = Transfer::transfer(id(1), DESK, BERT, CARA);
    let handed_over = Transfer::transfer(id(2), DESK, ANNA, BERT);
    check(
        &[
            too_early,
            handed_over,
            too_early,
            handed_over,
            Transfer {
                record_id: id(3),
                ..too_early
            },
        ],
        &expect![[r#"
            transfer -> 310 the giving party does not own the asset
            transfer -> leaf 9, seq 1, owner B, holder B
            transfer -> already 310
            transfer -> already leaf 9
            transfer -> leaf 10, seq 2, owner C, holder C
        "#]],
    );
}

#[test]
fn an_id_used_for_something_else_is_told_with_the_first_field_that_differs() {
    let first = Transfer::send(id(1), GRAIN, ANNA, BERT, 1);
    let again = Transfer {
        quantity: 2,
        ..first
    };
    check(
        &[
            first,
            Transfer::issue(id(1), GRAIN, BERT, 1),
            Transfer::transfer(id(1), GRAIN, ANNA, BERT),
            Transfer::send(id(1), NEW, ANNA, BERT, 2),
            Transfer::send(id(1), GRAIN, CARA, BERT, 2),
            Transfer::send(id(1), GRAIN, ANNA, CARA, 2),
            again.happened_at(5),
            first.happened_at(5),
            Transfer {
                payload_commit: Some([1; 32]),
                ..first
            },
            first,
        ],
        &expect![[r#"
            transfer -> leaf 9, seq 1, A has 9, B has 1
            issue -> 101 this record id was used before, with a different act
            transfer -> 102 this record id was used before, with a different flags
            transfer -> 103 this record id was used before, with a different asset_id
            transfer -> 104 this record id was used before, with a different from
            transfer -> 105 this record id was used before, with a different to
            transfer -> 106 this record id was used before, with a different quantity
            transfer -> 107 this record id was used before, with a different event_time_us
            transfer -> 108 this record id was used before, with a different payload
            transfer -> already leaf 9
        "#]],
    );
}

#[test]
fn an_event_may_be_three_hundred_seconds_ahead_and_not_more() {
    let ahead_us = NOW_US + 300_000_000;
    let request = Transfer::transfer(id(1), DESK, ANNA, BERT);
    check(
        &[
            request.happened_at(ahead_us + 1),
            request.happened_at(u64::MAX),
            request.happened_at(ahead_us),
        ],
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
            Transfer {
                to: stray,
                ..retire
            },
            Transfer {
                moves_title: true,
                ..retire
            },
            Transfer {
                quantity_asset: true,
                ..retire
            },
            Transfer {
                quantity: 2,
                ..retire
            },
            Transfer {
                asset_id: DESK,
                ..enroll
            },
            Transfer {
                from: stray,
                ..enroll
            },
            Transfer {
                to: PartyId::NIL,
                ..enroll
            },
            Transfer {
                quantity: 1,
                ..enroll
            },
            Transfer {
                asset_id: AssetId::NIL,
                ..define
            },
            Transfer {
                to: stray,
                ..define
            },
            Transfer {
                quantity: 39,
                ..define
            },
            Transfer {
                quantity_asset: false,
                ..define
            },
            Transfer {
                from: stray,
                ..Transfer::issue(id(1), GRAIN, ANNA, 1)
            },
            Transfer {
                quantity_asset: false,
                ..Transfer::issue(id(1), GRAIN, ANNA, 1)
            },
            Transfer {
                to: stray,
                ..Transfer::register_quantity(id(1), NEW, KILOGRAMS)
            },
            Transfer {
                quantity: 1,
                ..Transfer::register_quantity(id(1), NEW, KILOGRAMS)
            },
            Transfer {
                from: PartyId::NIL,
                ..Transfer::register(id(1), NEW, FURNITURE, ANNA)
            },
            Transfer {
                payload_commit: None,
                ..Transfer::amend(id(1), DESK, [7; 32])
            },
            Transfer {
                quantity: 0,
                ..Transfer::transfer(id(1), DESK, ANNA, BERT)
            },
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
            amend -> 017 an amendment must commit to a payload
            transfer -> 014 the quantity of a unique asset must be 1
        "#]],
    );
}

#[test]
fn a_payload_is_the_one_committed_to_and_is_known_again_under_a_fresh_salt() {
    let note = |salt: u8, text: &str| Payload {
        salt: [salt; 32],
        bytes: text.as_bytes().to_vec(),
    };
    let request = Transfer::transfer(id(1), DESK, ANNA, BERT);
    let with = |payload: &Payload| request.with_payload(payload);
    let [first, again, other] = [
        note(1, "scratched"),
        note(2, "scratched"),
        note(1, "as new"),
    ];
    let huge = Payload {
        salt: [1; 32],
        bytes: vec![0; 65_537],
    };
    let mut ledger = begun();
    let story: String = [
        (request, Some(&first)),
        (with(&other), Some(&first)),
        (with(&huge), Some(&huge)),
        (with(&first), Some(&first)),
        (with(&first), Some(&first)),
        (with(&first), None),
        (with(&again), Some(&again)),
        (with(&again), None),
        (with(&other), Some(&other)),
        (request, None),
    ]
    .into_iter()
    .map(|(request, payload)| tell(&mut ledger, &request, payload))
    .collect();
    expect![[r#"
        transfer -> 018 a payload was sent without a commitment to it
        transfer -> 020 the payload is not the one committed to
        transfer -> 019 a payload has at most 65536 bytes
        transfer -> leaf 9, seq 1, owner B, holder B
        transfer -> already leaf 9
        transfer -> already leaf 9
        transfer -> already leaf 9
        transfer -> 108 this record id was used before, with a different payload
        transfer -> 108 this record id was used before, with a different payload
        transfer -> 108 this record id was used before, with a different payload
    "#]]
    .assert_eq(&story);
}

#[test]
fn a_refusal_stands_whatever_the_payload_says() {
    let note = |salt: u8| Payload {
        salt: [salt; 32],
        bytes: b"scratched".to_vec(),
    };
    let request = Transfer::transfer(id(1), DESK, BERT, CARA);
    let mut ledger = begun();
    let story: String = [note(1), note(2)]
        .iter()
        .map(|note| tell(&mut ledger, &request.with_payload(note), Some(note)))
        .collect();
    expect![[r#"
        transfer -> 310 the giving party does not own the asset
        transfer -> already 310
    "#]]
    .assert_eq(&story);
}

/// One batch on a ledger that has seen `before`, then the same batch once more.
fn check_atomic(before: &[Transfer], batch: &[Transfer], expect: &Expect) {
    let mut ledger = begun();
    for request in before {
        ledger.submit(request, None, NOW_US);
    }
    let items: Vec<_> = batch.iter().map(|request| (*request, None)).collect();
    let mut story = String::new();
    for _ in 0..2 {
        for outcome in ledger.submit_batch(&items, true, NOW_US) {
            story += &format!("{}\n", answer(&outcome));
        }
        story += "\n";
    }
    expect.assert_eq(&story);
}

#[test]
fn an_atomic_batch_happens_as_a_whole_each_item_after_the_last() {
    check_atomic(
        &[],
        &[
            Transfer::register(id(1), NEW, FURNITURE, ANNA),
            Transfer::transfer(id(2), NEW, ANNA, BERT),
            Transfer::send(id(3), GRAIN, ANNA, BERT, 10),
        ],
        &expect![[r#"
            leaf 9, seq 0, owner A, holder A
            leaf 10, seq 1, owner B, holder B
            leaf 11, seq 1, A has 0, B has 10

            already leaf 9
            already leaf 10
            already leaf 11

        "#]],
    );
}

#[test]
fn an_atomic_batch_that_fails_leaves_only_the_reason() {
    let earlier = Transfer::transfer(id(4), DESK, ANNA, BERT);
    check_atomic(
        &[earlier],
        &[
            Transfer::register(id(1), NEW, FURNITURE, ANNA),
            earlier,
            Transfer::send(id(2), GRAIN, BERT, ANNA, 1),
            Transfer::transfer(id(3), NEW, ANNA, BERT),
            earlier,
        ],
        &expect![[r#"
            901 another item of the same atomic batch was refused
            already leaf 9
            312 the giving party has fewer units than that
            901 another item of the same atomic batch was refused
            already leaf 9

            901 another item of the same atomic batch was refused
            already leaf 9
            already 312
            901 another item of the same atomic batch was refused
            already leaf 9

        "#]],
    );
}

#[test]
fn a_malformed_item_fails_its_atomic_batch_and_spends_nothing() {
    check_atomic(
        &[],
        &[
            Transfer::send(id(1), GRAIN, ANNA, BERT, 1),
            Transfer::send(id(2), GRAIN, ANNA, ANNA, 1),
        ],
        &expect![[r#"
            901 another item of the same atomic batch was refused
            009 giver and receiver are the same party

            901 another item of the same atomic batch was refused
            009 giver and receiver are the same party

        "#]],
    );
    assert!(!Rejection::SameParty.is_final());
}
