//! One member of the replicated ledger: start it, submit to it, ask it, stop it.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bulla_storage::{Answer, Batch, Store};
use openraft::async_runtime::watch::WatchReceiver;
use openraft::impls::EmptyNode;
use openraft::{Instant as _, Raft};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::command;
use crate::deviation;
use crate::engine::{AskError, Engine};
use crate::event::Event;
use crate::incident::record_notices;
use crate::log_store::LogStore;
use crate::message::{Reply, Request};
use crate::network::Network;
use crate::proposer::{Proposed, Proposer, Submission, bytes_of};
use crate::quarantine::QuarantineDoor;
use crate::scrubber::{self, Scrubbing};
use crate::settings::Settings;
use crate::state_machine::{Progress, StateMachine};
use crate::status::{ClusterStatus, MemberProgress, MemberStatus, Role, reaches_majority};
use crate::submit_error::SubmitError;
use crate::transport::{NodeId, Transport};
use crate::{erasure, sealer};

/// Events that a watcher may be behind before it misses some.
const EVENTS_KEPT: usize = 1_024;

/// How long to wait before a submission that found no leader is tried again.
const NO_LEADER: Duration = Duration::from_millis(50);

/// One member of the replicated ledger. Clones share it.
#[derive(Clone)]
pub struct Consensus {
    pub(crate) engine: Arc<Engine>,
    queue: mpsc::UnboundedSender<Submission>,
    room: Arc<Semaphore>,
    /// The threads that write to the data directory; taken by whoever waits for their end.
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    /// Everything else that runs until the node stops; taken likewise.
    tasks: Arc<Mutex<JoinSet<()>>>,
}

/// What outlives one run: who waits for a table or watches events goes on doing so while a member is rebuilt.
#[derive(Clone)]
pub(crate) struct Channels {
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) scrubbing: Scrubbing,
}

impl Default for Channels {
    fn default() -> Channels {
        Channels {
            progress: watch::Sender::new(Progress::default()),
            events: broadcast::Sender::new(EVENTS_KEPT),
            scrubbing: Scrubbing::default(),
        }
    }
}

impl Consensus {
    /// Starts the member whose data is in `store`, and lets it stand for election.
    #[cfg(test)]
    pub(crate) async fn start(
        settings: Settings,
        store: Arc<Store>,
        transport: Arc<dyn Transport>,
    ) -> io::Result<Consensus> {
        Consensus::start_with(settings, store, transport, Channels::default()).await
    }

    /// Starts the member whose data is in `store`, and lets it stand for election.
    ///
    /// # Errors
    /// When the log cannot be read, or openraft refuses the settings. Nothing writes to the data directory then.
    pub(crate) async fn start_with(
        settings: Settings,
        store: Arc<Store>,
        transport: Arc<dyn Transport>,
        channels: Channels,
    ) -> io::Result<Consensus> {
        let config = Arc::new(settings.raft_config().validate().map_err(io::Error::other)?);
        let (Channels { progress, events, scrubbing }, stop) = (channels, watch::Sender::new(false));
        let quarantine = QuarantineDoor::new(store.clone(), settings.clock.clone(), stop.clone());
        let (log, log_thread) =
            LogStore::open(store.clone(), settings.entry_cache_bytes, settings.append_bytes_max, quarantine.clone())?;
        let (flushed, flusher) = (log.flushed(), log.flusher());
        let (machine, closed) =
            StateMachine::open(store.clone(), progress.clone(), events.clone(), quarantine.clone())?;
        let network = Network { me: settings.node_id, transport: transport.clone() };
        // Before Raft: what it replays from the log may close more tables than fit in memory.
        let blocks_thread = store_on_a_thread(store.clone(), closed, flushed, &progress, &events, &stop, &quarantine)?;
        let raft = match Raft::new(settings.node_id, config, network, log, machine).await {
            Ok(raft) => raft,
            Err(error) => {
                stop.send_replace(true);
                join(vec![log_thread, blocks_thread]).await;
                return Err(io::Error::other(error));
            }
        };
        let (notices, noticed) = mpsc::unbounded_channel();
        let engine = Arc::new(Engine {
            raft,
            store,
            transport,
            settings,
            progress,
            events,
            stop,
            notices,
            pulling: Default::default(),
            sides_sent: Default::default(),
            quarantine,
            told: Default::default(),
            scrubbing,
            disk_has_room: true.into(),
        });

        let (queue, submissions) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(stop_raft(engine.clone()));
        tasks.spawn(leave(engine.clone()));
        tasks.spawn(deviation::watch_roots(engine.clone()));
        tasks.spawn(sealer::attest_tables(engine.clone()));
        tasks.spawn(scrubber::scrub(engine.clone()));
        tasks.spawn(report_leaders(engine.clone()));
        tasks.spawn(erasure::destroy_erased(engine.clone(), flusher));
        tasks.spawn(Proposer::new(engine.clone()).run(submissions));
        let room = Arc::new(Semaphore::new(engine.settings.queue_bytes_max.min(Semaphore::MAX_PERMITS)));
        let threads = Arc::new(Mutex::new(vec![log_thread, blocks_thread]));
        let tasks = Arc::new(Mutex::new(tasks));
        let consensus = Consensus { engine, queue, room, threads, tasks };
        let recording = record_notices(consensus.clone(), noticed);
        consensus.tasks.lock().expect("tasks are only taken").spawn(recording);
        if let Err(error) = consensus.found_the_cluster().await {
            consensus.shutdown().await;
            return Err(error);
        }
        Ok(consensus)
    }

    /// Writes the first membership when the log is empty. All members write the same, whoever is first.
    async fn found_the_cluster(&self) -> io::Result<()> {
        let raft = &self.engine.raft;
        if raft.is_initialized().await.map_err(io::Error::other)? {
            return Ok(());
        }
        let voters = self.engine.settings.voters.iter().map(|(node_id, _)| (*node_id, EmptyNode {}));
        match raft.initialize(voters.collect::<std::collections::BTreeMap<_, _>>()).await {
            // A peer was quicker: its entries came in meanwhile.
            Err(error) if error.api_error().is_some() => Ok(()),
            outcome => outcome.map_err(io::Error::other),
        }
    }

    /// Records a batch, wherever the leader is; resolves once the ledger has decided on each of its requests.
    ///
    /// # Errors
    /// See [`SubmitError`]. All may be tried again with the same record ids.
    pub async fn submit(&self, batch: Batch) -> Result<Vec<Answer>, SubmitError> {
        self.check_size(&batch)?;
        let deadline = Instant::now() + Duration::from_millis(self.engine.settings.submit_ms_max);
        let decided = timeout_at(deadline, self.submit_until_decided(&batch)).await;
        decided.unwrap_or_else(|_late| Err(SubmitError::Unavailable { leader: self.engine.leader() }))
    }

    async fn submit_until_decided(&self, batch: &Batch) -> Result<Vec<Answer>, SubmitError> {
        loop {
            if *self.engine.stop.borrow() {
                return Err(SubmitError::Stopped);
            }
            let decided = match self.engine.leader() {
                Some(leader) if leader == self.engine.settings.node_id => self.submit_here(batch.clone()).await?,
                Some(leader) => self.submit_there(leader, batch).await?,
                None => None,
            };
            match decided {
                Some(answers) => return Ok(answers),
                None => sleep(NO_LEADER).await,
            }
        }
    }

    /// Proposes a batch as the leader; `None` when this node is not, or is no longer, the leader.
    pub(crate) async fn submit_here(&self, batch: Batch) -> Result<Option<Vec<Answer>>, SubmitError> {
        self.check_size(&batch)?;
        let batch = self.engine.without_erased(batch);
        if !self.engine.disk_has_room.load(Ordering::Relaxed) {
            return Err(SubmitError::DiskFull);
        }
        let bytes = bytes_of(&batch);
        let room = self.room.clone().try_acquire_many_owned(bytes as u32).map_err(|_| SubmitError::Overloaded)?;
        let (answer, answered) = oneshot::channel();
        let submission = Submission { batch, bytes, answer, _room: room };
        self.queue.send(submission).map_err(|_| SubmitError::Stopped)?;
        match answered.await {
            Ok(Proposed::Answered(answers)) => Ok(Some(answers)),
            Ok(Proposed::TryAgain) => Ok(None),
            Err(_proposer_gone) => Err(SubmitError::Stopped),
        }
    }

    /// Passes a batch on to the leader; `None` when that node is not the leader or does not answer.
    async fn submit_there(&self, leader: NodeId, batch: &Batch) -> Result<Option<Vec<Answer>>, SubmitError> {
        let command = command::requests(0, std::iter::once(batch));
        match self.engine.ask(leader, &Request::Propose { command: command.0.to_vec() }).await {
            Ok((Reply::Answers(batches), _)) => {
                let answers = batches.into_iter().flatten().map(Answer::try_from).collect::<Result<Vec<_>, _>>();
                Ok(answers.ok().filter(|answers| answers.len() == batch.items.len()))
            }
            Ok((Reply::Overloaded, _)) => Err(SubmitError::Overloaded),
            Ok((Reply::DiskFull, _)) => Err(SubmitError::DiskFull),
            Ok((other, _)) => {
                tracing::warn!(leader, ?other, "the leader answered something else");
                Ok(None)
            }
            Err(AskError::NotLeader { .. } | AskError::Failed(_)) => Ok(None),
        }
    }

    fn check_size(&self, batch: &Batch) -> Result<(), SubmitError> {
        let (records, records_max) = (batch.items.len(), self.engine.settings.batch_records_max);
        if records > records_max {
            return Err(SubmitError::TooManyRecords { records, records_max });
        }
        let (bytes, bytes_max) = (bytes_of(batch), self.engine.settings.batch_bytes_max);
        if bytes > bytes_max { Err(SubmitError::TooManyBytes { bytes, bytes_max }) } else { Ok(()) }
    }

    /// Waits until a leader is known, at most `limit`.
    pub async fn wait_leader(&self, limit: Duration) -> Option<NodeId> {
        let wait = self.engine.raft.wait(Some(limit));
        let metrics = wait.metrics(|metrics| metrics.current_leader.is_some(), "a leader is known").await;
        metrics.ok().and_then(|metrics| metrics.current_leader)
    }

    /// The cluster as this node sees it; asks the leader about the other members.
    pub async fn status(&self) -> ClusterStatus {
        let (leader, term) = {
            let metrics = self.engine.raft.metrics();
            let metrics = metrics.borrow_watched();
            (metrics.current_leader, metrics.current_term)
        };
        let progress = match leader {
            Some(leader) if leader == self.engine.settings.node_id => self.members_progress(),
            Some(leader) => match self.engine.ask(leader, &Request::Members).await {
                Ok((Reply::Members(members), _)) => Some(members),
                _ => None,
            },
            None => None,
        };
        // Raft knows a leader until it knows another one. Only one that answers, and is heard by a majority, leads.
        let leader = leader.filter(|_| progress.as_ref().is_some_and(|members| reaches_majority(members)));
        let members = self.engine.settings.voters.iter().map(|(node_id, name)| MemberStatus {
            node_id: *node_id,
            name: name.clone(),
            role: if leader == Some(*node_id) { Role::Leader } else { Role::Follower },
            progress: progress.as_ref().and_then(|all| all.iter().find(|one| one.node_id == *node_id).cloned()),
        });
        let ledger = self.engine.store.ledger();
        let sealing = ledger.sealing_status();
        ClusterStatus {
            node_id: self.engine.settings.node_id,
            leader,
            term,
            members: members.collect(),
            recorded_size: ledger.size(),
            sealed_height: sealing.sealed_height,
            unsealed: sealing.closed,
            quarantine: None,
        }
    }

    /// What this node, as the leader, knows of the members; `None` when it is not the leader.
    pub(crate) fn members_progress(&self) -> Option<Vec<MemberProgress>> {
        let metrics = self.engine.raft.metrics();
        let metrics = metrics.borrow_watched();
        let (replication, heartbeat) = (metrics.replication.as_ref()?, metrics.heartbeat.as_ref()?);
        let last = metrics.last_log_index.map_or(0, |index| index + 1);
        let members = self.engine.settings.voters.iter().map(|(node_id, _)| {
            let me = *node_id == self.engine.settings.node_id;
            let matched = match replication.get(node_id) {
                Some(log_id) => log_id.map(|log_id| log_id.index),
                None if me => metrics.last_log_index,
                None => None,
            };
            let heard = heartbeat.get(node_id).cloned().flatten();
            let heard_ms = if me { Some(0) } else { heard.map(|at| at.elapsed().as_millis() as u64) };
            MemberProgress {
                node_id: *node_id,
                matched_index: matched,
                lag_entries: last - matched.map_or(0, |index| index + 1).min(last),
                heard_ms,
                reachable: heard_ms.is_some_and(|ms| ms <= self.engine.settings.election_ms_max),
            }
        });
        Some(members.collect())
    }

    /// Whether this node has stopped, by itself after a failure or because it was told to.
    pub fn has_stopped(&self) -> bool {
        *self.engine.stop.borrow() || self.engine.raft.metrics().borrow_watched().running_state.is_err()
    }

    /// Resolves when this node stops, by itself after a failure or because it is told to.
    pub async fn stopped(&self) {
        let mut metrics = self.engine.raft.metrics();
        while !self.has_stopped() {
            tokio::select! {
                () = self.engine.stopped() => return,
                changed = metrics.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Stops the member, and returns once nothing of it writes to the data directory any more.
    /// Everything acknowledged is durable already.
    pub async fn shutdown(&self) {
        self.engine.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().expect("tasks are only taken"));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task panicked");
            }
        }
        let threads = std::mem::take(&mut *self.threads.lock().expect("threads are only taken"));
        join(threads).await;
    }
}

async fn join(threads: Vec<JoinHandle<()>>) {
    let joined = tokio::task::spawn_blocking(|| threads.into_iter().try_for_each(JoinHandle::join));
    if !matches!(joined.await, Ok(Ok(()))) {
        tracing::error!("a writing thread panicked");
    }
}

fn store_on_a_thread(
    store: Arc<Store>,
    closed: mpsc::UnboundedReceiver<Arc<bulla_storage::ClosedTable>>,
    flushed: watch::Receiver<Option<u64>>,
    progress: &watch::Sender<Progress>,
    events: &broadcast::Sender<Event>,
    stop: &watch::Sender<bool>,
    quarantine: &QuarantineDoor,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Handle::current();
    let (progress, events, stop, quarantine) = (progress.clone(), events.clone(), stop.clone(), quarantine.clone());
    let store_all = move || {
        let stored = sealer::store_tables(&store, closed, flushed, stop.subscribe(), &progress, &events, &runtime);
        if let Err(error) = stored {
            tracing::error!(%error, "a closed table cannot be stored; this node stops");
            quarantine.enter_if_damaged(&error);
            stop.send_replace(true);
        }
    };
    std::thread::Builder::new().name("bulla-blocks".into()).spawn(store_all)
}

/// A node that stops for whatever reason takes no part in agreement any more.
async fn stop_raft(engine: Arc<Engine>) {
    engine.stopped().await;
    if let Err(error) = engine.raft.shutdown().await {
        tracing::warn!(%error, "raft did not stop in order");
    }
}

/// Hands over to another server if this one leads, then stops.
async fn leave(engine: Arc<Engine>) {
    tokio::select! {
        () = engine.stopped() => return,
        () = engine.quarantine.entered() => {}
    }
    engine.hand_over_leadership().await;
    engine.stop.send_replace(true);
}

async fn report_leaders(engine: Arc<Engine>) {
    let mut metrics = engine.raft.metrics();
    let mut known = None;
    loop {
        let leader = metrics.borrow_and_update().current_leader;
        if leader != known {
            known = leader;
            tracing::info!(leader, "the first transaction server is now another");
            let _nobody_watches = engine.events.send(Event::Leader { node_id: leader });
        }
        tokio::select! {
            () = engine.stopped() => return,
            changed = metrics.changed() => if changed.is_err() { return },
        }
    }
}

#[cfg(test)]
mod tests {
    use bulla_storage::StoreOptions;
    use tempfile::TempDir;

    use super::*;
    use crate::blocks_suite::settings;
    use crate::log_store_suite::new_identity;
    use crate::transport::NoPeers;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_directory_is_free_as_soon_as_its_node_is_shut_down() {
        let directory = TempDir::new().unwrap();
        let identity = new_identity(&directory);
        for _ in 0..5 {
            let store = Arc::new(Store::open(directory.path(), &identity, StoreOptions::default()).unwrap());
            let mut settings = settings(1, 1);
            settings.table_age_ms_max = 1;
            let node = Consensus::start(settings, store, Arc::new(NoPeers)).await.unwrap();
            assert_eq!(node.wait_leader(Duration::from_secs(60)).await, Some(1));
            node.shutdown().await;
            assert_eq!(Arc::strong_count(&node.engine), 1, "nobody else uses it any more");
        }
    }
}
