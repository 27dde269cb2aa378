//! Record tables: the open one in memory, and the closed ones on their way to a block file.

use std::collections::{BTreeMap, BTreeSet};

use bulla_ledger::{
    Asset, AssetId, Class, ClassId, Effects, Party, PartyId, Payload, Position, RecordId, Rejection, Transfer,
};
use bulla_sealing::{Checkpoint, Header};
use uuid::Uuid;

use crate::chain::Chain;
use crate::leaves::Leaves;
use crate::refused::Refused;
use crate::seal::SealChange;

/// What is known of the open table, for the decision to close it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// The height that its block will have.
    pub height: u64,
    /// Its id.
    pub table_id: Uuid,
    /// Leaves in it so far; the first table of a ledger begins with one, the configuration.
    pub records: u64,
    /// Requests refused for good while it was open.
    pub refused: u64,
    /// What it takes in its block file and payload rows so far, bytes, roughly.
    pub bytes: u64,
    /// When it was opened, POSIX microseconds; 0 for the first table of a ledger.
    pub opened_us: u64,
    /// The time of its first leaf or refusal, POSIX microseconds; 0 when that is the configuration.
    pub first_record_us: Option<u64>,
}

/// What the committed Close entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The leader's clock when it proposed, POSIX microseconds. Raised to the last record's time if it is below.
    pub closed_us: u64,
    /// Raft term of the Close entry.
    pub raft_term: u64,
    /// Raft index of the Close entry.
    pub raft_index: u64,
    /// Opaque: where the log is to be replayed from once this table is stored. Becomes durable with the block.
    pub replay_from: Vec<u8>,
}

/// A table that takes no more records: its header is fixed, its bytes never change again.
#[derive(Debug)]
pub struct ClosedTable {
    pub(crate) table: RecordTable,
    pub(crate) header: Header,
    pub(crate) checkpoint: Checkpoint,
    /// The chain with this table's header as its last link.
    pub(crate) chain: Chain,
    pub(crate) replay_from: Vec<u8>,
    /// What sealing did between the table before and this one.
    pub(crate) seal_changes: Vec<SealChange>,
}

impl ClosedTable {
    /// The height of its block.
    pub fn height(&self) -> u64 {
        self.header.height
    }

    /// Its header: the last leaf of its block.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The tree that ends with its header, as apply computed it.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// Leaves, refusals and payloads of one table, and every row that they changed.
#[derive(Debug)]
pub(crate) struct RecordTable {
    pub(crate) height: u64,
    pub(crate) table_id: Uuid,
    pub(crate) opened_us: u64,
    pub(crate) first_leaf: u64,
    pub(crate) first_us: Option<u64>,
    pub(crate) leaves: Leaves,
    pub(crate) refused: Vec<Refused>,
    pub(crate) payloads: BTreeMap<u64, Payload>,
    payload_bytes: usize,
    pub(crate) rows: ChangedRows,
    /// Whether it came upon bytes that are to be destroyed.
    pub(crate) shred: bool,
    undo: Vec<Undo>,
}

/// Rows as the last record of a table left them. Sorted, because they go to a B-tree later.
#[derive(Debug, Default)]
pub(crate) struct ChangedRows {
    pub(crate) assets: BTreeMap<AssetId, Asset>,
    pub(crate) positions: BTreeMap<(AssetId, PartyId), Position>,
    pub(crate) parties: BTreeMap<PartyId, Party>,
    pub(crate) classes: BTreeMap<ClassId, Class>,
    pub(crate) priors: BTreeMap<RecordId, PriorAt>,
    /// Records whose payloads were erased -> the notices that say so.
    pub(crate) erased: BTreeMap<u64, u64>,
    /// Records that opened incidents -> the ones that closed them.
    pub(crate) incidents: BTreeMap<u64, Option<u64>>,
    /// Who may have come to have something to do with which asset. Says too much rather than too little.
    pub(crate) touched: BTreeSet<(PartyId, AssetId)>,
}

/// Where a table keeps what became of a record id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PriorAt {
    /// Recorded at this leaf index.
    Leaf(u64),
    /// Refused; its place in [`RecordTable::refused`].
    Refused(usize),
}

/// A point that a table can go back to.
pub(crate) struct Mark {
    leaves: usize,
    refused: usize,
    undo: usize,
    first_us: Option<u64>,
    payload_bytes: usize,
}

/// How one row was before a record changed it.
#[derive(Debug)]
enum Undo {
    Asset(AssetId, Option<Asset>),
    Position((AssetId, PartyId), Option<Position>),
    Party(PartyId),
    Class(ClassId),
    Prior(RecordId),
    Payload(u64, Option<Payload>),
    Erased(u64),
    Incident(u64, Option<Option<u64>>),
}

impl RecordTable {
    pub(crate) fn new(height: u64, table_id: Uuid, opened_us: u64, first_leaf: u64) -> Self {
        Self {
            height,
            table_id,
            opened_us,
            first_leaf,
            first_us: None,
            leaves: Leaves::default(),
            refused: Vec::new(),
            payloads: BTreeMap::new(),
            payload_bytes: 0,
            rows: ChangedRows::default(),
            shred: false,
            undo: Vec::new(),
        }
    }

    pub(crate) fn next_leaf(&self) -> u64 {
        self.first_leaf + self.leaves.len()
    }

    /// The leaf with this index in the whole log, if it is in this table.
    pub(crate) fn leaf(&self, leaf_index: u64) -> Option<&[u8]> {
        self.leaves.get(leaf_index.checked_sub(self.first_leaf)?)
    }

    pub(crate) fn info(&self) -> TableInfo {
        let file_bytes = self.leaves.bytes.len() + self.leaves.ends.len() * 36 + self.refused.len() * Refused::LEN;
        TableInfo {
            height: self.height,
            table_id: self.table_id,
            records: self.leaves.len(),
            refused: self.refused.len() as u64,
            bytes: (file_bytes + self.payload_bytes) as u64,
            opened_us: self.opened_us,
            first_record_us: self.first_us,
        }
    }

    /// A leaf that is not a record.
    pub(crate) fn push_leaf(&mut self, leaf: &[u8], time_us: u64) {
        self.leaves.push(leaf);
        self.first_us.get_or_insert(time_us);
    }

    /// An accepted request: its leaf, its rows, its payload.
    pub(crate) fn record(&mut self, effects: &Effects, payload: Option<&Payload>) {
        let Effects { record, asset, positions, party, class } = effects;
        assert_eq!(record.leaf_index, self.next_leaf(), "a record stands where it says");
        self.push_leaf(&record.encode(), record.time_us);
        self.put_prior(record.transfer.record_id, PriorAt::Leaf(record.leaf_index));
        if let Some(asset) = asset {
            self.put_asset(*asset);
        }
        for position in positions.iter().flatten() {
            self.put_position(*position);
        }
        if let Some(party) = party {
            let before = self.rows.parties.insert(party.party_id, *party);
            assert!(before.is_none(), "a party is enrolled once");
            self.undo.push(Undo::Party(party.party_id));
        }
        if let Some(class) = class {
            let before = self.rows.classes.insert(class.class_id, *class);
            assert!(before.is_none(), "a class is defined once");
            self.undo.push(Undo::Class(class.class_id));
        }
        if let Some(payload) = payload {
            self.payload_bytes += payload.salt.len() + payload.bytes.len();
            self.payloads.insert(record.leaf_index, payload.clone());
            self.undo.push(Undo::Payload(record.leaf_index, None));
        }
        if let Some(target) = record.erases() {
            self.put_erased(target, record.leaf_index);
        }
        if record.opens_incident() {
            self.put_incident(record.leaf_index, None);
        }
        if let Some(opened) = record.closes_incident() {
            self.put_incident(opened, Some(record.leaf_index));
        }
    }

    /// A request refused for good.
    pub(crate) fn refuse(&mut self, transfer: &Transfer, rejection: Rejection, time_us: u64) {
        assert!(rejection.is_final(), "{rejection:?} does not spend an id");
        self.put_prior(transfer.record_id, PriorAt::Refused(self.refused.len()));
        self.refused.push(Refused { time_us, rejection, transfer: *transfer });
        self.first_us.get_or_insert(time_us);
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            leaves: self.leaves.ends.len(),
            refused: self.refused.len(),
            undo: self.undo.len(),
            first_us: self.first_us,
            payload_bytes: self.payload_bytes,
        }
    }

    /// Undoes everything since `mark`.
    pub(crate) fn roll_back(&mut self, mark: &Mark) {
        self.leaves.truncate(mark.leaves);
        self.refused.truncate(mark.refused);
        self.first_us = mark.first_us;
        self.payload_bytes = mark.payload_bytes;
        for undo in self.undo.drain(mark.undo..).rev() {
            match undo {
                Undo::Asset(key, before) => put_back(&mut self.rows.assets, key, before),
                Undo::Position(key, before) => put_back(&mut self.rows.positions, key, before),
                Undo::Party(key) => put_back(&mut self.rows.parties, key, None),
                Undo::Class(key) => put_back(&mut self.rows.classes, key, None),
                Undo::Prior(key) => put_back(&mut self.rows.priors, key, None),
                Undo::Payload(key, before) => put_back(&mut self.payloads, key, before),
                Undo::Erased(key) => put_back(&mut self.rows.erased, key, None),
                Undo::Incident(key, before) => put_back(&mut self.rows.incidents, key, before),
            }
        }
    }

    /// Everything so far stays.
    pub(crate) fn forget_undo(&mut self) {
        self.undo.clear();
    }

    fn put_asset(&mut self, asset: Asset) {
        for party_id in [asset.owner, asset.holder] {
            self.rows.touched.insert((party_id, asset.asset_id));
        }
        let before = self.rows.assets.insert(asset.asset_id, asset);
        self.undo.push(Undo::Asset(asset.asset_id, before));
    }

    fn put_position(&mut self, position: Position) {
        let key = (position.asset_id, position.party_id);
        self.rows.touched.insert((position.party_id, position.asset_id));
        let before = self.rows.positions.insert(key, position);
        self.undo.push(Undo::Position(key, before));
    }

    /// A payload of this very table goes at once: it is never written down.
    fn put_erased(&mut self, target: u64, notice: u64) {
        let before = self.rows.erased.insert(target, notice);
        assert!(before.is_none(), "a payload is erased once");
        self.undo.push(Undo::Erased(target));
        self.shred = true;
        if let Some(payload) = self.payloads.remove(&target) {
            self.payload_bytes -= payload.salt.len() + payload.bytes.len();
            self.undo.push(Undo::Payload(target, Some(payload)));
        }
    }

    fn put_incident(&mut self, opened: u64, closed: Option<u64>) {
        let before = self.rows.incidents.insert(opened, closed);
        assert!(before.is_none_or(|before| before.is_none() && closed.is_some()), "an incident is closed once");
        self.undo.push(Undo::Incident(opened, before));
    }

    fn put_prior(&mut self, record_id: RecordId, at: PriorAt) {
        let before = self.rows.priors.insert(record_id, at);
        assert!(before.is_none(), "a record id is used once");
        self.undo.push(Undo::Prior(record_id));
    }
}

fn put_back<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, before: Option<V>) {
    match before {
        Some(value) => rows.insert(key, value),
        None => rows.remove(&key),
    };
}
