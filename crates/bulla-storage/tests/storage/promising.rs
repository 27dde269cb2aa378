//! A node promises what it has applied, and what is sealed keeps the promise.

use bulla_sealing::{Fate, Policy, verify_promise};
use bulla_storage::ReceiptAnswer;

use crate::node::{Node, attestation, opening_items, record_id};

#[test]
fn a_promise_is_kept_by_the_block_that_is_sealed_later() {
    let node = Node::new(1);
    let policy = Policy::from_config(&node.identity.genesis).unwrap();
    node.apply(1_000, opening_items());
    let promise = node.store().promise(record_id(4), 1_700_000_000_007).unwrap().unwrap();
    let verified = verify_promise(promise.to_string().as_bytes(), &policy).unwrap();
    assert_eq!((verified.node_name.as_str(), verified.promise.time_ms), ("node-1", 1_700_000_000_007));
    assert_eq!(verified.promise.table_id, node.ledger().open_table().table_id);

    node.close_and_store(2_000);
    node.ledger().attest(0, &attestation(1, &node.ledger().checkpoint_from_disk(0).unwrap())).unwrap();
    let ReceiptAnswer::Ready(receipt) = node.ledger().receipt(verified.promise.leaf_index, false).unwrap() else {
        panic!("sealed")
    };
    assert_eq!(verified.held_against(&receipt.verify(&policy).unwrap()), Fate::Kept);
    // It may still be asked for, and says the same of the record.
    let again = node.store().promise(record_id(4), 1_700_000_000_007).unwrap();
    assert_eq!(again, Some(promise));
}

#[test]
fn nothing_is_promised_of_what_is_not_recorded() {
    let node = Node::new(1);
    node.apply(1_000, opening_items());
    // The sixth request was refused: its giver had handed the asset on already.
    for number in [6, 7] {
        assert_eq!(node.store().promise(record_id(number), 1).unwrap(), None);
    }
}
