//! A server with the keys of another ledger: the cluster names it and goes on without it.

use std::fs;

use bulla_client::{PartyRequest, Stage};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;

use crate::PROGRAM;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_ledger_never_joins_and_the_log_names_it() {
    let mut cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    cluster.succeed(&["keygen", "--config", "cluster.toml", "--out", "other"]).await;
    let stranger = cluster.config().nodes[2].clone();
    fs::remove_dir_all(&stranger.data).unwrap();
    cluster.succeed(&["init", "--config", "cluster.toml", "--keys", "other", "--node", "3"]).await;
    for node_id in 1..=3 {
        cluster.start_server(node_id).await;
    }

    let ours = cluster.client_of_server(1);
    let party = PartyRequest { record_id: None, party: "Ada Byron".into(), event_time: None, payload: None };
    let recorded = ours.enroll(party, Stage::Recorded).await.unwrap();
    let waiting_for = until("sealing waits for the stranger alone", async || {
        let status = ours.cluster().await.ok()?;
        let table = status.unsealed.into_iter().find(|table| table.height == recorded.height)?;
        (table.waiting_for.len() == 1).then_some(table.waiting_for)
    })
    .await;
    assert_eq!(waiting_for, ["node-3"]);

    until("both sides have logged the refusal, naming the other", async || {
        let logged = |at, peer| {
            let log = cluster.log(at);
            log.lines().any(|line| names_refusal(line, peer) && line.contains("invalid peer certificate"))
        };
        (logged(1, 3) || logged(2, 3)).then_some(())?;
        (logged(3, 1) && logged(3, 2)).then_some(())
    })
    .await;
    let theirs = cluster.client_of_server(3);
    assert!(theirs.record(recorded.record_id, false).await.is_err(), "nothing of the ledger came to the stranger");

    cluster.kill(3).await;
    fs::remove_dir_all(&stranger.data).unwrap();
    cluster.succeed(&["init", "--config", "cluster.toml", "--keys", "keys", "--node", "3"]).await;
    cluster.start_server(3).await;
    until("the record is sealed with the right server", async || {
        cluster.client_of_server(3).receipt(recorded.record_id, false).await.ok()
    })
    .await;
}

/// Whether a line of the log says of this peer that it is refused, and what to do.
fn names_refusal(line: &str, peer: u64) -> bool {
    line.contains("WARN") && line.contains(&format!("peer={peer}")) && line.contains("of the same ledger")
}
