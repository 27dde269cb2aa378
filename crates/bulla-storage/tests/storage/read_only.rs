//! Looking at a directory changes nothing in it, whatever state it is in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bulla_storage::{ReadOnlyStore, StorageError, Store, Verified};

use crate::node::{Node, attestation, options};

/// Every file below a directory, and what it holds.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(contents(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    found
}

/// A stopped node with two blocks, the first of them sealed in its files.
fn stopped(change: impl FnOnce(&Node)) -> tempfile::TempDir {
    let node = Node::new(1).with_a_block();
    node.ledger().attest(0, &attestation(1, &node.ledger().checkpoint_from_disk(0).unwrap())).unwrap();
    node.close_and_store(3_000);
    change(&node);
    node.into_home()
}

/// Verifies the directory, which must be the same before and after.
#[track_caller]
fn look(dir: &Path) -> Result<Verified, StorageError> {
    let before = contents(dir);
    let verified = ReadOnlyStore::open(dir).and_then(|store| store.verify_all(&mut |_| {}));
    assert!(contents(dir) == before, "something in the directory changed");
    verified
}

#[test]
fn a_stopped_directory_is_verified_and_left_as_it_is() {
    let home = stopped(|_| {});
    let verified = look(home.path()).unwrap();
    assert_eq!((verified.blocks, verified.sealed_blocks), (2, 1));
}

#[test]
fn what_a_crash_left_is_neither_removed_nor_in_the_way() {
    let home = stopped(|_| {});
    for name in
        ["blocks/0000000002.block.partial", "blocks/0000000002.block", "ledger.redb.partial", "incoming/x.partial"]
    {
        fs::write(home.path().join(name), b"half a block").unwrap();
    }
    assert_eq!(look(home.path()).unwrap().blocks, 2);
}

#[test]
fn a_copy_without_log_lock_and_guard_is_verified() {
    let home = stopped(|_| {});
    for name in ["raft.redb", "guard.log", "lock"] {
        fs::remove_file(home.path().join(name)).unwrap();
    }
    assert_eq!(look(home.path()).unwrap().blocks, 2);
    assert!(!home.path().join("lock").exists());
}

#[test]
fn databases_that_were_not_closed_are_mended_in_memory_alone() {
    let copy = tempfile::tempdir().unwrap();
    // Copied from under a running node, as a snapshot of its disk would be.
    stopped(|node| {
        for (path, bytes) in contents(node.home.path()) {
            let to = copy.path().join(path.strip_prefix(node.home.path()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, bytes).unwrap();
        }
    });
    assert_eq!(look(copy.path()).unwrap().blocks, 2);
}

#[test]
fn damage_is_found_and_left_as_it_is() {
    for name in ["blocks/0000000001.block", "ledger.redb"] {
        let home = stopped(|_| {});
        let path = home.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.len();
        match name {
            "ledger.redb" => bytes[4_096..end].fill(0x5a),
            _ => bytes[100] ^= 1,
        }
        fs::write(&path, bytes).unwrap();
        let found = look(home.path());
        assert!(matches!(found, Err(StorageError::Corrupt { .. })), "{name}: {found:?}");
    }
    let home = stopped(|_| {});
    fs::remove_file(home.path().join("blocks/0000000000.block")).unwrap();
    assert!(matches!(look(home.path()), Err(StorageError::Corrupt { .. })));
}

#[test]
fn a_running_node_is_not_looked_at_and_no_node_starts_while_somebody_looks() {
    let node = Node::new(1).with_a_block();
    assert!(matches!(ReadOnlyStore::open(node.home.path()), Err(StorageError::InUse { .. })));
    let identity = node.identity.clone();
    let home = node.into_home();
    let looking = ReadOnlyStore::open(home.path()).unwrap();
    let another = ReadOnlyStore::open(home.path()).unwrap();
    assert!(matches!(Store::open(home.path(), &identity, options()), Err(StorageError::InUse { .. })));
    drop((looking, another));
    Store::open(home.path(), &identity, options()).unwrap();
}
