//! What a server answers its peers.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest, VoteRequest};

use crate::answer_wire::WireAnswer;
use crate::command::{self, Content};
use crate::consensus::Consensus;
use crate::engine::AskError;
use crate::message::{self, Part, Reply, Request};
use crate::submit_error::SubmitError;
use crate::transport::{Lane, NodeId, PeerHandler};
use crate::types::{Command, LogId, Snapshot, SnapshotManifest, SnapshotMeta};
use crate::wire;

impl PeerHandler for Consensus {
    fn handle(&self, from: NodeId, _lane: Lane, request: Bytes) -> BoxFuture<'static, Bytes> {
        let this = self.clone();
        Box::pin(async move {
            match this.answer_peer(from, request).await {
                Ok(Answer::Reply(reply)) => wire::encode(&reply),
                Ok(Answer::Piece(bytes)) => message::piece(&bytes),
                Err(why) => {
                    tracing::debug!(peer = from, why, "a peer's request could not be answered");
                    wire::encode(&Reply::Failed(why))
                }
            }
        })
    }
}

enum Answer {
    Reply(Reply),
    Piece(Bytes),
}

/// A peer's mistake or our failure, as it is told to the peer.
fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Consensus {
    async fn answer_peer(&self, from: NodeId, request: Bytes) -> Result<Answer, String> {
        let raft = &self.engine.raft;
        let (request, rest) = message::read_request(&request).map_err(told)?;
        let reply = match request {
            Request::Append { vote, prev_log_id, leader_commit, entries } => {
                let rpc = AppendEntriesRequest {
                    vote: vote.into(),
                    prev_log_id: prev_log_id.map(LogId::from),
                    entries: message::entries(entries, rest).map_err(told)?,
                    leader_commit: leader_commit.map(LogId::from),
                };
                Reply::Append(raft.append_entries(rpc).await.map_err(told)?.into())
            }
            Request::Vote { vote, last_log_id, leadership_transfer, pre } => {
                let mut rpc = VoteRequest::new(vote.into(), last_log_id.map(LogId::from));
                rpc.leadership_transfer = leadership_transfer;
                let response = if pre { raft.pre_vote(rpc).await } else { raft.vote(rpc).await };
                Reply::vote(&response.map_err(told)?)
            }
            Request::TransferLeader { from, to, last_log_id } => {
                let rpc = TransferLeaderRequest::new(from.into(), to, last_log_id.map(LogId::from));
                match raft.handle_transfer_leader(rpc).await.map_err(told)? {
                    Ok(()) => Reply::Done,
                    Err(refused) => return Err(told(refused)),
                }
            }
            Request::Snapshot { vote, last_log_id, membership, upto_height, replay_from } => {
                self.engine.pull_blocks(from, upto_height).await.map_err(told)?;
                let meta = SnapshotMeta {
                    last_log_id: last_log_id.map(LogId::from),
                    last_membership: membership.try_into().map_err(told)?,
                };
                let manifest = SnapshotManifest { upto_height, replay_from: replay_from.into() };
                let snapshot = Snapshot { meta, snapshot: manifest };
                let response = raft.install_full_snapshot(vote.into(), snapshot).await.map_err(told)?;
                Reply::Snapshot { vote: (&response.vote).into() }
            }
            Request::Length { height, part } => Reply::Length(self.length(height, part)?),
            Request::Piece { height, part, offset, length } => {
                return self.piece(height, part, offset, length).map(Answer::Piece);
            }
            Request::Propose { command } => self.propose_for_peer(Command(command.into())).await?,
            Request::Members => Reply::Members(self.members_progress().ok_or("not the leader")?),
        };
        Ok(Answer::Reply(reply))
    }

    async fn propose_for_peer(&self, command: Command) -> Result<Reply, String> {
        match command::read(&command.0).map_err(told)? {
            Content::Requests { batches, .. } => {
                let mut answers = Vec::with_capacity(batches.len());
                for batch in batches {
                    match self.submit_here(batch).await {
                        Ok(Some(answered)) => answers.push(answered.iter().map(WireAnswer::from).collect()),
                        Ok(None) => {
                            return Ok(Reply::NotLeader { leader: self.engine.leader() });
                        }
                        Err(SubmitError::Overloaded) => return Ok(Reply::Overloaded),
                        Err(SubmitError::DiskFull) => return Ok(Reply::DiskFull),
                        Err(error) => return Err(told(error)),
                    }
                }
                Ok(Reply::Answers(answers))
            }
            Content::Attest { .. } => match self.engine.write(command).await {
                Ok(()) => Ok(Reply::Done),
                Err(AskError::NotLeader { leader }) => Ok(Reply::NotLeader { leader }),
                Err(error) => Err(told(error)),
            },
            Content::Close { .. } => Err("only the leader closes tables".into()),
        }
    }

    fn length(&self, height: u64, part: Part) -> Result<u64, String> {
        let ledger = self.engine.store.ledger();
        match part {
            Part::Block => ledger.block_len(height).map_err(told),
            Part::Side => ledger.side_data(height).map(|side| side.len() as u64).map_err(told),
        }
    }

    fn piece(&self, height: u64, part: Part, offset: u64, length: u32) -> Result<Bytes, String> {
        let ledger = self.engine.store.ledger();
        let length = length.min(crate::pull::PIECE_BYTES) as usize;
        match part {
            Part::Block => ledger.read_block(height, offset, length).map_err(told),
            Part::Side => {
                let side = ledger.side_data(height).map_err(told)?;
                let from = (offset as usize).min(side.len());
                Ok(side.slice(from..(from + length).min(side.len())))
            }
        }
    }
}

/// The handler that a transport is given; it keeps the node alive.
pub(crate) fn handler(consensus: &Consensus) -> Arc<dyn PeerHandler> {
    Arc::new(consensus.clone())
}
