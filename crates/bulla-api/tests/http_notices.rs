//! Records about records: incidents are listed, and nobody can send what only servers or other routes make.

mod http_server;

use std::time::Duration;

use bulla_client::TRANSFERS_MEDIA_TYPE;
use bulla_ledger::{RecordId, Transfer};
use bulla_node::{Event, IncidentReport};
use bulla_sealing::verify_receipt;
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

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_payload_is_told_to_nobody_and_every_proof_of_its_record_stays() {
    let server = TestServer::start().await;
    server.furnish().await;
    let note = json!({"act": "amend", "asset": "tag:LAPTOP-0042", "payload": {"patient": "Ada"}});
    let recorded = server.post("/v1/transfers?wait=sealed", &note).await.recorded();
    let path = format!("/v1/records/{}", recorded["record_id"].as_str().unwrap());
    let before = server.get(&format!("{path}/receipt?payload=true")).await;
    assert!(server.get(&format!("{path}?payload=true")).await.text().contains("Ada"));

    let asked = json!({"reason": "asked for by the patient", "record_id": record_id()});
    let notice = server.post(&format!("{path}/erase?wait=sealed"), &asked).await.recorded();
    let view = server.get(&format!("{path}?payload=true")).await.recorded();
    let (view, nothing) = (&view["recorded"], Value::Null);
    assert_eq!((&view["payload"], &view["salt"]), (&nothing, &nothing));
    assert_ne!(view["payload_commit"], nothing);
    assert_eq!(view["erased"]["leaf_index"], notice["leaf_index"]);
    assert_eq!(view["erased"]["record_id"], notice["record_id"]);
    let told =
        server.get(&format!("/v1/records/{}?payload=true", notice["record_id"].as_str().unwrap())).await.recorded();
    assert_eq!((&told["recorded"]["act"], &told["recorded"]["subject_id"]), (&json!("erase"), &recorded["record_id"]));
    assert_eq!(told["recorded"]["payload"]["reason"], "asked for by the patient");

    // The same record is proven, without what it said; who kept the old receipt still has that.
    let after = server.get(&format!("{path}/receipt?payload=true")).await;
    assert!(after.header("bulla-payload").starts_with("erased; leaf="));
    let policy = server.node.policy();
    let verified = |answer: &http_server::Answer| verify_receipt(&answer.body, policy).unwrap();
    assert_eq!((verified(&before).record, verified(&after).payload), (verified(&after).record, None));
    assert_eq!(verified(&before).payload.as_deref(), Some(&br#"{"patient":"Ada"}"#[..]));

    // Asked again it is the same notice; another one is refused, as is one about nothing.
    let again = server.post(&format!("{path}/erase"), &asked).await.recorded();
    assert_eq!((&again["repeated"], &again["leaf_index"]), (&json!(true), &notice["leaf_index"]));
    server.post(&format!("{path}/erase"), &json!({})).await.refused(409, "already_erased");
    server.post(&format!("/v1/records/{}/erase", record_id()), &json!({})).await.refused(404, "unknown_record");
    server.node.shutdown().await;
}
