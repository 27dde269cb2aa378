//! openraft's calls to peers, on the three lanes of a [`Transport`].

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::impls::EmptyNode;
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};
use openraft::{RPCTypes, RaftNetworkFactory, RaftNetworkV2};

use crate::message::{self, Reply, Request};
use crate::transport::{Lane, NodeId, Transport, TransportError};
use crate::types::{LogId, Snapshot, SnapshotManifest, TypeConfig, Vote};
use crate::wire;

/// Makes the clients that openraft talks to its peers through.
pub(crate) struct Network {
    pub(crate) me: NodeId,
    pub(crate) transport: Arc<dyn Transport>,
}

/// One peer, on one lane.
pub(crate) struct Peer {
    me: NodeId,
    target: NodeId,
    lane: Lane,
    transport: Arc<dyn Transport>,
}

impl Network {
    fn peer(&self, target: NodeId, lane: Lane) -> Peer {
        Peer { me: self.me, target, lane, transport: self.transport.clone() }
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: NodeId, _node: &EmptyNode) -> Peer {
        self.peer(target, Lane::Append)
    }

    async fn new_heartbeat_client(&mut self, target: NodeId, _node: &EmptyNode) -> Peer {
        self.peer(target, Lane::Control)
    }

    async fn new_snapshot_client(&mut self, target: NodeId, _node: &EmptyNode) -> Peer {
        self.peer(target, Lane::Blocks)
    }
}

type Answered<T> = Result<T, RPCError<TypeConfig>>;

impl Peer {
    async fn call(&self, action: RPCTypes, lane: Lane, request: Bytes, ttl: Duration) -> Answered<Reply> {
        let answer = self.transport.call(self.target, lane, request, ttl).await.map_err(|error| match error {
            TransportError::TimedOut => {
                RPCError::Timeout(Timeout { action, id: self.me, target: self.target, timeout: ttl })
            }
            refused_or_unreachable => RPCError::Unreachable(Unreachable::from_string(refused_or_unreachable)),
        })?;
        match message::read_reply(&answer) {
            // A peer that is starting or stopping is not asked again at once.
            Ok((Reply::Failed(why), _)) => Err(RPCError::Unreachable(Unreachable::from_string(why))),
            Ok((reply, _)) => Ok(reply),
            Err(error) => Err(RPCError::Network(NetworkError::new(&error))),
        }
    }

    fn unexpected<T>(&self, reply: &Reply) -> Answered<T> {
        let what = format!("node {} answered something else: {reply:?}", self.target);
        Err(RPCError::Network(NetworkError::from_string(what)))
    }

    async fn ask_for_vote(
        &self,
        rpc: VoteRequest<TypeConfig>,
        pre: bool,
        option: &RPCOption,
    ) -> Answered<VoteResponse<TypeConfig>> {
        let request = wire::encode(&Request::vote(&rpc, pre));
        match self.call(RPCTypes::Vote, Lane::Control, request, option.soft_ttl()).await? {
            Reply::Vote { vote, granted, last_log_id } => {
                Ok(VoteResponse::new(Vote::from(vote), last_log_id.map(LogId::from), granted))
            }
            other => self.unexpected(&other),
        }
    }
}

impl RaftNetworkV2<TypeConfig> for Peer {
    type SnapshotData = SnapshotManifest;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Answered<AppendEntriesResponse<TypeConfig>> {
        let request = message::append(&rpc);
        match self.call(RPCTypes::AppendEntries, self.lane, request, option.hard_ttl()).await? {
            Reply::Append(reply) => Ok(reply.into()),
            other => self.unexpected(&other),
        }
    }

    async fn vote(&mut self, rpc: VoteRequest<TypeConfig>, option: RPCOption) -> Answered<VoteResponse<TypeConfig>> {
        self.ask_for_vote(rpc, false, &option).await
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Answered<VoteResponse<TypeConfig>> {
        self.ask_for_vote(rpc, true, &option).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let request = wire::encode(&Request::snapshot(&vote, &snapshot.meta, &snapshot.snapshot));
        let answer = self.call(RPCTypes::InstallSnapshot, Lane::Blocks, request, option.hard_ttl());
        let reply = tokio::select! {
            closed = cancel => return Err(StreamingError::Closed(closed)),
            reply = answer => reply?,
        };
        match reply {
            Reply::Snapshot { vote } => Ok(SnapshotResponse::new(vote.into())),
            other => Ok(self.unexpected(&other)?),
        }
    }

    async fn transfer_leader(
        &mut self,
        rpc: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Answered<TransferLeaderResponse<TypeConfig>> {
        let request = wire::encode(&Request::transfer_leader(&rpc));
        match self.call(RPCTypes::TransferLeader, Lane::Control, request, option.soft_ttl()).await? {
            Reply::Done => Ok(Ok(())),
            other => self.unexpected(&other),
        }
    }
}
