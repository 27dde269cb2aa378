//! A small data directory with something of everything in it, the same bytes every time.

use std::fs;
use std::path::Path;

use bulla_ledger::{AssetId, ClassId, PartyId, Payload, RecordId, Transfer};
use bulla_sealing::{Attestation, Checkpoint, ConfigLeaf, ConfigNode, SigningKey, cosign};
use bulla_storage::{Batch, Closing, Identity, Item, LogOp, Store, StoreOptions, identity};
use tempfile::TempDir;
use uuid::Uuid;

/// How the node that left the directory had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It was stopped, and closed its files.
    Stopped,
    /// It was killed: its files are as the last write left them.
    Killed,
}

impl State {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stopped, Self::Killed];
}

/// Makes the directory of node 1 of a ledger of two voters: sealed blocks, one that is half attested, one that nobody
/// attested; payloads, refusals, quantities, an asset that left; entries, a vote and a purge in the Raft log.
///
/// # Panics
/// When the directory cannot be written.
pub fn make(dir: &Path, state: State) -> Identity {
    let made = TempDir::new().expect("a temporary directory");
    let identity = identities().remove(0);
    identity::create(made.path(), &identity).expect("a new identity");
    let open = || Store::open(made.path(), &identity, options()).expect("it opens");
    fill(&open());
    // A database gives back what it took for growing when it is closed, a part each time. Small files are swept faster.
    for _ in 0..3 {
        drop(open());
    }
    let store = open();
    go_on(&store);
    // What a process that is killed leaves behind is what the operating system has of its files at that moment.
    match state {
        State::Stopped => drop(store),
        State::Killed => {
            copy(made.path(), dir);
            drop(store);
        }
    }
    if state == State::Stopped {
        copy(made.path(), dir);
    }
    identity
}

/// The caches are no larger than they must be: what is swept is the disk.
pub fn options() -> StoreOptions {
    StoreOptions { ledger_cache_bytes: 1 << 20, log_cache_bytes: 1 << 20, open_blocks_max: 4, disk_reserve_bytes: 0 }
}

/// Copies all files but the lock.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").map(|entry| entry.expect("a name")) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false if entry.file_name() == "lock" => {}
            false => drop(fs::copy(entry.path(), target).expect("it can be copied")),
        }
    }
}

fn fill(store: &Store) {
    log(store, &[LogOp::Vote(vec![1; 24]), append(1), append(2)]);
    close(store, opening(), 2_000);
    attest(store, 0, &[1, 2]);
    log(store, &[append(3), append(4), append(5), LogOp::Committed(vec![4; 24])]);
    close(store, moves(), 4_000);
    attest(store, 1, &[1, 2]);
    log(store, &[LogOp::TruncateFrom(5), LogOp::Vote(vec![2; 24]), append(5), append(6)]);
    close(store, vec![with_payload(transfer(40, 2, 1), "{\"note\":\"back\"}", 9)], 6_000);
}

fn go_on(store: &Store) {
    log(store, &[LogOp::PurgeTo { index: 4, log_id: vec![4; 24] }]);
    attest(store, 2, &[1]);
    close(store, vec![plain(transfer(41, 1, 2))], 8_000);
    log(store, &[LogOp::Vote(vec![3; 24]), LogOp::Committed(vec![7; 24]), append(7), append(8), append(9)]);
}

/// Enough parties that the rows of one table need several pages.
fn opening() -> Vec<Item> {
    let parties = (1..=PARTIES).map(|number| plain(Transfer::enroll(record_id(1, number), party_id(number))));
    let others = [
        plain(Transfer::define(record_id(2, 1), class_id(1), false, 0)),
        plain(Transfer::define(record_id(2, 2), class_id(2), true, 2)),
        with_payload(register(3, 1), "{\"name\":\"desk\"}", 7),
        plain(register(4, 2)),
        plain(Transfer::register_quantity(record_id(2, 5), asset_id(3), class_id(2))),
        plain(Transfer::issue(record_id(2, 6), asset_id(3), party_id(1), 100)),
        plain(transfer(7, 1, 2)),
        // Refused: it has left party 1.
        plain(transfer(8, 1, 2)),
    ];
    parties.chain(others).collect()
}

fn moves() -> Vec<Item> {
    vec![
        plain(Transfer::send(record_id(2, 20), asset_id(3), party_id(1), party_id(2), 30)),
        plain(Transfer::custody(record_id(2, 21), asset_id(2), party_id(1), party_id(3))),
        plain(Transfer::redeem(record_id(2, 22), asset_id(3), party_id(2), 30)),
        plain(Transfer::send(record_id(2, 23), asset_id(3), party_id(2), party_id(1), 1)),
        plain(Transfer::retire(record_id(2, 24), asset_id(2), party_id(1))),
    ]
}

fn register(record: u64, asset: u64) -> Transfer {
    Transfer::register(record_id(2, record), asset_id(asset), class_id(1), party_id(1))
}

/// Of the desk.
fn transfer(record: u64, from: u64, to: u64) -> Transfer {
    Transfer::transfer(record_id(2, record), asset_id(1), party_id(from), party_id(to))
}

fn plain(transfer: Transfer) -> Item {
    Item { transfer, payload: None }
}

fn with_payload(transfer: Transfer, text: &str, salt: u8) -> Item {
    let payload = Payload { salt: [salt; 32], bytes: text.as_bytes().to_vec() };
    Item { transfer: transfer.with_payload(&payload), payload: Some(payload) }
}

fn log(store: &Store, ops: &[LogOp]) {
    store.raft_log().commit(ops).expect("the log takes it");
}

fn append(index: u64) -> LogOp {
    let length = if index <= 2 { 6_000 } else { 60 + index as usize };
    LogOp::Append { index, entry: vec![index as u8; length].into() }
}

/// Records `items`, then closes, stores and signs the table.
fn close(store: &Store, items: Vec<Item>, closed_us: u64) {
    let ledger = store.ledger();
    ledger.apply_requests(closed_us - 500, &[Batch { atomic: false, items }]).expect("applied");
    let height = ledger.open_table().height;
    let replay_from = height.to_be_bytes().to_vec();
    let closed = ledger.close(height, Closing { closed_us, raft_term: 1, raft_index: height, replay_from });
    let closed = closed.expect("it is the open table");
    ledger.store(&closed).expect("stored");
    store.guard().record(height, closed.checkpoint().size, closed.checkpoint().root).expect("nothing else was signed");
}

fn attest(store: &Store, height: u64, voters: &[u8]) {
    let checkpoint = store.ledger().checkpoint_from_disk(height).expect("stored");
    for &voter in voters {
        store.ledger().attest(height, &attestation(voter, &checkpoint)).expect("counted");
    }
}

fn attestation(voter: u8, checkpoint: &Checkpoint) -> Attestation {
    cosign(&key(voter), &format!("node-{voter}"), checkpoint, 1_700_000_000 + u64::from(voter))
}

fn identities() -> Vec<Identity> {
    let public = |voter| key(voter).verifying_key().to_bytes();
    let nodes = (1..=2).map(|voter| ConfigNode { name: format!("node-{voter}"), public_key: public(voter) });
    let log_key = key(200);
    let genesis = ConfigLeaf::genesis("ledger.example/sweep", log_key.verifying_key().to_bytes(), nodes.collect());
    let genesis = genesis.expect("a configuration");
    let identity = |voter: u8| Identity {
        node_id: voter.into(),
        node_name: format!("node-{voter}"),
        instance_id: Uuid::from_bytes([voter; 16]),
        genesis: genesis.clone(),
        node_key: key(voter),
        log_key: log_key.clone(),
    };
    (1..=2).map(identity).collect()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn record_id(series: u64, number: u64) -> RecordId {
    RecordId(Uuid::from_u64_pair(series, number))
}

fn party_id(number: u64) -> PartyId {
    PartyId(Uuid::from_u64_pair(10, number))
}

fn asset_id(number: u64) -> AssetId {
    AssetId(Uuid::from_u64_pair(11, number))
}

fn class_id(number: u64) -> ClassId {
    ClassId(Uuid::from_u64_pair(12, number))
}

const PARTIES: u64 = 120;
