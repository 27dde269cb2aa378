//! Every act and every read through the routes, on a node with one server.

mod http_server;

use axum::body::Body;
use axum::http::Request;
use bulla_client::{ANSWERS_MEDIA_TYPE, CompactAnswer, TRANSFERS_MEDIA_TYPE};
use bulla_ledger::{PartyId, RecordId, Rejection, Side, Transfer};
use http_server::{TestServer, record_id};
use serde_json::{Value, json};

const LAPTOP: &str = "tag:LAPTOP-0042";

#[tokio::test]
async fn a_unique_asset_lives_through_all_its_acts() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let id = |body: &Value, field: &str| body[field].as_str().unwrap().to_owned();
    let stores = id(&server.get("/v1/parties/central%20stores").await.recorded(), "party_id");
    let workshop = id(&server.get("/v1/parties/workshop").await.recorded(), "party_id");
    let path = format!("/v1/assets/{LAPTOP}");
    let acts = [
        (json!({"moves": "custody", "from": "central stores", "to": "workshop"}), &stores, &workshop),
        (json!({"moves": "title", "from": "central stores", "to": "workshop"}), &workshop, &workshop),
        (json!({"act": "amend", "payload": {"note": "two scratches"}}), &workshop, &workshop),
        (json!({"from": "workshop", "to": "central stores"}), &stores, &stores),
        (json!({"act": "retire", "from": "central stores"}), &stores, &stores),
    ];
    for (mut act, owner, holder) in acts {
        act["asset"] = LAPTOP.into();
        server.post("/v1/transfers", &act).await.recorded();
        let asset = server.get(&path).await.recorded();
        assert_eq!((&id(&asset, "owner"), &id(&asset, "holder")), (owner, holder), "after {act}");
        assert_eq!(asset["name"], LAPTOP);
    }
    assert_eq!(server.get(&path).await.recorded()["retired"], true);
    let again = json!({"asset": LAPTOP, "from": "central stores", "to": "workshop"});
    server.post("/v1/transfers", &again).await.refused(409, "asset_retired");

    let history = server.get(&format!("{path}/history?limit=4")).await.recorded();
    let acts: Vec<&str> = history["items"].as_array().unwrap().iter().map(|r| r["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["retire", "transfer", "amend", "transfer"]);
    let next = history["next"].as_str().unwrap();
    let rest = server.get(&format!("{path}/history?after={next}")).await.recorded();
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
    assert_eq!(rest["items"][1]["act"], "register");
    assert_eq!(rest["next"], Value::Null);
}

#[tokio::test]
async fn a_quantity_asset_is_counted_in_the_decimals_of_its_class() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    for act in [
        json!({"act": "issue", "to": "central stores", "quantity": "12.5"}),
        json!({"from": "central stores", "to": "workshop", "quantity": "2.125"}),
        json!({"act": "redeem", "from": "workshop", "quantity": "0.125"}),
        json!({"act": "amend", "payload": {"note": "weighed again"}}),
    ] {
        let mut act = act;
        act["asset"] = "copper".into();
        server.post("/v1/transfers", &act).await.recorded();
    }
    let copper = server.get("/v1/assets/copper").await.recorded();
    assert_eq!((&copper["outstanding"], &copper["kind"]), (&json!("12.375"), &json!("quantity")));
    let holdings = server.get("/v1/parties/workshop/holdings").await.recorded();
    assert_eq!(holdings["items"][0]["available"], "2.000");
    let positions = server.get("/v1/assets/copper/positions").await.recorded();
    assert_eq!(positions["items"].as_array().unwrap().len(), 2);
    let history = server.get("/v1/assets/copper/history?party=workshop").await.recorded();
    let quantities: Vec<&Value> = history["items"].as_array().unwrap().iter().map(|r| &r["quantity"]).collect();
    assert_eq!(quantities, ["0.125", "2.125"]);
}

#[tokio::test]
async fn a_batch_may_speak_of_what_it_defines_itself() {
    let server = TestServer::start_unsealed().await;
    let batch = json!({"atomic": true, "transfers": [
        {"act": "enroll", "party": "canteen"},
        {"act": "define", "class": "drinks", "kind": "quantity", "scale": 1},
        {"act": "register", "asset": "tea", "class": "drinks"},
        {"act": "issue", "asset": "tea", "to": "canteen", "quantity": "0.5"},
        {"act": "amend", "asset": "tea", "payload": {"leaves": "green"}},
    ]});
    let answer = server.post("/v1/transfers", &batch).await.recorded();
    let places: Vec<u64> =
        answer["results"].as_array().unwrap().iter().map(|r| r["recorded"]["leaf_index"].as_u64().unwrap()).collect();
    assert_eq!(places, (places[0]..places[0] + 5).collect::<Vec<_>>());
    assert_eq!(server.get("/v1/assets/tea").await.recorded()["outstanding"], "0.5");
}

#[tokio::test]
async fn a_batch_that_is_not_atomic_has_an_answer_for_each() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let batch = json!({"transfers": [
        {"act": "enroll", "party": "canteen"},
        {"act": "issue", "asset": "copper", "to": "workshop", "quantity": "0.0001"},
        {"asset": LAPTOP, "from": "central stores", "to": "nobody"},
        {"asset": LAPTOP, "from": "central stores", "to": "canteen"},
    ]});
    let answer = server.post("/v1/transfers", &batch).await;
    assert_eq!(answer.status, 200);
    let results = answer.json()["results"].take();
    assert!(results[0]["recorded"].is_object());
    assert_eq!((&results[1]["problem"]["code"], &results[1]["problem"]["index"]), (&json!("bad_quantity"), &json!(1)));
    assert_eq!((&results[2]["problem"]["code"], &results[2]["problem"]["index"]), (&json!("unknown_party"), &json!(2)));
    assert!(results[3]["recorded"].is_object());
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_again() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let body = json!({
        "record_id": record_id(), "asset": LAPTOP, "from": "central stores", "to": "workshop",
        "payload": {"note": "for the trip to Uruk"},
    });
    let mut first = server.post("/v1/transfers", &body).await.recorded();
    assert_eq!(first["repeated"], false);
    let again = server.post("/v1/transfers", &body).await.recorded();
    first["repeated"] = true.into();
    assert_eq!(again, first);
}

#[tokio::test]
async fn a_payload_is_kept_byte_for_byte_and_shown_to_those_who_ask() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let payload = r#"{ "weight" : 1.50, "note": "\u0041", "weight": 2 }"#;
    let body = format!(r#"{{"act": "amend", "asset": "{LAPTOP}", "payload": {payload} }}"#);
    let recorded = server.post_text("/v1/transfers", &body).await.recorded();
    let path = format!("/v1/records/{}", recorded["record_id"].as_str().unwrap());
    let without = server.get(&path).await;
    assert!(!without.text().contains("weight"));
    let with = server.get(&format!("{path}?payload=true")).await;
    assert!(with.text().contains(payload), "{}", with.text());

    let record = with.json()["recorded"].take();
    let salt: bulla_client::Digest = serde_json::from_value(record["salt"].clone()).unwrap();
    let commit = bulla_ledger::commit(&salt.0.0, payload.as_bytes());
    assert_eq!(record["payload_commit"], json!(bulla_client::Digest::from(commit)));
}

#[tokio::test]
async fn a_spent_record_id_says_why_it_was_refused() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let id = record_id();
    let body = json!({"record_id": id, "asset": LAPTOP, "from": "workshop", "to": "central stores"});
    server.post("/v1/transfers", &body).await.refused(409, "not_the_owner");
    let answer = server.get(&format!("/v1/records/{id}")).await.recorded();
    assert_eq!(answer["rejected"]["problem"]["code"], "not_the_owner");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    for list in ["parties", "classes", "assets"] {
        let first = server.get(&format!("/v1/{list}?limit=1")).await.recorded();
        let next = first["next"].as_str().unwrap();
        let second = server.get(&format!("/v1/{list}?limit=1&after={next}")).await.recorded();
        assert_ne!(first["items"][0], second["items"][0]);
        assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null), "{list}");
    }
}

#[tokio::test]
async fn who_waits_for_sealing_is_answered_when_it_is_sealed() {
    let server = TestServer::start().await;
    let recorded = server.post("/v1/parties?wait=sealed", &json!({"party": "canteen"})).await;
    assert_eq!(recorded.status, 200);
    let recorded = recorded.json();
    assert_eq!(recorded["stage"], "sealed");

    let table = server.get(&format!("/v1/tables/{}", recorded["table_id"].as_str().unwrap())).await.recorded();
    assert_eq!((&table["stage"], &table["height"]), (&json!("sealed"), &recorded["height"]));
    let block = server.get(&format!("/v1/blocks/{}", recorded["height"])).await.recorded();
    assert_eq!(block["table_id"], recorded["table_id"]);
    let checkpoint = server.get("/checkpoint").await;
    assert_eq!(checkpoint.text(), server.get("/v1/checkpoint").await.text());
    let receipt = server.get(&format!("/v1/records/{}/receipt", recorded["record_id"].as_str().unwrap())).await;
    assert!(bulla_sealing::verify_receipt(&receipt.body, server.node.policy()).is_ok());
}

#[tokio::test]
async fn a_wait_past_its_limit_is_answered_202_and_the_record_stands() {
    let server = TestServer::start_with(|options| {
        options.seal.age_ms_max = 3_600_000;
        options.limits.wait_sealed_ms_max = 1;
    })
    .await;
    let answer = server.post("/v1/parties?wait=sealed", &json!({"party": "canteen"})).await;
    assert_eq!(answer.status, 202);
    let recorded = answer.json();
    assert_eq!(recorded["stage"], "recorded");
    let path = format!("/v1/records/{}/receipt", recorded["record_id"].as_str().unwrap());
    server.get(&path).await.refused(409, "not_sealed");
    server.get("/v1/parties/canteen").await.recorded();
}

#[tokio::test]
async fn compact_bodies_are_answered_in_32_bytes_each() {
    let server = TestServer::start_unsealed().await;
    let party = PartyId(record_id());
    let transfers = [
        Transfer::enroll(RecordId(record_id()), party),
        Transfer::enroll(RecordId(record_id()), party),
        Transfer::retire(RecordId(record_id()), bulla_ledger::AssetId(record_id()), party),
    ];
    let body: Vec<u8> = transfers.iter().flat_map(Transfer::encode).collect();
    let request = Request::post("/v1/transfers")
        .header("content-type", TRANSFERS_MEDIA_TYPE)
        .header("accept", format!("application/json;q=0.5, {ANSWERS_MEDIA_TYPE}"))
        .body(Body::from(body.clone()))
        .unwrap();
    let answer = server.send(request).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, ANSWERS_MEDIA_TYPE));
    let answers = CompactAnswer::decode_all(&answer.body).unwrap();
    assert!(matches!(answers[0], CompactAnswer::Recorded { repeated: false, .. }));
    assert_eq!(answers[1], CompactAnswer::Rejected { code: Rejection::PartyExists.code() });
    assert_eq!(answers[2], CompactAnswer::Rejected { code: Rejection::UnknownAsset.code() });

    // The same again, answered in JSON: the first had been recorded before.
    let again = server.post_as("/v1/transfers", TRANSFERS_MEDIA_TYPE, body.clone()).await.recorded();
    assert_eq!(again["results"][0]["recorded"]["repeated"], true);
    assert_eq!(again["results"][1]["problem"]["code"], "party_exists");

    let fresh = Transfer::enroll(RecordId(record_id()), PartyId(record_id()));
    let atomic = [fresh.encode(), Transfer::enroll(RecordId(record_id()), party).encode()].concat();
    let path = "/v1/transfers?atomic=true";
    let problem = server.post_as(path, TRANSFERS_MEDIA_TYPE, atomic).await.refused(409, "party_exists");
    assert_eq!(problem.index, Some(1));
    let unknown = Rejection::UnknownParty(Side::From).name();
    server.get(&format!("/v1/parties/{}", fresh.to)).await.refused(404, unknown);
}

#[tokio::test]
async fn a_node_says_how_it_is() {
    let server = TestServer::start().await;
    server.furnish().await;
    server.post("/v1/parties?wait=sealed", &json!({"party": "canteen"})).await.recorded();
    assert_eq!(server.get("/livez").await.text(), "live\n");
    assert_eq!(server.get("/readyz").await.text(), "ready\n");

    let cluster = server.get("/v1/cluster").await.recorded();
    assert_eq!((&cluster["leader"], &cluster["members"][0]["role"]), (&json!(1), &json!("leader")));
    assert!(cluster["sealed_height"].is_u64());

    let policy = server.get("/v1/policy").await;
    assert_eq!(bulla_sealing::Policy::parse(policy.text()).as_ref(), Ok(server.node.policy()));

    let metrics = server.get("/metrics").await;
    for name in [
        "bulla_recorded_total",
        "bulla_http_requests_total{",
        "bulla_http_request_seconds_bucket{",
        "bulla_recorded_size{node=\"1\"}",
        "bulla_sealed_height{node=\"1\"}",
        "bulla_open_table_records{node=\"1\"}",
        "bulla_unsealed_tables{node=\"1\"}",
        "bulla_leader{node=\"1\"} 1",
        "bulla_term{node=\"1\"}",
    ] {
        assert!(metrics.text().contains(name), "{name} is missing in\n{}", metrics.text());
    }
}

#[tokio::test]
async fn the_page_shows_names_and_nothing_that_callers_wrote_as_markup() {
    let server = TestServer::start().await;
    server.furnish().await;
    server.post("/v1/parties?wait=sealed", &json!({"party": "<b>bold</b>"})).await.recorded();
    let page = server.get("/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains(LAPTOP) && page.text().contains("central stores"));
    assert!(page.text().contains("&lt;b&gt;bold") && !page.text().contains("<b>bold"));
    assert!(page.text().contains("sealed</a>"));
}
