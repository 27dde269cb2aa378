//! A stored ledger: all of it verified on one thread from its files, and receipts made and checked.

use std::sync::Arc;
use std::time::Duration;

use bulla_benches::{Workload, height_of};
use bulla_client::Replay;
use bulla_node::{Batch, BlockFiles, NoPeers, Node, NodeOptions, ReceiptAnswer, found, identity_files};
use bulla_sealing::{verify_receipt, verify_strict};
use ed25519_dalek::{Signer, SigningKey};

use super::cpu::{RUNS, elapsed_ns, repeat, spread};

const TRANSFERS: u64 = 600_000;
const ASSETS: u64 = 100_000;
const RECEIPTS: u64 = 200;

pub fn measure(tree_ns: f64) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let node = runtime.block_on(filled(directory.path()));
    let policy = node.policy().clone();

    let files = BlockFiles::open(directory.path()).expect("block files");
    let (mut leaves, mut read, mut replayed) = (0, Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut blocks = Vec::new();
        read.push(elapsed_ns(|| {
            blocks = (0..files.blocks()).map(|height| files.read(height, 0).expect("an undamaged block")).collect();
        }));
        let mut replay = Replay::new(&policy);
        replayed.push(elapsed_ns(|| {
            for block in &blocks {
                let leaves: Vec<&[u8]> = block.leaves().collect();
                replay.block(&leaves, block.records(), block.header_hash()).expect("a block that follows");
            }
        }));
        leaves = replay.size();
    }
    let a_leaf = |runs: &[f64]| spread(runs.iter().map(|ns| ns / leaves as f64).collect());
    let total = a_leaf(&read.iter().zip(&replayed).map(|(read, replayed)| read + replayed).collect::<Vec<_>>());
    println!("verification of {leaves} leaves in {} blocks, {ASSETS} assets, one thread", files.blocks());
    println!("  read, checked and hashed          {} ns a leaf", a_leaf(&read));
    println!("  rules, states and headers         {} ns a leaf", a_leaf(&replayed));
    println!(
        "  altogether                        {total} ns a leaf = {:.2} M/s = {:.2} of the tree alone",
        1_000.0 / total.median,
        tree_ns / total.median
    );

    let ledger = node.ledger();
    let receipt = |leaf_index| match ledger.receipt(leaf_index, false).expect("readable") {
        ReceiptAnswer::Ready(receipt) => receipt.to_text().expect("small enough").into_bytes(),
        other => panic!("leaf {leaf_index} has no receipt: {other:?}"),
    };
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let made = repeat(RECEIPTS as usize, || texts = (1..=RECEIPTS).map(|number| receipt(number * 999)).collect());
    let checked = repeat(RECEIPTS as usize, || {
        texts.iter().for_each(|text| drop(verify_receipt(text, &policy).expect("a receipt that verifies")));
    });
    let key = SigningKey::from_bytes(&[7; 32]);
    let signature = key.sign(MESSAGE).to_bytes();
    let public = key.verifying_key().to_bytes();
    let signed = repeat(RECEIPTS as usize, || {
        (0..RECEIPTS).for_each(|_| verify_strict(&public, MESSAGE, &signature).expect("it is signed"));
    });
    println!("receipt checked                     {checked} ns; one ed25519 check {signed} ns");
    println!("  two of those (log and one node)   {:.0} % of it", 200.0 * signed.median / checked.median);
    println!(
        "receipt made, checked before it goes{made} ns; without that check {:.0} ns",
        made.median - checked.median
    );
    runtime.block_on(node.shutdown());
}

const MESSAGE: &[u8] = &[7; 200];

/// A node whose blocks are full, sealed and stored.
async fn filled(directory: &std::path::Path) -> Node {
    let mut options = NodeOptions::single(directory);
    options.seal.age_ms_max = 10_000;
    for identity in found(None, &options.members).expect("keys") {
        identity_files::create(directory, &identity).expect("an identity");
    }
    let node = Node::open(options, Arc::new(NoPeers)).await.expect("the node opens");
    let workload = Workload::new(ASSETS, TRANSFERS);
    let mut items = workload.furniture().chain(workload.hand_overs()).peekable();
    let mut last_height = 0;
    while items.peek().is_some() {
        let batch = Batch { atomic: false, items: items.by_ref().take(8_190).collect() };
        let answers = node.submit_batch(batch).await.expect("recorded");
        last_height = answers.iter().map(height_of).fold(last_height, u64::max);
    }
    assert!(node.wait_sealed(last_height, Duration::from_secs(120)).await, "not sealed in two minutes");
    workload.check(&node);
    node
}
