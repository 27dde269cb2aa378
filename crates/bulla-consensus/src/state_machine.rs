//! openraft's state machine: reads commands, hands them to the ledger, and closed tables to the sealer.
//!
//! What is durable of it is exactly the state just after the Close of the last stored block.
//! Everything later is replayed from the log when the node starts.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bulla_ledger::Act;
use bulla_storage::{Answer, AttestOutcome, Batch, ClosedTable, Closing, Store};
use futures::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use tokio::sync::{broadcast, mpsc, watch};

use crate::command::{self, Content};
use crate::event::Event;
use crate::quarantine::QuarantineDoor;
use crate::replay::ReplayFrom;
use crate::response::Response;
use crate::types::{Command, LogId, Payload, Snapshot, SnapshotManifest, SnapshotMeta, StoredMembership, TypeConfig};

/// How far this node has come, for those who wait for it. It changes with tables, not with records: many may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Progress {
    /// The height of the last closed table.
    pub closed_height: Option<u64>,
    /// The height of the last table stored in a block file of this node.
    pub stored_height: Option<u64>,
    /// The height of the last sealed block.
    pub sealed_height: Option<u64>,
    /// Attestations to other roots than ours that were applied.
    pub other_roots: u64,
}

/// How many closed tables may stand in memory before applying waits for the disk. The leader takes no more records long
/// before that; a follower whose disk is slower than the leader's has only this to hold it back.
const UNSTORED_TABLES_MAX: u64 = 8;

impl Progress {
    /// Waits until the table of `height` is sealed, at most `limit`; whether it is.
    pub(crate) async fn wait_sealed(progress: &watch::Sender<Progress>, height: u64, limit: Duration) -> bool {
        let mut progress = progress.subscribe();
        let sealed = progress.wait_for(|progress| progress.sealed_height >= Some(height));
        tokio::time::timeout(limit, sealed).await.is_ok_and(|sealed| sealed.is_ok())
    }

    /// Closed tables that are in memory only.
    pub(crate) fn unstored(&self) -> u64 {
        let count = |height: Option<u64>| height.map_or(0, |height| height + 1);
        count(self.closed_height).saturating_sub(count(self.stored_height))
    }
}

/// The replicated ledger as openraft drives it.
pub(crate) struct StateMachine {
    store: Arc<Store>,
    last_applied: Option<LogId>,
    membership: StoredMembership,
    closed: mpsc::UnboundedSender<Arc<ClosedTable>>,
    progress: watch::Sender<Progress>,
    events: broadcast::Sender<Event>,
    quarantine: QuarantineDoor,
}

impl StateMachine {
    /// The state machine as the store has it, and the closed tables that it will hand out to be stored.
    pub(crate) fn open(
        store: Arc<Store>,
        progress: watch::Sender<Progress>,
        events: broadcast::Sender<Event>,
        quarantine: QuarantineDoor,
    ) -> io::Result<(StateMachine, mpsc::UnboundedReceiver<Arc<ClosedTable>>)> {
        let replay_from = ReplayFrom::of_store(&store)?;
        let (closed, to_store) = mpsc::unbounded_channel();
        let machine = StateMachine {
            store,
            last_applied: replay_from.last_applied,
            membership: replay_from.membership,
            closed,
            progress,
            events,
            quarantine,
        };
        machine.publish();
        Ok((machine, to_store))
    }

    fn apply_command(&mut self, log_id: LogId, command: &Command) -> io::Result<Response> {
        // Every node refuses the same bytes in the same way, so a command that cannot be read stops
        // all of them rather than letting them part.
        match command::read(&command.0)? {
            Content::Requests { time_us, batches } => {
                let answers = self.store.ledger().apply_requests(time_us, &batches);
                let answers = answers.map_err(|error| self.quarantine.told(error))?;
                self.report_incidents(&batches, &answers);
                Ok(Response::Recorded(answers))
            }
            Content::Close { height, closed_us } => self.close(log_id, height, closed_us),
            Content::Attest { height, attestation } => {
                let outcome = self.store.ledger().attest(height, &attestation);
                let outcome = outcome.map_err(|error| self.quarantine.told(error))?;
                self.report(height, attestation.node_name, &outcome);
                Ok(Response::Attested(outcome))
            }
        }
    }

    fn close(&mut self, log_id: LogId, height: u64, closed_us: u64) -> io::Result<Response> {
        let replay_from = ReplayFrom { last_applied: Some(log_id), membership: self.membership.clone() };
        let closing = Closing {
            closed_us,
            raft_term: *log_id.leader_id,
            raft_index: log_id.index,
            replay_from: replay_from.encode(),
        };
        let Some(table) = self.store.ledger().close(height, closing) else {
            return Ok(Response::Closed(false));
        };
        let _nobody_watches = self.events.send(Event::Closed { height });
        self.closed.send(table).map_err(|_| io::Error::other("tables can no longer be stored"))?;
        Ok(Response::Closed(true))
    }

    fn report_incidents(&self, batches: &[Batch], answers: &[Vec<Answer>]) {
        let items = batches.iter().flat_map(|batch| &batch.items).zip(answers.iter().flatten());
        for (item, answer) in items.filter(|(item, _)| item.transfer.act == Act::Incident) {
            if let Answer::Recorded { leaf_index, repeated: false, .. } = *answer {
                let (record_id, closed) = (item.transfer.record_id, item.transfer.subject());
                let _nobody_watches = self.events.send(Event::Incident { record_id, leaf_index, closed });
            }
        }
    }

    fn report(&self, height: u64, by: String, outcome: &AttestOutcome) {
        match outcome {
            AttestOutcome::Counted => {
                let _nobody_watches = self.events.send(Event::Attested { height, by });
            }
            AttestOutcome::Sealed { upto } => {
                let first = self.progress.borrow().sealed_height.map_or(0, |sealed| sealed + 1);
                let _nobody_watches = self.events.send(Event::Attested { height, by });
                for height in first..=*upto {
                    let _nobody_watches = self.events.send(Event::Sealed { height });
                }
            }
            AttestOutcome::OtherRoot { ours, theirs } => {
                tracing::error!(height, by, %ours, %theirs, "a server signed another root for this table; sealing stops");
                self.progress.send_modify(|progress| progress.other_roots += 1);
                let _nobody_watches = self.events.send(Event::OtherRoot { height, by });
            }
            AttestOutcome::BadSignature | AttestOutcome::UnknownNode => {
                tracing::error!(height, by, ?outcome, "an attestation was not valid and is ignored");
            }
            AttestOutcome::Repeated | AttestOutcome::NotClosed => {}
        }
    }

    fn publish(&self) {
        let ledger = self.store.ledger();
        let (closed_height, stored_height) = (ledger.open_table().height.checked_sub(1), ledger.durable().height);
        let sealed_height = ledger.sealed_height();
        self.progress.send_if_modified(|progress| {
            // The storing thread may have said more since the ledger was asked.
            let stored_height = stored_height.max(progress.stored_height);
            let now = Progress { closed_height, stored_height, sealed_height, ..*progress };
            std::mem::replace(progress, now) != now
        });
    }

    /// Waits until few enough closed tables stand in memory.
    async fn wait_for_the_disk(&self) -> io::Result<()> {
        let mut progress = self.progress.subscribe();
        tokio::select! {
            _kept_up = progress.wait_for(|progress| progress.unstored() <= UNSTORED_TABLES_MAX) => Ok(()),
            () = self.closed.closed() => Err(io::Error::other("tables can no longer be stored")),
        }
    }

    fn manifest(&self) -> io::Result<Option<Snapshot>> {
        let durable = self.store.ledger().durable();
        let (Some(upto_height), Some(replay_from)) = (durable.height, durable.replay_from) else {
            return Ok(None);
        };
        let ReplayFrom { last_applied, membership } = ReplayFrom::decode(&replay_from)?;
        let meta = SnapshotMeta { last_log_id: last_applied, last_membership: membership };
        Ok(Some(Snapshot { meta, snapshot: SnapshotManifest { upto_height, replay_from: replay_from.into() } }))
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotManifest;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok((self.last_applied, self.membership.clone()))
    }

    async fn apply<Entries>(&mut self, mut entries: Entries) -> Result<(), io::Error>
    where
        Entries: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + Send,
    {
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            self.wait_for_the_disk().await?;
            let response = match &entry.payload {
                Payload::Blank => Response::Nothing,
                Payload::Normal(command) => self.apply_command(entry.log_id, command)?,
                Payload::Membership(membership) => {
                    self.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
                    Response::Nothing
                }
            };
            self.last_applied = Some(entry.log_id);
            self.publish();
            if matches!(response, Response::Recorded(_)) {
                let _nobody_watches = self.events.send(Event::Recorded { size: self.store.ledger().size() });
            }
            if let Some(responder) = responder {
                responder.send(response);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder(self.manifest())
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, manifest: SnapshotManifest) -> Result<(), io::Error> {
        let store = self.store.clone();
        // The blocks were pulled and verified, and wait in the data directory; now each is folded in.
        let replay = ReplayFrom::point(&manifest.replay_from)?;
        let replay = replay.ok_or_else(|| io::Error::other("a snapshot names no entry of the log"))?;
        let adopt = move || store.ledger().adopt(manifest.upto_height, replay);
        let adopted = tokio::task::spawn_blocking(adopt).await.map_err(io::Error::other)?;
        adopted.map_err(|error| self.quarantine.told(error))?;
        self.last_applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.publish();
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        self.manifest()
    }
}

/// Takes a snapshot: names the blocks that are stored. Nothing is copied.
pub(crate) struct SnapshotBuilder(io::Result<Option<Snapshot>>);

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = SnapshotManifest;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let manifest = std::mem::replace(&mut self.0, Ok(None))?;
        manifest.ok_or_else(|| io::Error::other("no block is stored yet, so there is nothing to take a snapshot of"))
    }
}

#[cfg(test)]
mod tests {
    use bulla_storage::StoreOptions;
    use futures::{FutureExt, stream};
    use tempfile::TempDir;

    use super::*;
    use crate::log_store_suite::new_identity;
    use crate::types::Entry;
    use crate::wire;

    fn machine(directory: &TempDir) -> (StateMachine, mpsc::UnboundedReceiver<Arc<ClosedTable>>) {
        let identity = new_identity(directory);
        let store = Arc::new(Store::open(directory.path(), &identity, StoreOptions::default()).unwrap());
        let door = crate::log_store_suite::door(store.clone());
        StateMachine::open(store, watch::Sender::new(Progress::default()), broadcast::Sender::new(16), door).unwrap()
    }

    /// The entries that close the first tables, one after another.
    fn closes(tables: u64) -> impl Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + Send {
        stream::iter((0..tables).map(|height| {
            let payload = Payload::Normal(command::close(height, 1_000 + height));
            Ok((Entry { log_id: wire::log_id(1, height), payload }, None))
        }))
    }

    #[test]
    fn applying_waits_for_a_disk_that_does_not_keep_up() {
        let directory = TempDir::new().unwrap();
        let (mut machine, mut closed) = machine(&directory);
        let (store, progress) = (machine.store.clone(), machine.progress.clone());
        let mut applied = Box::pin(machine.apply(closes(20)));
        let mut stored = 0;
        while applied.as_mut().now_or_never().is_none() {
            assert!(store.ledger().closed_tables().len() as u64 <= UNSTORED_TABLES_MAX + 1);
            let table = closed.try_recv().expect("a table to store");
            store.ledger().store(&table).unwrap();
            progress.send_modify(|progress| progress.stored_height = Some(table.height()));
            stored += 1;
        }
        assert!(stored >= 20 - UNSTORED_TABLES_MAX - 1, "only {stored} tables were waited for");
    }

    #[test]
    fn applying_fails_once_nobody_stores_tables_any_more() {
        let directory = TempDir::new().unwrap();
        let (mut machine, closed) = machine(&directory);
        let mut applied = Box::pin(machine.apply(closes(20)));
        assert!(applied.as_mut().now_or_never().is_none());
        drop(closed);
        assert!(applied.now_or_never().unwrap().is_err());
    }

    #[test]
    fn what_was_said_to_be_stored_is_never_taken_back() {
        let directory = TempDir::new().unwrap();
        let (machine, _closed) = machine(&directory);
        // The storing thread is heard before the ledger is asked, or after: both happen.
        machine.progress.send_modify(|progress| progress.stored_height = Some(3));
        machine.publish();
        assert_eq!(machine.progress.borrow().stored_height, Some(3));
    }
}
