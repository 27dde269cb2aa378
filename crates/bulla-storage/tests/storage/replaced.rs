//! What was replaced with every checksum in order is not believed either: files are held against the rows, rows against
//! the files.

use std::fs;

use bulla_ledger::{PartyId, RecordId, Transfer};
use bulla_sealing::leaf_hash;
use bulla_storage::{Batch, StorageError, tamper};

use crate::forged::{forge, rewrite_row};
use crate::node::{Node, attestation, identities, opening_items, plain, record_id};

const BLOCK: &str = "blocks/0000000000.block";

/// A node with blocks of so many enrolments each, all sealed but the last.
fn node_with(blocks: &[u64]) -> Node {
    let node = Node::new(1);
    for (height, records) in (0..).zip(blocks) {
        let enroll = |number: u64| {
            let id = |kind: u64| (u128::from(kind) << 64 | u128::from(height << 32 | number)).to_be_bytes();
            plain(Transfer::enroll(RecordId::from_bytes(id(1)), PartyId::from_bytes(id(2))))
        };
        let batch = Batch { atomic: true, items: (0..*records).map(enroll).collect() };
        node.ledger().apply_requests(1_000 + height, &[batch]).unwrap();
        node.close_and_store(1_000 + height);
        if let Some(below) = height.checked_sub(1) {
            let checkpoint = node.ledger().checkpoint_from_disk(below).unwrap();
            node.ledger().attest(below, &attestation(1, &checkpoint)).unwrap();
        }
    }
    node
}

fn is_corrupt<T: std::fmt::Debug>(read: Result<T, StorageError>) -> bool {
    matches!(read, Err(StorageError::Corrupt { .. }))
}

#[test]
fn a_leaf_that_was_changed_with_its_hash_and_every_checksum_is_never_served() {
    // The first tile is complete; the second one ends with the log, in the middle of which a block ends.
    let mut node = node_with(&[300, 10, 20, 5, 5]);
    for (height, places) in [(0, vec![0, 1, 255, 256, 299]), (1, vec![0, 9]), (4, vec![0, 4])] {
        let path = node.file(&format!("blocks/{height:010}.block"));
        let good = fs::read(&path).unwrap();
        let first_leaf = node.ledger().table(height).unwrap().unwrap().first_leaf;
        for place in places {
            let leaf_index = first_leaf + place;
            fs::write(&path, forge(&good, place, |leaf| *leaf.last_mut().unwrap() ^= 1)).unwrap();
            assert!(is_corrupt(node.ledger().leaf(leaf_index)), "leaf {leaf_index} of a file that was open");
            if height < 2 {
                node.reopen();
                assert!(is_corrupt(node.ledger().leaf(leaf_index)), "leaf {leaf_index} of a file opened anew");
                assert!(is_corrupt(node.ledger().receipt(leaf_index, false)) || place == 0 && height == 0);
            }
            fs::write(&path, &good).unwrap();
            assert!(node.ledger().leaf(leaf_index).unwrap().is_some());
        }
    }
    node.ledger().verify_all(&mut |_| {}).unwrap();
}

#[test]
fn a_block_file_that_fits_in_itself_is_told_from_the_one_that_was_stored() {
    let mut node = node_with(&[6, 3, 3, 3]);
    let other = Node::of(identities(1).remove(0));
    other.apply(1_000, opening_items());
    other.close_and_store(1_000);
    node.reopen_after(|node| assert!(fs::copy(other.file(BLOCK), node.file(BLOCK)).is_ok())).unwrap();
    assert!((0..7).all(|leaf_index| is_corrupt(node.ledger().leaf(leaf_index))));
    assert!(is_corrupt(node.ledger().block(0)));
    assert_eq!(node.ledger().take_suspects(), [0]);
    assert!(node.ledger().leaf(9).unwrap().is_some(), "what is in other blocks is still served");
}

#[test]
fn a_read_that_meets_damage_tells_which_block_it_is_in() {
    let node = node_with(&[300, 10, 10]);
    let (telling, told) = std::sync::mpsc::channel();
    node.ledger().tell_of_suspects(move || telling.send(()).unwrap());
    let path = node.file("blocks/0000000001.block");
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, bytes).unwrap();
    let first_leaf = node.ledger().table(1).unwrap().unwrap().first_leaf;
    assert!(is_corrupt(node.ledger().leaf(first_leaf)));
    told.try_recv().unwrap();
    assert_eq!(node.ledger().take_suspects(), [1]);
    assert_eq!(node.ledger().take_suspects(), [0; 0]);
}

#[test]
fn a_lookup_that_leads_elsewhere_is_damage_and_never_the_wrong_record() {
    let mut node = node_with(&[6, 3, 3]);
    let id = |height: u64, number: u64| {
        RecordId::from_bytes((1_u128 << 64 | u128::from(height << 32 | number)).to_be_bytes())
    };
    node.reopen_after(|node| drop(tamper::change_lookup(node.home.path(), id(0, 2), id(1, 1)).unwrap())).unwrap();
    assert!(is_corrupt(node.ledger().record(id(0, 2))));
    assert!(node.ledger().record(id(1, 1)).unwrap().is_some());
    // The request again: neither a second time, nor with another record's answer.
    let repeated = plain(Transfer::enroll(id(0, 2), PartyId::from_bytes((2_u128 << 64 | 2).to_be_bytes())));
    assert!(is_corrupt(node.ledger().apply_requests(9_000, &[Batch { atomic: false, items: vec![repeated] }])));
    for leaf_index in [0, 7, 1_000_u64] {
        let value = [&[0][..], &leaf_index.to_be_bytes()].concat();
        node.reopen_after(|node| rewrite_row(node, "priors", id(0, 2).as_bytes(), Some(&value))).unwrap();
        assert!(is_corrupt(node.ledger().record(id(0, 2))), "a row that leads to leaf {leaf_index}");
    }
    assert_eq!(node.ledger().record(record_id(99)).unwrap(), None);
}

#[test]
fn a_row_that_leads_to_another_block_is_damage() {
    let mut node = node_with(&[6, 3, 3]);
    let table = |node: &Node, height| node.ledger().table(height).unwrap().unwrap();
    let (first, second) = (table(&node, 0).table_id, table(&node, 1));
    let one = 1_u64.to_be_bytes();
    node.reopen_after(|node| rewrite_row(node, "block_of_table", first.as_bytes(), Some(&one))).unwrap();
    assert!(is_corrupt(node.ledger().table_by_id(first)));
    assert_eq!(node.ledger().table_by_id(second.table_id).unwrap().unwrap().height, 1);
    let key = second.first_leaf.to_be_bytes();
    for value in [None, Some([one, (second.first_leaf + 1).to_be_bytes()].concat()), Some([0; 16].to_vec())] {
        node.reopen_after(|node| rewrite_row(node, "block_of_leaf", &key, value.as_deref())).unwrap();
        assert!(is_corrupt(node.ledger().leaf(second.first_leaf + 1)), "{value:?}");
        assert!(is_corrupt(node.ledger().record_at(second.first_leaf + 2)), "{value:?}");
    }
}

#[test]
fn tiles_of_leaf_hashes_are_proven_before_they_are_given_away() {
    let node = node_with(&[300, 10, 10]);
    let leaf = node.ledger().leaf(17).unwrap().unwrap();
    let tile = node.ledger().tile(0, 0, 256).unwrap().unwrap();
    assert_eq!(tile[32 * 17..32 * 18], leaf_hash(&leaf).0);
    let mut node = node;
    let good = fs::read(node.file(BLOCK)).unwrap();
    node.reopen_after(|node| fs::write(node.file(BLOCK), forge(&good, 17, |leaf| leaf[60] ^= 1)).unwrap()).unwrap();
    assert!(is_corrupt(node.ledger().tile(0, 0, 256)));
    assert!(is_corrupt(node.ledger().tile(0, 0, 18)));
}
