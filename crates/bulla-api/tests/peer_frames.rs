//! What happens to peers that send wrong frames, or say that they are somebody else.

mod peer_ends;

use std::sync::Arc;

use bulla_api::peer::{LocalNode, PeerSecurity, TcpTransport};
use bulla_node::{Lane, Transport};
use bytes::Bytes;
use peer_ends::{
    Answering, ERROR, HELLO, LEDGER, PATIENCE, REQUEST, RESPONSE, Raw, Server, call, caller, echo, expect_refused,
    expect_unreachable, frame, hello, node,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use uuid::Uuid;

/// Sends `bytes` as node 2 on Control, and expects that this connection is closed while the peer's
/// Append connection, with a call in flight, and another peer's connection go on.
async fn expect_closes_only_its_connection(bytes: &[u8]) {
    let (append_began, append_may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (began, may_end) = (append_began.clone(), append_may_end.clone());
    let server = Server::start(Arc::new(Answering(move |_, lane, request: Bytes| {
        let (began, may_end) = (began.clone(), may_end.clone());
        async move {
            if lane == Lane::Append {
                began.notify_one();
                may_end.notified().await;
            }
            request
        }
    })))
    .await;
    let (same, other) = (caller(2, server.address), caller(3, server.address));
    call(&other, Lane::Control, b"before").await.unwrap();

    let damage = async {
        append_began.notified().await;
        let mut raw = Raw::greeted(2, server.address).await;
        raw.send(&frame(REQUEST, 1, b"in order")).await;
        assert_eq!(raw.receive().await, Some((RESPONSE, 1, b"in order".to_vec())));
        raw.send(bytes).await;
        assert_eq!(raw.receive().await, None);
        append_may_end.notify_one();
    };
    let (append, ()) = tokio::join!(call(&same, Lane::Append, b"in flight"), damage);
    assert_eq!(append.unwrap(), "in flight");
    assert_eq!(call(&other, Lane::Control, b"after").await.unwrap(), "after");
    assert_eq!(call(&same, Lane::Control, b"anew").await.unwrap(), "anew");
}

#[tokio::test]
async fn a_corrupt_frame_closes_only_its_connection() {
    let mut corrupt = frame(REQUEST, 2, b"one bit of this is wrong");
    *corrupt.last_mut().unwrap() ^= 1;
    expect_closes_only_its_connection(&corrupt).await;
}

#[tokio::test]
async fn an_oversize_frame_closes_only_its_connection() {
    let mut oversize = frame(REQUEST, 2, b"");
    oversize[..4].copy_from_slice(&(64 * 1024 * 1024 + 1u32).to_be_bytes());
    expect_closes_only_its_connection(&oversize).await;
}

#[tokio::test]
async fn a_frame_that_is_no_request_closes_only_its_connection() {
    expect_closes_only_its_connection(&frame(RESPONSE, 2, b"nobody asked")).await;
}

#[tokio::test]
async fn a_newer_connection_of_a_lane_ends_the_older() {
    let server = Server::start(echo()).await;
    let mut older = Raw::greeted(2, server.address).await;
    let mut newer = Raw::greeted(2, server.address).await;
    assert_eq!(older.receive().await, None);
    newer.send(&frame(REQUEST, 1, b"here")).await;
    assert_eq!(newer.receive().await, Some((RESPONSE, 1, b"2 Control here".to_vec())));
}

#[tokio::test]
async fn a_first_frame_that_is_no_hello_is_refused() {
    let server = Server::start(echo()).await;
    let mut raw = Raw(TcpStream::connect(server.address).await.unwrap());
    raw.send(&frame(REQUEST, 1, b"let me in")).await;
    let (kind, _, why) = raw.receive().await.unwrap();
    assert_eq!((kind, &why[..]), (ERROR, &b"the first frame must be a hello"[..]));
    assert_eq!(raw.receive().await, None);
}

#[tokio::test]
async fn another_ledger_is_refused_with_both_names() {
    let server = Server::start(echo()).await;
    let other = LocalNode { ledger_id: Uuid::from_u128(0xbad), node_id: 2 };
    let caller = TcpTransport::new(other, vec![(1, server.address)], PeerSecurity::Insecure).unwrap();
    let answer = call(&caller, Lane::Control, b"").await;
    expect_refused(answer.clone(), &other.ledger_id.to_string());
    expect_refused(answer, &LEDGER.to_string());
}

#[tokio::test]
async fn an_id_that_is_no_peer_is_refused() {
    let server = Server::start(echo()).await;
    expect_refused(call(&caller(7, server.address), Lane::Control, b"").await, "node 7 is not a peer of node 1");
}

#[tokio::test]
async fn a_wrong_peer_address_is_refused_and_named() {
    let server = Server::start(echo()).await;
    let caller = TcpTransport::new(node(2), vec![(3, server.address)], PeerSecurity::Insecure).unwrap();
    let answer = caller.call(3, Lane::Control, Bytes::new(), PATIENCE).await;
    expect_refused(answer, "looked for node 3, but this is node 1");
}

/// Answers the hello of node 2 as node `me` would, then its first request with `bytes`.
async fn answer_with(listener: TcpListener, me: u64, bytes: &[u8]) {
    let mut raw = Raw(listener.accept().await.unwrap().0);
    assert_eq!(raw.receive().await.unwrap().0, HELLO);
    raw.send(&hello(node(me), 2)).await;
    if raw.receive().await.is_some() {
        raw.send(bytes).await;
        assert_eq!(raw.receive().await, None);
    }
}

#[tokio::test]
async fn a_corrupt_answer_fails_the_call_and_closes_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let caller = caller(2, listener.local_addr().unwrap());
    let mut corrupt = frame(RESPONSE, 1, b"answer");
    corrupt[18] ^= 1;
    let (answer, ()) = tokio::join!(call(&caller, Lane::Control, b""), answer_with(listener, 1, &corrupt));
    expect_unreachable(answer);
}

#[tokio::test]
async fn an_answer_to_another_request_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let caller = caller(2, listener.local_addr().unwrap());
    let mut answers = frame(RESPONSE, 77, b"to whom?");
    answers.extend(frame(RESPONSE, 1, b"to you"));
    let asks = async {
        assert_eq!(call(&caller, Lane::Control, b"").await.unwrap(), "to you");
        drop(caller);
    };
    tokio::join!(asks, answer_with(listener, 1, &answers));
}

#[tokio::test]
async fn an_answer_to_the_hello_from_another_node_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let caller = caller(2, listener.local_addr().unwrap());
    let (answer, ()) = tokio::join!(call(&caller, Lane::Control, b""), answer_with(listener, 3, b""));
    expect_refused(answer, "node 3 answers at the address of node 1");
}
