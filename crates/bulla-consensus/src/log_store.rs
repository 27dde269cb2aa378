//! openraft's log on bulla-storage: one writer thread, one queue, and the newest entries in memory.
//!
//! All changes of log and vote pass through one first-in-first-out queue to one thread. It takes
//! what waits, up to [`BATCH_BYTES_MAX`], writes it in one durable transaction, and only then
//! answers. So a vote is never durable before an entry that was appended before it, callbacks come
//! in order, and many small appends share one fsync.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, Weak, mpsc};
use std::thread::JoinHandle;

use bulla_storage::{LogOp, RaftLog, Store};
use bytes::Bytes;
use futures::{Stream, TryStreamExt, stream};
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use tokio::sync::{oneshot, watch};

use crate::log_cache::LogCache;
use crate::quarantine::QuarantineDoor;
use crate::types::{Entry, LogId, TypeConfig, Vote};
use crate::wire::{self, WireLogId, WireVote};

/// The most that one durable transaction of the log takes, in bytes of entries (and at least one operation).
const BATCH_BYTES_MAX: usize = 16 << 20;

/// The Raft log as openraft wants it. Clones share one log.
#[derive(Clone)]
pub(crate) struct LogStore {
    shared: Arc<Shared>,
    writer: Arc<mpsc::Sender<Task>>,
}

/// Sees to it that what can wait does not. Does not keep the log open.
pub(crate) struct LogFlusher {
    shared: Arc<Shared>,
    writer: Weak<mpsc::Sender<Task>>,
}

impl LogFlusher {
    /// Waits until all that was asked of the log before is on the disk, a purge included.
    pub(crate) async fn flush(&self) -> io::Result<()> {
        let purged = self.shared.tail().purged;
        match (purged, self.writer.upgrade()) {
            (Some(purged), Some(writer)) => {
                let log = LogStore { shared: self.shared.clone(), writer };
                log.queue_and_wait(purge_to(purged)).await
            }
            _ => Ok(()),
        }
    }
}

fn purge_to(log_id: LogId) -> LogOp {
    LogOp::PurgeTo { index: log_id.index, log_id: wire::encode(&WireLogId::from(&log_id)).to_vec() }
}

struct Shared {
    store: Arc<Store>,
    tail: Mutex<Tail>,
    flushed: watch::Sender<Option<u64>>,
    /// The most that one read for a peer brings, in bytes (and at least one entry).
    read_bytes_max: usize,
    quarantine: QuarantineDoor,
}

/// What the log is once everything in the queue is written.
struct Tail {
    cache: LogCache,
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    /// The lowest index that is there, while any is.
    first: u64,
    last: Option<LogId>,
}

/// One operation on its way to the disk, and who waits for it.
struct Task {
    operation: LogOp,
    bytes: usize,
    done: Done,
}

enum Done {
    Nobody,
    Append(IOFlushed<TypeConfig>, u64),
    Caller(oneshot::Sender<io::Result<()>>),
}

impl Task {
    /// Whether losing the operation in a crash costs nothing but time.
    fn can_wait(&self) -> bool {
        matches!(self.done, Done::Nobody) && matches!(self.operation, LogOp::Committed(_) | LogOp::PurgeTo { .. })
    }
}

impl LogStore {
    /// Opens the log and starts its writer thread, which ends when the last clone is gone.
    ///
    /// `cache_bytes` of durable entries stay in memory; one read for a peer brings at most `read_bytes_max`.
    pub(crate) fn open(
        store: Arc<Store>,
        cache_bytes: usize,
        read_bytes_max: usize,
        quarantine: QuarantineDoor,
    ) -> io::Result<(LogStore, JoinHandle<()>)> {
        let tail = Tail::read(store.raft_log(), cache_bytes)?;
        let durable_to = tail.last.as_ref().map(|log_id| log_id.index);
        let (tail, flushed) = (Mutex::new(tail), watch::Sender::new(durable_to));
        let shared = Arc::new(Shared { store, tail, flushed, read_bytes_max, quarantine });
        let (writer, queue) = mpsc::channel();
        let writing = shared.clone();
        let thread = std::thread::Builder::new().name("bulla-log".into()).spawn(move || writing.write_all(&queue))?;
        Ok((LogStore { shared, writer: Arc::new(writer) }, thread))
    }

    /// The index up to which this node's own log is durable, as it grows.
    pub(crate) fn flushed(&self) -> watch::Receiver<Option<u64>> {
        self.shared.flushed.subscribe()
    }

    /// What waits for the disk.
    pub(crate) fn flusher(&self) -> LogFlusher {
        LogFlusher { shared: self.shared.clone(), writer: Arc::downgrade(&self.writer) }
    }

    fn queue(&self, operation: LogOp, bytes: usize, done: Done) -> io::Result<()> {
        let task = Task { operation, bytes, done };
        self.writer.send(task).map_err(|_| io::Error::other("the log's writer has stopped after a failed write"))
    }

    async fn queue_and_wait(&self, operation: LogOp) -> io::Result<()> {
        let (done, written) = oneshot::channel();
        self.queue(operation, 0, Done::Caller(done))?;
        written.await.unwrap_or_else(|_| Err(io::Error::other("the log's writer has stopped after a failed write")))
    }

    fn read(&self, range: impl RangeBounds<u64>, bytes_max: usize) -> io::Result<Vec<Entry>> {
        let (mut next, end) = self.shared.tail().clamp(range);
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while next < end && (entries.is_empty() || bytes < bytes_max) {
            let on_disk_to = {
                let tail = self.shared.tail();
                match tail.cache.first() {
                    Some(first) if first <= next => {
                        entries.extend(tail.cache.read(next, end, bytes_max - bytes));
                        return Ok(entries);
                    }
                    first => first.map_or(end, |first| first.min(end)),
                }
            };
            let stored = self.shared.store.raft_log().read(next..on_disk_to, bytes_max - bytes);
            let stored = stored.map_err(|error| self.shared.quarantine.told(error))?;
            if stored.first().is_none_or(|(index, _)| *index != next) {
                return Err(io::Error::other(format!("log entry {next} is missing; restore this node from its peers")));
            }
            for (index, encoded) in stored {
                next = index + 1;
                bytes += encoded.len();
                entries.push(wire::decode_entry(Bytes::from(encoded))?);
            }
        }
        Ok(entries)
    }
}

impl Tail {
    fn read(raft_log: &RaftLog, cache_bytes: usize) -> io::Result<Tail> {
        let state = raft_log.state().map_err(io::Error::other)?;
        let log_id = |bytes: Option<Vec<u8>>| -> io::Result<Option<LogId>> {
            let wire = bytes.map(|bytes| wire::decode::<WireLogId>("log id", &bytes)).transpose()?;
            Ok(wire.map(LogId::from))
        };
        let vote = state.vote.map(|bytes| wire::decode::<WireVote>("vote", &bytes)).transpose()?.map(Vote::from);
        let (committed, purged) = (log_id(state.committed)?, log_id(state.purged)?);
        let first = state.first.or(purged.map(|purged| purged.index + 1)).unwrap_or(0);
        let last = match state.last {
            None => purged,
            Some(last) => {
                let mut entries = raft_log.read(last..last + 1, usize::MAX).map_err(io::Error::other)?;
                let (_, bytes) = entries.pop().ok_or_else(|| io::Error::other("the last log entry is missing"))?;
                Some(wire::decode_entry(Bytes::from(bytes))?.log_id)
            }
        };
        Ok(Tail { cache: LogCache::new(cache_bytes), vote, committed, purged, first, last })
    }

    /// `range` as a half-open interval of what is there.
    fn clamp(&self, range: impl RangeBounds<u64>) -> (u64, u64) {
        let start = match range.start_bound() {
            Bound::Included(index) => *index,
            Bound::Excluded(index) => index + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(index) => index + 1,
            Bound::Excluded(index) => *index,
            Bound::Unbounded => u64::MAX,
        };
        let next = self.last.map_or(0, |last| last.index + 1);
        (start.max(self.first), end.min(next))
    }
}

impl Shared {
    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().expect("nobody panics with the tail of the log in hand")
    }

    fn write_all(&self, queue: &mpsc::Receiver<Task>) {
        // What nobody waits for is not worth an fsync of its own: it goes with what comes next.
        let mut patient: Vec<Task> = Vec::new();
        while let Ok(first) = queue.recv() {
            let mut bytes = first.bytes;
            let mut tasks = std::mem::take(&mut patient);
            tasks.push(first);
            while bytes < BATCH_BYTES_MAX
                && let Ok(task) = queue.try_recv()
            {
                bytes += task.bytes;
                tasks.push(task);
            }
            if tasks.iter().all(Task::can_wait) {
                patient = tasks;
                patient.dedup_by(|newer, older| {
                    let both =
                        matches!((&older.operation, &newer.operation), (LogOp::Committed(_), LogOp::Committed(_)));
                    if both {
                        std::mem::swap(older, newer);
                    }
                    both
                });
            } else if !self.write(tasks) {
                return;
            }
        }
    }

    /// Writes one transaction and answers those who wait for it; false after a failure, which is
    /// for ever: what a failed fsync has left on the disk is not known to anybody.
    fn write(&self, tasks: Vec<Task>) -> bool {
        let (operations, waiting): (Vec<LogOp>, Vec<Done>) =
            tasks.into_iter().map(|task| (task.operation, task.done)).unzip();
        let written = self.store.raft_log().commit(&operations).map_err(|error| {
            tracing::error!(%error, "the raft log cannot be written; this node must be restarted");
            error.to_string()
        });
        for done in waiting {
            let result = written.clone().map_err(io::Error::other);
            match done {
                Done::Nobody => {}
                Done::Caller(caller) => drop(caller.send(result)),
                Done::Append(callback, last) => {
                    if result.is_ok() {
                        self.tail().cache.shrink(last);
                        self.flushed.send_replace(Some(last));
                    }
                    callback.io_completed(result);
                }
            }
        }
        written.is_ok()
    }
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> Result<Vec<Entry>, io::Error>
    where
        RB: RangeBounds<u64> + Clone + Debug + Send,
    {
        self.read(range, usize::MAX)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.shared.tail().vote)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, io::Error> {
        self.read(start..end, self.shared.read_bytes_max)
    }

    /// What is to be applied, read as it is applied: how far apply is behind must not decide how much stands in memory.
    async fn entries_stream<RB>(&mut self, range: RB) -> impl Stream<Item = Result<Entry, io::Error>> + Send
    where
        RB: RangeBounds<u64> + Clone + Debug + Send,
    {
        let (start, end) = self.shared.tail().clamp(range);
        let log = self.clone();
        let pieces = stream::try_unfold(start, move |next| {
            let piece = log.read(next..end, log.shared.read_bytes_max);
            std::future::ready(piece.map(|entries| {
                let last = entries.last()?.log_id.index;
                Some((entries, last + 1))
            }))
        });
        pieces.map_ok(|entries| stream::iter(entries.into_iter().map(Ok))).try_flatten()
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let tail = self.shared.tail();
        Ok(LogState { last_purged_log_id: tail.purged, last_log_id: tail.last })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.shared.tail().vote = Some(*vote);
        self.queue_and_wait(LogOp::Vote(wire::encode(&WireVote::from(vote)).to_vec())).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        let Some(committed) = committed else {
            return Ok(());
        };
        self.shared.tail().committed = Some(committed);
        self.queue(LogOp::Committed(wire::encode(&WireLogId::from(&committed)).to_vec()), 0, Done::Nobody)
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.shared.tail().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        let mut callback = Some(callback);
        let mut entries = entries.into_iter().peekable();
        while let Some(entry) = entries.next() {
            let index = entry.log_id.index;
            let encoded = wire::encode_entry(&entry);
            let bytes = encoded.len();
            {
                let mut tail = self.shared.tail();
                if tail.last == tail.purged {
                    tail.first = index;
                }
                tail.last = Some(entry.log_id);
                tail.cache.push(entry, bytes);
            }
            let done = match entries.peek() {
                Some(_) => Done::Nobody,
                None => Done::Append(callback.take().expect("one last entry"), index),
            };
            self.queue(LogOp::Append { index, entry: encoded }, bytes, done)?;
        }
        if let Some(nothing_to_write) = callback {
            nothing_to_write.io_completed(Ok(()));
        }
        Ok(())
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> Result<(), io::Error> {
        let from = last_log_id.map_or(0, |last| last.index + 1);
        {
            let mut tail = self.shared.tail();
            tail.cache.truncate_from(from);
            tail.last = tail.last.min(last_log_id).max(tail.purged);
        }
        self.queue_and_wait(LogOp::TruncateFrom(from)).await?;
        self.shared.flushed.send_if_modified(|flushed| {
            let shorter = from.checked_sub(1).min(*flushed);
            std::mem::replace(flushed, shorter) != shorter
        });
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), io::Error> {
        {
            let mut tail = self.shared.tail();
            tail.cache.purge_to(log_id.index);
            tail.purged = Some(log_id);
            tail.first = log_id.index + 1;
            tail.last = tail.last.max(Some(log_id));
        }
        self.queue(purge_to(log_id), 0, Done::Nobody)
    }
}
