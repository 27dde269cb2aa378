//! Damage on one server's disk is found by its scrubber, put right from another server, and recorded as an incident.

use std::fs;
use std::path::PathBuf;

use bulla_ledger::Transfer;
use bulla_node::{Batch, NodeId, NodeOptions, StorageError};
use bulla_storage::tamper;
use bulla_tests::embedded::{EmbeddedCluster, PATIENCE, furnish, height_of, party, plain, record_id, until};

/// Small blocks, and a scrubber that reads as fast as it can when it is asked, and only then.
fn when_asked(options: &mut NodeOptions) {
    options.seal.records_max = 64;
    options.limits.batch_records_max = 64;
    options.scrub.bytes_per_s_max = 1 << 30;
    options.scrub.pause_ms = 86_400_000;
}

/// A cluster with some blocks that are sealed and whose seals are stored, and some more.
async fn cluster() -> EmbeddedCluster {
    let cluster = EmbeddedCluster::start(3, when_asked).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 2, 40).await;
    let mut number = 0;
    let mut height = 0;
    while height < 8 {
        let enrol = (0..60).map(|_| {
            number += 1;
            plain(Transfer::enroll(record_id(5, number), party(100 + number)))
        });
        let batch = Batch { atomic: true, items: enrol.collect() };
        height = height_of(&cluster.node(leader).submit_batch(batch).await.unwrap()[0]);
    }
    cluster.sealed_everywhere(height).await;
    cluster
}

fn block(cluster: &EmbeddedCluster, node_id: NodeId, height: u64) -> PathBuf {
    cluster.data_dir(node_id).join(format!("blocks/{height:010}.block"))
}

/// Has a server scrub everything.
async fn scrub(cluster: &EmbeddedCluster, node_id: NodeId) {
    let node = cluster.node(node_id);
    let passes = node.scrub_now();
    assert!(node.wait_scrubbed(passes, PATIENCE).await, "node {node_id} never ended its pass");
}

/// Waits until every server knows of so many incidents, and so many of them are open.
async fn incidents(cluster: &EmbeddedCluster, all: u64, open: u64) {
    for node in cluster.nodes() {
        until("the incidents are recorded", async || {
            (node.ledger().incident_count().unwrap() == (all, open)).then_some(())
        })
        .await;
    }
}

fn flip(path: &PathBuf, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_put_right_from_a_peer_and_recorded_when_it_opens_and_closes() {
    let cluster = cluster().await;
    let damaged = cluster.follower().await;
    let peer = if damaged == 1 { 2 } else { 1 };
    let node = cluster.node(damaged);
    scrub(&cluster, damaged).await;
    assert_eq!(node.scrub_status().found, 0, "nothing is wrong yet: {:?}", node.scrub_status());

    let leaves: Vec<_> = (0..200).map(|leaf| cluster.node(peer).ledger().leaf(leaf).unwrap()).collect();
    let read_all = || {
        for (leaf_index, expected) in (0..).zip(&leaves) {
            match node.ledger().leaf(leaf_index) {
                Ok(leaf) => assert_eq!(leaf, *expected),
                Err(StorageError::Corrupt { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    flip(&block(&cluster, damaged, 0), 500);
    fs::write(block(&cluster, damaged, 1), b"").unwrap();
    fs::remove_file(block(&cluster, damaged, 2)).unwrap();
    fs::copy(block(&cluster, damaged, 3), block(&cluster, damaged, 4)).unwrap();
    let passes = node.scrub_now();
    while !node.wait_scrubbed(passes, std::time::Duration::ZERO).await {
        read_all();
        tokio::task::yield_now().await;
    }
    read_all();
    for height in 0..5 {
        let files = [damaged, peer].map(|node_id| fs::read(block(&cluster, node_id, height)).unwrap());
        assert!(files[0] == files[1], "block {height} is the peer's again");
    }
    let status = node.scrub_status();
    assert_eq!((status.found, status.healed, status.damaged), (4, 4, Vec::new()));
    assert!((0..200).all(|leaf| node.ledger().leaf(leaf).unwrap() == leaves[leaf as usize]));
    assert_eq!(
        fs::read_dir(cluster.data_dir(damaged).join("damaged")).unwrap().count(),
        3,
        "one was not there to keep"
    );

    incidents(&cluster, 4, 0).await;
    let told = node.ledger().incidents(None, 10).unwrap();
    let payload = node.ledger().payload(told[0].opened.leaf_index).unwrap().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&payload.bytes).unwrap();
    assert_eq!(told["incident"], "block_damaged");
    assert_eq!(told["server"], format!("node-{damaged}"));
    assert!(!told["what"].as_str().unwrap().contains(cluster.data_dir(damaged).to_str().unwrap()), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_meets_damage_has_it_put_right_without_being_asked() {
    let cluster = cluster().await;
    let damaged = cluster.leader().await;
    let node = cluster.node(damaged);
    let good = fs::read(block(&cluster, damaged, 1)).unwrap();
    let leaf_index = node.block(1).unwrap().unwrap().header.first_leaf;
    let leaf = node.ledger().leaf(leaf_index).unwrap();
    flip(&block(&cluster, damaged, 1), 100);
    assert!(matches!(node.ledger().leaf(leaf_index), Err(StorageError::Corrupt { .. })));
    until("the block is as it was", async || (fs::read(block(&cluster, damaged, 1)).unwrap() == good).then_some(()))
        .await;
    until("it is read again", async || node.ledger().leaf(leaf_index).ok().filter(|read| *read == leaf)).await;
    incidents(&cluster, 1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_changed_with_their_checksums_are_rewritten() {
    let mut cluster = cluster().await;
    let damaged = cluster.follower().await;
    cluster.stop_node(damaged).await;
    let data = cluster.data_dir(damaged);
    tamper::change_lookup(&data, record_id(5, 1), record_id(5, 2)).unwrap();
    cluster.start_node(damaged).await;
    let node = cluster.node(damaged);
    assert!(node.ledger().record(record_id(5, 1)).is_err());
    scrub(&cluster, damaged).await;
    let status = node.scrub_status();
    assert_eq!(status.damaged, [], "{status:?}");
    assert!(status.found >= 1);
    assert!(node.ledger().record(record_id(5, 1)).unwrap().is_some());
    incidents(&cluster, status.found, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_server_can_put_right_stays_open_and_says_what_it_waits_for() {
    let mut cluster = cluster().await;
    let one = cluster.follower().await;
    let good = fs::read(block(&cluster, one, 1)).unwrap();
    (1..=3).for_each(|node_id| flip(&block(&cluster, node_id, 1), 300));
    scrub(&cluster, one).await;
    let status = cluster.node(one).scrub_status();
    assert_eq!((status.found, status.healed), (1, 0));
    assert_eq!(status.damaged[0].height, Some(1));
    assert!(status.damaged[0].waits_for.contains("a peer that has the block"), "{status:?}");
    // The others were asked for it, and so found that theirs is damaged too.
    incidents(&cluster, 3, 3).await;
    let leaf_index = cluster.node(one).block(1).unwrap().unwrap().header.first_leaf + 1;
    assert!(cluster.node(one).ledger().leaf(leaf_index).is_err(), "it is not served");

    // The operator restores it while the server is down, so a later pass finds nothing any more.
    cluster.stop_node(one).await;
    fs::write(block(&cluster, one, 1), &good).unwrap();
    cluster.start_node(one).await;
    cluster.leader().await;
    until("it has read of all incidents in its log again", async || {
        (cluster.node(one).ledger().incident_count().unwrap().0 == 3).then_some(())
    })
    .await;
    scrub(&cluster, one).await;
    assert_eq!(cluster.node(one).scrub_status().damaged, []);

    // And the others take it from there.
    for node_id in (1..=3).filter(|node_id| *node_id != one) {
        scrub(&cluster, node_id).await;
        assert!(fs::read(block(&cluster, node_id, 1)).unwrap() == good, "node {node_id}");
    }
    incidents(&cluster, 3, 0).await;
}
