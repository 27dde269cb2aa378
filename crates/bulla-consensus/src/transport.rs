//! What agreement needs of a network: one call to one peer on one lane, and somebody who answers calls.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

/// Identifies a transaction server within one ledger. Never used again for another server.
pub type NodeId = u64;

/// Which of the connections to a peer a call travels on.
///
/// They are kept apart so that four mebibytes of log entries cannot delay a heartbeat, and a
/// follower that fetches blocks delays neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Log entries, in the order in which they were called.
    Append,
    /// Heartbeats, votes, forwarded requests and attestations: small, and wanted at once.
    Control,
    /// Snapshots and the blocks that they name: bulk that may wait.
    Blocks,
}

/// Why a call brought no answer. The caller may always try again: every message is safe to repeat.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// No connection could be had; the peer is down, or unknown.
    #[error("peer is unreachable: {0}")]
    Unreachable(String),
    /// The peer did not answer within the time allowed. It may have acted all the same.
    #[error("peer did not answer in time")]
    TimedOut,
    /// The peer, or our own end, refused to talk: another ledger, another key, a message too long.
    #[error("peer refused: {0}")]
    Refused(String),
}

/// The calling half of a network between the servers of one ledger.
///
/// A transport moves bytes that it does not understand. It knows who its peers are, proves to them
/// who it is, and makes lost connections anew by itself. Calls on one lane to one peer arrive in
/// the order in which they were made; nothing orders calls on different lanes.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` to the peer `to` and resolves to its answer, within `ttl`.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`] as soon as that is known, without waiting for `ttl`.
    fn call(
        &self,
        to: NodeId,
        lane: Lane,
        request: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>>;
}

/// The answering half: what a transport hands arriving requests to.
pub trait PeerHandler: Send + Sync + 'static {
    /// Answers one request of the peer `from`, whose identity the transport has made sure of.
    fn handle(&self, from: NodeId, lane: Lane, request: Bytes) -> BoxFuture<'static, Bytes>;
}

/// The transport of a ledger with one server: there is nobody to call.
#[derive(Debug, Default)]
pub struct NoPeers;

impl Transport for NoPeers {
    fn call(
        &self,
        to: NodeId,
        _lane: Lane,
        _request: Bytes,
        _ttl: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        let unknown = TransportError::Unreachable(format!("node {to} is not a peer of a ledger with one server"));
        Box::pin(std::future::ready(Err(unknown)))
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn call(
        &self,
        to: NodeId,
        lane: Lane,
        request: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        (**self).call(to, lane, request, ttl)
    }
}
