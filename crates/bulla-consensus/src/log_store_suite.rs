//! openraft's own storage suite, and what it does not ask, against the log store on a real directory.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use bulla_sealing::{ConfigLeaf, ConfigNode, SigningKey};
use bulla_storage::{Identity, Store, StoreOptions, identity};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use openraft::StorageError;
use openraft::storage::{
    EntryResponder, IOFlushed, RaftLogReader, RaftLogStorage, RaftSnapshotBuilder, RaftStateMachine,
};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::type_config::TypeConfigExt;
use tempfile::TempDir;
use uuid::Uuid;

use crate::log_store::LogStore;
use crate::quarantine::QuarantineDoor;
use crate::types::{
    Command, Entry, LogId, Payload, Snapshot, SnapshotManifest, SnapshotMeta, StoredMembership, TypeConfig, Vote,
};
use crate::wire;

const CACHE_BYTES: usize = 1 << 20;
const READ_BYTES_MAX: usize = 4 << 20;

/// A data directory of its own for every store.
struct Directories;

/// The suite asks for a state machine beside the log; this one remembers only where it is.
#[derive(Default)]
struct Bookmark {
    last_applied: Option<LogId>,
    membership: StoredMembership,
    snapshot: Option<SnapshotMeta>,
}

#[test]
fn the_log_store_passes_openrafts_own_suite() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(Suite::test_all(Directories)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_the_store_is_opened_again() {
    let directory = TempDir::new().unwrap();
    let identity = new_identity(&directory);
    let (mut log, writer) = open(&directory, &identity, CACHE_BYTES);
    append(&mut log, (0..20).map(|index| command_entry(3, index, 1_000))).await;
    log.save_vote(&Vote::new_committed(3, 1)).await.unwrap();
    log.truncate_after(Some(wire::log_id(3, 14))).await.unwrap();
    append(&mut log, [command_entry(4, 15, 10)]).await;
    drop(log);
    writer.join().unwrap();

    let (mut log, _writer) = open(&directory, &identity, CACHE_BYTES);
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new_committed(3, 1)));
    assert_eq!(log.get_log_state().await.unwrap().last_log_id, Some(wire::log_id(4, 15)));
    let entries = log.try_get_log_entries(0..100).await.unwrap();
    let expected: Vec<Entry> =
        (0..15).map(|index| command_entry(3, index, 1_000)).chain([command_entry(4, 15, 10)]).collect();
    assert_eq!(entries, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_left_the_cache_are_read_from_the_disk_without_holes() {
    let directory = TempDir::new().unwrap();
    let identity = new_identity(&directory);
    // Three of the entries fit in the cache, the rest is on disk only.
    let (mut log, _writer) = open(&directory, &identity, 3_500);
    for index in 0..50 {
        append(&mut log, [command_entry(1, index, 1_000)]).await;
    }
    for start in 0..50 {
        let entries = log.try_get_log_entries(start..50).await.unwrap();
        let indexes: Vec<u64> = entries.iter().map(|entry| entry.log_id.index).collect();
        assert_eq!(indexes, (start..50).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_for_a_peer_stops_at_its_byte_limit_and_brings_at_least_one_entry() {
    let directory = TempDir::new().unwrap();
    let identity = new_identity(&directory);
    let store = Arc::new(Store::open(directory.path(), &identity, StoreOptions::default()).unwrap());
    let (mut log, _writer) = LogStore::open(store.clone(), CACHE_BYTES, 5_000, door(store)).unwrap();
    append(&mut log, (0..10).map(|index| command_entry(1, index, 2_000))).await;
    assert_eq!(log.limited_get_log_entries(0, 10).await.unwrap().len(), 2);
    append(&mut log, [command_entry(1, 10, 9_000)]).await;
    assert_eq!(log.limited_get_log_entries(10, 11).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_to_apply_are_read_as_they_are_applied_and_not_all_at_once() {
    let directory = TempDir::new().unwrap();
    let identity = new_identity(&directory);
    let store = Arc::new(Store::open(directory.path(), &identity, StoreOptions::default()).unwrap());
    let (mut log, _writer) = LogStore::open(store.clone(), CACHE_BYTES, 5_000, door(store)).unwrap();
    append(&mut log, (0..10).map(|index| command_entry(1, index, 2_000))).await;
    let indexes = |entries: Vec<io::Result<Entry>>| -> Vec<u64> {
        entries.into_iter().map(|entry| entry.unwrap().log_id.index).collect()
    };
    assert_eq!(indexes(log.entries_stream(1..9).await.collect().await), [1, 2, 3, 4, 5, 6, 7, 8]);

    let mut reader = log.clone();
    let mut entries = Box::pin(reader.entries_stream(0..10).await);
    assert_eq!(entries.next().await.unwrap().unwrap().log_id.index, 0);
    // Only what has not been read yet can still be taken away.
    log.truncate_after(Some(wire::log_id(1, 4))).await.unwrap();
    assert_eq!(indexes(entries.collect().await), [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_purged_whole_is_empty_after_it_is_opened_again() {
    let directory = TempDir::new().unwrap();
    let identity = new_identity(&directory);
    let (mut log, writer) = open(&directory, &identity, CACHE_BYTES);
    append(&mut log, (0..5).map(|index| command_entry(1, index, 10))).await;
    log.purge(wire::log_id(1, 9)).await.unwrap();
    log.save_vote(&Vote::new_committed(3, 1)).await.unwrap();
    drop(log);
    writer.join().unwrap();

    let (mut log, _writer) = open(&directory, &identity, CACHE_BYTES);
    assert_eq!(log.try_get_log_entries(0..100).await.unwrap(), []);
    append(&mut log, [command_entry(3, 10, 10)]).await;
    assert_eq!(log.try_get_log_entries(0..100).await.unwrap(), [command_entry(3, 10, 10)]);
}

pub(crate) fn new_identity(directory: &TempDir) -> Identity {
    let key = |seed: u8| SigningKey::from_bytes(&[seed; 32]);
    let node = ConfigNode { name: "node-1".into(), public_key: key(1).verifying_key().to_bytes() };
    let genesis = ConfigLeaf::genesis("bulla/test", key(9).verifying_key().to_bytes(), vec![node]).unwrap();
    let founder = Identity {
        node_id: 1,
        node_name: "node-1".into(),
        instance_id: Uuid::from_u128(1),
        genesis,
        node_key: key(1),
        log_key: key(9),
    };
    identity::create(directory.path(), &founder).unwrap();
    founder
}

fn open(directory: &TempDir, identity: &Identity, cache_bytes: usize) -> (LogStore, JoinHandle<()>) {
    let store = Arc::new(Store::open(directory.path(), identity, StoreOptions::default()).unwrap());
    LogStore::open(store.clone(), cache_bytes, READ_BYTES_MAX, door(store)).unwrap()
}

fn command_entry(term: u64, index: u64, bytes: usize) -> Entry {
    let command = Command(Bytes::from(vec![index as u8; bytes]));
    Entry { log_id: wire::log_id(term, index), payload: Payload::Normal(command) }
}

/// Appends and waits until it is durable.
async fn append(log: &mut LogStore, entries: impl IntoIterator<Item = Entry, IntoIter: Send> + Send) {
    let (done, durable) = TypeConfig::oneshot();
    log.append(entries, IOFlushed::signal(done)).await.unwrap();
    durable.await.unwrap().unwrap();
}

impl StoreBuilder<TypeConfig, LogStore, Bookmark, TempDir> for Directories {
    async fn build(&self) -> Result<(TempDir, LogStore, Bookmark), StorageError<TypeConfig>> {
        let directory = TempDir::new().unwrap();
        let identity = new_identity(&directory);
        let (log, _writer) = open(&directory, &identity, CACHE_BYTES);
        Ok((directory, log, Bookmark::default()))
    }
}

impl RaftStateMachine<TypeConfig> for Bookmark {
    type SnapshotData = SnapshotManifest;
    type SnapshotBuilder = BookmarkSnapshot;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok((self.last_applied, self.membership.clone()))
    }

    async fn apply<Entries>(&mut self, mut entries: Entries) -> Result<(), io::Error>
    where
        Entries: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + Send,
    {
        while let Some(next) = entries.next().await {
            let (entry, _responder) = next?;
            self.last_applied = Some(entry.log_id);
            if let Payload::Membership(membership) = entry.payload {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> BookmarkSnapshot {
        let meta = SnapshotMeta { last_log_id: self.last_applied, last_membership: self.membership.clone() };
        self.snapshot = Some(meta.clone());
        BookmarkSnapshot(meta)
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, _manifest: SnapshotManifest) -> Result<(), io::Error> {
        self.last_applied = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.snapshot = Some(meta.clone());
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        Ok(self.snapshot.clone().map(|meta| Snapshot { meta, snapshot: no_blocks() }))
    }
}

struct BookmarkSnapshot(SnapshotMeta);

impl RaftSnapshotBuilder<TypeConfig> for BookmarkSnapshot {
    type SnapshotData = SnapshotManifest;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        Ok(Snapshot { meta: self.0.clone(), snapshot: no_blocks() })
    }
}

fn no_blocks() -> SnapshotManifest {
    SnapshotManifest { upto_height: 0, replay_from: [].into() }
}

/// The way out of agreement that nobody takes here.
pub(crate) fn door(store: Arc<Store>) -> QuarantineDoor {
    QuarantineDoor::new(store, Arc::new(|| 1_000_000), tokio::sync::watch::Sender::new(false))
}
