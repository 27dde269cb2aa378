//! Two ends of peer connections for tests: handlers made of closures, servers on free ports, raw frames.

// Every test binary uses some of it.
#![allow(dead_code)]

pub mod authority;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulla_api::peer::{LocalNode, PeerSecurity, TcpTransport, serve_peers};
use bulla_node::{Lane, NodeId, PeerHandler, Transport, TransportError};
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

pub const LEDGER: Uuid = Uuid::from_u128(0xb0_11a0);

/// Long enough that no call of a test ends by it, unless the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn node(node_id: NodeId) -> LocalNode {
    LocalNode { ledger_id: LEDGER, node_id }
}

pub struct Answering<F>(pub F);

impl<F, A> PeerHandler for Answering<F>
where
    F: Fn(NodeId, Lane, Bytes) -> A + Send + Sync + 'static,
    A: Future<Output = Bytes> + Send + 'static,
{
    fn handle(&self, from: NodeId, lane: Lane, request: Bytes) -> BoxFuture<'static, Bytes> {
        Box::pin((self.0)(from, lane, request))
    }
}

/// Answers with `<from> <lane> <request>`.
pub fn echo() -> Arc<dyn PeerHandler> {
    Arc::new(Answering(|from, lane, request: Bytes| async move {
        let mut answer = format!("{from} {lane:?} ").into_bytes();
        answer.extend_from_slice(&request);
        Bytes::from(answer)
    }))
}

/// A running answering half. Dropping it stops it without waiting.
pub struct Server {
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Server {
    /// Node 1, with the peers 2 and 3, on a free port.
    pub async fn start(handler: Arc<dyn PeerHandler>) -> Server {
        let free = "127.0.0.1:0".parse().unwrap();
        Server::start_as(node(1), free, handler, PeerSecurity::Insecure).await
    }

    pub async fn start_as(
        me: LocalNode,
        address: SocketAddr,
        handler: Arc<dyn PeerHandler>,
        security: PeerSecurity,
    ) -> Server {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let never = std::future::pending();
            serve_peers(listener, me, vec![2, 3], handler, security, never).await.unwrap();
        });
        Server { address, serving }
    }

    /// Ends the server, its connections and its handlers.
    pub async fn stop(mut self) {
        self.serving.abort();
        (&mut self.serving).await.unwrap_err();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The calling half of node `me`, whose only peer is node 1 at `address`.
pub fn caller(me: NodeId, address: SocketAddr) -> TcpTransport {
    TcpTransport::new(node(me), vec![(1, address)], PeerSecurity::Insecure).unwrap()
}

/// Calls node 1.
pub async fn call(caller: &TcpTransport, lane: Lane, request: &[u8]) -> Result<Bytes, TransportError> {
    caller.call(1, lane, Bytes::copy_from_slice(request), PATIENCE).await
}

#[track_caller]
pub fn expect_refused(answer: Result<Bytes, TransportError>, because: &str) {
    match answer {
        Err(TransportError::Refused(why)) => assert!(why.contains(because), "refused, but: {why}"),
        other => panic!("expected a refusal because {because:?}, got {other:?}"),
    }
}

#[track_caller]
pub fn expect_unreachable(answer: Result<Bytes, TransportError>) {
    assert!(matches!(answer, Err(TransportError::Unreachable(_))), "{answer:?}");
}

/// The kinds of frames, as on the wire.
pub const HELLO: u8 = 1;
pub const REQUEST: u8 = 2;
pub const RESPONSE: u8 = 3;
pub const ERROR: u8 = 4;

/// The lane of raw frames: Control, as on the wire.
const CONTROL: u8 = 2;

/// The bytes of a frame on the Control lane, made without the crate's own code.
pub fn frame(kind: u8, request_id: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(&[kind, CONTROL, 0, 0, 0, 0]);
    bytes.extend_from_slice(&request_id.to_be_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes), body);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The bytes of a hello from one node to another, made without the crate's own code.
pub fn hello(from: LocalNode, to: NodeId) -> Vec<u8> {
    let mut body = b"BULP\x00\x01".to_vec();
    body.extend_from_slice(from.ledger_id.as_bytes());
    body.extend_from_slice(&from.node_id.to_be_bytes());
    body.extend_from_slice(&to.to_be_bytes());
    frame(HELLO, 0, &body)
}

/// One end of a connection that speaks frames by hand.
pub struct Raw<S>(pub S);

impl Raw<TcpStream> {
    /// Connects, and is greeted, as the Control lane of node `me`.
    pub async fn greeted(me: NodeId, address: SocketAddr) -> Raw<TcpStream> {
        let mut raw = Raw(TcpStream::connect(address).await.unwrap());
        raw.send(&hello(node(me), 1)).await;
        let (kind, _, _) = raw.receive().await.unwrap();
        assert_eq!(kind, HELLO);
        raw
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Kind, request id and body of the next frame; `None` when the other end closed.
    pub async fn receive(&mut self) -> Option<(u8, u64, Vec<u8>)> {
        let mut header = [0; 22];
        self.0.read_exact(&mut header).await.ok()?;
        let mut body = vec![0; u32::from_be_bytes(header[..4].try_into().unwrap()) as usize];
        self.0.read_exact(&mut body).await.ok()?;
        Some((header[4], u64::from_be_bytes(header[10..18].try_into().unwrap()), body))
    }
}
