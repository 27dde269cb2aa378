//! The client against a real server, a lying one, and none at all.

mod http_server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bulla_api::http::HttpServer;
use bulla_client::{
    Client, ClientError, ClientOptions, CompactAnswer, ItemAnswer, Named, PageQuery, PartyRequest, Problem,
    RecordAnswer, Stage, TransferRequest,
};
use bulla_ledger::{PartyId, RecordId, Transfer};
use http_server::{TestServer, record_id};
use tower::ServiceExt;

/// A client that believes the ledger of `server`, asking at `endpoints`.
fn client(server: &TestServer, endpoints: &[SocketAddr]) -> Client {
    let mut options = ClientOptions::new(endpoints.iter().map(|address| format!("http://{address}")));
    options.policy = Some(server.node.policy().clone());
    Client::new(options).unwrap()
}

async fn serve(server: &TestServer) -> HttpServer {
    HttpServer::start(server.node.clone(), SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

/// Serves what `change` makes of each answer of `server`.
async fn serve_changed(server: &TestServer, change: fn(String) -> String) -> SocketAddr {
    let honest = server.router.clone();
    let lying = Router::new().fallback(move |request: Request| {
        let honest = honest.clone();
        async move {
            let (parts, body) = honest.oneshot(request).await.unwrap().into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let body = change(String::from_utf8(body.to_vec()).unwrap());
            let mut headers = parts.headers;
            headers.remove(header::CONTENT_LENGTH);
            (parts.status, headers, body).into_response()
        }
    });
    listen(lying).await
}

async fn listen(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn enroll(party: &str) -> PartyRequest {
    PartyRequest { record_id: None, party: party.into(), event_time: None, payload: None }
}

#[tokio::test]
async fn a_client_records_reads_and_proves() {
    let server = TestServer::start().await;
    server.furnish().await;
    let http = serve(&server).await;
    let client = client(&server, &[http.address()]);

    let recorded = client.enroll(enroll("canteen"), Stage::Sealed).await.unwrap();
    assert_eq!(recorded.stage, Stage::Sealed);
    let proven = client.receipt(recorded.record_id, true).await.unwrap();
    assert_eq!(proven.record.leaf_index, recorded.leaf_index);
    assert_eq!(proven.verified.payload.as_deref(), Some(br#"{"name":"canteen"}"#.as_slice()));
    let checkpoint = client.checkpoint().await.unwrap();
    assert!(checkpoint.sealed.checkpoint.size > recorded.leaf_index);
    assert_eq!(client.block(recorded.height).await.unwrap().table_id, recorded.table_id);
    assert_eq!(client.table(&recorded.table_id.to_string()).await.unwrap().height, recorded.height);

    let canteen = Named::from("canteen");
    assert_eq!(client.party(&canteen).await.unwrap().name.as_deref(), Some("canteen"));
    assert!(client.holdings(&canteen, &PageQuery::default()).await.unwrap().items.is_empty());
    assert_eq!(client.parties(&PageQuery::default()).await.unwrap().items.len(), 3);
    assert_eq!(client.classes(&PageQuery::default()).await.unwrap().items.len(), 2);
    assert_eq!(client.assets(&PageQuery::default()).await.unwrap().items.len(), 2);
    client.class(&Named::from("laptops")).await.unwrap();
    let laptop = Named::from("tag:LAPTOP-0042");
    client.asset(&laptop).await.unwrap();
    assert_eq!(client.history(&laptop, None, &PageQuery::default()).await.unwrap().items.len(), 1);
    client.positions(&Named::from("copper"), &PageQuery::default()).await.unwrap();
    let answer = client.record(recorded.record_id, false).await.unwrap();
    assert!(matches!(answer, RecordAnswer::Recorded(record) if record.leaf_index == recorded.leaf_index));
    client.cluster().await.unwrap();
    client.ready().await.unwrap();
    client.live().await.unwrap();
    assert!(client.metrics().await.unwrap().contains("bulla_"));
    assert!(client.openapi().await.unwrap().starts_with('{'));
    assert_eq!(client.claimed_policy().await.unwrap(), server.node.policy().to_text());
    http.shutdown().await;
}

#[tokio::test]
async fn a_client_sends_batches_in_json_and_in_bytes() {
    let server = TestServer::start_unsealed().await;
    let http = serve(&server).await;
    let client = client(&server, &[http.address()]);
    let batch = bulla_client::BatchRequest {
        atomic: false,
        transfers: ["canteen", "canteen"].map(|party| TransferRequest::from(enroll(party))).to_vec(),
    };
    let answer = client.submit_batch(batch, Stage::Recorded).await.unwrap();
    assert!(matches!(&answer.results[0], ItemAnswer::Recorded(_)));
    assert!(matches!(&answer.results[1], ItemAnswer::Problem(problem) if problem.code == "party_exists"));

    let transfers = [Transfer::enroll(RecordId(record_id()), PartyId(record_id()))];
    let answers = client.submit_compact(&transfers, true).await.unwrap();
    assert!(matches!(answers[..], [CompactAnswer::Recorded { repeated: false, .. }]));
    http.shutdown().await;
}

#[tokio::test]
async fn a_tampered_receipt_is_refused() {
    let server = TestServer::start().await;
    let recorded = server.post("/v1/parties?wait=sealed", &serde_json::json!({"party": "canteen"})).await.recorded();
    let record_id = recorded["record_id"].as_str().unwrap().parse().unwrap();
    let http = serve(&server).await;
    client(&server, &[http.address()]).receipt(record_id, false).await.unwrap();

    // One character of the record itself: the first half of the line begins with a format mark.
    let lying = serve_changed(&server, |text| {
        let at = text.find("extra ").map_or(0, |at| at + 60);
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    })
    .await;
    let refused = client(&server, &[lying]).receipt(record_id, false).await;
    assert!(matches!(refused, Err(ClientError::Receipt(_))), "{refused:?}");
    http.shutdown().await;
}

#[tokio::test]
async fn a_tampered_checkpoint_is_refused() {
    let server = TestServer::start().await;
    server.post("/v1/parties?wait=sealed", &serde_json::json!({"party": "canteen"})).await.recorded();
    let lying = serve_changed(&server, |text| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[1] = (lines[1].parse::<u64>().unwrap() + 1).to_string();
        lines.join("\n") + "\n"
    })
    .await;
    let refused = client(&server, &[lying]).checkpoint().await;
    assert!(matches!(refused, Err(ClientError::Seal(_))), "{refused:?}");
}

#[tokio::test]
async fn a_receipt_of_another_ledger_is_refused() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    let recorded = server.post("/v1/parties?wait=sealed", &serde_json::json!({"party": "canteen"})).await.recorded();
    let record_id = recorded["record_id"].as_str().unwrap().parse().unwrap();
    let http = serve(&server).await;
    let refused = client(&other, &[http.address()]).receipt(record_id, false).await;
    assert!(matches!(refused, Err(ClientError::Receipt(_))), "{refused:?}");
    http.shutdown().await;
}

#[tokio::test]
async fn nothing_unproven_is_returned_without_a_policy() {
    let client = Client::new(ClientOptions::new(["http://127.0.0.1:9"])).unwrap();
    assert!(matches!(client.receipt(record_id(), false).await, Err(ClientError::NoPolicy)));
    assert!(matches!(client.checkpoint().await, Err(ClientError::NoPolicy)));
}

#[tokio::test]
async fn an_answer_about_something_else_is_refused() {
    let server = TestServer::start_unsealed().await;
    server.furnish().await;
    // Whatever is asked for, the answer is about the workshop.
    let honest = server.router.clone();
    let lying = Router::new().fallback(move |mut request: Request| {
        let honest = honest.clone();
        async move {
            *request.uri_mut() = "/v1/parties/workshop".parse().unwrap();
            honest.oneshot(request).await.unwrap()
        }
    });
    let client = client(&server, &[listen(lying).await]);
    client.party(&Named::from("workshop")).await.unwrap();
    for asked in [Named::from("central stores"), Named::Id(record_id())] {
        let refused = client.party(&asked).await;
        assert!(matches!(refused, Err(ClientError::SomethingElse { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_client_goes_on_to_a_server_that_answers() {
    let server = TestServer::start_unsealed().await;
    let http = serve(&server).await;
    // Bound and dropped: nobody listens there any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client(&server, &[gone, http.address()]);
    client.enroll(enroll("canteen"), Stage::Recorded).await.unwrap();
    http.shutdown().await;
}

/// Records, but answers each request only at the second attempt.
#[derive(Clone)]
struct Forgetful {
    honest: Router,
    attempts: Arc<AtomicUsize>,
}

async fn forget(State(forgetful): State<Forgetful>, request: Request) -> Response {
    let answer = forgetful.honest.oneshot(request).await.unwrap();
    match forgetful.attempts.fetch_add(1, Ordering::SeqCst) {
        0 => problem("unavailable", StatusCode::SERVICE_UNAVAILABLE, true),
        _ => answer,
    }
}

fn problem(code: &str, status: StatusCode, retryable: bool) -> Response {
    let problem = Problem {
        title: String::new(),
        status: status.as_u16(),
        code: code.to_owned(),
        detail: String::new(),
        retryable,
        index: None,
    };
    (status, [(header::CONTENT_TYPE, Problem::MEDIA_TYPE)], serde_json::to_string(&problem).unwrap()).into_response()
}

#[tokio::test]
async fn a_retry_is_made_under_the_same_record_id() {
    let server = TestServer::start_unsealed().await;
    let forgetful = Forgetful { honest: server.router.clone(), attempts: Arc::default() };
    let address = listen(Router::new().fallback(forget).with_state(forgetful.clone())).await;
    let recorded = client(&server, &[address]).enroll(enroll("canteen"), Stage::Recorded).await.unwrap();
    assert!(recorded.repeated, "the second attempt was taken for another request");
    assert_eq!(forgetful.attempts.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn attempts_are_bounded_and_final_answers_are_not_asked_for_again() {
    let server = TestServer::start_unsealed().await;
    for (retryable, expected) in [(true, 3), (false, 1)] {
        let attempts = Arc::new(AtomicUsize::new(0));
        let counted = attempts.clone();
        let refusing = Router::new().fallback(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            problem("overloaded", StatusCode::TOO_MANY_REQUESTS, retryable)
        });
        let mut options = ClientOptions::new([format!("http://{}", listen(refusing).await)]);
        options.policy = Some(server.node.policy().clone());
        options.attempts_max = 3;
        let refused = Client::new(options).unwrap().cluster().await;
        assert!(matches!(refused, Err(ClientError::Refused(problem)) if problem.code == "overloaded"));
        assert_eq!(attempts.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_no_url_is_refused_at_once() {
    let client = |endpoints: &[&str]| Client::new(ClientOptions::new(endpoints.iter().copied()));
    assert!(matches!(client(&[]), Err(ClientError::NoEndpoint)));
    assert!(matches!(client(&["node-1:7400"]), Err(ClientError::BadEndpoint { .. })));
    let mut options = ClientOptions::new(["http://127.0.0.1:9"]);
    options.timeout = Duration::from_millis(1);
    assert!(Client::new(options).is_ok());
}
