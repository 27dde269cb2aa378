//! Changed bytes are noticed: never served, never a panic.

use std::fs;

use bulla_ledger::Transfer;
use bulla_storage::{Batch, StorageError};

use crate::node::{Node, attestation, opening_items, party_id, plain, record_id};

const BLOCK: &str = "blocks/0000000000.block";

/// A node with a sealed block and another one.
fn node() -> Node {
    let node = Node::new(1).with_a_block();
    node.ledger().attest(0, &attestation(1, &node.ledger().checkpoint_from_disk(0).unwrap())).unwrap();
    node.close_and_store(3_000);
    node
}

#[test]
fn every_changed_byte_of_a_block_file_is_noticed_and_never_served() {
    let node = node();
    let good = fs::read(node.file(BLOCK)).unwrap();
    let leaves: Vec<_> = (0..node.ledger().size()).map(|leaf| node.ledger().leaf(leaf).unwrap()).collect();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(node.file(BLOCK), &bad).unwrap();
        for (leaf_index, leaf) in (0..).zip(&leaves) {
            if let Ok(served) = node.ledger().leaf(leaf_index) {
                assert_eq!(&served, leaf, "byte {at}");
            }
        }
        let verified = node.ledger().verify_all(&mut |_| {});
        assert!(matches!(verified, Err(StorageError::Corrupt { .. })), "byte {at}: {verified:?}");
    }
    fs::write(node.file(BLOCK), &good).unwrap();
    node.ledger().verify_all(&mut |_| {}).unwrap();
}

#[test]
fn a_block_file_that_does_not_hold_its_leaves_is_damage_and_no_panic() {
    let (mut node, other) = (node(), Node::new(1));
    // A block below the last sealed one, which is not read when the node opens.
    node.ledger().attest(1, &attestation(1, &node.ledger().checkpoint_from_disk(1).unwrap())).unwrap();
    node.close_and_store(4_000);
    other.close_and_store(2_000);
    node.reopen_after(|node| assert!(fs::copy(other.file(BLOCK), node.file(BLOCK)).is_ok())).unwrap();
    let header = node.ledger().block(0).map(drop);
    let record = node.ledger().record(record_id(4)).map(drop);
    for read in [node.ledger().leaf(5).map(drop), header, record] {
        assert!(matches!(read, Err(StorageError::Corrupt { .. })), "{read:?}");
    }
}

#[test]
fn what_is_not_as_it_was_applied_is_never_attested_to() {
    let mut node = node();
    let good = fs::read(node.file(BLOCK)).unwrap();
    let checkpoint = node.ledger().checkpoint_from_disk(0).unwrap();
    for at in (0..good.len()).step_by(41) {
        let mut bad = good.clone();
        bad[at] ^= 0x01;
        let opened = node.reopen_after(|node| fs::write(node.file(BLOCK), &bad).unwrap());
        let checked = opened.and_then(|()| node.ledger().checkpoint_from_disk(0));
        assert!(matches!(checked, Err(StorageError::Corrupt { .. })), "byte {at}: {checked:?}");
    }
    node.reopen_after(|node| fs::write(node.file(BLOCK), &good).unwrap()).unwrap();
    assert_eq!(node.ledger().checkpoint_from_disk(0).unwrap(), checkpoint);
}

#[test]
fn a_call_that_meets_damage_leaves_nothing_behind() {
    let node = node();
    let block = node.ledger().block(0).unwrap().unwrap();
    let mut bad = fs::read(node.file(BLOCK)).unwrap();
    // The record id of leaf 4, before it: the leaves of 0 to 3 and the lengths of all five.
    let before: usize = (0..4).map(|leaf| node.ledger().leaf(leaf).unwrap().unwrap().len() + 2).sum();
    bad[64 + before + 2 + 16] ^= 1;
    fs::write(node.file(BLOCK), &bad).unwrap();
    assert_eq!(block.bytes, bad.len() as u64);
    let new = plain(Transfer::enroll(record_id(90), party_id(9)));
    let repeated = opening_items().remove(3);
    let batch = Batch { atomic: false, items: vec![new, repeated] };
    let before = (node.ledger().size(), node.ledger().open_table());
    let applied = node.ledger().apply_requests(9_000, &[batch]);
    assert!(matches!(applied, Err(StorageError::Corrupt { .. })), "{applied:?}");
    assert_eq!((node.ledger().size(), node.ledger().open_table()), before);
    assert_eq!(node.ledger().party(party_id(9)).unwrap(), None);
    assert_eq!(node.ledger().record(record_id(90)).unwrap(), None);
}

#[test]
fn a_block_file_cut_short_or_grown_is_noticed() {
    let mut node = node();
    let good = fs::read(node.file(BLOCK)).unwrap();
    for bad in [&good[..good.len() - 1], &good[..64], &[], &[good.as_slice(), &[0]].concat()] {
        let opened = node.reopen_after(|node| fs::write(node.file(BLOCK), bad).unwrap());
        let noticed = opened.and_then(|()| node.ledger().leaf(1).map(drop));
        assert!(matches!(noticed, Err(StorageError::Corrupt { .. })), "{noticed:?}");
    }
}

#[test]
fn a_block_in_the_place_of_another_is_noticed() {
    let mut node = node();
    let opened = node.reopen_after(|node| {
        fs::copy(node.file("blocks/0000000001.block"), node.file(BLOCK)).unwrap();
    });
    let noticed = opened.and_then(|()| node.ledger().leaf(1).map(drop));
    assert!(matches!(noticed, Err(StorageError::Corrupt { .. })), "{noticed:?}");
}

#[test]
fn a_changed_identity_file_is_noticed() {
    for name in ["node", "genesis.leaf", "node.key", "log.key"] {
        let mut node = Node::new(1);
        let path = node.file("identity").join(name);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let opened = node.reopen_after(|_| fs::write(&path, &bad).unwrap());
            assert!(opened.is_err(), "byte {at} of {name}");
        }
    }
}

#[test]
fn a_changed_byte_of_a_database_is_noticed_or_does_not_matter() {
    let mut node = node();
    let ops = [
        bulla_storage::LogOp::Vote(b"vote".into()),
        bulla_storage::LogOp::Append { index: 1, entry: b"entry".to_vec().into() },
    ];
    node.store().raft_log().commit(&ops).unwrap();
    let expected = everything(&node).unwrap();
    for name in ["ledger.redb", "raft.redb"] {
        let mut good = Vec::new();
        node.reopen_after(|node| good = fs::read(node.file(name)).unwrap()).unwrap();
        let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0).collect();
        for at in used.iter().step_by(1 + used.len() / 300) {
            let mut bad = good.clone();
            bad[*at] ^= 0x04;
            let opened = node.reopen_after(|node| fs::write(node.file(name), &bad).unwrap());
            if let Ok(read) = opened.and_then(|()| everything(&node)) {
                assert_eq!(read, expected, "byte {at} of {name}");
            }
        }
        node.reopen_after(|node| fs::write(node.file(name), &good).unwrap()).unwrap();
    }
}

/// All that can be read, in words.
fn everything(node: &Node) -> Result<String, StorageError> {
    let ledger = node.ledger();
    let rows = (ledger.assets(None, 10)?, ledger.parties(None, 10)?, ledger.classes(None, 10)?);
    let records: Result<Vec<_>, _> = (0..10).map(|number| ledger.record(record_id(number))).collect();
    let places = (ledger.durable(), ledger.size(), ledger.sealing_status(), ledger.payload(4)?);
    let blocks = (ledger.block(0)?, ledger.block(1)?, ledger.checkpoint()?, ledger.receipt(4, true)?);
    let proofs = (
        ledger.asset_proof(bulla_ledger::AssetId::from_bytes([1; 16]), None)?,
        ledger.asset_proof(bulla_ledger::AssetId::NIL, None)?,
    );
    let log = (node.store().raft_log().state()?, node.store().raft_log().read(0..10, 1_000)?);
    Ok(format!("{rows:?} {:?} {places:?} {blocks:?} {proofs:?} {log:?}", records?))
}
