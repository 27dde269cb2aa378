//! Records about records: incidents are listed, and nobody can send what only servers or other routes make.

mod http_server;

use std::time::Duration;

use bulla_client::TRANSFERS_MEDIA_TYPE;
use bulla_ledger::{RecordId, Transfer};
use bulla_node::{Event, IncidentReport};
use http_server::{TestServer, record_id};
use serde_json::{Value, json};

/// Long enough that no wait of a test ends by it, unless the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn report(height: u64) -> IncidentReport {
    IncidentReport {
        incident: "root_differs".into(),
        server: "node-1".into(),
        height: Some(height),
        leaf_index: None,
        found: [7; 32],
        what: format!("node-1 signed another root for block {height}"),
        evidence: Some("bulla/attestation\n5\n\n— node-1 AAAA\n".into()),
        healed: false,
    }
}

impl TestServer {
    /// Waits until so many records of incidents were made.
    async fn incidents_recorded(&self, tell: impl FnOnce(), count: usize) {
        let mut events = self.node.watch();
        tell();
        let mut seen = 0;
        while seen < count {
            let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("an incident is recorded").unwrap();
            seen += usize::from(matches!(event, Event::Incident { .. }));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn incidents_are_listed_with_what_they_tell_and_whether_they_are_over() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/v1/incidents").await.recorded()["items"], json!([]));
    let opened = report(3).record_id(server.node.ledger_id());
    let tell = || {
        server.node.report_incident(report(3));
        server.node.report_incident(report(4));
        server.node.close_incident(opened, "its blocks were fetched from the others");
    };
    server.incidents_recorded(tell, 3).await;

    let first = server.get("/v1/incidents?limit=1").await.recorded();
    let [incident] = &first["items"].as_array().unwrap()[..] else { panic!("{first}") };
    assert_eq!(incident["open"], false);
    assert_eq!(incident["told"]["incident"], "root_differs");
    assert_eq!(incident["told"]["height"], 3);
    assert_eq!(incident["told"]["evidence"], report(3).evidence.unwrap());
    assert_eq!(incident["record"]["record_id"], opened.to_string());
    assert_eq!(incident["closed"]["subject_id"], opened.to_string());
    assert_eq!(incident["closed"]["payload"]["what"], "its blocks were fetched from the others");
    let next = first["next"].as_str().unwrap();
    let second = server.get(&format!("/v1/incidents?after={next}")).await.recorded();
    assert_eq!((&second["items"][0]["open"], &second["next"]), (&json!(true), &Value::Null));
    assert_eq!(second["items"][0]["told"]["height"], 4);

    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains("bulla_incidents_total{node=\"1\"} 2"), "{}", metrics.text());
    assert!(metrics.text().contains("bulla_open_incidents{node=\"1\"} 1"));

    let record = server.get(&format!("/v1/records/{opened}")).await.recorded();
    assert_eq!((&record["recorded"]["act"], &record["recorded"]["asset_id"]), (&json!("incident"), &Value::Null));
    server.node.shutdown().await;
}

#[tokio::test]
async fn nobody_can_send_an_incident_or_an_erasure_as_a_transfer() {
    let server = TestServer::start_unsealed().await;
    for act in ["incident", "erase"] {
        let asked = json!({"act": act, "payload": {"what": "nothing"}});
        server.post("/v1/transfers", &asked).await.refused(422, "invalid_request");
        let batch = json!({"atomic": true, "transfers": [{"act": "enroll", "party": "canteen"}, asked]});
        assert_eq!(server.post("/v1/transfers", &batch).await.refused(422, "invalid_request").index, Some(1));
    }
    let id = || RecordId(record_id());
    for transfer in [Transfer::incident(id(), [7; 32]), Transfer::erase(id(), id())] {
        let body = transfer.encode().to_vec();
        let answer = server.post_as("/v1/transfers", TRANSFERS_MEDIA_TYPE, body).await;
        assert_eq!(answer.refused(400, "malformed_transfer").index, Some(0));
    }
    assert_eq!(server.get("/v1/parties").await.recorded()["items"], json!([]));
    server.node.shutdown().await;
}
