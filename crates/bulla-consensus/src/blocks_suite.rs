//! Blocks between two servers: asked for at any moment, by hand, as a peer would.

use std::fs;
use std::sync::Arc;

use bulla_ledger::{PartyId, RecordId, Transfer};
use bulla_sealing::{ConfigLeaf, ConfigNode, SigningKey, cosign};
use bulla_storage::{Batch, Closing, Identity, Item, Store, StoreOptions, identity};
use bytes::Bytes;
use futures::future::BoxFuture;
use tempfile::TempDir;
use uuid::Uuid;

use crate::consensus::Consensus;
use crate::local::LocalNetwork;
use crate::message::{self, Part, Reply, Request};
use crate::replay::ReplayFrom;
use crate::settings::Settings;
use crate::transport::{Lane, NodeId, PeerHandler};
use crate::types::{SnapshotManifest, SnapshotMeta, Vote};
use crate::wire;

/// Two voters of one ledger on one network. They never hold an election of their own accord.
struct Pair {
    directories: [TempDir; 2],
    network: LocalNetwork,
}

impl Pair {
    fn new() -> Pair {
        let pair =
            Pair { directories: [TempDir::new().unwrap(), TempDir::new().unwrap()], network: LocalNetwork::default() };
        for node_id in [1, 2] {
            identity::create(pair.directory(node_id).path(), &identity_of(node_id)).unwrap();
        }
        pair
    }

    fn directory(&self, node_id: NodeId) -> &TempDir {
        &self.directories[node_id as usize - 1]
    }

    fn open(&self, node_id: NodeId) -> Arc<Store> {
        let options = StoreOptions::default();
        Arc::new(Store::open(self.directory(node_id).path(), &identity_of(node_id), options).unwrap())
    }

    async fn start(&self, node_id: NodeId, store: Arc<Store>) -> Consensus {
        let transport = self.network.transport(node_id);
        let node = Consensus::start(settings(node_id, 2), store, transport).await.unwrap();
        self.network.attach(node_id, Arc::new(node.clone()));
        node
    }
}

fn identity_of(node_id: NodeId) -> Identity {
    let key = |seed: u64| SigningKey::from_bytes(&[seed as u8; 32]);
    let node = |id| ConfigNode { name: format!("node-{id}"), public_key: key(id).verifying_key().to_bytes() };
    let log_key = key(9).verifying_key().to_bytes();
    Identity {
        node_id,
        node_name: format!("node-{node_id}"),
        instance_id: Uuid::from_u128(node_id.into()),
        genesis: ConfigLeaf::genesis("bulla/test", log_key, vec![node(1), node(2)]).unwrap(),
        node_key: key(node_id),
        log_key: key(9),
    }
}

/// Of one of the first `voters` servers.
pub(crate) fn settings(node_id: NodeId, voters: NodeId) -> Settings {
    Settings {
        node_id,
        voters: (1..=voters).map(|node_id| (node_id, format!("node-{node_id}"))).collect(),
        table_records_max: 1_000,
        table_bytes_max: 1 << 20,
        table_age_ms_max: 1_000,
        batch_records_max: 1_000,
        batch_bytes_max: 1 << 20,
        queue_bytes_max: 1 << 20,
        submit_ms_max: 1_000,
        heartbeat_ms: 1_000,
        election_ms_min: 600_000,
        election_ms_max: 700_000,
        entry_bytes_max: 1 << 20,
        in_flight_entries_max: 4,
        append_entries_max: 64,
        append_bytes_max: 1 << 20,
        lag_entries_max: 4,
        snapshot_ms_max: 60_000,
        entry_cache_bytes: 1 << 20,
        erase_ms_max: 100,
        scrub_bytes_per_s: 0,
        scrub_pause_ms: 1_000,
        clock: Arc::new(|| 1_000_000),
    }
}

/// The state of Raft after the Close of a block.
fn replay_from(height: u64) -> ReplayFrom {
    ReplayFrom { last_applied: Some(wire::log_id(1, height + 1)), membership: Default::default() }
}

/// Stores blocks of ten enrolments each, as if they had been agreed upon.
fn record(store: &Store, blocks: u64) {
    for height in 0..blocks {
        let items = (1..=10).map(|number| {
            let id = Uuid::from_u64_pair(height, number);
            Item { transfer: Transfer::enroll(RecordId(id), PartyId(id)), payload: None }
        });
        let batch = Batch { atomic: true, items: items.collect() };
        store.ledger().apply_requests(100 + height, &[batch]).unwrap();
        let closing = Closing {
            closed_us: 100 + height,
            raft_term: 1,
            raft_index: height + 1,
            replay_from: replay_from(height).encode(),
        };
        let closed = store.ledger().close(height, closing).unwrap();
        store.ledger().store(&closed).unwrap();
    }
}

async fn ask(of: &Consensus, from: NodeId, request: &Request) -> (Reply, Bytes) {
    let answer = of.handle(from, Lane::Blocks, wire::encode(request)).await;
    message::read_reply(&answer).unwrap()
}

/// The first server's promise of the blocks up to a height.
fn snapshot(upto_height: u64) -> Request {
    let ReplayFrom { last_applied, membership } = replay_from(upto_height);
    let manifest = SnapshotManifest { upto_height, replay_from: replay_from(upto_height).encode().into() };
    let meta = SnapshotMeta { last_log_id: last_applied, last_membership: membership };
    Request::snapshot(&Vote::new_committed(5, 1), &meta, &manifest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_sent_while_another_is_adopted_takes_nothing_from_it() {
    let pair = Pair::new();
    let store = pair.open(1);
    record(&store, 40);
    let _sender = pair.start(1, store).await;
    let receiver = pair.start(2, pair.open(2)).await;

    let mut asked = tokio::task::JoinSet::new();
    for upto_height in [9, 19, 29, 39] {
        let receiver = receiver.clone();
        asked.spawn(async move { ask(&receiver, 1, &snapshot(upto_height)).await.0 });
    }
    for reply in asked.join_all().await {
        assert!(matches!(reply, Reply::Snapshot { .. }), "{reply:?}");
    }
    assert!(!receiver.has_stopped());
    assert_eq!(receiver.engine.store.ledger().durable().height, Some(39));
}

#[tokio::test(flavor = "multi_thread")]
async fn side_data_that_changes_while_it_is_sent_arrives_as_it_was_at_first() {
    let pair = Pair::new();
    let store = pair.open(1);
    record(&store, 2);
    let sender = pair.start(1, store).await;
    let ledger = sender.engine.store.ledger();
    let before = ledger.side_data(1).unwrap();

    let (length, _) = ask(&sender, 2, &Request::Length { height: 1, part: Part::Side }).await;
    assert_eq!(length, Reply::Length(before.len() as u64));
    let checkpoint = ledger.checkpoint_from_disk(1).unwrap();
    let Identity { node_key, node_name, .. } = identity_of(2);
    ledger.attest(1, &cosign(&node_key, &node_name, &checkpoint, 7)).unwrap();
    assert_ne!(ledger.side_data(1).unwrap(), before);

    let mut arrived = Vec::new();
    while arrived.len() < before.len() {
        let request = Request::Piece { height: 1, part: Part::Side, offset: arrived.len() as u64, length: 10 };
        arrived.extend_from_slice(&ask(&sender, 2, &request).await.1);
    }
    assert_eq!(arrived, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_block_is_not_sent() {
    let pair = Pair::new();
    let store = pair.open(1);
    record(&store, 2);
    let path = pair.directory(1).path().join("blocks/0000000000.block");
    let mut bytes = fs::read(&path).unwrap();
    bytes[500] ^= 1;
    fs::write(&path, bytes).unwrap();

    let sender = pair.start(1, store).await;
    let receiver = pair.start(2, pair.open(2)).await;
    let (length, _) = ask(&sender, 2, &Request::Length { height: 0, part: Part::Block }).await;
    assert!(matches!(length, Reply::Failed(why) if why.contains("corrupt")));
    assert!(matches!(ask(&receiver, 1, &snapshot(1)).await.0, Reply::Failed(_)));
    assert!(!receiver.has_stopped(), "another sender may have a better one");
}

/// A server that sends blocks with one byte changed.
struct Liar(Consensus);

impl PeerHandler for Liar {
    fn handle(&self, from: NodeId, lane: Lane, request: Bytes) -> BoxFuture<'static, Bytes> {
        let honest = self.0.handle(from, lane, request);
        Box::pin(async move {
            let answer = honest.await;
            match message::read_reply(&answer) {
                Ok((Reply::Piece, piece)) => {
                    let mut piece = piece.to_vec();
                    let middle = piece.len() / 2;
                    piece[middle] ^= 1;
                    message::piece(&piece)
                }
                _ => answer,
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_sends_bad_is_fetched_from_another_and_stops_nobody() {
    let pair = Pair::new();
    let store = pair.open(1);
    record(&store, 3);
    let sender = pair.start(1, store).await;
    pair.network.attach(1, Arc::new(Liar(sender.clone())));
    let transport = pair.network.transport(2);
    let receiver = Consensus::start(settings(2, 3), pair.open(2), transport).await.unwrap();

    let (refused, _) = ask(&receiver, 1, &snapshot(2)).await;
    assert!(matches!(refused, Reply::Failed(_)), "{refused:?}");
    assert!(!receiver.has_stopped());
    assert_eq!(receiver.engine.store.ledger().durable().height, None);

    pair.network.attach(3, Arc::new(sender.clone()));
    let (adopted, _) = ask(&receiver, 1, &snapshot(2)).await;
    assert!(matches!(adopted, Reply::Snapshot { .. }), "{adopted:?}");
    assert_eq!(receiver.engine.store.ledger().durable().height, Some(2));
    receiver.shutdown().await;
    sender.shutdown().await;
}
