//! Nodes of a small ledger in temporary directories.

use std::path::PathBuf;
use std::sync::Arc;

use bulla_ledger::{AssetId, ClassId, PartyId, Payload, RecordId, Transfer};
use bulla_sealing::{Attestation, Checkpoint, ConfigLeaf, ConfigNode, SigningKey, cosign};
use bulla_storage::{Answer, Batch, ClosedTable, Closing, Identity, Item, Store, StoreOptions, identity};
use tempfile::TempDir;
use uuid::Uuid;

/// One node's directory, open unless it is being reopened.
pub struct Node {
    pub home: TempDir,
    pub identity: Identity,
    store: Option<Store>,
}

impl Node {
    /// The first node of a ledger of `voters` nodes.
    pub fn new(voters: u8) -> Self {
        Self::of(identities(voters).remove(0))
    }

    pub fn of(identity: Identity) -> Self {
        let home = tempfile::tempdir().unwrap();
        identity::create(home.path(), &identity).unwrap();
        let store = Some(Store::open(home.path(), &identity, options()).unwrap());
        Self { home, identity, store }
    }

    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    pub fn ledger(&self) -> &bulla_storage::Ledger {
        self.store().ledger()
    }

    /// Closes the node; its directory stays.
    pub fn into_home(self) -> TempDir {
        self.home
    }

    pub fn try_reopen(&mut self) -> Result<(), bulla_storage::StorageError> {
        self.store = None;
        self.store = Some(Store::open(self.home.path(), &self.identity, options())?);
        Ok(())
    }

    /// Opens the directory to be rebuilt, as after a crash; `damaged` says what is damaged, if it is not marked yet.
    pub fn reopen_quarantined(&mut self, damaged: Option<&str>) {
        self.store = None;
        let damaged = damaged.map(|what| (what.to_owned(), 1_000));
        self.store = Some(Store::open_quarantined(self.home.path(), &self.identity, options(), damaged).unwrap());
    }

    pub fn reopen(&mut self) {
        self.try_reopen().unwrap();
    }

    /// Runs `change` on the closed directory and opens it again.
    pub fn reopen_after(&mut self, change: impl FnOnce(&Self)) -> Result<(), bulla_storage::StorageError> {
        self.store = None;
        change(self);
        self.try_reopen()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn apply(&self, time_us: u64, items: Vec<Item>) -> Vec<Answer> {
        self.ledger().apply_requests(time_us, &[Batch { atomic: false, items }]).unwrap().remove(0)
    }

    /// Closes the open table; its Raft index is its height.
    pub fn close(&self, closed_us: u64) -> Arc<ClosedTable> {
        let height = self.ledger().open_table().height;
        let replay_from = height.to_be_bytes().to_vec();
        let closing = Closing { closed_us, raft_term: 1, raft_index: height, replay_from };
        self.ledger().close(height, closing).expect("the open table")
    }

    pub fn close_and_store(&self, closed_us: u64) -> Arc<ClosedTable> {
        let closed = self.close(closed_us);
        self.ledger().store(&closed).unwrap();
        closed
    }

    /// A party, a class, an asset with a payload, and a transfer, in a stored block.
    pub fn with_a_block(self) -> Self {
        self.apply(1_000, opening_items());
        self.close_and_store(2_000);
        self
    }
}

pub fn options() -> StoreOptions {
    StoreOptions { ledger_cache_bytes: 1 << 20, log_cache_bytes: 1 << 20, open_blocks_max: 2, disk_reserve_bytes: 0 }
}

/// Every voter of a ledger of `voters` nodes.
pub fn identities(voters: u8) -> Vec<Identity> {
    let public = |seed| node_key(seed).verifying_key().to_bytes();
    let nodes = (1..=voters).map(|seed| ConfigNode { name: node_name(seed), public_key: public(seed) }).collect();
    let log_key = SigningKey::from_bytes(&[200; 32]);
    let genesis = ConfigLeaf::genesis("ledger.example/tools", log_key.verifying_key().to_bytes(), nodes).unwrap();
    let identity = |seed: u8| Identity {
        node_id: seed.into(),
        node_name: node_name(seed),
        instance_id: Uuid::from_bytes([seed; 16]),
        genesis: genesis.clone(),
        node_key: node_key(seed),
        log_key: log_key.clone(),
    };
    (1..=voters).map(identity).collect()
}

pub fn node_name(seed: u8) -> String {
    format!("node-{seed}")
}

fn node_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// Voter number `seed`'s attestation to a tree.
pub fn attestation(seed: u8, checkpoint: &Checkpoint) -> Attestation {
    cosign(&node_key(seed), &node_name(seed), checkpoint, 1_700_000_000 + u64::from(seed))
}

pub fn record_id(number: u8) -> RecordId {
    RecordId::from_bytes([0x70 | (number >> 4), number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
}

pub fn asset_id(number: u8) -> AssetId {
    AssetId::from_bytes([number; 16])
}

pub fn party_id(number: u8) -> PartyId {
    PartyId::from_bytes([0xa0 + number; 16])
}

pub fn class_id(number: u8) -> ClassId {
    ClassId::from_bytes([0xc0 + number; 16])
}

pub fn plain(transfer: Transfer) -> Item {
    Item { transfer, payload: None }
}

pub fn with_payload(transfer: Transfer, text: &str, salt: u8) -> Item {
    let payload = Payload { salt: [salt; 32], bytes: text.as_bytes().to_vec() };
    Item { transfer: transfer.with_payload(&payload), payload: Some(payload) }
}

pub fn opening_items() -> Vec<Item> {
    vec![
        plain(Transfer::enroll(record_id(1), party_id(1))),
        plain(Transfer::enroll(record_id(2), party_id(2))),
        plain(Transfer::define(record_id(3), class_id(1), false, 0)),
        with_payload(Transfer::register(record_id(4), asset_id(1), class_id(1), party_id(1)), r#"{"name":"desk"}"#, 7),
        plain(Transfer::transfer(record_id(5), asset_id(1), party_id(1), party_id(2))),
        plain(Transfer::transfer(record_id(6), asset_id(1), party_id(1), party_id(2))),
    ]
}
