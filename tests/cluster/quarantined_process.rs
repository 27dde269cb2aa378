//! A real server whose database is gone: it says so, answers no reads, and heals by itself.

use bulla_client::{Client, ClientError, PartyRequest, Stage};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_database_says_that_it_is_quarantined_and_comes_back_by_itself() {
    let mut cluster = ProcessCluster::start(PROGRAM, 3).await;
    let record_id = enrol(&cluster.client(), "Ada Byron").await;
    for node_id in 1..=3 {
        let client = cluster.client_of_server(node_id);
        until("the record is sealed", async || client.receipt(record_id, false).await.ok()).await;
    }
    cluster.kill(2).await;
    cluster.kill(3).await;
    let data = cluster.config().node(3).unwrap().data.clone();
    std::fs::remove_file(data.join("ledger.redb")).unwrap();
    cluster.start_server(3).await;

    // Server 1 alone is no majority, so nothing can be recorded that server 3 would be rebuilt from.
    let quarantined = cluster.client_of_server(3);
    let view = until("server 3 says what it waits for", async || {
        let quarantine = quarantined.cluster().await.ok()?.quarantine?;
        quarantine.waits_for.contains("log").then_some(quarantine)
    })
    .await;
    assert!(view.reason.contains("ledger.redb"), "{}", view.reason);
    match quarantined.record(record_id, false).await {
        Err(ClientError::Refused(problem)) => {
            assert_eq!((problem.status, problem.code.as_str()), (503, "quarantined"), "{problem}");
        }
        other => panic!("a quarantined server answered {other:?}"),
    }
    let url = format!("http://{}", cluster.config().node(3).unwrap().http);
    let words = cluster.succeed(&["--url", &url, "cluster", "status"]).await;
    assert!(words.contains("QUARANTINED"), "{words}");

    cluster.start_server(2).await;
    let later = enrol(&cluster.client_of_server(1), "Charles Babbage").await;
    for record_id in [record_id, later] {
        until("the rebuilt server has the sealed record", async || quarantined.receipt(record_id, false).await.ok())
            .await;
    }
    assert_eq!(quarantined.cluster().await.unwrap().quarantine, None);
    for node_id in 1..=3 {
        cluster.kill(node_id).await;
        let data = cluster.config().node(node_id).unwrap().data.display().to_string();
        cluster.succeed(&["verify", "--data", &data]).await;
    }
}

async fn enrol(client: &Client, name: &str) -> uuid::Uuid {
    let request = PartyRequest { record_id: None, party: name.into(), event_time: None, payload: None };
    let recorded = until("it is recorded", async || client.enroll(request.clone(), Stage::Recorded).await.ok()).await;
    recorded.record_id
}
