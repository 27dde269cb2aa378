//! What the tasks of one node share: Raft, the store, the way to the peers, and when to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulla_ledger::RecordId;
use bulla_storage::{Batch, QuarantineReason, Store};
use bytes::Bytes;
use openraft::Raft;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use tokio::sync::{broadcast, mpsc, watch};

use crate::event::Event;
use crate::incident::Notice;
use crate::message::{self, Reply, Request};
use crate::quarantine::QuarantineDoor;
use crate::scrubber::Scrubbing;
use crate::settings::Settings;
use crate::state_machine::{Progress, StateMachine};
use crate::transport::{Lane, NodeId, Transport};
use crate::types::{Command, TypeConfig};
use crate::wire;

/// How long a small request to a peer may take before it is asked elsewhere or again.
pub(crate) const SMALL_REQUEST: Duration = Duration::from_secs(5);

pub(crate) struct Engine {
    pub(crate) raft: Raft<TypeConfig, StateMachine>,
    pub(crate) store: Arc<Store>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) settings: Settings,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) stop: watch::Sender<bool>,
    /// What is to be recorded about servers' copies.
    pub(crate) notices: mpsc::UnboundedSender<Notice>,
    /// Held while blocks are pulled and adopted: a leader that asks again must not write into what is being fetched, and
    /// adopting clears away whatever is there.
    pub(crate) pulling: Arc<tokio::sync::Mutex<()>>,
    /// The side data that each peer is fetching, with its height. It would change between two pieces.
    pub(crate) sides_sent: Mutex<BTreeMap<NodeId, (u64, Bytes)>>,
    /// How this node is taken out of agreement when its ledger is not to be believed.
    pub(crate) quarantine: QuarantineDoor,
    /// Incidents that this node has reported or closed since it started: once is enough.
    pub(crate) told: Mutex<BTreeSet<RecordId>>,
    /// What the scrubber shows, and by what it is asked.
    pub(crate) scrubbing: Scrubbing,
    /// Whether new records may be taken; what is recorded must still find room as a block.
    pub(crate) disk_has_room: AtomicBool,
}

/// Why a peer did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("not the leader")]
    NotLeader { leader: Option<NodeId> },
    #[error("{0}")]
    Failed(String),
}

impl Engine {
    /// Resolves when the node stops.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in `self`, so the wait ends only when the flag is set.
        let _set = stop.wait_for(|stop| *stop).await;
    }

    /// Takes this node out of agreement: its ledger is not to be believed, and is rebuilt from the peers. Durable when
    /// this returns; leadership is handed over and Raft shut down soon after. May be called again and from any thread.
    pub(crate) fn quarantine(&self, reason: QuarantineReason) {
        self.quarantine.enter(reason);
    }

    /// The batch without the payloads of records that it repeats and whose payloads were erased: what is not to be kept
    /// need not come into the log once more. Nothing compares it any more.
    pub(crate) fn without_erased(&self, mut batch: Batch) -> Batch {
        if let Err(error) = self.store.ledger().drop_erased(&mut batch) {
            tracing::warn!(%error, "whether a payload was erased is not known");
        }
        batch
    }

    /// Looks whether the disk has room for new records, and says so when that has changed.
    pub(crate) fn look_at_the_disk(&self) {
        let has_room = self.store.has_room().unwrap_or_else(|error| {
            tracing::warn!(%error, "the free space of the disk is not known");
            true
        });
        if self.disk_has_room.swap(has_room, Ordering::Relaxed) != has_room {
            tracing::warn!(has_room, "the disk's reserve was reached or is free again");
        }
    }

    /// The leader as far as this node knows.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.raft.metrics().borrow_watched().current_leader
    }

    /// Has the most advanced peer lead instead of this node, if this node leads; waits at most an election time for it.
    pub(crate) async fn hand_over_leadership(&self) {
        let me = self.settings.node_id;
        let successor = {
            let metrics = self.raft.metrics();
            let metrics = metrics.borrow_watched();
            let others = metrics.replication.iter().flatten().filter(|(node_id, _)| **node_id != me);
            others.max_by_key(|(_, matched)| **matched).map(|(node_id, _)| *node_id)
        };
        let Some(successor) = successor.filter(|_| self.leader() == Some(me)) else {
            return;
        };
        tracing::info!(successor, "hands over to another server");
        if self.raft.trigger().transfer_leader(successor).await.is_ok() {
            let limit = Duration::from_millis(self.settings.election_ms_max);
            let others_lead = |metrics: &openraft::RaftMetrics<TypeConfig>| metrics.current_leader != Some(me);
            // If nobody takes over in time they will elect somebody once this node is silent.
            let _in_time = self.raft.wait(Some(limit)).metrics(others_lead, "another server leads").await;
        }
    }

    /// Has the leader, which may be this node, write this node's attestation to the log.
    pub(crate) async fn propose_attestation(&self, command: Command) -> Result<(), AskError> {
        match self.leader() {
            None => Err(AskError::NotLeader { leader: None }),
            Some(leader) if leader == self.settings.node_id => self.write(command).await,
            Some(leader) => match self.ask(leader, &Request::Propose { command: command.0.to_vec() }).await? {
                (Reply::Done, _) => Ok(()),
                (other, _) => Err(AskError::Failed(format!("unexpected answer {other:?}"))),
            },
        }
    }

    /// Writes one command to the log as its leader.
    pub(crate) async fn write(&self, command: Command) -> Result<(), AskError> {
        match self.raft.client_write(command).await {
            Ok(_response) => Ok(()),
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(to))) => {
                Err(AskError::NotLeader { leader: to.leader_id })
            }
            Err(error) => Err(AskError::Failed(error.to_string())),
        }
    }

    /// One small request to a peer on the control lane.
    pub(crate) async fn ask(&self, peer: NodeId, request: &Request) -> Result<(Reply, Bytes), AskError> {
        self.ask_on(Lane::Control, peer, request, SMALL_REQUEST).await
    }

    /// One request to a peer.
    pub(crate) async fn ask_on(
        &self,
        lane: Lane,
        peer: NodeId,
        request: &Request,
        ttl: Duration,
    ) -> Result<(Reply, Bytes), AskError> {
        ask_peer(&*self.transport, lane, peer, request, ttl).await
    }
}

/// One request to a peer, whether this node takes part or not.
pub(crate) async fn ask_peer(
    transport: &dyn Transport,
    lane: Lane,
    peer: NodeId,
    request: &Request,
    ttl: Duration,
) -> Result<(Reply, Bytes), AskError> {
    let answer = transport.call(peer, lane, wire::encode(request), ttl).await;
    let answer = answer.map_err(|error| AskError::Failed(error.to_string()))?;
    match message::read_reply(&answer).map_err(|error| AskError::Failed(error.to_string()))? {
        (Reply::NotLeader { leader }, _) => Err(AskError::NotLeader { leader }),
        (Reply::Failed(why), _) => Err(AskError::Failed(why)),
        answered => Ok(answered),
    }
}
