//! A data directory that the first release made: it opens, verifies, answers as it did, and goes on.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bulla_client::{verify_asset_proof, verify_certificate};
use bulla_node::{
    Answer, CertificateAnswer, Item, NoPeers, Node, NodeOptions, ReceiptAnswer, StateAnswer, identity_files,
};
use bulla_sealing::{Policy, verify_receipt};
use bulla_tests::embedded::{PATIENCE, height_of};
use expect_test::expect;
use tempfile::TempDir;

use crate::acts::{answer_text, first_items, identities, in_the_end, last_items, next_items};
use crate::golden;

const FOLDER: &str = "data-directory-v1";

/// Which record's receipt was kept: the registration of the desk, which has a payload.
const RECEIPT_OF: usize = 5;

#[tokio::test]
async fn the_directory_opens_and_all_its_blocks_verify() {
    let (_copy, node) = open_copy().await;
    let verified = node.ledger().verify_all(&mut |_| {}).unwrap();
    // The third was sealed too, but its seal is a row only once a fourth is stored.
    assert!(verified.blocks >= 3 && verified.sealed_blocks >= 2, "{verified:?}");
    node.shutdown().await;
}

#[tokio::test]
async fn every_record_id_is_still_spent_and_gets_its_first_answer() {
    let (_copy, node) = open_copy().await;
    let kept = fs::read_to_string(golden(FOLDER).join("answers.txt")).unwrap();
    let mut answers = String::new();
    for item in all_items() {
        let answer = node.submit(item).await.unwrap();
        assert!(!matches!(answer, Answer::Recorded { repeated: false, .. }), "{answer:?}");
        answers += &format!("{}\n", answer_text(&answer));
    }
    assert_eq!(answers, kept);
    node.shutdown().await;
}

/// The last records are in the Raft log alone, so this also reads entries of then.
#[tokio::test]
async fn everything_is_where_it_was_and_what_was_only_logged_is_sealed_now() {
    let (_copy, node) = open_copy().await;
    let last = all_items().pop().unwrap();
    let before_it = all_items().into_iter().rev().nth(1).unwrap();
    let height = height_of(&node.submit(before_it.clone()).await.unwrap());
    assert!(matches!(node.submit(last).await.unwrap(), Answer::Rejected { .. }));
    expect![[r#"
        desk: party 2 owns it, party 1 holds it, touched 4 times since
        laptop: party 2 owns it, party 1 holds it, retired, touched 2 times since
        cable: 99950 with nobody, touched 3 times since
        cable: 69950 with party 1, touched 1 times since
        cable: 20000 with party 2, touched 2 times since
        cable: 10000 with party 3, touched 0 times since
    "#]]
    .assert_eq(&in_the_end(node.ledger()));

    assert!(node.wait_sealed(height, PATIENCE).await);
    let policy = Policy::parse(&fs::read_to_string(golden(FOLDER).join("policy.txt")).unwrap()).unwrap();
    let ReceiptAnswer::Ready(receipt) = node.receipt(before_it.transfer.record_id).unwrap() else {
        panic!("table {height} is sealed");
    };
    receipt.verify(&policy).unwrap();
    let verified = node.ledger().verify_all(&mut |_| {}).unwrap();
    assert_eq!(verified.blocks, height + 1);
    node.shutdown().await;
}

#[tokio::test]
async fn the_receipt_made_then_still_verifies_and_is_that_of_the_record() {
    let policy = Policy::parse(&fs::read_to_string(golden(FOLDER).join("policy.txt")).unwrap()).unwrap();
    let text = fs::read(golden(FOLDER).join("receipt.txt")).unwrap();
    let verified = verify_receipt(&text, &policy).unwrap();
    assert_eq!(verified.payload.as_deref(), all_items()[RECEIPT_OF].payload.as_ref().map(|payload| &payload.bytes[..]));

    let (_copy, node) = open_copy().await;
    assert_eq!(*node.policy(), policy);
    let record = bulla_ledger::Record::decode(&verified.record).unwrap();
    assert_eq!(node.ledger().record_at(record.leaf_index).unwrap(), Some(record));
    assert_eq!(record.transfer, all_items()[RECEIPT_OF].transfer);
    node.shutdown().await;
}

#[test]
fn the_proof_and_the_certificate_made_then_still_verify() {
    let policy = Policy::parse(&fs::read_to_string(golden(FOLDER).join("policy.txt")).unwrap()).unwrap();
    let desk = first_items()[RECEIPT_OF].transfer.asset_id;
    let proof = fs::read(golden(FOLDER).join("proof.txt")).unwrap();
    let proven = verify_asset_proof(&proof, &policy, desk, None).unwrap();
    let certificate = fs::read(golden(FOLDER).join("certificate.txt")).unwrap();
    let custody = verify_certificate(&certificate, &policy).unwrap().custody;
    assert_eq!(proven.state, Some(custody.state));
    assert_eq!(custody.records.last().unwrap().transfer, first_items()[RECEIPT_OF].transfer);
}

/// Not a test: makes the directory, once for each format version. The README says when.
#[tokio::test]
#[ignore = "it writes into this repository, on purpose and never over anything"]
async fn a_new_data_directory_is_made() {
    let folder = golden(FOLDER);
    fs::create_dir(&folder).expect("there is none yet: a directory of an older release is kept as it is");
    let data_dir = folder.join("node-1");
    let identity = identities(1).remove(0);
    identity_files::create(&data_dir, &identity).unwrap();

    let mut answers = Vec::new();
    let node = open(&data_dir, 50).await;
    for items in [first_items(), next_items()] {
        answers.extend(record(&node, items).await);
        let height = answers.iter().filter(|answer| matches!(answer, Answer::Recorded { .. })).map(height_of).max();
        assert!(node.wait_sealed(height.unwrap(), PATIENCE).await);
    }
    let leaf_index = match answers[RECEIPT_OF] {
        Answer::Recorded { leaf_index, .. } => leaf_index,
        ref refused => panic!("{refused:?}"),
    };
    let ReceiptAnswer::Ready(receipt) = node.ledger().receipt(leaf_index, true).unwrap() else { panic!("sealed") };
    fs::write(folder.join("receipt.txt"), receipt.to_text().unwrap()).unwrap();
    let desk = first_items()[RECEIPT_OF].transfer.asset_id;
    let StateAnswer::Ready(proof) = node.ledger().asset_proof(desk, None).unwrap() else { panic!("sealed") };
    fs::write(folder.join("proof.txt"), proof.to_text()).unwrap();
    let CertificateAnswer::Ready(certificate) = node.ledger().certificate(desk, None).unwrap() else {
        panic!("sealed")
    };
    fs::write(folder.join("certificate.txt"), certificate.to_text()).unwrap();
    fs::write(folder.join("policy.txt"), node.policy().to_text()).unwrap();
    node.shutdown().await;
    drop(node);

    let hour_ms = 3_600_000;
    let node = open(&data_dir, hour_ms).await;
    answers.extend(record(&node, last_items()).await);
    let text: String = answers.iter().map(|answer| format!("{}\n", answer_text(answer))).collect();
    fs::write(folder.join("answers.txt"), text).unwrap();
    node.shutdown().await;
    drop(node);
    fs::remove_file(data_dir.join("lock")).unwrap();
}

fn all_items() -> Vec<Item> {
    [first_items(), next_items(), last_items()].concat()
}

async fn record(node: &Node, items: Vec<Item>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for item in items {
        answers.push(node.submit(item).await.unwrap());
    }
    answers
}

/// A copy of the directory, opened: the repository's own is never written.
async fn open_copy() -> (TempDir, Node) {
    let copy = TempDir::new().unwrap();
    copy_all(&golden(FOLDER).join("node-1"), copy.path());
    let node = open(copy.path(), 50).await;
    (copy, node)
}

async fn open(data_dir: &Path, age_ms_max: u32) -> Node {
    let mut options = NodeOptions::single(data_dir);
    options.seal.age_ms_max = age_ms_max;
    let node = Node::open(options, Arc::new(NoPeers)).await.unwrap();
    assert!(node.wait_leader(PATIENCE).await);
    node
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_all(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
