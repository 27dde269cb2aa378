//! Rebuilding a quarantined member's ledger from its peers, before Raft starts.
//!
//! ```text
//!  ask peers: last stored block? ─▶ one that ends after the last entry of our log ─▶ fetch what is not good here
//!        ▲ none yet: wait                  ▲ not enough have signed: wait                       │
//!        └─────────────────────────────────┴──────────────────────── adopt ◀── verify ◀─────────┘
//!                    take part again ◀── mark removed ◀── log purged up to there ◀── guard settled
//! ```
//! The entries of our own log may be what was tampered with, so none of them is applied. None that this node ever
//! acknowledged is lost by that: it waits for a snapshot that covers them all, as a follower that installs one does.

use std::sync::Arc;
use std::time::Duration;

use bulla_sealing::Frontier;
use bulla_storage::{GuardError, LogOp, QuarantineReason, StagedProof, StorageError, Store};
use tokio::sync::watch;

use crate::engine::{SMALL_REQUEST, ask_peer};
use crate::message::{Part, Reply, Request};
use crate::pull::{PullError, fetch_part};
use crate::replay::ReplayFrom;
use crate::settings::Settings;
use crate::status::QuarantineStatus;
use crate::transport::{Lane, NodeId, Transport};
use crate::types::LogId;
use crate::wire::{self, WireLogId};

/// How often something that does not verify is tried again before a person must look.
const ATTEMPTS_MAX: u32 = 5;

/// How long to wait for peers that are not as far as is needed yet.
const AGAIN: Duration = Duration::from_millis(500);

/// One member that rebuilds.
pub(crate) struct Rebuild<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) store: Arc<Store>,
    pub(crate) transport: &'a dyn Transport,
    pub(crate) told: &'a watch::Sender<Option<QuarantineStatus>>,
}

/// Why an attempt did not succeed.
enum NotYet {
    /// Time will help.
    Wait(String),
    /// Something is wrong.
    Wrong(String),
}

/// A peer's last stored block.
struct Manifest {
    peer: NodeId,
    upto_height: u64,
    replay_from: Vec<u8>,
}

impl Rebuild<'_> {
    /// Rebuilds the ledger, however long its peers take; then it may take part.
    ///
    /// # Errors
    /// Why a person must look, for people.
    pub(crate) async fn run(&self) -> Result<(), String> {
        self.tell("the damaged ledger to be set aside".into());
        self.blocking(|store| store.begin_rebuild()).await.map_err(|error| error.to_string())?;
        // Whatever this node acknowledged is at or below this entry, and it acknowledges nothing meanwhile.
        let held = self.held()?;
        let (mut attempts, mut doubted) = (0, None);
        loop {
            let (peer, outcome) = match self.manifest(held, doubted).await {
                Ok(manifest) => (Some(manifest.peer), self.attempt(held, manifest).await),
                Err(not_yet) => (None, Err(not_yet)),
            };
            match outcome {
                Ok(()) => return Ok(()),
                Err(NotYet::Wait(what)) => self.tell(what),
                Err(NotYet::Wrong(why)) => {
                    // If there is another one, it is asked next.
                    doubted = peer.filter(|_| doubted.is_none());
                    attempts += 1;
                    tracing::error!(attempts, why, "the ledger could not be rebuilt");
                    if attempts == ATTEMPTS_MAX {
                        return Err(why);
                    }
                    self.tell(format!("another attempt, number {}: {why}", attempts + 1));
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The last entry that this node's log holds, or held before its ledger covered it.
    fn held(&self) -> Result<Option<u64>, String> {
        let state = self.store.raft_log().state().map_err(|error| error.to_string())?;
        let purged = state.purged.map(|bytes| wire::decode::<WireLogId>("log id", &bytes)).transpose();
        let purged = purged.map_err(|error| error.to_string())?.map(|log_id| LogId::from(log_id).index);
        Ok(state.last.max(purged))
    }

    /// Says what is waited for.
    pub(crate) fn tell(&self, waits_for: String) {
        self.told.send_if_modified(|told| match told {
            Some(told) if told.waits_for != waits_for => {
                tracing::info!(waits_for, "quarantined");
                told.waits_for = waits_for;
                true
            }
            _ => false,
        });
    }

    async fn attempt(&self, held: Option<u64>, manifest: Manifest) -> Result<(), NotYet> {
        let Manifest { peer, upto_height, replay_from } = manifest;
        let replay = ReplayFrom::point(&replay_from).map_err(|error| NotYet::Wrong(error.to_string()))?;
        let replay = replay.ok_or_else(|| NotYet::Wrong(format!("node {peer} names no entry of the log")))?;
        self.fetch(peer, upto_height).await?;
        self.tell("its ledger to be folded again from verified blocks".into());
        self.blocking(move |store| store.ledger().adopt(upto_height, replay)).await.map_err(wrong)?;
        self.settle(held).await
    }

    /// What the most advanced peer has, leaving one out, if that covers every entry that this node holds.
    async fn manifest(&self, held: Option<u64>, doubted: Option<NodeId>) -> Result<Manifest, NotYet> {
        let mark = self.store.quarantine().expect("only what is marked is rebuilt");
        let outvoted = match &mark.reason {
            QuarantineReason::OtherRoot { height, root } => Some((*height, root.0)),
            QuarantineReason::Damaged { .. } => None,
        };
        let request = Request::Rebuild { since_us: mark.since_us, outvoted, what: mark.reason.to_string() };
        let mut answered = false;
        let mut best: Option<(u64, Manifest)> = None;
        for peer in self.peers().filter(|peer| Some(*peer) != doubted) {
            let reply = ask_peer(self.transport, Lane::Blocks, peer, &request, SMALL_REQUEST).await;
            let Ok((Reply::Manifest { upto_height, replay_from }, _)) = reply else {
                tracing::debug!(peer, ?reply, "a server does not help to rebuild");
                continue;
            };
            answered = true;
            let last = ReplayFrom::decode(&replay_from).ok().and_then(|replay| replay.last_applied);
            let index = last.map(|log_id| log_id.index).filter(|index| Some(*index) >= held);
            if let Some(index) = index.filter(|index| best.as_ref().is_none_or(|(best, _)| index > best)) {
                best = Some((index, Manifest { peer, upto_height, replay_from }));
            }
        }
        match (best, answered) {
            (Some((_, manifest)), _) => Ok(manifest),
            (None, true) => Err(NotYet::Wait(format!(
                "a block of the others that covers entry {} of its log",
                held.unwrap_or_default()
            ))),
            (None, false) => Err(NotYet::Wait("another server that answers".into())),
        }
    }

    fn peers(&self) -> impl Iterator<Item = NodeId> {
        let me = self.settings.node_id;
        self.settings.voters.iter().map(|(node_id, _)| *node_id).filter(move |node_id| *node_id != me)
    }

    /// Stages what is lacking, each block verified on top of those before it. Own blocks are good where all have signed
    /// them; all others come from `first`, or whoever has good ones.
    async fn fetch(&self, first: NodeId, upto_height: u64) -> Result<(), NotYet> {
        let lacking = self.store.ledger().lacking(upto_height).map_err(wrong)?;
        let mut log = self.store.ledger().stored_log().map_err(wrong)?;
        for height in lacking.sides.clone() {
            self.tell(format!("block {height} of {upto_height} to be verified"));
            match lacking.blocks.contains(&height) {
                true => log = self.fetch_block(first, height, log).await?,
                false => self.fetch_side(first, height).await.map_err(pulled)?,
            }
        }
        Ok(())
    }

    async fn fetch_block(&self, first: NodeId, height: u64, before: Frontier) -> Result<Frontier, NotYet> {
        if self.store.ledger().is_staged(height) {
            self.fetch_side(first, height).await.map_err(pulled)?;
            match self.check(height, &before).await {
                Ok((log, StagedProof::Sealed)) => return Ok(log),
                Ok(_) | Err(StorageError::BadBlock { .. }) => {
                    self.blocking(move |store| store.set_aside_staged(height)).await.map_err(wrong)?;
                }
                Err(error) => return Err(wrong(error)),
            }
        }
        let mut why = NotYet::Wait("another server that answers".into());
        for peer in std::iter::once(first).chain(self.peers().filter(|peer| *peer != first)) {
            why = match self.fetch_from(peer, height, &before).await {
                Ok((log, StagedProof::Sealed | StagedProof::Agreed)) => return Ok(log),
                Ok((_, StagedProof::TooFew(few))) => NotYet::Wait(format!("more signatures of block {height}: {few}")),
                Err(error) => {
                    tracing::warn!(peer, height, %error, "a server sent no good block");
                    pulled(error)
                }
            };
        }
        Err(why)
    }

    async fn fetch_from(
        &self,
        peer: NodeId,
        height: u64,
        before: &Frontier,
    ) -> Result<(Frontier, StagedProof), PullError> {
        self.fetch_side(peer, height).await?;
        let mut staged = self.store.ledger().stage(height)?;
        let mut write = |offset: u64, piece: &[u8]| staged.write(offset, piece);
        fetch_part(self.transport, peer, height, Part::Block, &mut write).await?;
        staged.finish()?;
        Ok(self.check(height, before).await?)
    }

    async fn fetch_side(&self, peer: NodeId, height: u64) -> Result<(), PullError> {
        let mut side = Vec::new();
        let mut collect = |_offset: u64, piece: &[u8]| {
            side.extend_from_slice(piece);
            Ok(())
        };
        fetch_part(self.transport, peer, height, Part::Side, &mut collect).await?;
        Ok(self.store.ledger().stage_side(height, &side)?)
    }

    async fn check(&self, height: u64, before: &Frontier) -> Result<(Frontier, StagedProof), StorageError> {
        let before = before.clone();
        self.blocking(move |store| store.ledger().check_staged(height, &before)).await
    }

    /// Makes guard and log fit the rebuilt ledger, then ends the quarantine. In this order: a crash goes on from here.
    async fn settle(&self, held: Option<u64>) -> Result<(), NotYet> {
        self.blocking(|store| match store.settle_guard() {
            Err(error @ GuardError::TooFew { .. }) => Ok(Err(NotYet::Wait(format!("more signatures: {error}")))),
            Err(error) => Ok(Err(NotYet::Wrong(error.to_string()))),
            Ok(()) => Ok(Ok(())),
        })
        .await
        .map_err(wrong)??;
        let replay = ReplayFrom::of_store(&self.store).map_err(|error| NotYet::Wrong(error.to_string()))?;
        // The header of the adopted block has been held against it; what a peer says without a new block has not.
        let covers = replay.last_applied.filter(|log_id| Some(log_id.index) >= held);
        let last = covers.ok_or_else(|| NotYet::Wrong("a server has less than it said".into()))?;
        let log_id = wire::encode(&WireLogId::from(&last));
        self.blocking(move |store| {
            let purge = LogOp::PurgeTo { index: last.index, log_id: log_id.to_vec() };
            store.raft_log().commit(&[purge, LogOp::Committed(log_id.to_vec())])?;
            store.leave_quarantine()
        })
        .await
        .map_err(wrong)
    }

    /// Works on the store without holding up those who wait for the network.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.expect("nothing cancels it, and it does not panic")
    }
}

fn wrong(error: StorageError) -> NotYet {
    NotYet::Wrong(error.to_string())
}

fn pulled(error: PullError) -> NotYet {
    match error {
        PullError::Fetch { .. } => NotYet::Wait(error.to_string()),
        PullError::Malformed(_) | PullError::Storage(_) => NotYet::Wrong(error.to_string()),
    }
}
