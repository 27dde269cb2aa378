//! What an administrator could write, with every checksum put right, is noticed by what no checksum covers.

use bulla_ledger::Transfer;
use bulla_storage::{LogOp, StorageError, Store, tamper};

use crate::node::{Node, asset_id, attestation, node_name, options, party_id, plain, record_id};

/// A node with four sealed blocks; one asset went from party 1 to 2 and back.
fn node() -> Node {
    let node = Node::new(1).with_a_block();
    for (height, from, to) in [(1, 2, 1), (2, 1, 2), (3, 2, 1)] {
        let transfer = Transfer::transfer(record_id(10 + height), asset_id(1), party_id(from), party_id(to));
        node.apply(2_000 + u64::from(height), vec![plain(transfer)]);
        node.close_and_store(2_000 + u64::from(height));
        let checkpoint = node.ledger().checkpoint_from_disk(u64::from(height) - 1).unwrap();
        node.ledger().attest(u64::from(height) - 1, &attestation(1, &checkpoint)).unwrap();
    }
    node
}

fn is_noticed(opened: Result<(), StorageError>, node: &Node) {
    let verified = opened.and_then(|()| node.ledger().verify_all(&mut |_| {}).map(drop));
    assert!(matches!(verified, Err(StorageError::Corrupt { .. })), "{verified:?}");
}

#[test]
fn a_changed_record_is_noticed_though_every_checksum_fits() {
    let mut node = node();
    let opened = node.reopen_after(|node| {
        let tampered = tamper::change_record(node.home.path(), record_id(11), party_id(2)).unwrap();
        assert_eq!(tampered.file, node.file("blocks/0000000001.block"));
    });
    opened.as_ref().expect("the files of this server alone do not show it");
    assert!(node.ledger().checkpoint_from_disk(1).is_ok(), "block and manifest fit each other");
    is_noticed(opened, &node);
}

#[test]
fn a_changed_holder_is_noticed_though_its_row_fits() {
    let mut node = node();
    let opened =
        node.reopen_after(|node| drop(tamper::change_holder(node.home.path(), asset_id(1), party_id(2)).unwrap()));
    assert!(matches!(opened, Err(StorageError::Corrupt { .. })), "{opened:?}");
}

#[test]
fn a_lookup_that_leads_to_another_record_is_noticed_though_its_row_fits() {
    let mut node = node();
    let opened =
        node.reopen_after(|node| drop(tamper::change_lookup(node.home.path(), record_id(11), record_id(12)).unwrap()));
    is_noticed(opened, &node);
}

#[test]
fn swapped_blocks_are_noticed_though_their_files_fit_the_manifest() {
    let mut node = node();
    let opened = node.reopen_after(|node| drop(tamper::swap_blocks(node.home.path(), 1, 2).unwrap()));
    is_noticed(opened, &node);
}

#[test]
fn a_changed_log_entry_reads_as_if_it_had_been_agreed_on() {
    let mut node = node();
    let request = Transfer::transfer(record_id(60), asset_id(1), party_id(1), party_id(2));
    let entry = [b"head of the entry".as_slice(), &request.encode()].concat();
    node.store().raft_log().commit(&[LogOp::Append { index: 1, entry: entry.into() }]).unwrap();
    node.reopen_after(|node| drop(tamper::change_log_entry(node.home.path(), record_id(60), party_id(1)).unwrap()))
        .unwrap();
    let entries = node.store().raft_log().read(1..2, usize::MAX).unwrap();
    let changed = Transfer { to: party_id(1), ..request };
    assert_eq!(entries[0].1, [b"head of the entry".as_slice(), &changed.encode()].concat());
}

#[test]
fn a_running_server_is_not_tampered_with_and_what_is_not_there_is_named() {
    let mut node = node();
    let running = tamper::change_record(node.home.path(), record_id(11), party_id(2));
    assert!(matches!(running, Err(StorageError::InUse { .. })), "{running:?}");
    node.reopen_after(|node| {
        let dir = node.home.path();
        for missing in [
            tamper::change_record(dir, record_id(99), party_id(2)),
            tamper::change_holder(dir, asset_id(99), party_id(2)),
            tamper::change_lookup(dir, record_id(11), record_id(99)),
            tamper::change_log_entry(dir, record_id(99), party_id(2)),
            tamper::swap_blocks(dir, 1, 99),
        ] {
            assert!(matches!(missing, Err(StorageError::Unknown { .. })), "{missing:?}");
        }
        assert!(Store::open(dir, &node.identity, options()).is_ok(), "{} is as it was", node_name(1));
    })
    .unwrap();
    node.ledger().verify_all(&mut |_| {}).unwrap();
}
