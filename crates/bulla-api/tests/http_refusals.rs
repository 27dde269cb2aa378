//! Whatever is wrong with a request, the answer is a problem with its own code, and nothing is half done.

mod http_server;

use axum::body::Body;
use axum::http::Request;
use bulla_client::{Document, Problem};
use http_server::{Answer, TestServer, record_id};
use serde_json::{Value, json};

const LAPTOP: &str = "tag:LAPTOP-0042";

/// Sends `body` to a furnished ledger, and holds the problem against `status` and `code`, and the
/// ledger against what it was before.
async fn check(body: &Value, status: u16, code: &str) -> Problem {
    check_text(&body.to_string(), status, code).await
}

async fn check_text(body: &str, status: u16, code: &str) -> Problem {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let size = server.node.ledger().size();
    let problem = server.post_text("/v1/transfers", body).await.refused(status, code);
    assert_eq!(server.node.ledger().size(), size, "something was recorded");
    problem
}

fn hand_over() -> Value {
    json!({"asset": LAPTOP, "from": "central stores", "to": "workshop"})
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

#[tokio::test]
async fn malformed_json_is_refused() {
    for body in ["", "{", "nonsense", "{\"asset\": }", "{} {}", "{\"asset\": \"\u{1}\"}"] {
        check_text(body, 400, "malformed_json").await;
    }
}

#[tokio::test]
async fn json_that_is_no_object_is_refused() {
    for body in ["[]", "null", "\"text\"", "1"] {
        check_text(body, 422, "invalid_request").await;
    }
}

#[tokio::test]
async fn an_unknown_field_is_refused_by_its_name() {
    let problem = check(&with(hand_over(), "assett", "x"), 422, "invalid_request").await;
    assert!(problem.detail.contains("assett"), "{problem}");
    let problem = check(&json!({"transfers": [hand_over()], "atmoic": true}), 422, "invalid_request").await;
    assert!(problem.detail.contains("atmoic"), "{problem}");
}

#[tokio::test]
async fn a_field_given_twice_is_refused() {
    let body = format!(r#"{{"asset": "{LAPTOP}", "asset": "{LAPTOP}", "from": "central stores", "to": "workshop"}}"#);
    check_text(&body, 422, "invalid_request").await;
}

#[tokio::test]
async fn a_wrong_type_is_refused() {
    check(&with(hand_over(), "asset", 42), 422, "invalid_request").await;
    check(&with(hand_over(), "quantity", 42), 422, "invalid_request").await;
    check(&with(hand_over(), "act", "steal"), 422, "invalid_request").await;
    check(&with(hand_over(), "act", 1), 422, "invalid_request").await;
    check(&with(hand_over(), "payload", "a note"), 422, "invalid_request").await;
    check(&with(hand_over(), "event_time", "yesterday"), 422, "invalid_request").await;
}

#[tokio::test]
async fn a_record_id_that_is_no_uuid_is_refused() {
    check(&with(hand_over(), "record_id", "42"), 422, "invalid_request").await;
}

#[tokio::test]
async fn a_nil_record_id_is_refused() {
    check(&with(hand_over(), "record_id", uuid::Uuid::nil().to_string()), 422, "nil_record_id").await;
}

#[tokio::test]
async fn what_is_no_name_is_refused() {
    let long = "x".repeat(129);
    for name in ["", " desk", "desk ", "a\nb", long.as_str()] {
        check(&with(hand_over(), "to", name), 422, "bad_name").await;
    }
}

#[tokio::test]
async fn a_missing_field_is_refused_by_its_name() {
    let problem = check(&json!({"asset": LAPTOP, "from": "central stores"}), 422, "invalid_request").await;
    assert!(problem.detail.contains("to"), "{problem}");
}

#[tokio::test]
async fn a_field_that_the_act_does_not_take_is_refused() {
    let retire = json!({"act": "retire", "asset": LAPTOP, "from": "central stores", "to": "workshop"});
    check(&retire, 422, "invalid_request").await;
}

#[tokio::test]
async fn a_zero_quantity_is_refused() {
    let issue = json!({"act": "issue", "asset": "copper", "to": "workshop", "quantity": "0.000"});
    check(&issue, 422, "zero_quantity").await;
}

#[tokio::test]
async fn a_quantity_too_precise_for_its_class_is_refused() {
    let issue = json!({"act": "issue", "asset": "copper", "to": "workshop", "quantity": "1.2345"});
    check(&issue, 422, "bad_quantity").await;
}

#[tokio::test]
async fn a_quantity_past_128_bits_is_refused() {
    let quantity = "340282366920938463463374607431768211456";
    let issue = json!({"act": "issue", "asset": "copper", "to": "workshop", "quantity": quantity});
    check(&issue, 422, "bad_quantity").await;
}

#[tokio::test]
async fn what_is_no_quantity_is_refused() {
    for quantity in ["-1", "1e3", "1,5", ""] {
        let issue = json!({"act": "issue", "asset": "copper", "to": "workshop", "quantity": quantity});
        check(&issue, 422, "invalid_request").await;
    }
}

#[tokio::test]
async fn an_outstanding_quantity_past_128_bits_is_refused() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let most = "340282366920938463463374607431768211.455";
    let issue = |quantity: &str| json!({"act": "issue", "asset": "copper", "to": "workshop", "quantity": quantity});
    server.post("/v1/transfers", &issue(most)).await.recorded();
    server.post("/v1/transfers", &issue("0.001")).await.refused(409, "quantity_overflow");
}

#[tokio::test]
async fn an_unknown_asset_is_refused() {
    check(&with(hand_over(), "asset", "tag:NOWHERE"), 404, "unknown_asset").await;
    let issue = json!({"act": "issue", "asset": "silver", "to": "workshop", "quantity": "1"});
    check(&issue, 404, "unknown_asset").await;
}

#[tokio::test]
async fn an_unknown_party_is_refused() {
    check(&with(hand_over(), "to", "nobody"), 404, "unknown_party").await;
}

#[tokio::test]
async fn an_unknown_class_is_refused() {
    let register = json!({"act": "register", "asset": "desk", "class": "furniture", "to": "workshop"});
    check(&register, 404, "unknown_class").await;
}

#[tokio::test]
async fn what_the_ledger_forbids_is_refused_as_a_conflict() {
    let from_workshop = json!({"asset": LAPTOP, "from": "workshop", "to": "central stores"});
    check(&from_workshop, 409, "not_the_owner").await;
    check(&with(from_workshop, "moves", "custody"), 409, "not_the_holder").await;
    let send = json!({"asset": "copper", "from": "workshop", "to": "central stores", "quantity": "1"});
    check(&send, 409, "insufficient_quantity").await;
    check(&json!({"act": "enroll", "party": "workshop"}), 409, "party_exists").await;
}

#[tokio::test]
async fn a_time_in_the_future_is_refused() {
    check(&with(hand_over(), "event_time", "2999-01-01T00:00:00Z"), 422, "event_time_in_future").await;
}

#[tokio::test]
async fn a_payload_past_its_limits_is_refused() {
    let long = json!({"note": "x".repeat(Document::BYTES_MAX)});
    check(&with(hand_over(), "payload", long), 422, "invalid_request").await;
    let deep = format!("{}1{}", "{\"a\":".repeat(65), "}".repeat(65));
    let body = hand_over().to_string().replacen('{', &format!("{{\"payload\": {deep}, "), 1);
    check_text(&body, 422, "invalid_request").await;
}

#[tokio::test]
async fn a_record_id_used_for_something_else_is_refused() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let body = with(hand_over(), "record_id", record_id().to_string());
    server.post("/v1/transfers", &body).await.recorded();
    let other = with(body, "moves", "title");
    let problem = server.post("/v1/transfers", &other).await.refused(409, "exists_with_different_content");
    assert!(!problem.retryable);
}

#[tokio::test]
async fn an_empty_batch_is_refused() {
    check(&json!({"transfers": []}), 422, "invalid_request").await;
}

#[tokio::test]
async fn a_batch_over_the_limit_is_refused() {
    let server = TestServer::start_with(|options| options.limits.batch_records_max = 2).await;
    let batch = json!({"transfers": [hand_over(), hand_over(), hand_over()]});
    server.post("/v1/transfers", &batch).await.refused(413, "too_many_transfers");
    let body = vec![0; 3 * 128];
    let answer = server.post_as("/v1/transfers", "application/vnd.bulla.transfers", body).await;
    answer.refused(413, "too_many_transfers");
}

#[tokio::test]
async fn what_is_wrong_in_a_batch_is_told_by_its_index_and_none_of_it_is_done() {
    let enroll = json!({"act": "enroll", "party": "canteen"});
    let problem = check(&json!({"transfers": [enroll, {"act": 1}]}), 422, "invalid_request").await;
    assert_eq!(problem.index, Some(1));
}

#[tokio::test]
async fn a_rejection_in_an_atomic_batch_refuses_all_of_it() {
    let enroll = json!({"act": "enroll", "party": "canteen"});
    let unknown = with(hand_over(), "to", "nobody");
    let batch = json!({"atomic": true, "transfers": [enroll, unknown]});
    assert_eq!(check(&batch, 404, "unknown_party").await.index, Some(1));
    let imprecise = json!({"act": "issue", "asset": "copper", "to": "workshop", "quantity": "0.0001"});
    let batch = json!({"atomic": true, "transfers": [enroll, imprecise]});
    assert_eq!(check(&batch, 422, "bad_quantity").await.index, Some(1));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = TestServer::start_with(|options| options.limits.body_bytes_max = 100_000).await;
    let body = "x".repeat(100_001);
    server.post_text("/v1/transfers", &body).await.refused(413, "body_too_large");
}

#[tokio::test]
async fn an_unsupported_media_type_is_refused() {
    let server = TestServer::start_unsealed().await;
    let body = hand_over().to_string();
    server.post_as("/v1/transfers", "text/plain", body.clone()).await.refused(415, "unsupported_media_type");
    server
        .post_as("/v1/parties", "application/vnd.bulla.transfers", body.clone())
        .await
        .refused(415, "unsupported_media_type");
    let without = Request::post("/v1/transfers").body(Body::from(body)).unwrap();
    server.send(without).await.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn an_unknown_route_is_refused() {
    let server = TestServer::start_unsealed().await;
    server.get("/v2/transfers").await.refused(404, "unknown_route");
    server.get("/v1/parties/a/b/c").await.refused(404, "unknown_route");
}

#[tokio::test]
async fn a_wrong_method_is_refused_and_the_right_ones_are_named() {
    let server = TestServer::start_unsealed().await;
    let answer = server.get("/v1/transfers").await;
    answer.refused(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn a_request_for_another_ledger_is_refused() {
    let server = TestServer::start_unsealed().await;
    let enroll = |ledger: String| {
        let body = json!({"party": "canteen"}).to_string();
        let request = Request::post("/v1/parties").header("content-type", "application/json");
        request.header("Bulla-Ledger", ledger).body(Body::from(body)).unwrap()
    };
    server.send(enroll(record_id().to_string())).await.refused(409, "wrong_ledger");
    server.send(enroll("main".to_owned())).await.refused(400, "bad_id");
    server.get("/v1/parties/canteen").await.refused(404, "unknown_party");

    let answer = server.send(enroll(server.node.ledger_id().to_string())).await;
    answer.recorded();
    assert_eq!(answer.header("bulla-ledger"), server.node.ledger_id().to_string());
}

#[tokio::test]
async fn a_path_or_query_that_says_nothing_is_refused() {
    let server = TestServer::start_unsealed().await;
    server.get("/v1/records/42").await.refused(400, "bad_id");
    server.get("/v1/tables/here").await.refused(400, "bad_id");
    server.get("/v1/blocks/-1").await.refused(400, "bad_id");
    server.get("/v1/parties/%FF").await.refused(400, "bad_id");
    server.get("/v1/parties?limit=0").await.refused(400, "invalid_query");
    server.get("/v1/parties?limit=1001").await.refused(400, "invalid_query");
    server.get("/v1/parties?after=the%20start").await.refused(400, "invalid_query");
    server.get("/v1/parties?order=name").await.refused(400, "invalid_query");
    server.post("/v1/transfers?wait=forever", &hand_over()).await.refused(400, "invalid_query");
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    let id = record_id();
    server.get(&format!("/v1/records/{id}")).await.refused(404, "unknown_record");
    server.get(&format!("/v1/records/{id}/receipt")).await.refused(404, "unknown_record");
    server.get(&format!("/v1/tables/{id}")).await.refused(404, "unknown_table");
    server.get("/v1/tables/99").await.refused(404, "unknown_table");
    server.get("/v1/blocks/99").await.refused(404, "unknown_block");
    server.get("/v1/assets/silver").await.refused(404, "unknown_asset");
    server.get("/v1/assets/silver/history").await.refused(404, "unknown_asset");
    server.get("/v1/classes/silver").await.refused(404, "unknown_class");
    server.get("/v1/parties/nobody/holdings").await.refused(404, "unknown_party");
    server.get("/v1/assets/copper/history?party=nobody").await.refused(404, "unknown_party");
}

#[tokio::test]
async fn compact_bodies_are_read_whole_or_not_at_all() {
    let server = TestServer::start_unsealed().await;
    let post = async |body: Vec<u8>| -> Answer {
        server.post_as("/v1/transfers", "application/vnd.bulla.transfers", body).await
    };
    post(vec![0; 127]).await.refused(400, "malformed_transfer");
    post(Vec::new()).await.refused(422, "invalid_request");
    let enroll =
        bulla_ledger::Transfer::enroll(bulla_ledger::RecordId(record_id()), bulla_ledger::PartyId(record_id()));
    let mut body = enroll.encode().to_vec();
    body.extend_from_slice(&[0xff; 128]);
    let size = server.node.ledger().size();
    let problem = post(body).await.refused(400, "malformed_transfer");
    assert_eq!(problem.index, Some(1));
    assert_eq!(server.node.ledger().size(), size);
}
