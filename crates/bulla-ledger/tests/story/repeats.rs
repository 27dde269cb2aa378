//! The same request again, or almost the same.

use bulla_ledger::{Payload, Transfer};
use expect_test::expect;

use crate::{ANNA, BERT, CARA, DESK, GRAIN, NEW, begun, check, id, tell};

#[test]
fn the_first_answer_stands_even_when_things_have_changed() {
    let too_early = Transfer::transfer(id(1), DESK, BERT, CARA);
    let handed_over = Transfer::transfer(id(2), DESK, ANNA, BERT);
    check(
        &[too_early, handed_over, too_early, handed_over, Transfer { record_id: id(3), ..too_early }],
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
    let again = Transfer { quantity: 2, ..first };
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
            Transfer { payload_commit: Some([1; 32]), ..first },
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
fn a_payload_is_the_one_committed_to_and_is_known_again_under_a_fresh_salt() {
    let note = |salt: u8, text: &str| Payload { salt: [salt; 32], bytes: text.as_bytes().to_vec() };
    let request = Transfer::transfer(id(1), DESK, ANNA, BERT);
    let with = |payload: &Payload| request.with_payload(payload);
    let [first, again, other] = [note(1, "scratched"), note(2, "scratched"), note(1, "as new")];
    let huge = Payload { salt: [1; 32], bytes: vec![0; 65_537] };
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
    let note = |salt: u8| Payload { salt: [salt; 32], bytes: b"scratched".to_vec() };
    let request = Transfer::transfer(id(1), DESK, BERT, CARA);
    let mut ledger = begun();
    let story: String =
        [note(1), note(2)].iter().map(|note| tell(&mut ledger, &request.with_payload(note), Some(note))).collect();
    expect![[r#"
        transfer -> 310 the giving party does not own the asset
        transfer -> already 310
    "#]]
    .assert_eq(&story);
}
