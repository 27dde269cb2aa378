//! An erased payload leaves every file of every server: Raft logs, ledgers, and whatever else stands there.

use std::fs;
use std::path::Path;

use bulla_ledger::{Payload, RecordId, Transfer};
use bulla_node::{Answer, Item, Node, NodeOptions, ReceiptAnswer};
use bulla_tests::embedded::{EmbeddedCluster, asset, furnish, height_of, record_id, until};

const SECRET: &str = r#"{"name":"the patient's name"}"#;
const SALT: [u8; 32] = *b"a salt that no other record has.";

fn soon(options: &mut NodeOptions) {
    options.storage.erase_ms_max = 200;
}

fn after_an_hour(options: &mut NodeOptions) {
    options.storage.erase_ms_max = 3_600_000;
}

fn secret() -> Item {
    let payload = Payload { salt: SALT, bytes: SECRET.into() };
    let transfer = Transfer::amend(record_id(9, 1), asset(1), payload.commit());
    Item { transfer, payload: Some(payload) }
}

fn erase() -> Item {
    Item { transfer: Transfer::erase(record_id(9, 2), record_id(9, 1)), payload: None }
}

/// Whether any file of a directory holds the payload or its salt.
fn holds_secret(directory: &Path) -> bool {
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        // A file that is replaced meanwhile is read in its new place.
        let bytes = fs::read(path).unwrap_or_default();
        let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
        if holds(SECRET.as_bytes()) || holds(&SALT) {
            return true;
        }
    }
    false
}

/// Waits until a server has destroyed what it was told to.
async fn shredded(node: &Node) {
    until("the payload is erased and destroyed", async || {
        let notice = node.ledger().record(record_id(9, 2)).unwrap()?;
        let stored = node.ledger().durable().height >= Some(notice.height);
        (stored && node.ledger().shred_due().unwrap().is_none()).then_some(())
    })
    .await;
}

fn notice_height(node: &Node) -> u64 {
    node.ledger().record(record_id(9, 2)).unwrap().expect("the notice is recorded").height
}

fn leaf_of(node: &Node, record_id: RecordId) -> u64 {
    match node.ledger().record(record_id).unwrap().unwrap().entry {
        bulla_node::Entry::Recorded(record) => record.leaf_index,
        refused => panic!("{refused:?}"),
    }
}

/// The record is still proven, with and without what it said, and the server's files are right.
fn check_proofs(node: &Node) {
    for with_payload in [false, true] {
        match node.ledger().receipt(leaf_of(node, record_id(9, 1)), with_payload).unwrap() {
            ReceiptAnswer::Ready(receipt) => assert_eq!(receipt.verify(node.policy()).unwrap().payload, None),
            other => panic!("{other:?}"),
        }
    }
    node.ledger().verify_all(&mut |_| {}).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_payload_is_in_no_file_of_any_server_and_every_proof_stays() {
    let cluster = EmbeddedCluster::start(3, soon).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 2, 1).await;
    let recorded = cluster.node(leader).submit(secret()).await.unwrap();
    cluster.sealed_everywhere(height_of(&recorded)).await;
    for node_id in 1..=3 {
        assert!(holds_secret(&cluster.data_dir(node_id)), "server {node_id} has the payload");
    }
    let ReceiptAnswer::Ready(old) =
        cluster.node(leader).ledger().receipt(leaf_of(cluster.node(leader), record_id(9, 1)), true).unwrap()
    else {
        panic!("no receipt")
    };

    let erased = cluster.node(leader).submit(erase()).await.unwrap();
    cluster.sealed_everywhere(height_of(&erased)).await;
    for node in cluster.nodes() {
        shredded(node).await;
        check_proofs(node);
    }
    for node_id in 1..=3 {
        assert!(!holds_secret(&cluster.data_dir(node_id)), "server {node_id} has destroyed it");
    }
    // Whoever kept a receipt can still show what was said.
    assert_eq!(old.verify(cluster.node(leader).policy()).unwrap().payload.as_deref(), Some(SECRET.as_bytes()));
    // A retry is the same record, and brings nothing back.
    let again = cluster.node(leader).submit(secret()).await.unwrap();
    assert!(matches!(again, Answer::Recorded { repeated: true, .. }));
    for node_id in 1..=3 {
        assert!(!holds_secret(&cluster.data_dir(node_id)), "server {node_id} was not given it again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_down_meanwhile_destroys_its_copy_when_it_is_back() {
    let mut cluster = EmbeddedCluster::start(3, soon).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 2, 1).await;
    let recorded = cluster.node(leader).submit(secret()).await.unwrap();
    cluster.sealed_everywhere(height_of(&recorded)).await;
    let away = if leader == 3 { 1 } else { 3 };
    cluster.stop_node(away).await;
    cluster.node(leader).submit(erase()).await.unwrap();
    for node in cluster.nodes() {
        shredded(node).await;
    }
    assert!(holds_secret(&cluster.data_dir(away)));
    cluster.start_node(away).await;
    shredded(cluster.node(away)).await;
    assert!(!holds_secret(&cluster.data_dir(away)));
    cluster.sealed_everywhere(notice_height(cluster.node(away))).await;
    check_proofs(cluster.node(away));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_notice_and_shred_forgets_nothing() {
    let mut cluster = EmbeddedCluster::start(1, after_an_hour).await;
    cluster.leader().await;
    furnish(cluster.node(1), 2, 1).await;
    let recorded = cluster.node(1).submit(secret()).await.unwrap();
    cluster.sealed_everywhere(height_of(&recorded)).await;
    let erased = cluster.node(1).submit(erase()).await.unwrap();
    cluster.sealed_everywhere(height_of(&erased)).await;
    until("the notice is stored", async || cluster.node(1).ledger().shred_due().unwrap()).await;
    assert!(holds_secret(&cluster.data_dir(1)), "others may join in for an hour");
    cluster.stop_node(1).await;
    assert!(holds_secret(&cluster.data_dir(1)));
    cluster.start_node(1).await;
    shredded(cluster.node(1)).await;
    assert!(!holds_secret(&cluster.data_dir(1)));
}
