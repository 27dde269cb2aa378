//! Group commit: what waits is gathered into one entry, and tables are closed in time.
//!
//! One task decides the order of everything that this node proposes. So it knows, while entries are
//! under way, how many records the open table will have, and puts its Close exactly where the table
//! is full.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bulla_ledger::{Record, Transfer};
use bulla_storage::{Answer, Batch};
use openraft::errors::ClientWriteError;
use openraft::impls::ProgressResponder;
use openraft::raft::ClientWriteResponse;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use crate::command;
use crate::engine::Engine;
use crate::response::Response;
use crate::types::{Command, TypeConfig};

/// One batch that waits to be proposed.
pub(crate) struct Submission {
    pub(crate) batch: Batch,
    pub(crate) bytes: usize,
    pub(crate) answer: oneshot::Sender<Proposed>,
    /// Its place in the queue, given back when it is answered.
    pub(crate) _room: OwnedSemaphorePermit,
}

/// What became of a submission.
pub(crate) enum Proposed {
    /// It is recorded, or refused: decided.
    Answered(Vec<Answer>),
    /// It was not proposed here, or nobody knows what became of it: try again, with the same record ids.
    TryAgain,
}

/// How many closed tables may wait to be stored before no more records are taken.
const UNSTORED_TABLES_MAX: u64 = 4;

/// The most requests that go into one entry.
const ENTRY_RECORDS_MAX: usize = 16_384;

pub(crate) struct Proposer {
    engine: Arc<Engine>,
    in_flight: Arc<Semaphore>,
    /// Held by everything that is proposed and not answered yet.
    ticket: Arc<()>,
    /// The open table as it will be once everything under way is applied.
    expected: ExpectedTable,
    /// Set when something was not applied as it was counted on.
    surprised: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Copy)]
struct ExpectedTable {
    height: u64,
    leaves: u64,
    bytes: u64,
    /// When its first leaf came; `None` while it has none.
    since: Option<Since>,
}

#[derive(Debug, Clone, Copy)]
struct Since {
    /// POSIX microseconds, on the clock of whoever led then.
    time_us: u64,
    /// When this proposer heard of it: that leader's clock may have been far ahead.
    heard: Instant,
}

impl Proposer {
    pub(crate) fn new(engine: Arc<Engine>) -> Proposer {
        let in_flight = Arc::new(Semaphore::new(engine.settings.in_flight_entries_max));
        let expected = ExpectedTable::of(&engine);
        Proposer { engine, in_flight, ticket: Arc::new(()), expected, surprised: Arc::default() }
    }

    /// Proposes what comes through `queue`, until the node stops.
    pub(crate) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Submission>) {
        let age_max = Duration::from_millis(self.engine.settings.table_age_ms_max);
        let mut tick = tokio::time::interval((age_max / 8).clamp(Duration::from_millis(5), Duration::from_millis(100)));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut waiting = VecDeque::new();
        loop {
            tokio::select! {
                biased;
                () = self.engine.stopped() => return,
                _ = tick.tick() => {
                    self.engine.look_at_the_disk();
                    self.close_when_old().await;
                }
                submission = queue.recv() => match submission {
                    Some(submission) => waiting.push_back(submission),
                    None => return,
                },
            }
            while !waiting.is_empty() {
                let Some(slot) = self.slot().await else {
                    return;
                };
                while let Ok(submission) = queue.try_recv() {
                    waiting.push_back(submission);
                }
                self.propose(gather(&mut waiting, self.engine.settings.entry_bytes_max), slot).await;
                // Under load the tick above may not come for long.
                self.engine.look_at_the_disk();
                self.close_when_old().await;
            }
        }
    }

    /// Waits until one more entry may be under way, and until the disk keeps up with closed tables.
    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let mut progress = self.engine.progress.subscribe();
        let keeps_up = progress.wait_for(|progress| progress.unstored() <= UNSTORED_TABLES_MAX);
        tokio::select! {
            () = self.engine.stopped() => return None,
            _ = keeps_up => {}
        }
        tokio::select! {
            () = self.engine.stopped() => None,
            slot = self.in_flight.clone().acquire_owned() => slot.ok(),
        }
    }

    async fn propose(&mut self, submissions: Vec<Submission>, slot: OwnedSemaphorePermit) {
        if !self.engine.raft.is_leader() {
            return submissions.into_iter().for_each(|submission| answer(submission, Proposed::TryAgain));
        }
        self.look_at_the_table();
        let leaves: u64 = submissions.iter().map(|submission| submission.batch.items.len() as u64).sum();
        let bytes: u64 = submissions.iter().map(|submission| table_bytes_of(&submission.batch) as u64).sum();
        let settings = &self.engine.settings;
        let full = self.expected.leaves + leaves > settings.table_records_max
            || self.expected.bytes + bytes > settings.table_bytes_max;
        if full && self.expected.leaves > 0 {
            self.close().await;
        }
        let now_us = (self.engine.settings.clock)();
        self.expected.leaves += leaves;
        self.expected.bytes += bytes;
        self.expected.since.get_or_insert_with(|| Since::now(now_us));
        let command = command::requests(now_us, submissions.iter().map(|submission| &submission.batch));
        let (ticket, surprised) = (self.ticket.clone(), self.surprised.clone());
        let decided = self.send(command).await;
        tokio::spawn(async move {
            let decided = decided.await.ok();
            if !matches!(decided, Some(Ok(_))) {
                surprised.store(true, Ordering::Relaxed);
            }
            drop((slot, ticket));
            answer_all(submissions, decided);
        });
    }

    async fn close_when_old(&mut self) {
        if !self.engine.raft.is_leader() {
            return;
        }
        self.look_at_the_table();
        let now_us = (self.engine.settings.clock)();
        let age_max = Duration::from_millis(self.engine.settings.table_age_ms_max);
        if self.expected.since.is_some_and(|since| since.age(now_us) >= age_max) {
            self.close().await;
        }
    }

    async fn close(&mut self) {
        let now_us = (self.engine.settings.clock)();
        let command = command::close(self.expected.height, now_us);
        self.expected = ExpectedTable { height: self.expected.height + 1, leaves: 0, bytes: 0, since: None };
        let (ticket, surprised) = (self.ticket.clone(), self.surprised.clone());
        let decided = self.send(command).await;
        tokio::spawn(async move {
            // If the Close is lost the table stays open, and the next look at it finds that out.
            let closed = decided
                .await
                .is_ok_and(|decided| matches!(decided, Ok(done) if matches!(done.data, Response::Closed(true))));
            if !closed {
                surprised.store(true, Ordering::Relaxed);
            }
            drop(ticket);
        });
    }

    /// Hands a command to Raft, in order. The receiver fails when Raft has stopped.
    async fn send(&self, command: Command) -> oneshot::Receiver<Decided> {
        let (responder, decided) = ProgressResponder::<TypeConfig, _>::complete_only();
        let _stopped_then_the_receiver_fails = self.engine.raft.client_write_ff(command, Some(responder)).await;
        decided
    }

    /// With nothing under way, the ledger knows best; otherwise what was proposed is counted on. Under load something is
    /// always under way, so a surprise must not have to wait for a pause: a table that is never closed grows for ever.
    fn look_at_the_table(&mut self) {
        if self.surprised.swap(false, Ordering::Relaxed) || Arc::strong_count(&self.ticket) == 1 {
            let before = std::mem::replace(&mut self.expected, ExpectedTable::of(&self.engine));
            if let (Some(since), Some(known)) = (&mut self.expected.since, before.since)
                && self.expected.height == before.height
            {
                since.heard = known.heard;
            }
        }
    }
}

impl ExpectedTable {
    fn of(engine: &Engine) -> ExpectedTable {
        let table = engine.store.ledger().open_table();
        // A table that holds only refusals is closed in time too: it is what makes them durable outside the log.
        let leaves = table.records + table.refused;
        let since = (leaves > 0).then(|| Since::now(table.first_record_us.unwrap_or(table.opened_us)));
        ExpectedTable { height: table.height, leaves, bytes: table.bytes, since }
    }
}

impl Since {
    fn now(time_us: u64) -> Since {
        Since { time_us, heard: Instant::now() }
    }

    /// By the clock or since it was heard of, whichever is longer.
    fn age(&self, now_us: u64) -> Duration {
        Duration::from_micros(now_us.saturating_sub(self.time_us)).max(self.heard.elapsed())
    }
}

/// Takes as many submissions as fit in one entry, and at least one.
fn gather(waiting: &mut VecDeque<Submission>, bytes_max: usize) -> Vec<Submission> {
    let (mut bytes, mut records) = (0, 0);
    let mut gathered = Vec::new();
    while let Some(next) = waiting.front() {
        bytes += next.bytes;
        records += next.batch.items.len();
        if !gathered.is_empty() && (bytes > bytes_max || records > ENTRY_RECORDS_MAX) {
            break;
        }
        gathered.extend(waiting.pop_front());
    }
    gathered
}

type Decided = Result<ClientWriteResponse<TypeConfig>, ClientWriteError<TypeConfig>>;

fn answer_all(submissions: Vec<Submission>, decided: Option<Decided>) {
    match decided.map(|decided| decided.map(|response| response.data)) {
        Some(Ok(Response::Recorded(answers))) => {
            assert_eq!(answers.len(), submissions.len(), "each batch of an entry has its answers");
            for (submission, answers) in submissions.into_iter().zip(answers) {
                answer(submission, Proposed::Answered(answers));
            }
        }
        Some(Ok(other)) => panic!("requests were answered with {other}"),
        Some(Err(_not_leader_any_more)) => {
            submissions.into_iter().for_each(|submission| answer(submission, Proposed::TryAgain))
        }
        None => submissions.into_iter().for_each(|submission| answer(submission, Proposed::TryAgain)),
    }
}

fn answer(submission: Submission, proposed: Proposed) {
    // Whoever asked may have gone away; what was recorded stays recorded.
    let _gone = submission.answer.send(proposed);
}

/// What a batch counts against the limits, in bytes: its requests and its payloads. Frames and salts are not counted, so
/// that a full batch of plain requests is exactly as long as it looks to its client.
pub(crate) fn bytes_of(batch: &Batch) -> usize {
    batch.items.len() * Transfer::LEN + payload_bytes(batch)
}

/// What a batch will take in a table, in bytes: its leaves with their lengths, and its payloads.
fn table_bytes_of(batch: &Batch) -> usize {
    batch.items.len() * (Record::LEN + 2) + payload_bytes(batch)
}

fn payload_bytes(batch: &Batch) -> usize {
    batch.items.iter().filter_map(|item| item.payload.as_ref()).map(|payload| payload.bytes.len()).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use bulla_storage::{Store, StoreOptions};
    use tempfile::TempDir;

    use super::*;
    use crate::blocks_suite::settings;
    use crate::consensus::Consensus;
    use crate::log_store_suite::new_identity;
    use crate::state_machine::Progress;
    use crate::transport::NoPeers;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_proposer_that_was_wrong_about_the_table_looks_again_although_something_is_under_way() {
        let directory = TempDir::new().unwrap();
        let identity = new_identity(&directory);
        let store = Arc::new(Store::open(directory.path(), &identity, StoreOptions::default()).unwrap());
        let node = Consensus::start(settings(1, 1), store, Arc::new(NoPeers)).await.unwrap();
        assert_eq!(node.wait_leader(Duration::from_secs(60)).await, Some(1));
        let mut proposer = Proposer::new(node.engine.clone());
        let _always_under_way = proposer.ticket.clone();
        proposer.expected.height = 1_000;
        proposer.close().await;
        tokio::time::timeout(Duration::from_secs(60), async {
            while proposer.expected.height > 1_000 {
                tokio::task::yield_now().await;
                proposer.look_at_the_table();
            }
        })
        .await
        .expect("it looks at the table again");
        node.shutdown().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_table_grows_old_although_the_clock_was_set_back() {
        let directory = TempDir::new().unwrap();
        let identity = new_identity(&directory);
        let store = Arc::new(Store::open(directory.path(), &identity, StoreOptions::default()).unwrap());
        let now_us = Arc::new(AtomicU64::new(1_000_000_000));
        let clock = now_us.clone();
        let mut settings = settings(1, 1);
        settings.clock = Arc::new(move || clock.load(Ordering::Relaxed));
        settings.table_age_ms_max = 10;
        let node = Consensus::start(settings, store, Arc::new(NoPeers)).await.unwrap();
        assert!(Progress::wait_sealed(&node.engine.progress, 0, Duration::from_secs(60)).await);

        now_us.fetch_sub(200_000_000, Ordering::Relaxed);
        let id = uuid::Uuid::from_u128(7);
        let enroll = Transfer::enroll(bulla_ledger::RecordId(id), bulla_ledger::PartyId(id));
        let item = bulla_storage::Item { transfer: enroll, payload: None };
        node.submit(Batch { atomic: false, items: vec![item] }).await.unwrap();
        assert!(
            Progress::wait_sealed(&node.engine.progress, 1, Duration::from_secs(60)).await,
            "the table is closed and sealed"
        );
        node.shutdown().await;
    }
}
