//! Sealing: only when the last voter has signed the same tree, in order of height, the same note on every node.

use bulla_ledger::Transfer;
use bulla_sealing::{Checkpoint, Hash, Policy};
use bulla_storage::{AttestOutcome, Batch, ReceiptAnswer, TableState};

use crate::node::{Node, attestation, identities, opening_items, party_id, plain, record_id};

#[test]
fn a_table_is_sealed_by_the_last_voter_and_not_before() {
    let node = Node::new(3).with_a_block();
    let ledger = node.ledger();
    let checkpoint = ledger.checkpoint_from_disk(0).unwrap();
    for voter in [3, 1] {
        assert_eq!(ledger.attest(0, &attestation(voter, &checkpoint)).unwrap(), AttestOutcome::Counted);
        assert_eq!(ledger.attest(0, &attestation(voter, &checkpoint)).unwrap(), AttestOutcome::Repeated);
        assert_eq!(ledger.checkpoint().unwrap(), None);
        assert_eq!(ledger.receipt(4, true).unwrap(), ReceiptAnswer::NotSealed);
    }
    assert_eq!(ledger.table(0).unwrap().unwrap().state, TableState::Closed);
    assert_eq!(ledger.sealing_status().closed[0].waiting_for, ["node-2"]);
    assert_eq!(ledger.attest(0, &attestation(2, &checkpoint)).unwrap(), AttestOutcome::Sealed { upto: 0 });
    assert_eq!(ledger.attest(0, &attestation(2, &checkpoint)).unwrap(), AttestOutcome::Repeated);
    assert_eq!(ledger.table(0).unwrap().unwrap().state, TableState::Sealed);
    let policy = Policy::from_config(&node.identity.genesis).unwrap();
    let note = ledger.checkpoint().unwrap().unwrap();
    assert_eq!(policy.verify(&note).unwrap().checkpoint, checkpoint);
    let ReceiptAnswer::Ready(receipt) = ledger.receipt(4, true).unwrap() else { panic!("sealed") };
    assert_eq!(receipt.payload.as_ref().unwrap().1, br#"{"name":"desk"}"#);
    receipt.verify(&policy).unwrap();
}

#[test]
fn the_configuration_and_headers_have_no_receipts() {
    let node = Node::new(1).with_a_block();
    node.ledger().attest(0, &attestation(1, &node.ledger().checkpoint_from_disk(0).unwrap())).unwrap();
    let header = node.ledger().block(0).unwrap().unwrap().header;
    for leaf_index in [0, header.leaf_index, header.leaf_index + 1, u64::MAX] {
        assert_eq!(node.ledger().receipt(leaf_index, false).unwrap(), ReceiptAnswer::Unknown);
    }
}

#[test]
fn what_does_not_count_says_why() {
    let node = Node::new(2).with_a_block();
    let ledger = node.ledger();
    let ours = ledger.checkpoint_from_disk(0).unwrap();
    let check = |height, attestation| ledger.attest(height, &attestation).unwrap();
    assert_eq!(check(1, attestation(1, &ours)), AttestOutcome::NotClosed);
    assert_eq!(check(0, attestation(9, &ours)), AttestOutcome::UnknownNode);
    let mut forged = attestation(1, &ours);
    forged.signature[7] ^= 1;
    assert_eq!(check(0, forged), AttestOutcome::BadSignature);
    let mut renamed = attestation(1, &ours);
    renamed.node_name = "node-2".into();
    assert_eq!(check(0, renamed), AttestOutcome::BadSignature);
    assert_eq!(ledger.sealing_status().closed[0].waiting_for.len(), 2);
}

#[test]
fn another_root_is_reported_kept_and_never_counted() {
    let mut node = Node::new(2).with_a_block();
    let ours = node.ledger().checkpoint_from_disk(0).unwrap();
    let theirs = Checkpoint { root: Hash([9; 32]), ..ours.clone() };
    let evidence = attestation(2, &theirs);
    let expected = AttestOutcome::OtherRoot { ours: ours.root, theirs: theirs.root };
    assert_eq!(node.ledger().attest(0, &evidence).unwrap(), expected);
    node.ledger().attest(0, &attestation(1, &ours)).unwrap();
    node.close_and_store(3_000);
    node.reopen();
    let status = node.ledger().sealing_status();
    assert_eq!(status.sealed_height, None);
    assert_eq!(status.closed[0].other_roots, [evidence]);
    assert_eq!(status.closed[0].waiting_for, ["node-2"]);
    let sealed = node.ledger().attest(0, &attestation(2, &ours)).unwrap();
    assert_eq!(sealed, AttestOutcome::Sealed { upto: 0 });
    assert_eq!(node.ledger().attest(0, &attestation(2, &theirs)).unwrap(), expected);
}

#[test]
fn tables_are_sealed_in_order_of_height() {
    let node = Node::new(1);
    let closed: Vec<_> = (0..3).map(|_| node.close(1_000)).collect();
    let attest =
        |height: usize| node.ledger().attest(height as u64, &attestation(1, closed[height].checkpoint())).unwrap();
    assert_eq!(attest(2), AttestOutcome::Counted);
    assert_eq!(attest(1), AttestOutcome::Counted);
    assert_eq!(node.ledger().sealing_status().sealed_height, None);
    assert_eq!(attest(0), AttestOutcome::Sealed { upto: 2 });
}

#[test]
fn every_node_makes_the_identical_seal_whatever_the_order() {
    let nodes: Vec<Node> = identities(3).into_iter().map(|identity| Node::of(identity).with_a_block()).collect();
    let checkpoint = nodes[0].ledger().checkpoint_from_disk(0).unwrap();
    for (node, order) in nodes.iter().zip([[1, 2, 3], [3, 1, 2], [2, 3, 1]]) {
        for voter in order {
            node.ledger().attest(0, &attestation(voter, &checkpoint)).unwrap();
        }
    }
    let notes: Vec<_> = nodes.iter().map(|node| node.ledger().checkpoint().unwrap().unwrap().to_string()).collect();
    assert!(notes.iter().all(|note| *note == notes[0]));
}

#[test]
fn a_seal_outlives_a_restart_once_the_next_block_is_stored() {
    let mut node = Node::new(1).with_a_block();
    node.ledger().attest(0, &attestation(1, &node.ledger().checkpoint_from_disk(0).unwrap())).unwrap();
    let note = node.ledger().checkpoint().unwrap();
    node.close_and_store(3_000);
    node.reopen();
    assert_eq!(node.ledger().checkpoint().unwrap(), note);
    assert_eq!(node.ledger().block(0).unwrap().unwrap().note, note);
    assert_eq!(node.ledger().verify_all(&mut |_| {}).unwrap().sealed_blocks, 1);
}

#[test]
fn proofs_hold_across_kept_subtrees() {
    let node = Node::new(1);
    node.apply(1_000, opening_items());
    for block in 0..SIZES.len() as u64 {
        let enroll = |number: u64| {
            let number = block * 100_000 + number;
            let id = |kind: u64| u128::from(kind << 32 | number).to_be_bytes();
            plain(Transfer::enroll(bulla_ledger::RecordId::from_bytes(id(1)), bulla_ledger::PartyId::from_bytes(id(2))))
        };
        let batch = Batch { atomic: true, items: (0..SIZES[block as usize]).map(enroll).collect() };
        node.ledger().apply_requests(2_000, &[batch]).unwrap();
        let closed = node.close_and_store(3_000);
        assert_eq!(&node.ledger().checkpoint_from_disk(block).unwrap(), closed.checkpoint());
        node.ledger().attest(block, &attestation(1, closed.checkpoint())).unwrap();
    }
    // Leaves on both sides of where kept subtrees end, and some between.
    let edges = [255, 256, 257, 511, 512, 65_535, 65_536, 65_791, 65_792];
    for leaf_index in (1..node.ledger().size()).step_by(1_997).chain(edges) {
        let record = node.ledger().record_at(leaf_index).unwrap();
        let is_ready = matches!(node.ledger().receipt(leaf_index, false).unwrap(), ReceiptAnswer::Ready(_));
        assert_eq!(is_ready, record.is_some(), "leaf {leaf_index}");
    }
}

#[test]
fn a_party_enrolled_in_the_open_table_is_known_at_once() {
    let node = Node::new(1);
    node.apply(1_000, vec![plain(Transfer::enroll(record_id(1), party_id(1)))]);
    assert!(node.ledger().party(party_id(1)).unwrap().is_some());
}

/// Records in each block: the third one completes the first subtree of 2^16 leaves.
const SIZES: [u64; 4] = [300, 700, 65_000, 1];

#[test]
fn a_node_that_stops_leaves_its_newest_seals_in_its_files_and_applies_them_again_to_no_effect() {
    let mut node = Node::new(2).with_a_block();
    node.close_and_store(3_000);
    let [first, second] = [0, 1].map(|height| node.ledger().checkpoint_from_disk(height).unwrap());
    let attestations = [(0, attestation(1, &first)), (0, attestation(2, &first)), (1, attestation(2, &second))];
    let apply = |node: &Node| attestations.each_ref().map(|(height, one)| node.ledger().attest(*height, one).unwrap());
    let (sealed, counted) = (AttestOutcome::Sealed { upto: 0 }, AttestOutcome::Counted);
    assert_eq!(apply(&node), [counted.clone(), sealed, counted]);
    let before = (node.ledger().durable(), node.ledger().checkpoint().unwrap());
    node.ledger().store_seals().unwrap();
    node.ledger().store_seals().unwrap();
    assert_eq!((node.ledger().durable(), node.ledger().checkpoint().unwrap()), before);

    node.reopen();
    assert_eq!((node.ledger().durable(), node.ledger().checkpoint().unwrap()), before);
    let waiting = |node: &Node| node.ledger().sealing_status().closed[0].waiting_for.clone();
    assert_eq!(waiting(&node), ["node-1"]);
    // What the Raft log has after the last stored block is applied again.
    assert_eq!(apply(&node), [const { AttestOutcome::Repeated }; 3]);
    assert_eq!(waiting(&node), ["node-1"]);
    assert_eq!(node.ledger().attest(1, &attestation(1, &second)).unwrap(), AttestOutcome::Sealed { upto: 1 });
    node.close_and_store(4_000);
    node.reopen();
    assert_eq!(node.ledger().verify_all(&mut |_| {}).unwrap().sealed_blocks, 2);
}

#[test]
fn no_seal_is_left_of_a_block_that_is_not_stored() {
    let mut node = Node::new(1).with_a_block();
    let closed = node.close(3_000);
    let checkpoint = node.ledger().checkpoint_from_disk(0).unwrap();
    node.ledger().attest(0, &attestation(1, &checkpoint)).unwrap();
    node.ledger().attest(1, &attestation(1, closed.checkpoint())).unwrap();
    assert_eq!(node.ledger().sealed_height(), Some(1));
    node.ledger().store_seals().unwrap();
    drop(closed);
    node.reopen();
    assert_eq!((node.ledger().durable().height, node.ledger().sealed_height()), (Some(0), Some(0)));
}
