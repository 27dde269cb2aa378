//! Clusters of real processes over TLS: each role is killed with `kill -9` and comes back.

use bulla_client::{
    AssetRequest, ClassRequest, Client, ClusterView, Kind, Named, PartyRequest, RecordAnswer, Recorded, Stage,
    TransferRequest,
};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;
use uuid::Uuid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");

#[tokio::test(flavor = "multi_thread")]
async fn every_server_gives_the_same_sealed_receipt_and_it_verifies_without_any_server() {
    let cluster = ProcessCluster::start(PROGRAM, 3).await;
    furnish(&cluster.client()).await;
    let recorded = hand_over(&cluster.client(), 1, Stage::Sealed).await;
    assert_eq!(recorded.stage, Stage::Sealed);

    let mut receipts = Vec::new();
    for node_id in 1..=3 {
        let client = cluster.client_of_server(node_id);
        receipts.push(sealed_receipt(&client, recorded.record_id).await);
    }
    assert!(receipts.iter().all(|receipt| *receipt == receipts[0]), "all servers give the same receipt");

    std::fs::write(cluster.directory().join("receipt.txt"), &receipts[0]).unwrap();
    std::fs::write(cluster.directory().join("policy.txt"), cluster.policy().to_text()).unwrap();
    let mut cluster = cluster;
    for node_id in 1..=3 {
        cluster.kill(node_id).await;
    }
    let words = cluster.succeed(&["receipt", "verify", "receipt.txt", "--policy", "policy.txt"]).await;
    assert!(words.contains("node-1") && words.contains("node-3"), "{words}");

    let tampered = receipts[0].replacen("index ", "index 1", 1);
    std::fs::write(cluster.directory().join("receipt.txt"), tampered).unwrap();
    let refused = cluster.run(&["receipt", "verify", "receipt.txt", "--policy", "policy.txt"]).await;
    assert_eq!(refused.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_goes_on_without_a_killed_follower_and_sealing_catches_up_when_it_is_back() {
    let mut cluster = ProcessCluster::start(PROGRAM, 3).await;
    furnish(&cluster.client()).await;
    let status = status_with_leader(&cluster.client()).await;
    let absent = (1..=3).find(|node_id| Some(*node_id) != status.leader).unwrap();
    cluster.kill(absent).await;

    let recorded = hand_over(&cluster.client(), 1, Stage::Recorded).await;
    let waiting_for = until("sealing waits for the absent server alone", async || {
        let status = cluster.client().cluster().await.ok()?;
        let table = status.unsealed.into_iter().find(|table| table.height == recorded.height)?;
        (table.waiting_for.len() == 1).then_some(table.waiting_for)
    })
    .await;
    assert_eq!(waiting_for, [format!("node-{absent}")]);

    cluster.start_server(absent).await;
    sealed_receipt(&cluster.client_of_server(absent), recorded.record_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_leader_is_killed() {
    let mut cluster = ProcessCluster::start(PROGRAM, 3).await;
    furnish(&cluster.client()).await;
    let before = hand_over(&cluster.client(), 1, Stage::Recorded).await;
    let leader = status_with_leader(&cluster.client()).await.leader.unwrap();
    cluster.kill(leader).await;

    let after = hand_over(&cluster.client(), 2, Stage::Recorded).await;
    let again = hand_over(&cluster.client(), 1, Stage::Recorded).await;
    assert_eq!((again.leaf_index, again.repeated), (before.leaf_index, true));
    cluster.start_server(leader).await;
    let survivor = cluster.client_of_server(leader);
    for record_id in [before.record_id, after.record_id] {
        sealed_receipt(&survivor, record_id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_servers_killed_at_once_come_back_with_everything_they_acknowledged() {
    let mut cluster = ProcessCluster::start(PROGRAM, 3).await;
    furnish(&cluster.client()).await;
    let recorded = hand_over(&cluster.client(), 1, Stage::Recorded).await;
    for node_id in 1..=3 {
        cluster.kill(node_id).await;
    }
    for node_id in 1..=3 {
        cluster.start_server(node_id).await;
    }
    for node_id in 1..=3 {
        let client = cluster.client_of_server(node_id);
        let answer = until("the server has caught up with what was acknowledged", async || {
            client.record(recorded.record_id, false).await.ok()
        })
        .await;
        assert!(matches!(answer, RecordAnswer::Recorded(record) if record.leaf_index == recorded.leaf_index));
    }
    for node_id in 1..=3 {
        cluster.kill(node_id).await;
        let data = cluster.config().node(node_id).unwrap().data.display().to_string();
        cluster.succeed(&["verify", "--data", &data]).await;
    }
}

/// Two parties, a class and five assets, all with the first party.
async fn furnish(client: &Client) {
    for party in ["Central stores", "Ada Byron"] {
        let request = PartyRequest { record_id: None, party: named(party), event_time: None, payload: None };
        client.enroll(request, Stage::Recorded).await.unwrap();
    }
    let class = ClassRequest {
        record_id: None,
        class: named("Laptop"),
        kind: Kind::Unique,
        scale: None,
        event_time: None,
        payload: None,
    };
    client.define(class, Stage::Recorded).await.unwrap();
    for number in 1..=5 {
        let asset = AssetRequest {
            record_id: None,
            asset: asset(number),
            class: named("Laptop"),
            owner: Some(named("Central stores")),
            event_time: None,
            payload: None,
        };
        client.register(asset, Stage::Recorded).await.unwrap();
    }
}

/// Hands an asset over, under a record id that is the same each time.
async fn hand_over(client: &Client, number: u64, wait: Stage) -> Recorded {
    let request = TransferRequest {
        record_id: Some(Uuid::from_u64_pair(77, number)),
        asset: Some(asset(number)),
        from: Some(named("Central stores")),
        to: Some(named("Ada Byron")),
        ..TransferRequest::default()
    };
    client.submit(request, wait).await.unwrap()
}

/// Asks until the record's table is sealed.
async fn sealed_receipt(client: &Client, record_id: Uuid) -> String {
    until("the record is sealed", async || client.receipt(record_id, false).await.ok()).await.text
}

async fn status_with_leader(client: &Client) -> ClusterView {
    until("a leader is known", async || client.cluster().await.ok().filter(|status| status.leader.is_some())).await
}

fn named(name: &str) -> Named {
    Named::from(name)
}

fn asset(number: u64) -> Named {
    named(&format!("tag:LAPTOP-{number:04}"))
}
