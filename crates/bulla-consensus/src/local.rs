//! Servers of one ledger within one process: for embedded clusters, and for tests that cut them apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::transport::{Lane, NodeId, PeerHandler, Transport, TransportError};

/// A network within one process: a call is a function call. Clones share the network.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// # use bulla_consensus::{Lane, LocalNetwork, Transport, TransportError};
/// let network = LocalNetwork::default();
/// let transport = network.transport(1);
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// let call = transport.call(2, Lane::Control, "hello".into(), Duration::from_secs(1));
/// assert!(matches!(runtime.block_on(call), Err(TransportError::Unreachable(_))));
/// ```
#[derive(Clone, Default)]
pub struct LocalNetwork {
    wires: Arc<RwLock<Wires>>,
}

#[derive(Default)]
struct Wires {
    handlers: BTreeMap<NodeId, Arc<dyn PeerHandler>>,
    cut: BTreeSet<NodeId>,
}

impl LocalNetwork {
    /// The calling half for the server `me`.
    pub fn transport(&self, me: NodeId) -> Arc<dyn Transport> {
        Arc::new(LocalTransport { me, network: self.clone() })
    }

    /// Makes the server `node_id` answer from now on, instead of whoever answered under this id before.
    pub fn attach(&self, node_id: NodeId, handler: Arc<dyn PeerHandler>) {
        self.wires.write().expect("wires are never held in a panic").handlers.insert(node_id, handler);
    }

    /// Takes the server off the network for good, as when its process ends.
    pub fn detach(&self, node_id: NodeId) {
        self.wires.write().expect("wires are never held in a panic").handlers.remove(&node_id);
    }

    /// Cuts the server off from all others, in both directions, or joins it again.
    pub fn set_cut(&self, node_id: NodeId, cut: bool) {
        let mut wires = self.wires.write().expect("wires are never held in a panic");
        if cut {
            wires.cut.insert(node_id);
        } else {
            wires.cut.remove(&node_id);
        }
    }

    fn handler(&self, from: NodeId, to: NodeId) -> Result<Arc<dyn PeerHandler>, TransportError> {
        let wires = self.wires.read().expect("wires are never held in a panic");
        let joined = !wires.cut.contains(&from) && !wires.cut.contains(&to);
        let handler = wires.handlers.get(&to).filter(|_| joined);
        handler.cloned().ok_or_else(|| TransportError::Unreachable(format!("node {to} is not on the network")))
    }
}

struct LocalTransport {
    me: NodeId,
    network: LocalNetwork,
}

impl Transport for LocalTransport {
    fn call(
        &self,
        to: NodeId,
        lane: Lane,
        request: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            let handler = self.network.handler(self.me, to)?;
            // A task of its own, as on the other side of a wire: the peer acts even if the caller gives up.
            let answer = tokio::spawn(handler.handle(self.me, lane, request));
            match tokio::time::timeout(ttl, answer).await {
                Err(_late) => Err(TransportError::TimedOut),
                Ok(Err(_peer_panicked)) => Err(TransportError::Unreachable(format!("node {to} failed"))),
                // What was said before the cut is lost with it.
                Ok(Ok(answer)) => self.network.handler(self.me, to).map(|_| answer),
            }
        })
    }
}
