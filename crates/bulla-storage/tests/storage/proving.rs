//! What is so is proven as of the last sealed block, whatever was recorded since, and damage to it is noticed.

use bulla_ledger::{Asset, AssetId, Custody, PartyId, State, Transfer};
use bulla_sealing::{Header, Policy, StateProof, VerifiedStates};
use bulla_storage::{CertificateAnswer, StateAnswer, StorageError};
use redb::{Database, ReadableDatabase, TableDefinition};

use crate::node::{Node, asset_id, attestation, party_id, plain, record_id};

const ASSETS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("assets");

fn verified(node: &Node, asset: AssetId, party: Option<PartyId>) -> VerifiedStates {
    let StateAnswer::Ready(proof) = node.ledger().asset_proof(asset, party).unwrap() else {
        panic!("a block is sealed")
    };
    let parsed = StateProof::parse(proof.to_text().as_bytes()).unwrap();
    assert_eq!(parsed, *proof);
    parsed.verify(&Policy::from_config(&node.identity.genesis).unwrap()).unwrap()
}

/// Who holds asset 1, and as of which block.
fn holder(node: &Node) -> (PartyId, u64) {
    let verified = verified(node, asset_id(1), None);
    let bytes = verified.states[0].1.as_ref().unwrap();
    let State::Unique(state) = State::decode(bytes).unwrap() else { panic!("a unique asset") };
    (state.holder, verified.header.height)
}

fn seal(node: &Node, height: u64) {
    node.ledger().attest(height, &attestation(1, &node.ledger().checkpoint_from_disk(height).unwrap())).unwrap();
}

/// Gives asset 1, which party 2 holds at first, back and forth.
fn hand_over(node: &Node, number: u8) {
    let (from, to) = if number.is_multiple_of(2) { (2, 1) } else { (1, 2) };
    let transfer = Transfer::transfer(record_id(20 + number), asset_id(1), party_id(from), party_id(to));
    node.apply(10_000 * (1 + u64::from(number)), vec![plain(transfer)]);
}

#[test]
fn proofs_are_as_of_the_last_sealed_block_while_newer_tables_come_and_go() {
    let mut node = Node::new(1);
    assert_eq!(node.ledger().asset_proof(asset_id(1), None).unwrap(), StateAnswer::NotSealed);
    assert_eq!(node.ledger().certificate(asset_id(1), None).unwrap(), CertificateAnswer::NotSealed);
    node = node.with_a_block();
    assert_eq!(node.ledger().asset_proof(asset_id(1), None).unwrap(), StateAnswer::NotSealed);
    seal(&node, 0);
    assert_eq!(holder(&node), (party_id(2), 0));
    hand_over(&node, 0);
    assert_eq!(holder(&node), (party_id(2), 0));
    let closed = node.close(20_000);
    assert_eq!(holder(&node), (party_id(2), 0));
    node.ledger().store(&closed).unwrap();
    hand_over(&node, 1);
    node.close_and_store(30_000);
    assert_eq!(holder(&node), (party_id(2), 0));
    seal(&node, 1);
    assert_eq!(holder(&node), (party_id(1), 1));
    // That block 1 is sealed becomes a row with block 3, so a restart is behind, and catches up from its log.
    node.reopen();
    assert_eq!(holder(&node), (party_id(2), 0));
    seal(&node, 1);
    assert_eq!(holder(&node), (party_id(1), 1));
    seal(&node, 2);
    assert_eq!(holder(&node), (party_id(2), 2));
}

#[test]
fn what_is_not_there_is_proven_not_to_be() {
    let node = Node::new(1).with_a_block();
    seal(&node, 0);
    let absent = verified(&node, asset_id(99), None);
    assert_eq!(absent.states.iter().filter(|(_, state)| state.is_none()).count(), 2);
    assert_eq!(node.ledger().certificate(asset_id(99), None).unwrap(), CertificateAnswer::Unknown);
}

#[test]
fn a_certificate_has_every_record_and_no_other() {
    let node = Node::new(1).with_a_block();
    hand_over(&node, 0);
    node.close_and_store(20_000);
    seal(&node, 0);
    seal(&node, 1);
    hand_over(&node, 1);
    let CertificateAnswer::Ready(certificate) = node.ledger().certificate(asset_id(1), None).unwrap() else {
        panic!("block 1 is sealed")
    };
    let leaves = certificate.records.iter().map(|record| record.leaf.as_slice());
    let claim = &certificate.state.claims[0];
    let custody = Custody::check(&claim.key.0, claim.state.as_ref().unwrap(), leaves).unwrap();
    let history = node.ledger().history(asset_id(1), None, None, 10).unwrap();
    assert_eq!(custody.records, history[1..]);
    assert_eq!(custody.state.seq(), 2);
}

#[test]
fn while_sealing_waits_proofs_go_on_and_afterwards_they_catch_up() {
    let mut node = Node::new(1).with_a_block();
    seal(&node, 0);
    let heights = 1..60;
    for height in heights.clone() {
        hand_over(&node, height as u8 - 1);
        node.close_and_store(10_000 * (1 + height));
    }
    assert_eq!(holder(&node), (party_id(2), 0));
    heights.clone().for_each(|height| seal(&node, height));
    let (_, newest) = holder(&node);
    assert_eq!(newest, 59);
    // Opened again, what was sealed is proven at once, however many blocks wait above it. Sixteen maps are kept: the
    // lowest ones, and the newest.
    node.reopen();
    assert_eq!(holder(&node), (party_id(2), 0));
    heights.clone().take(50).for_each(|height| seal(&node, height));
    let (_, newest) = holder(&node);
    assert_eq!(newest, 14);
    heights.skip(50).for_each(|height| seal(&node, height));
    let (_, newest) = holder(&node);
    assert_eq!(newest, 59);
}

/// Makes somebody else the holder of asset 1 in the rows, with a checksum that fits.
fn change_holder(node: &Node) {
    let database = Database::open(node.file("ledger.redb")).unwrap();
    let id = asset_id(1);
    let stored = {
        let read = database.begin_read().unwrap();
        read.open_table(ASSETS).unwrap().get(&id.as_bytes()[..]).unwrap().unwrap().value().to_vec()
    };
    let mut asset = Asset::decode(&stored[..Asset::LEN]).unwrap();
    asset.holder = party_id(9);
    let row = asset.encode();
    let sum = [&b"assets"[..], id.as_bytes(), &row].iter().fold(0, |sum, part| crc32c::crc32c_append(sum, part));
    let write = database.begin_write().unwrap();
    let stored = [&row[..], &sum.to_be_bytes()].concat();
    write.open_table(ASSETS).unwrap().insert(&id.as_bytes()[..], stored.as_slice()).unwrap();
    write.commit().unwrap();
}

#[test]
fn a_row_that_somebody_changed_is_noticed_at_the_next_start() {
    for sealed in [true, false] {
        let mut node = Node::new(1).with_a_block();
        if sealed {
            seal(&node, 0);
        }
        node.close_and_store(3_000);
        node.reopen();
        let opened = node.reopen_after(change_holder);
        assert!(matches!(opened, Err(StorageError::Corrupt { .. })), "sealed {sealed}: {opened:?}");
    }
}

#[test]
fn the_state_root_in_a_header_is_that_of_all_states() {
    let node = Node::new(1);
    assert_eq!(node.close_and_store(1_000).header().state_root, bulla_sealing::Hash::ZERO);
    let node = Node::new(1).with_a_block();
    let header: Header = node.ledger().table(0).unwrap().unwrap().header.unwrap();
    assert_ne!(header.state_root, bulla_sealing::Hash::ZERO);
    let heartbeat = node.close_and_store(3_000);
    assert_eq!(heartbeat.header().state_root, header.state_root);
}
