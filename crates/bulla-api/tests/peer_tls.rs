//! Only a node that this ledger's authority certified is a peer, and only under its own id.

mod peer_ends;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bulla_api::peer::{LocalNode, PeerSecurity, PeerSetupError, PeerTls, PeerTlsError, TcpTransport};
use bulla_node::{Lane, Transport, TransportError};
use bytes::Bytes;
use peer_ends::authority::{Authority, Certified};
use peer_ends::{Answering, ERROR, LEDGER, PATIENCE, Server, call, echo, expect_refused, hello, node};
use uuid::Uuid;

fn caller(me: LocalNode, address: SocketAddr, security: PeerSecurity) -> TcpTransport {
    TcpTransport::new(me, vec![(1, address)], security).unwrap()
}

#[tokio::test]
async fn nodes_of_one_ledger_talk() {
    let authority = Authority::new();
    let server = authority.server().await;
    for me in [node(2), node(3)] {
        let caller = caller(me, server.address, authority.security(me));
        for lane in [Lane::Append, Lane::Control, Lane::Blocks] {
            let answer = call(&caller, lane, b"hello").await.unwrap();
            assert_eq!(answer, format!("{} {lane:?} hello", me.node_id));
        }
        let big = vec![3; 5_000_000];
        assert_eq!(call(&caller, Lane::Append, &big).await.unwrap()["2 Append ".len()..], big);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let server = ours.server().await;
    // It trusts our authority, so that it is our end that refuses.
    let Certified { certificate, key } = theirs.certify(node(2));
    let mut raw = ours.connect(server.address, Some(Certified { certificate, key })).await;
    assert_eq!(raw.receive().await, None);

    let caller = caller(node(2), server.address, theirs.security(node(2)));
    expect_refused(call(&caller, Lane::Control, b"").await, "TLS");
}

#[tokio::test]
async fn a_node_of_another_ledger_under_the_same_authority_is_refused() {
    let authority = Authority::new();
    let server = authority.server().await;
    let elsewhere = LocalNode { ledger_id: Uuid::from_u128(0xbad), node_id: 2 };

    // It already refuses the server, ...
    let caller = caller(elsewhere, server.address, authority.security(elsewhere));
    expect_refused(call(&caller, Lane::Control, b"").await, "TLS");
    // ... and the server would refuse it, whether it tells the truth or not.
    for (claims, because) in [(elsewhere, LEDGER.to_string()), (node(2), "its certificate does not".to_owned())] {
        let mut raw = authority.connect(server.address, Some(authority.certify(elsewhere))).await;
        raw.send(&hello(claims, 1)).await;
        expect_error(raw.receive().await, &because);
        assert_eq!(raw.receive().await, None);
    }
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_refused() {
    let authority = Authority::new();
    let server = authority.server().await;
    let mut raw = authority.connect(server.address, None).await;
    assert_eq!(raw.receive().await, None);
}

#[tokio::test]
async fn node_2_cannot_call_itself_node_3() {
    let authority = Authority::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let handler = Answering(move |_, _, request: Bytes| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(request)
    });
    let free = "127.0.0.1:0".parse().unwrap();
    let server = Server::start_as(node(1), free, Arc::new(handler), authority.security(node(1))).await;

    let mut raw = authority.connect(server.address, Some(authority.certify(node(2)))).await;
    raw.send(&[hello(node(3), 1), peer_ends::frame(peer_ends::REQUEST, 1, b"vote for me")].concat()).await;
    expect_error(raw.receive().await, "calls itself node 3");
    assert_eq!(raw.receive().await, None);
    assert_eq!(calls.load(Ordering::SeqCst), 0);

    // Our own calling half does not even try.
    let transport = TcpTransport::new(node(3), vec![(1, server.address)], authority.security(node(2)));
    assert!(matches!(transport, Err(PeerSetupError::CertificateOfAnother { .. })));
}

#[tokio::test]
async fn a_certified_node_that_is_no_peer_is_refused() {
    let authority = Authority::new();
    let server = authority.server().await;
    let caller = caller(node(9), server.address, authority.security(node(9)));
    expect_refused(call(&caller, Lane::Control, b"").await, "node 9 is not a peer of node 1");
}

#[tokio::test]
async fn a_server_that_is_another_node_is_refused() {
    let authority = Authority::new();
    let server = authority.server().await;
    let caller = TcpTransport::new(node(2), vec![(3, server.address)], authority.security(node(2))).unwrap();
    expect_refused(caller.call(3, Lane::Control, Bytes::new(), PATIENCE).await, "TLS");
}

#[tokio::test]
async fn plaintext_and_tls_do_not_meet() {
    let authority = Authority::new();
    let server = authority.server().await;
    let plain = caller(node(2), server.address, PeerSecurity::Insecure);
    let answer = call(&plain, Lane::Control, b"").await;
    assert!(matches!(answer, Err(TransportError::Refused(_) | TransportError::Unreachable(_))), "{answer:?}");

    let server = Server::start(echo()).await;
    let secure = caller(node(2), server.address, authority.security(node(2)));
    let answer = call(&secure, Lane::Control, b"").await;
    assert!(matches!(answer, Err(TransportError::Refused(_) | TransportError::Unreachable(_))), "{answer:?}");
}

#[test]
fn tls_is_made_only_of_what_belongs_together() {
    let (authority, other) = (Authority::new(), Authority::new());
    let Certified { certificate, key } = authority.certify(node(2));
    let tls = |me, certificate: &str, key: &str, authority: &Authority| {
        PeerTls::from_pem(me, certificate, key, &authority.certificate)
    };

    assert_eq!(tls(node(2), &certificate, &key, &authority).unwrap().node(), node(2));
    assert!(matches!(tls(node(3), &certificate, &key, &authority), Err(PeerTlsError::OtherNode(_))));
    assert!(matches!(tls(node(2), &certificate, &key, &other), Err(PeerTlsError::Certificate(_))));
    let other_key = authority.certify(node(2)).key;
    assert!(matches!(tls(node(2), &certificate, &other_key, &authority), Err(PeerTlsError::Unusable(_))));
    assert!(matches!(tls(node(2), &key, &key, &authority), Err(PeerTlsError::Pem { what: "the certificate", .. })));
}

#[test]
fn a_private_key_is_never_printed() {
    let printed = format!("{:?}", Authority::new().security(node(2)));
    assert_eq!(printed, format!("Tls(PeerTls {{ me: {:?}, .. }})", node(2)));
}

#[track_caller]
fn expect_error(frame: Option<(u8, u64, Vec<u8>)>, because: &str) {
    let Some((ERROR, _, why)) = frame else { panic!("expected an error because {because:?}, got {frame:?}") };
    let why = String::from_utf8(why).unwrap();
    assert!(why.contains(because), "refused, but: {why}");
}
