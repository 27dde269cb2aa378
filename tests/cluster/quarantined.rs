//! Servers whose ledger is not to be believed: they leave, are rebuilt from the others, and come back.

use std::path::Path;

use bulla_ledger::Transfer;
use bulla_node::{Batch, Event, NodeId, NodeOptions, StorageError, SubmitError, TableState, tamper};
use bulla_sealing::{SignatureType, SignedNote, VerifierKey};
use bulla_tests::embedded::{EmbeddedCluster, asset, furnish, height_of, party, plain, record_id, until};

/// Tables close when they are full, or a second old: time enough to stop a server while one is open.
fn patient(options: &mut NodeOptions) {
    options.seal.age_ms_max = 2_000;
}

/// Node 1 leads whenever it runs.
fn node_1_leads(options: &mut NodeOptions) {
    patient(options);
    if options.node_id != 1 {
        options.raft.election_ms_min = 1_500;
        options.raft.election_ms_max = 2_500;
    }
}

/// Hands asset `number` over to party 2; the height of its table.
async fn hand_over(cluster: &EmbeddedCluster, through: NodeId, number: u64) -> u64 {
    let hand_over = plain(Transfer::transfer(record_id(9, number), asset(number), party(1), party(2)));
    height_of(&cluster.node(through).submit(hand_over).await.unwrap())
}

/// Waits until every server has opened and closed an incident and sealed the block with it, and holds them against each
/// other.
async fn healed(cluster: &EmbeddedCluster, incident: &str, server: NodeId) {
    for node_id in 1..=3 {
        until("the incident is recorded and closed everywhere", async || {
            let incidents = cluster.node(node_id).incidents(None, 10).ok()?;
            (incidents.len() == 1 && incidents[0].closed.is_some()).then_some(())
        })
        .await;
        let ledger = cluster.node(node_id).ledger();
        let opened = &ledger.incidents(None, 10).unwrap()[0].opened;
        let payload = ledger.payload(opened.leaf_index).unwrap().unwrap();
        let told: serde_json::Value = serde_json::from_slice(&payload.bytes).unwrap();
        assert_eq!(told["incident"], incident);
        assert_eq!(told["server"], format!("node-{server}"));
    }
    let closed = until("the closing record is in a table", async || {
        let ledger = cluster.node(1).ledger();
        let closed = ledger.incidents(None, 10).ok()?.remove(0).closed?;
        Some(ledger.record(closed.transfer.record_id).ok()??.height)
    })
    .await;
    cluster.sealed_everywhere(closed).await;
    until("every server has stored the last block", async || {
        cluster.nodes().all(|node| node.ledger().durable().height >= Some(closed)).then_some(())
    })
    .await;
    for height in 0..=closed {
        let files = (1..=3).map(|node_id| std::fs::read(block(&cluster.data_dir(node_id), height)).unwrap());
        let mut files: Vec<Vec<u8>> = files.collect();
        files.dedup();
        assert_eq!(files.len(), 1, "block {height} is the same everywhere");
    }
    for node in cluster.nodes() {
        node.ledger().verify_all(&mut |_| {}).unwrap();
        assert_eq!(node.quarantine(), None);
    }
}

fn block(data: &Path, height: u64) -> std::path::PathBuf {
    data.join(format!("blocks/{height:010}.block"))
}

/// The note that proves what the only incident says, verified with nothing but the server's public key.
fn evidence_verifies(cluster: &EmbeddedCluster, through: NodeId, server: NodeId) {
    let ledger = cluster.node(through).ledger();
    let opened = &ledger.incidents(None, 10).unwrap()[0].opened;
    let payload = ledger.payload(opened.leaf_index).unwrap().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&payload.bytes).unwrap();
    let note = SignedNote::parse(told["evidence"].as_str().unwrap().as_bytes()).unwrap();
    let genesis = &cluster.node(through).identity().genesis;
    let voter = genesis.nodes.iter().find(|node| node.name == format!("node-{server}")).unwrap();
    let key = VerifierKey {
        name: voter.name.clone(),
        signature_type: SignatureType::Cosignature,
        public_key: voter.public_key,
    };
    assert!(key.cosigned(&note).unwrap().is_some());
    let height = told["height"].as_u64().unwrap();
    let block = ledger.block(height).unwrap().unwrap();
    let sealed = block.note.unwrap();
    assert_ne!(sealed.text, note.text, "it signed another tree than the one that was sealed");
}

/// Records a hand-over that stays in the open table, stops the server, and changes the entry in its log.
async fn tamper_with_the_log(cluster: &mut EmbeddedCluster, server: NodeId, through: NodeId) -> u64 {
    let height = hand_over(cluster, through, 1).await;
    until("the server has applied the record", async || cluster.node(server).ledger().record(record_id(9, 1)).ok()?)
        .await;
    cluster.stop_node(server).await;
    tamper::change_log_entry(&cluster.data_dir(server), record_id(9, 1), party(3)).unwrap();
    height
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_whose_log_was_tampered_with_is_outvoted_rebuilt_and_signs_the_right_root() {
    let mut cluster = EmbeddedCluster::start(3, patient).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 3, 5).await;
    let server = cluster.follower().await;
    let height = tamper_with_the_log(&mut cluster, server, leader).await;
    cluster.start_node(server).await;
    let mut events = cluster.node(server).watch();

    until("the server is quarantined", async || match events.recv().await.unwrap() {
        Event::Quarantined { reason } => {
            assert!(reason.contains(&format!("table {height}")), "{reason}");
            Some(())
        }
        _ => None,
    })
    .await;
    healed(&cluster, "root_differs", server).await;
    evidence_verifies(&cluster, leader, server);
    for node in cluster.nodes() {
        assert_eq!(node.asset(asset(1)).unwrap().unwrap().holder, party(2));
        assert_eq!(node.ledger().table(height).unwrap().unwrap().state, TableState::Sealed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_disagrees_with_all_others_steps_down_and_is_rebuilt() {
    let mut cluster = EmbeddedCluster::start(3, node_1_leads).await;
    until("node 1 leads", async || (cluster.leader().await == 1).then_some(())).await;
    furnish(cluster.node(1), 3, 5).await;
    hand_over(&cluster, 1, 1).await;
    until("all have applied the record", async || {
        cluster.nodes().all(|node| matches!(node.ledger().record(record_id(9, 1)), Ok(Some(_)))).then_some(())
    })
    .await;
    for node_id in 1..=3 {
        cluster.stop_node(node_id).await;
    }
    tamper::change_log_entry(&cluster.data_dir(1), record_id(9, 1), party(3)).unwrap();
    for node_id in 1..=3 {
        cluster.start_node(node_id).await;
    }
    let mut events = cluster.node(1).watch();
    let mut led = false;
    until("node 1, which leads, is quarantined", async || match events.recv().await.unwrap() {
        Event::Leader { node_id } => {
            led |= node_id == Some(1);
            None
        }
        Event::Quarantined { .. } => Some(()),
        _ => None,
    })
    .await;
    assert!(led, "node 1 led until it was outvoted");
    healed(&cluster, "root_differs", 1).await;
    evidence_verifies(&cluster, 2, 1);
    hand_over(&cluster, 1, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_state_was_tampered_with_is_rebuilt_when_it_starts() {
    check_damage(|data| drop(tamper::change_holder(data, asset(1), party(3)).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_its_database_is_rebuilt_when_it_starts() {
    check_damage(|data| std::fs::remove_file(data.join("ledger.redb")).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_flipped_bit_in_its_database_is_rebuilt_when_it_starts() {
    check_damage(|data| {
        let path = data.join("ledger.redb");
        let mut bytes = std::fs::read(&path).unwrap();
        let id = record_id(9, 1).as_bytes().to_owned();
        let places: Vec<usize> = (0..bytes.len() - 16).filter(|at| bytes[*at..*at + 16] == id).collect();
        places.iter().for_each(|at| bytes[*at] ^= 1);
        std::fs::write(&path, bytes).unwrap();
        assert!(!places.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_a_block_is_rebuilt_when_it_starts() {
    check_damage(|data| std::fs::remove_file(block(data, 0)).unwrap()).await;
}

/// A server that is stopped, damaged and started again comes back by itself.
async fn check_damage(damage: fn(&Path)) {
    let mut cluster = EmbeddedCluster::start(3, |options| options.seal.age_ms_max = 300).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 3, 5).await;
    let height = hand_over(&cluster, leader, 1).await;
    cluster.sealed_everywhere(height).await;
    let server = cluster.follower().await;
    until("the server has stored the block", async || {
        (cluster.node(server).ledger().durable().height >= Some(height)).then_some(())
    })
    .await;
    cluster.stop_node(server).await;
    let guard = std::fs::read(cluster.data_dir(server).join("guard.log")).unwrap();
    damage(&cluster.data_dir(server));
    cluster.start_node(server).await;
    healed(&cluster, "ledger_damaged", server).await;
    let after = std::fs::read(cluster.data_dir(server).join("guard.log")).unwrap();
    assert!(after.starts_with(&guard), "what it ever signed stays");
    assert!(!cluster.data_dir(server).join("guard.corrections").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_server_answers_no_reads_votes_for_nobody_and_goes_on_after_a_crash() {
    let mut cluster = EmbeddedCluster::start(3, |options| options.seal.age_ms_max = 300).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 3, 5).await;
    let height = hand_over(&cluster, leader, 1).await;
    cluster.sealed_everywhere(height).await;
    let [server, other] = [1, 2, 3].into_iter().filter(|node_id| *node_id != leader).collect::<Vec<_>>()[..] else {
        panic!("three servers")
    };
    cluster.stop_node(server).await;
    std::fs::remove_file(cluster.data_dir(server).join("ledger.redb")).unwrap();
    cluster.set_cut(server, true);
    for _crash in 0..3 {
        cluster.start_node(server).await;
        let node = cluster.node(server);
        let quarantine = until("it waits for the others", async || {
            node.quarantine().filter(|quarantine| quarantine.waits_for == "another server that answers")
        })
        .await;
        assert!(quarantine.reason.contains("ledger.redb"), "{}", quarantine.reason);
        assert!(matches!(node.asset(asset(1)), Err(StorageError::Quarantined { .. })));
        assert!(matches!(node.receipt(record_id(9, 1)), Err(StorageError::Quarantined { .. })));
        let enrol = plain(Transfer::enroll(record_id(7, 1), party(7)));
        assert_eq!(node.submit(enrol).await.unwrap_err(), SubmitError::Quarantined);
        assert_eq!(node.status().await.leader, None);
        cluster.stop_node(server).await;
    }

    // With one of the two others gone, its vote would be a majority.
    cluster.set_cut(server, false);
    cluster.stop_node(other).await;
    cluster.start_node(server).await;
    until("the leader has nobody left to lead", async || {
        cluster.node(leader).status().await.leader.is_none().then_some(())
    })
    .await;
    let batch = Batch { atomic: false, items: vec![plain(Transfer::enroll(record_id(7, 1), party(7)))] };
    let refused =
        tokio::time::timeout(std::time::Duration::from_secs(2), cluster.node(leader).submit_batch(batch.clone()));
    assert!(!matches!(refused.await, Ok(Ok(_))), "a quarantined server is no part of a majority");
    assert!(cluster.node(server).quarantine().is_some());

    cluster.start_node(other).await;
    until("what two servers have is recorded again", async || {
        cluster.node(leader).submit_batch(batch.clone()).await.ok()
    })
    .await;
    healed(&cluster, "ledger_damaged", server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_root_has_a_majority_sealing_halts_by_name_and_recording_goes_on() {
    let mut cluster = EmbeddedCluster::start(2, patient).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 3, 5).await;
    let server = 3 - leader;
    let height = hand_over(&cluster, leader, 1).await;
    until("the server has applied the record", async || cluster.node(server).ledger().record(record_id(9, 1)).ok()?)
        .await;
    for node_id in [1, 2] {
        cluster.stop_node(node_id).await;
    }
    tamper::change_log_entry(&cluster.data_dir(server), record_id(9, 1), party(3)).unwrap();
    for node_id in [1, 2] {
        cluster.start_node(node_id).await;
    }
    for (node_id, other) in [(1, 2), (2, 1)] {
        let roots = until("each says that the other signed another root", async || {
            let unsealed = cluster.node(node_id).status().await.unsealed;
            let table = unsealed.into_iter().find(|table| table.height == height)?;
            let names = table.other_roots.iter().map(|other| other.node_name.clone());
            (!table.other_roots.is_empty() && table.waiting_for.len() == 1)
                .then(|| (names.collect::<Vec<_>>(), table.waiting_for))
        })
        .await;
        assert_eq!(roots, (vec![format!("node-{other}")], vec![format!("node-{other}")]));
    }
    let leader = cluster.leader().await;
    let later = hand_over(&cluster, leader, 2).await;
    assert!(later > height, "recording goes on");
    for node in cluster.nodes() {
        assert_eq!(node.quarantine(), None, "nobody knows who is wrong");
        assert!(node.ledger().sealed_height() < Some(height));
    }
}
