//! Batches that happen as a whole or not at all.

use bulla_ledger::{Rejection, Transfer};
use expect_test::{Expect, expect};

use crate::{ANNA, BERT, DESK, FURNITURE, GRAIN, NEW, NOW_US, answer, begun, id};

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
        &[Transfer::send(id(1), GRAIN, ANNA, BERT, 1), Transfer::send(id(2), GRAIN, ANNA, ANNA, 1)],
        &expect![[r#"
            901 another item of the same atomic batch was refused
            009 giver and receiver are the same party

            901 another item of the same atomic batch was refused
            009 giver and receiver are the same party

        "#]],
    );
    assert!(!Rejection::SameParty.is_final());
}
