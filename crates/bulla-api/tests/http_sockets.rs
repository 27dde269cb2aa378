//! The listening socket: slow callers, too many callers, and an orderly end.

mod http_server;

use std::net::SocketAddr;

use bulla_api::http::HttpServer;
use bulla_client::Problem;
use http_server::TestServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn serve(server: &TestServer) -> HttpServer {
    HttpServer::start(server.node.clone(), SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

/// Sends `text`, and returns all that comes back until the server closes the connection.
async fn converse(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

const ENROLL: &str = "POST /v1/parties HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn half_a_head_does_not_keep_a_connection() {
    let server = TestServer::start_with(|options| options.limits.header_ms_max = 50).await;
    let http = serve(&server).await;
    let answer = converse(http.address(), "GET /livez HTTP/1.1\r\nhost:").await;
    assert!(!answer.contains("200 OK"), "{answer}");
    http.shutdown().await;
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let server = TestServer::start_with(|options| options.limits.header_ms_max = 50).await;
    let http = serve(&server).await;
    assert_eq!(converse(http.address(), "").await, "");
    http.shutdown().await;
}

#[tokio::test]
async fn half_a_body_is_refused_in_time() {
    let server = TestServer::start_with(|options| options.limits.body_ms_max = 50).await;
    let http = serve(&server).await;
    let answer = converse(http.address(), &format!("{ENROLL}content-length: 100\r\n\r\n{{\"party\":")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 408"), "{head}");
    let problem: Problem = serde_json::from_str(body).unwrap();
    assert_eq!((problem.code.as_str(), problem.retryable), ("body_too_slow", true));
    http.shutdown().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_refused_when_it_grows_too_long() {
    let server = TestServer::start_with(|options| options.limits.body_bytes_max = 100).await;
    let http = serve(&server).await;
    let chunk = format!("64\r\n{}\r\n", " ".repeat(100));
    let body = format!("{ENROLL}transfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    let answer = converse(http.address(), &body).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    http.shutdown().await;
}

#[tokio::test]
async fn one_caller_too_many_waits_for_another_to_leave() {
    let server = TestServer::start_with(|options| options.limits.connections_max = 1).await;
    let http = serve(&server).await;
    let first = TcpStream::connect(http.address()).await.unwrap();
    let second = converse(http.address(), "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    tokio::pin!(second);
    // The first has the only place; it is given up by leaving.
    tokio::select! {
        biased;
        answer = &mut second => panic!("answered beside the first: {answer}"),
        () = tokio::task::yield_now() => drop(first),
    }
    assert!(second.await.ends_with("live\n"));
    http.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_answers_what_arrived_and_listens_no_more() {
    let server = TestServer::start_with(|options| options.limits.body_ms_max = 60_000).await;
    let http = serve(&server).await;
    let address = http.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = r#"{"party": "canteen"}"#;
    let head = format!("{ENROLL}content-length: {}\r\nexpect: 100-continue\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body, so it has taken the request on.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stopping = tokio::spawn(http.shutdown());
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopping.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
