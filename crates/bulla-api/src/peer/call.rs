//! The calling half: finds the line to a peer, hands it the call, and keeps the time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bulla_node::{Lane, NodeId, Transport, TransportError};
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::line::{Call, Line};
use super::{BODY_BYTES_MAX, LocalNode, PeerSecurity, PeerSetupError};

/// Calls to the other servers of the ledger over TCP, one connection a peer and lane.
///
/// Connections are made by the first call and, when lost, by a later one. A call within the pause
/// after a failed attempt (50 ms to 1 s) is told the same failure at once. Dropping the transport
/// closes its connections.
#[derive(Debug)]
pub struct TcpTransport {
    lines: HashMap<(NodeId, Lane), mpsc::Sender<Call>>,
    // Dropping it ends the lines.
    _tasks: JoinSet<()>,
}

impl TcpTransport {
    /// Makes the calling half of the node `me`, and connects to nobody yet. Must be called within a
    /// Tokio runtime.
    ///
    /// # Errors
    /// [`PeerSetupError::PlaintextBeyondLoopback`] when `security` is plaintext and one of the
    /// `peers` is not on this machine; [`PeerSetupError::CertificateOfAnother`].
    pub fn new(
        me: LocalNode,
        peers: Vec<(NodeId, SocketAddr)>,
        security: PeerSecurity,
    ) -> Result<TcpTransport, PeerSetupError> {
        security.check_is(me)?;
        let mut lines = HashMap::new();
        let mut tasks = JoinSet::new();
        for (to, address) in peers {
            security.check_address(address)?;
            for lane in LANES {
                let (calls, waiting) = mpsc::channel(CALLS_WAITING_MAX);
                let line = Line { me, to, address, lane, security: security.clone() };
                tasks.spawn(line.run(waiting));
                lines.insert((to, lane), calls);
            }
        }
        Ok(TcpTransport { lines, _tasks: tasks })
    }

    async fn ask(&self, to: NodeId, lane: Lane, request: Bytes) -> Result<Bytes, TransportError> {
        if request.len() > BODY_BYTES_MAX {
            let too_long = format!("a request of {} bytes is longer than {BODY_BYTES_MAX}", request.len());
            return Err(TransportError::Refused(too_long));
        }
        let Some(line) = self.lines.get(&(to, lane)) else {
            return Err(TransportError::Unreachable(format!("node {to} is not a peer of this node")));
        };
        let ended = || TransportError::Unreachable("the transport is shutting down".to_owned());
        let (answer, answered) = oneshot::channel();
        // A call takes its place in the queue the first time it is polled, and without waiting. One that waited for room
        // would be overtaken by those that find some before it is polled again.
        line.try_send(Call { request, answer }).map_err(|full_or_ended| match full_or_ended {
            TrySendError::Full(_) => {
                TransportError::Unreachable(format!("{CALLS_WAITING_MAX} calls wait for node {to}"))
            }
            TrySendError::Closed(_) => ended(),
        })?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl Transport for TcpTransport {
    fn call(
        &self,
        to: NodeId,
        lane: Lane,
        request: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            let asked = tokio::time::timeout(ttl, self.ask(to, lane, request)).await;
            asked.unwrap_or(Err(TransportError::TimedOut))
        })
    }
}

const LANES: [Lane; 3] = [Lane::Append, Lane::Control, Lane::Blocks];

// Calls beyond these are told so at once. Each waits with its request, as its caller would.
const CALLS_WAITING_MAX: usize = 4_096;
