//! A crash at any point leaves a directory that opens to the state just after the Close of the last stored block.

use std::fs;
use std::path::Path;

use bulla_storage::{StorageError, Store};

use crate::node::{Node, attestation, opening_items, options, record_id};

/// What a restart finds when the process is killed now: the files as they are, with the store still open.
fn killed(node: &Node) -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    copy(node.home.path(), home.path());
    let store = Store::open(home.path(), &node.identity, options()).unwrap();
    (home, store)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

#[test]
fn a_process_killed_at_any_stage_opens_to_the_last_stored_block() {
    let node = Node::new(1);
    let check = |stored: Option<u64>, size: u64, assets: usize| {
        let (_home, store) = killed(&node);
        let ledger = store.ledger();
        assert_eq!(ledger.durable().height, stored);
        assert_eq!(ledger.durable().replay_from, stored.map(|height| height.to_be_bytes().to_vec()));
        assert_eq!(ledger.size(), size);
        assert_eq!(ledger.assets(None, 10).unwrap().len(), assets);
        assert_eq!(ledger.open_table().height, stored.map_or(0, |height| height + 1));
        ledger.verify_all(&mut |_| {}).unwrap();
    };
    check(None, 1, 0);
    node.apply(1_000, opening_items());
    check(None, 1, 0);
    let closed = node.close(2_000);
    check(None, 1, 0);
    node.ledger().store(&closed).unwrap();
    check(Some(0), 7, 1);
    node.ledger().attest(0, &attestation(1, closed.checkpoint())).unwrap();
    node.apply(3_000, opening_items());
    let closed = node.close(4_000);
    check(Some(0), 7, 1);
    node.ledger().store(&closed).unwrap();
    check(Some(1), 8, 1);
    assert_eq!(killed(&node).1.ledger().sealing_status().sealed_height, Some(0));
}

#[test]
fn a_block_file_that_was_never_named_in_the_manifest_is_removed_and_written_again() {
    let mut node = Node::new(1).with_a_block();
    let orphan = node.file("blocks/0000000001.block");
    node.reopen_after(|node| fs::copy(node.file("blocks/0000000000.block"), &orphan).map(drop).unwrap()).unwrap();
    assert!(!orphan.exists());
    node.close_and_store(3_000);
    assert!(orphan.exists());
    assert_eq!(node.ledger().verify_all(&mut |_| {}).unwrap().blocks, 2);
}

#[test]
fn files_that_were_being_written_are_removed() {
    let mut node = Node::new(1).with_a_block();
    let names = ["blocks/0000000001.block.partial", "incoming/0000000001.block.partial", "raft.redb.partial"];
    node.reopen_after(|node| names.iter().for_each(|name| fs::write(node.file(name), b"torn").unwrap())).unwrap();
    assert!(names.iter().all(|name| !node.file(name).exists()));
}

#[test]
fn a_directory_whose_making_was_interrupted_opens() {
    for lost in [&["raft.redb"][..], &["raft.redb", "guard.log"], &["raft.redb", "ledger.redb", "guard.log"]] {
        let mut node = Node::new(1);
        node.reopen_after(|node| lost.iter().for_each(|name| fs::remove_file(node.file(name)).unwrap())).unwrap();
        assert_eq!(node.ledger().durable().height, None);
    }
}

#[test]
fn an_identity_whose_making_was_interrupted_is_made_anew() {
    let identity = crate::node::identities(1).remove(0);
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("identity.partial")).unwrap();
    fs::write(home.path().join("identity.partial/node.key"), b"torn").unwrap();
    bulla_storage::identity::create(home.path(), &identity).unwrap();
    assert_eq!(bulla_storage::identity::load(home.path()).unwrap(), identity);
}

#[test]
fn a_refused_id_stays_spent_after_a_restart() {
    let mut node = Node::new(1);
    let before = node.apply(1_000, opening_items());
    node.close_and_store(2_000);
    node.reopen();
    let after = node.apply(9_000, opening_items());
    assert_eq!(before[5], after[5]);
    let view = node.ledger().record(record_id(6)).unwrap().unwrap();
    assert!(matches!(view.entry, bulla_storage::Entry::Refused { time_us: 1_000, .. }));
    assert_eq!(view.height, 0);
}

#[test]
fn a_table_dropped_by_a_reset_is_not_stored() {
    let node = Node::new(1).with_a_block();
    let closed = node.close(3_000);
    node.ledger().reset_open().unwrap();
    assert!(matches!(node.ledger().store(&closed), Err(StorageError::Superseded { height: 1 })));
    assert_eq!(node.ledger().durable().height, Some(0));
    node.close_and_store(4_000);
}
