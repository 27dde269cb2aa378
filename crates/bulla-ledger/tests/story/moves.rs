//! What parties can do with assets, and what they cannot.

use bulla_ledger::{ClassId, Transfer};
use expect_test::expect;

use crate::{ANNA, BERT, CARA, DESK, FURNITURE, GRAIN, KILOGRAMS, NEW, NOBODY_KNOWN, check, id};

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
