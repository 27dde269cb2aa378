//! What is so, proven to a client that believes nothing else, and shown to people.

mod http_server;

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::Request;
use bulla_api::http::HttpServer;
use bulla_client::{
    Client, ClientError, ClientOptions, Named, Stage, TransferRequest, verify_asset_proof, verify_certificate,
};
use bulla_ledger::{AssetId, PartyId, State};
use http_server::TestServer;
use serde_json::json;

/// An office with a laptop, which the stores gave to the workshop, and copper, of which she has some; all of it sealed.
async fn office() -> (TestServer, HttpServer, Client) {
    let server = TestServer::start().await;
    server.furnish().await;
    let http = HttpServer::start(server.node.clone(), SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let mut options = ClientOptions::new([format!("http://{}", http.address())]);
    options.policy = Some(server.node.policy().clone());
    let client = Client::new(options).unwrap();
    for request in [
        json!({ "asset": "tag:LAPTOP-0042", "from": "central stores", "to": "workshop" }),
        json!({ "act": "issue", "asset": "copper", "to": "central stores", "quantity": "12.5" }),
        json!({ "asset": "copper", "from": "central stores", "to": "workshop", "quantity": "2.25" }),
    ] {
        let request: TransferRequest = serde_json::from_value(request).unwrap();
        client.submit(request, Stage::Sealed).await.unwrap();
    }
    (server, http, client)
}

fn named(name: &str) -> Named {
    Named::from(name)
}

#[tokio::test]
async fn a_client_is_shown_who_holds_what_and_that_nothing_else_is_there() {
    let (_server, http, client) = office().await;
    let workshop = PartyId(client.party(&named("workshop")).await.unwrap().party_id);
    let (_, laptop) = client.asset_proof(&named("tag:LAPTOP-0042"), None).await.unwrap();
    let Some(State::Unique(state)) = laptop.state else { panic!("{laptop:?}") };
    assert_eq!((state.holder, state.owner, state.seq), (workshop, workshop, 1));

    let (_, copper) = client.asset_proof(&named("copper"), Some(&named("workshop"))).await.unwrap();
    let Some(State::Position(position)) = copper.state else { panic!("{copper:?}") };
    assert_eq!((position.party_id, position.seq), (workshop, 0));
    let (_, outstanding) = client.asset_proof(&named("copper"), None).await.unwrap();
    let Some(State::Position(all)) = outstanding.state else { panic!("{outstanding:?}") };
    assert!(all.party_id.is_nil() && all.available > position.available);

    let (_, none) = client.asset_proof(&named("tag:NOWHERE"), None).await.unwrap();
    assert_eq!(none.state, None);
    assert!(none.to_string().starts_with("There is none as of block "), "{none}");
    http.shutdown().await;
}

#[tokio::test]
async fn a_certificate_says_everything_that_happened() {
    let (_server, http, client) = office().await;
    let (_, laptop) = client.certificate(&named("tag:LAPTOP-0042"), None).await.unwrap();
    assert_eq!(laptop.custody.records.len(), 2);
    assert!(laptop.to_string().contains(": registered for "), "{laptop}");
    let (_, copper) = client.certificate(&named("copper"), Some(&named("central stores"))).await.unwrap();
    assert_eq!(copper.custody.records.len(), 2);
    let refused = client.certificate(&named("tag:NOWHERE"), None).await;
    assert!(matches!(refused, Err(ClientError::Refused(problem)) if problem.code == "unknown_asset"));
    http.shutdown().await;
}

#[tokio::test]
async fn without_a_policy_nothing_is_believed_and_nothing_is_asked() {
    let (_server, http, _) = office().await;
    let client = Client::new(ClientOptions::new([format!("http://{}", http.address())])).unwrap();
    assert!(matches!(client.asset_proof(&named("copper"), None).await, Err(ClientError::NoPolicy)));
    assert!(matches!(client.certificate(&named("copper"), None).await, Err(ClientError::NoPolicy)));
    http.shutdown().await;
}

#[tokio::test]
async fn every_bit_of_a_proof_and_of_a_certificate_counts() {
    let (server, http, client) = office().await;
    let policy = server.node.policy();
    let (laptop, nowhere) = (named("tag:LAPTOP-0042"), named("tag:NOWHERE"));
    for asset in [&laptop, &nowhere] {
        let (text, proven) = client.asset_proof(asset, None).await.unwrap();
        for changed in flips(&text) {
            let verdict = verify_asset_proof(&changed, policy, proven.asset_id, None);
            assert!(verdict.is_err(), "{}", String::from_utf8_lossy(&changed));
        }
        let other = AssetId::from_bytes([7; 16]);
        assert!(verify_asset_proof(text.as_bytes(), policy, other, None).is_err());
    }
    let (text, _) = client.certificate(&laptop, None).await.unwrap();
    for changed in flips(&text) {
        assert!(verify_certificate(&changed, policy).is_err(), "{}", String::from_utf8_lossy(&changed));
    }
    let records: Vec<&str> = text.lines().filter(|line| line.starts_with("record ")).collect();
    for record in records {
        let without = text.replacen(&format!("{record}\n"), "", 1);
        assert!(verify_certificate(without.as_bytes(), policy).is_err());
    }
    http.shutdown().await;
}

/// Every text that is this one but for a bit.
fn flips(text: &str) -> impl Iterator<Item = Vec<u8>> {
    (0..text.len() * 8).map(|place| {
        let mut changed = text.as_bytes().to_vec();
        changed[place / 8] ^= 1 << (place % 8);
        changed
    })
}

#[tokio::test]
async fn people_get_a_page_that_needs_nothing_else_and_programs_the_text() {
    let (server, http, _) = office().await;
    let page = server.get("/v1/assets/tag:LAPTOP-0042/certificate.html").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let html = page.text();
    for shown in ["tag:LAPTOP-0042", "workshop", "<td>register<", "<td>transfer<", "@media print"] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    for fetched in ["src=", "href=", "url(", "<script"] {
        assert!(!html.contains(fetched), "{fetched} in {html}");
    }
    let request = |accept: &str| {
        let path = "/v1/assets/copper/certificate?party=workshop";
        Request::get(path).header("accept", accept).body(Body::empty()).unwrap()
    };
    let html = server.send(request("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")).await;
    assert!(html.body.starts_with(b"<!doctype html>"));
    let text = server.send(request("*/*")).await;
    assert!(text.body.starts_with(b"bulla/certificate@v1\n"));
    http.shutdown().await;
}

#[tokio::test]
async fn what_is_not_sealed_is_not_proven_and_what_never_was_is_unknown() {
    let server = TestServer::start_alone().await;
    for path in ["/v1/assets/x/proof", "/v1/assets/x/certificate", "/v1/assets/x/certificate.html"] {
        server.get(path).await.refused(409, "not_sealed");
    }
    let (server, http, _) = office().await;
    server.get("/v1/assets/x/certificate").await.refused(404, "unknown_asset");
    server.get("/v1/assets/copper/certificate?party=nobody").await.refused(404, "unknown_position");
    server.get("/v1/assets/copper/proof?who=nobody").await.refused(400, "invalid_query");
    http.shutdown().await;
}
