//! A member for as long as its process runs: it takes part, and rebuilds its ledger when that is not to be believed.
//!
//! ```text
//!            ┌──────────── takes part: Raft, proposer, sealer ────────────┐
//!   open ─▶ │                                                             │ ─▶ stopped
//!            └── ▲ ─────────────────────────────────────────── quarantine ┘
//!                │ verified, guard settled                        │ leadership handed over, Raft shut down
//!                └──────────── rebuilds: answers nobody ◀─────────┘
//! ```

use std::io;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use bulla_ledger::RecordId;
use bulla_storage::{Answer, Batch, Store};
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::consensus::{Channels, Consensus};
use crate::event::Event;
use crate::incident::IncidentReport;
use crate::message::Reply;
use crate::rebuild::Rebuild;
use crate::scrub_status::ScrubStatus;
use crate::settings::Settings;
use crate::state_machine::Progress;
use crate::status::{ClusterStatus, MemberStatus, QuarantineStatus, Role};
use crate::submit_error::SubmitError;
use crate::transport::{Lane, NodeId, PeerHandler, Transport};
use crate::wire;

/// How often one process rebuilds its ledger. What goes wrong more often is not put right by doing it again.
const REBUILDS_MAX: u32 = 5;

/// One member of the replicated ledger. Clones share it.
#[derive(Clone)]
pub struct Member(Arc<Inner>);

struct Inner {
    settings: Settings,
    store: Arc<Store>,
    transport: Arc<dyn Transport>,
    channels: Channels,
    /// While it takes part.
    run: RwLock<Option<Consensus>>,
    /// While it does not.
    quarantine: watch::Sender<Option<QuarantineStatus>>,
    stop: watch::Sender<bool>,
    ended: watch::Sender<bool>,
    /// Taken by whoever waits for its end.
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Member {
    /// Starts the member whose data is in `store`. One that is quarantined rebuilds its ledger first; this does not wait
    /// for that.
    ///
    /// # Errors
    /// When the log cannot be read, or openraft refuses the settings.
    pub async fn open(settings: Settings, store: Arc<Store>, transport: Arc<dyn Transport>) -> io::Result<Member> {
        let member = Member(Arc::new(Inner {
            settings,
            store,
            transport,
            channels: Channels::default(),
            run: RwLock::default(),
            quarantine: watch::Sender::default(),
            stop: watch::Sender::new(false),
            ended: watch::Sender::new(false),
            supervisor: Mutex::default(),
        }));
        if member.0.store.quarantine().is_none() {
            member.take_part().await?;
        }
        member.0.tell_of_quarantine();
        let supervisor = tokio::spawn(supervise(member.clone()));
        *member.0.supervisor.lock().expect(NO_PANIC) = Some(supervisor);
        Ok(member)
    }

    /// Starts Raft. A ledger that turns out not to be believed meanwhile is no failure: it is quarantined.
    async fn take_part(&self) -> io::Result<()> {
        let Inner { settings, store, transport, channels, .. } = &*self.0;
        let started = Consensus::start_with(settings.clone(), store.clone(), transport.clone(), channels.clone()).await;
        match started {
            Ok(run) => *self.0.run.write().expect(NO_PANIC) = Some(run),
            Err(error) if store.quarantine().is_some() => {
                tracing::error!(%error, "the ledger turned out to be damaged when its log was replayed");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Rebuilds the ledger; returns whether the member may take part again. Until then it waits, if need be until it is
    /// told to stop.
    async fn rebuild(&self, rebuilds: u32) -> bool {
        let inner = &*self.0;
        inner.channels.progress.send_replace(Progress::default());
        let mut stop = inner.stop.subscribe();
        let rebuild = Rebuild {
            settings: &inner.settings,
            store: inner.store.clone(),
            transport: &*inner.transport,
            told: &inner.quarantine,
        };
        let rebuilt = async {
            if rebuilds > REBUILDS_MAX {
                rebuild.tell(format!("a person: it was rebuilt {REBUILDS_MAX} times and was damaged again"));
                return std::future::pending().await;
            }
            match rebuild.run().await {
                Ok(()) => true,
                Err(gave_up) => {
                    tracing::error!(why = %gave_up, "this server cannot be rebuilt; it stays quarantined");
                    rebuild.tell(format!("a person, and then a restart: {gave_up}"));
                    std::future::pending().await
                }
            }
        };
        tokio::select! {
            _told_to = stop.wait_for(|stop| *stop) => false,
            rebuilt = rebuilt => rebuilt,
        }
    }

    fn run(&self) -> Option<Consensus> {
        self.0.run.read().expect(NO_PANIC).clone()
    }

    /// What the transport hands arriving requests to.
    pub fn peer_handler(&self) -> Arc<dyn PeerHandler> {
        Arc::new(self.clone())
    }

    /// Records a batch, wherever the leader is; resolves once the ledger has decided on each of its requests.
    ///
    /// # Errors
    /// See [`SubmitError`]. All may be tried again with the same record ids.
    pub async fn submit(&self, batch: Batch) -> Result<Vec<Answer>, SubmitError> {
        match self.run().filter(|_| self.0.store.quarantine().is_none()) {
            // One that was taken out of agreement meanwhile has stopped, and this member has not.
            Some(run) => run.submit(batch).await.map_err(|error| match (error, self.quarantine()) {
                (SubmitError::Stopped, Some(_)) => SubmitError::Quarantined,
                (error, _) => error,
            }),
            None if *self.0.ended.borrow() => Err(SubmitError::Stopped),
            None => Err(SubmitError::Quarantined),
        }
    }

    /// Waits until the table of `height` is sealed, at most `limit`; whether it is.
    pub async fn wait_sealed(&self, height: u64, limit: Duration) -> bool {
        Progress::wait_sealed(&self.0.channels.progress, height, limit).await
    }

    /// Waits until a leader is known, at most `limit`; none is to a member that is quarantined.
    pub async fn wait_leader(&self, limit: Duration) -> Option<NodeId> {
        self.run()?.wait_leader(limit).await
    }

    /// The cluster as this node sees it; asks the leader about the other members.
    pub async fn status(&self) -> ClusterStatus {
        match (self.run(), self.quarantine()) {
            (Some(run), None) => run.status().await,
            (_, quarantine) => self.status_alone(quarantine),
        }
    }

    /// What a member can say that talks to nobody.
    fn status_alone(&self, quarantine: Option<QuarantineStatus>) -> ClusterStatus {
        let Settings { node_id, voters, .. } = &self.0.settings;
        let member = |(node_id, name): &(NodeId, String)| MemberStatus {
            node_id: *node_id,
            name: name.clone(),
            role: Role::Follower,
            progress: None,
        };
        let ledger = self.0.store.ledger();
        let sealing = ledger.sealing_status();
        ClusterStatus {
            node_id: *node_id,
            leader: None,
            term: 0,
            members: voters.iter().map(member).collect(),
            recorded_size: ledger.size(),
            sealed_height: sealing.sealed_height,
            unsealed: sealing.closed,
            quarantine,
        }
    }

    /// Why this member takes no part, and what it waits for; `None` when it takes part.
    pub fn quarantine(&self) -> Option<QuarantineStatus> {
        self.0.tell_of_quarantine();
        self.0.quarantine.borrow().clone()
    }

    /// Has an incident recorded, by whoever leads and as soon as somebody does. Does not wait for that. What a
    /// quarantined member reports is lost: its peers report for it.
    pub fn report_incident(&self, report: IncidentReport) {
        if let Some(run) = self.run() {
            run.report_incident(report);
        }
    }

    /// Has the end of an incident recorded that was recorded, or reported by this node, before; likewise.
    pub fn close_incident(&self, opened: RecordId, what: impl Into<String>) {
        if let Some(run) = self.run() {
            run.close_incident(opened, what);
        }
    }

    /// How far the scrubber has come, and what it found.
    pub fn scrub_status(&self) -> ScrubStatus {
        self.0.channels.scrubbing.status.borrow().clone()
    }

    /// Asks for a pass of the scrubber that begins after this, also when the scrubber is off. Returns how many passes are
    /// completed once it is.
    pub fn scrub_now(&self) -> u64 {
        self.0.channels.scrubbing.ask()
    }

    /// Waits until so many passes are completed, at most `limit`; whether they are.
    pub async fn wait_scrubbed(&self, passes: u64, limit: Duration) -> bool {
        self.0.channels.scrubbing.wait(passes, limit).await
    }

    /// What happens from now on.
    pub fn watch(&self) -> broadcast::Receiver<Event> {
        self.0.channels.events.subscribe()
    }

    /// Whether this node has stopped, by itself after a failure or because it was told to.
    pub fn has_stopped(&self) -> bool {
        *self.0.ended.borrow() || *self.0.stop.borrow()
    }

    /// Resolves when this node stops, by itself after a failure or because it is told to.
    pub async fn stopped(&self) {
        let (mut ended, mut stop) = (self.0.ended.subscribe(), self.0.stop.subscribe());
        tokio::select! {
            _ended = ended.wait_for(|ended| *ended) => {}
            _told_to = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Stops the member, and returns once nothing of it writes to the data directory any more.
    /// Everything acknowledged is durable already.
    pub async fn shutdown(&self) {
        self.0.stop.send_replace(true);
        let supervisor = self.0.supervisor.lock().expect(NO_PANIC).take();
        if let Some(supervisor) = supervisor
            && let Err(error) = supervisor.await
        {
            tracing::error!(%error, "the supervisor panicked");
        }
    }
}

impl Inner {
    /// Keeps what is told of the quarantine in step with the mark in the directory.
    fn tell_of_quarantine(&self) {
        let mark = self.store.quarantine();
        let changed = self.quarantine.send_if_modified(|told| match (&mark, &told) {
            (Some(mark), None) => {
                let waits_for = "its part in agreement to end".to_owned();
                *told = Some(QuarantineStatus { reason: mark.reason.to_string(), since_us: mark.since_us, waits_for });
                true
            }
            (None, Some(_)) => std::mem::take(told).is_some(),
            _ => false,
        });
        if changed {
            let event = match mark {
                Some(mark) => Event::Quarantined { reason: mark.reason.to_string() },
                None => Event::Readmitted,
            };
            let _nobody_watches = self.channels.events.send(event);
        }
    }
}

/// Goes from taking part to rebuilding and back, until the member is told to stop, or fails.
async fn supervise(member: Member) {
    let inner = &*member.0;
    let mut rebuilds = 0;
    loop {
        if let Some(run) = member.run() {
            let mut stop = inner.stop.subscribe();
            tokio::select! {
                () = run.stopped() => {}
                _told_to = stop.wait_for(|stop| *stop) => {}
            }
            inner.tell_of_quarantine();
            run.shutdown().await;
            *inner.run.write().expect(NO_PANIC) = None;
        }
        inner.tell_of_quarantine();
        if *inner.stop.borrow() || inner.store.quarantine().is_none() {
            break;
        }
        rebuilds += 1;
        if !member.rebuild(rebuilds).await {
            break;
        }
        inner.tell_of_quarantine();
        if let Err(error) = member.take_part().await {
            tracing::error!(%error, "the rebuilt server cannot take part");
            break;
        }
    }
    inner.ended.send_replace(true);
}

impl PeerHandler for Member {
    fn handle(&self, from: NodeId, lane: Lane, request: Bytes) -> BoxFuture<'static, Bytes> {
        match self.run().filter(|_| self.0.store.quarantine().is_none()) {
            Some(run) => run.handle(from, lane, request),
            None => {
                let why = "this server is quarantined, or stopping".to_owned();
                Box::pin(std::future::ready(wire::encode(&Reply::Failed(why))))
            }
        }
    }
}

const NO_PANIC: &str = "no panic while a member changes between taking part and rebuilding";
