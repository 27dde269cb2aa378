//! Who may open a data directory, and what is refused.

use bulla_sealing::{Hash, SigningKey};
use bulla_storage::{GuardError, StorageError, Store, StoreOptions, identity};
use uuid::Uuid;

use crate::node::{Node, identities, options};

fn open(node: &Node, identity: &bulla_storage::Identity) -> Result<Store, StorageError> {
    Store::open(node.home.path(), identity, options())
}

#[test]
fn a_directory_is_open_once() {
    let mut node = Node::new(1);
    assert!(matches!(open(&node, &node.identity), Err(StorageError::InUse { .. })));
    node.reopen();
}

#[test]
fn a_directory_without_identity_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let identity = identities(1).remove(0);
    let nothing = Store::open(home.path(), &identity, options());
    assert!(matches!(nothing, Err(StorageError::NoIdentity { .. })));
    let nowhere = Store::open(&home.path().join("nowhere"), &identity, options());
    assert!(matches!(nowhere, Err(StorageError::NoIdentity { .. })));
}

#[test]
fn an_identity_is_made_once_and_read_back() {
    let node = Node::new(3);
    assert_eq!(identity::load(node.home.path()).unwrap(), node.identity);
    assert!(matches!(identity::create(node.home.path(), &node.identity), Err(StorageError::IdentityExists { .. })));
}

#[test]
fn an_identity_with_keys_that_the_ledger_does_not_name_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut identity = identities(2).remove(0);
    identity.node_key = SigningKey::from_bytes(&[77; 32]);
    let refused = identity::create(home.path(), &identity);
    assert!(matches!(refused, Err(StorageError::IdentityMismatch { field: "node key", .. })));
}

#[test]
fn another_node_instance_or_ledger_is_refused_by_name() {
    let mut node = Node::new(2);
    let good = node.identity.clone();
    let check = |identity: &bulla_storage::Identity, node: &Node| match open(node, identity).map(drop) {
        Err(StorageError::IdentityMismatch { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let other_id = bulla_storage::Identity { node_id: 9, ..good.clone() };
    let other_instance = bulla_storage::Identity { instance_id: Uuid::from_bytes([9; 16]), ..good.clone() };
    let other_ledger = identities(1).remove(0);
    node.reopen_after(|node| {
        assert_eq!(check(&other_id, node), "node id");
        assert_eq!(check(&other_instance, node), "instance");
        assert_eq!(check(&other_ledger, node), "ledger");
    })
    .unwrap();
}

#[test]
fn a_database_of_another_node_is_refused() {
    for name in ["ledger.redb", "raft.redb"] {
        let other = Node::of(identities(2).remove(1));
        let mut node = Node::new(2);
        let swapped = node.reopen_after(|node| {
            std::fs::copy(other.file(name), node.file(name)).unwrap();
        });
        assert!(matches!(swapped, Err(StorageError::IdentityMismatch { field: "node", .. })), "{name}: {swapped:?}");
    }
}

#[cfg(unix)]
#[test]
fn keys_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let node = Node::new(1);
    for name in ["node.key", "log.key"] {
        let mode = std::fs::metadata(node.file("identity").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn no_secret_is_in_what_is_printed() {
    let node = Node::new(1);
    let secret = Hash(*node.identity.node_key.as_bytes()).to_string();
    assert!(!format!("{:?} {:?}", node.identity, node.store()).contains(&secret));
}

#[test]
fn an_identity_file_of_a_later_format_is_refused_as_such() {
    let mut node = Node::new(1);
    let later = node.reopen_after(|node| {
        let path = node.file("identity").join("node");
        let text = std::fs::read_to_string(&path).unwrap().replace("format = 1", "format = 2");
        std::fs::write(&path, text).unwrap();
    });
    assert!(matches!(later, Err(StorageError::FormatVersion { found: 2, supported: 1, .. })));
}

#[test]
fn a_lost_file_is_named() {
    for name in ["ledger.redb", "raft.redb", "guard.log", "blocks/0000000000.block"] {
        let mut node = Node::new(1).with_a_block();
        let lost = node.reopen_after(|node| std::fs::remove_file(node.file(name)).unwrap());
        let Err(StorageError::Corrupt { what, .. }) = lost else { panic!("{name}: {lost:?}") };
        assert!(what.ends_with(name), "{what}");
    }
}

#[test]
fn the_guard_refuses_a_second_root_after_a_restart() {
    let mut node = Node::new(1);
    node.store().guard().record(0, 7, Hash([1; 32])).unwrap();
    node.reopen();
    node.store().guard().record(0, 7, Hash([1; 32])).unwrap();
    let second = node.store().guard().record(0, 7, Hash([2; 32]));
    assert!(matches!(second, Err(GuardError::OtherRoot { .. })));
}

#[test]
fn a_disk_with_less_free_than_its_reserve_is_refused_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    let founder = identities(1).remove(0);
    identity::create(home.path(), &founder).unwrap();
    let greedy = StoreOptions { disk_reserve_bytes: u64::MAX, ..options() };
    assert!(matches!(Store::open(home.path(), &founder, greedy), Err(StorageError::DiskFull { .. })));
    assert!(Store::open(home.path(), &founder, options()).unwrap().has_room().unwrap());
}
