//! Files and leaves byte for byte: what is written now is what was written then, and what was written then is read.

use std::fs;

use bulla_ledger::{Asset, Class, Party, Position, Record, Transfer};
use bulla_sealing::{Attestation, ConfigLeaf, Header, Policy, SignedNote, cosign, verify_attestation};
use bulla_storage::{AttestOutcome, Batch, Closing, Item, ReplayPoint, Store, StoreOptions, identity};
use expect_test::expect_file;
use tempfile::TempDir;

use crate::acts::{first_items, identities, next_items, node_key};
use crate::golden;
use crate::hex_text::{dump, parse};

const NODES: u8 = 3;
const START_US: u64 = 1_700_000_000_000_000;

/// A node of three with two sealed blocks; the same bytes each time.
fn written_now() -> (TempDir, Store) {
    let (home, store) = new_node(0);
    for (height, items) in [first_items(), next_items()].into_iter().enumerate() {
        seal_block(&store, height as u64, items);
    }
    (home, store)
}

fn new_node(place: usize) -> (TempDir, Store) {
    let home = TempDir::new().unwrap();
    let identity = identities(NODES).remove(place);
    identity::create(home.path(), &identity).unwrap();
    let store = Store::open(home.path(), &identity, StoreOptions::default()).unwrap();
    (home, store)
}

fn seal_block(store: &Store, height: u64, items: Vec<Item>) {
    let ledger = store.ledger();
    let opened_us = START_US + height * 1_000_000;
    ledger.apply_requests(opened_us, &[Batch { atomic: false, items }]).unwrap();
    let closing =
        Closing { closed_us: opened_us + 500_000, raft_term: 1, raft_index: 10 + height, replay_from: vec![] };
    let closed = ledger.close(height, closing).unwrap();
    ledger.store(&closed).unwrap();
    for seed in 1..=NODES {
        let time_s = START_US / 1_000_000 + u64::from(seed);
        let attestation = cosign(&node_key(seed), &format!("node-{seed}"), closed.checkpoint(), time_s);
        let outcome = ledger.attest(height, &attestation).unwrap();
        let expected = if seed == NODES { AttestOutcome::Sealed { upto: height } } else { AttestOutcome::Counted };
        assert_eq!(outcome, expected);
    }
}

fn block(store: &Store, height: u64) -> Vec<u8> {
    let len = store.ledger().block_len(height).unwrap();
    store.ledger().read_block(height, 0, len as usize).unwrap().to_vec()
}

/// The one dump in a file of this folder.
fn kept(name: &str) -> Vec<u8> {
    let [(_, bytes)] = &parse(&fs::read_to_string(golden(name)).unwrap())[..] else { panic!("{name}: one dump") };
    bytes.clone()
}

#[test]
fn block_files_are_written_as_they_were() {
    let (_home, store) = written_now();
    expect_file!["block-0.txt"].assert_eq(&dump("block 0", &block(&store, 0)));
    expect_file!["block-1.txt"].assert_eq(&dump("block 1", &block(&store, 1)));
    expect_file!["side-0.txt"].assert_eq(&dump("beside block 0", &store.ledger().side_data(0).unwrap()));
    expect_file!["side-1.txt"].assert_eq(&dump("beside block 1", &store.ledger().side_data(1).unwrap()));
}

#[test]
fn leaves_and_signatures_are_written_as_they_were() {
    let (_home, store) = written_now();
    let ledger = store.ledger();
    let header = ledger.block(1).unwrap().unwrap().header;
    expect_file!["config.txt"].assert_eq(&dump("config", &ledger.leaf(0).unwrap().unwrap()));
    expect_file!["header.txt"].assert_eq(&dump("header", &ledger.leaf(header.leaf_index).unwrap().unwrap()));
    let checkpoint = ledger.checkpoint_from_disk(1).unwrap();
    let attestation = cosign(&node_key(1), "node-1", &checkpoint, START_US / 1_000_000);
    expect_file!["attestation.txt"].assert_eq(&dump("attestation", &attestation.encode()));
    expect_file!["checkpoint.txt"].assert_eq(&ledger.checkpoint().unwrap().unwrap().to_string());
}

/// Every record of a block goes through the rules again before another node takes it.
#[test]
fn blocks_of_then_are_taken_by_a_node_of_now_which_folds_them_to_the_same_ledger() {
    let (_home, store) = new_node(1);
    let ledger = store.ledger();
    for height in 0..2 {
        ledger.stage_side(height, &kept(&format!("side-{height}.txt"))).unwrap();
        let mut staged = ledger.stage(height).unwrap();
        staged.write(0, &kept(&format!("block-{height}.txt"))).unwrap();
        staged.finish().unwrap();
    }
    ledger.adopt(1, ReplayPoint { replay_from: vec![], raft_term: 1, raft_index: 11 }).unwrap();

    let verified = ledger.verify_all(&mut |_| {}).unwrap();
    assert_eq!((verified.blocks, verified.sealed_blocks), (2, 2));
    let (_home, written) = written_now();
    let rows = |store: &Store| {
        let ledger = store.ledger();
        let (assets, parties) = (ledger.assets(None, 9).unwrap(), ledger.parties(None, 9).unwrap());
        let holdings: Vec<_> = parties.iter().map(|party| ledger.holdings(party.party_id, None, 9).unwrap()).collect();
        let requests = [first_items(), next_items()].concat();
        let records: Vec<_> =
            requests.iter().map(|item| ledger.record(item.transfer.record_id).unwrap().unwrap()).collect();
        let payloads: Vec<_> = (0..ledger.size()).filter_map(|leaf| ledger.payload(leaf).unwrap()).collect();
        (assets, parties, ledger.classes(None, 9).unwrap(), holdings, records, payloads)
    };
    assert_eq!(rows(&store), rows(&written));
}

#[test]
fn leaves_and_signatures_of_then_are_read() {
    let config = ConfigLeaf::decode(&kept("config.txt")).unwrap();
    assert_eq!(config, identities(NODES)[0].genesis);
    assert_eq!(config.encode(), kept("config.txt"));
    let header = Header::decode(&kept("header.txt")).unwrap();
    assert_eq!(header.encode()[..], kept("header.txt"));
    assert_eq!((header.height, header.ledger_id), (1, config.ledger_id));

    let policy = Policy::from_config(&config).unwrap();
    let note = SignedNote::parse(&fs::read(golden("checkpoint.txt")).unwrap()).unwrap();
    let sealed = policy.verify(&note).unwrap();
    assert_eq!((sealed.checkpoint.size, sealed.nodes.len()), (header.log_size(), 3));
    let attestation = Attestation::decode(&kept("attestation.txt")).unwrap();
    verify_attestation(&config.nodes[0].public_key, &sealed.checkpoint, &attestation).unwrap();
}

#[test]
fn requests_records_and_rows_of_then_are_read_and_written_back() {
    for (title, bytes) in parse(include_str!("../../crates/bulla-ledger/golden/requests.txt")) {
        assert_eq!(Transfer::decode(&bytes).unwrap().encode()[..], bytes, "{title}");
    }
    for (title, bytes) in parse(include_str!("../../crates/bulla-ledger/golden/leaves.txt")) {
        assert_eq!(Record::decode(&bytes).unwrap().encode()[..], bytes, "{title}");
    }
    for (title, bytes) in parse(include_str!("../../crates/bulla-ledger/golden/rows.txt")) {
        let again = match title.as_str() {
            "asset" => Asset::decode(&bytes).unwrap().encode().to_vec(),
            "position" => Position::decode(&bytes).unwrap().encode().to_vec(),
            "party" => Party::decode(&bytes).unwrap().encode().to_vec(),
            "class" => Class::decode(&bytes).unwrap().encode().to_vec(),
            other => panic!("no row is called {other}"),
        };
        assert_eq!(again, bytes, "{title}");
    }
}
