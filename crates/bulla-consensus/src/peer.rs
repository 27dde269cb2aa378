//! What a server answers its peers.

use bulla_storage::{Ledger, StorageError};
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
                let alone = self.engine.pulling.clone().lock_owned().await;
                self.engine.pull_good_blocks(from, upto_height, &replay_from).await.map_err(told)?;
                let meta = SnapshotMeta {
                    last_log_id: last_log_id.map(LogId::from),
                    last_membership: membership.try_into().map_err(told)?,
                };
                let manifest = SnapshotManifest { upto_height, replay_from: replay_from.into() };
                let snapshot = Snapshot { meta, snapshot: manifest };
                let raft = raft.clone();
                // A task of its own: a peer that hangs up must not let the next one in while this goes on.
                let install = tokio::spawn(async move {
                    let _alone = alone;
                    raft.install_full_snapshot(vote.into(), snapshot).await
                });
                let response = install.await.map_err(told)?.map_err(told)?;
                Reply::Snapshot { vote: (&response.vote).into() }
            }
            Request::Length { height, part } => Reply::Length(self.length(from, height, part).await?),
            Request::Piece { height, part, offset, length } => {
                return self.piece(from, height, part, offset, length).await.map(Answer::Piece);
            }
            Request::Propose { command } => self.propose_for_peer(Command(command.into())).await?,
            Request::Rebuild { since_us, outvoted, what } => {
                self.engine.report_quarantine(from, since_us, outvoted, what).map_err(told)?;
                let durable = self.engine.store.ledger().durable();
                match (durable.height, durable.replay_from) {
                    (Some(upto_height), Some(replay_from)) => Reply::Manifest { upto_height, replay_from },
                    _ => return Err("no block is stored here yet".into()),
                }
            }
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

    /// The first question about a part. A block is read whole and checked before any of it is sent: the peer could do
    /// nothing with a damaged one.
    async fn length(&self, from: NodeId, height: u64, part: Part) -> Result<u64, String> {
        match part {
            Part::Block => {
                let checked = move |ledger: &Ledger| {
                    ledger.checkpoint_from_disk(height)?;
                    ledger.block_len(height)
                };
                self.read(checked).await
            }
            Part::Side => {
                let side = self.read(move |ledger| ledger.side_data(height)).await?;
                let length = side.len() as u64;
                self.engine.sides_sent.lock().expect(NO_PANIC).insert(from, (height, side));
                Ok(length)
            }
        }
    }

    async fn piece(&self, from: NodeId, height: u64, part: Part, offset: u64, length: u32) -> Result<Bytes, String> {
        let length = length.min(crate::pull::PIECE_BYTES) as usize;
        match part {
            Part::Block => self.read(move |ledger| ledger.read_block(height, offset, length)).await,
            Part::Side => {
                let mut sides = self.engine.sides_sent.lock().expect(NO_PANIC);
                let side = sides.get(&from).filter(|(sent, _)| *sent == height).map(|(_, side)| side.clone());
                let side = side.ok_or("ask for the length first")?;
                let start = (offset as usize).min(side.len());
                let end = (start + length).min(side.len());
                if end == side.len() {
                    sides.remove(&from);
                }
                Ok(side.slice(start..end))
            }
        }
    }

    /// Reads the ledger without holding up those who wait for the network.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Ledger) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, String> {
        let store = self.engine.store.clone();
        tokio::task::spawn_blocking(move || read(store.ledger())).await.map_err(told)?.map_err(told)
    }
}

const NO_PANIC: &str = "nobody panics with the side data in hand";
