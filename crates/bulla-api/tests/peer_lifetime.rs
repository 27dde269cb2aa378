//! How peer connections begin and end: setting up, losing the peer, giving up, shutting down.

mod peer_ends;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bulla_api::peer::{PeerSecurity, PeerSetupError, TcpTransport, serve_peers};
use bulla_node::{Lane, Transport, TransportError};
use bytes::Bytes;
use peer_ends::{Answering, PATIENCE, Server, call, caller, echo, expect_unreachable, node};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

#[tokio::test]
async fn calls_in_flight_fail_when_the_peer_stops_and_calls_go_on_when_it_is_back() {
    let began = Arc::new(Notify::new());
    let begins = began.clone();
    let server = Server::start(Arc::new(Answering(move |_, _, _| {
        begins.notify_one();
        std::future::pending()
    })))
    .await;
    let address = server.address;
    let caller = caller(2, address);

    let stop = async {
        began.notified().await;
        server.stop().await;
    };
    let (in_flight, ()) = tokio::join!(call(&caller, Lane::Append, b"entries"), stop);
    expect_unreachable(in_flight);
    expect_unreachable(call(&caller, Lane::Append, b"nobody is there").await);

    let _server = Server::start_as(node(1), address, echo(), PeerSecurity::Insecure).await;
    // Until the pause after the failed attempt is over, calls are refused without one.
    let answer = loop {
        match call(&caller, Lane::Append, b"again").await {
            Err(TransportError::Unreachable(_)) => tokio::task::yield_now().await,
            answer => break answer,
        }
    };
    assert_eq!(answer.unwrap(), "2 Append again");
}

#[tokio::test]
async fn a_call_without_an_answer_times_out_and_its_late_answer_goes_to_nobody() {
    let may_end = Arc::new(Notify::new());
    let end = may_end.clone();
    let server = Server::start(Arc::new(Answering(move |_, _, request: Bytes| {
        let end = end.clone();
        async move {
            if request == "late" {
                end.notified().await;
            }
            request
        }
    })))
    .await;
    let caller = caller(2, server.address);

    call(&caller, Lane::Append, b"connects").await.unwrap();
    let late = caller.call(1, Lane::Append, Bytes::from_static(b"late"), Duration::from_millis(1)).await;
    assert!(matches!(late, Err(TransportError::TimedOut)), "{late:?}");
    may_end.notify_one();
    assert_eq!(call(&caller, Lane::Append, b"in time").await.unwrap(), "in time");
}

#[tokio::test]
async fn plaintext_is_refused_beyond_loopback() {
    let elsewhere = "192.0.2.1:7000".parse().unwrap();
    let caller = TcpTransport::new(node(2), vec![(1, elsewhere)], PeerSecurity::Insecure);
    assert!(matches!(caller, Err(PeerSetupError::PlaintextBeyondLoopback(address)) if address == elsewhere));

    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let never = std::future::pending();
    let served = serve_peers(everywhere, node(1), vec![2], echo(), PeerSecurity::Insecure, never).await;
    assert!(matches!(served, Err(PeerSetupError::PlaintextBeyondLoopback(_))));
}

#[tokio::test]
async fn shutdown_ends_connections_and_handlers_before_it_returns() {
    struct Ends(Arc<AtomicUsize>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (ended, began) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (ends, begins) = (ended.clone(), began.clone());
    let handler = Answering(move |_, _, request: Bytes| {
        let (ends, begins) = (Ends(ends.clone()), begins.clone());
        async move {
            begins.notify_one();
            std::future::pending::<()>().await;
            drop(ends);
            request
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let caller = caller(2, listener.local_addr().unwrap());
    let (shut_down, shutdown) = oneshot::channel::<()>();
    let shutdown = async move { shutdown.await.unwrap() };
    let serving =
        tokio::spawn(serve_peers(listener, node(1), vec![2], Arc::new(handler), PeerSecurity::Insecure, shutdown));

    let stop = async {
        began.notified().await;
        shut_down.send(()).unwrap();
        serving.await.unwrap().unwrap();
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    };
    let (answer, ()) = tokio::join!(call(&caller, Lane::Control, b"stuck"), stop);
    expect_unreachable(answer);
}

#[tokio::test]
async fn a_node_that_is_no_peer_is_unreachable() {
    let server = Server::start(echo()).await;
    let caller = caller(2, server.address);
    expect_unreachable(caller.call(9, Lane::Control, Bytes::new(), PATIENCE).await);
}
