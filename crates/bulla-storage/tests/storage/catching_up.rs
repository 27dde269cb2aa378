//! A node that lacks blocks takes them from a peer, and only what is true.

use std::sync::Arc;

use bulla_ledger::Transfer;
use bulla_storage::{AttestOutcome, ClosedTable, Lacking, Ledger, ReplayPoint, StorageError};

use crate::node::{Node, asset_id, attestation, identities, opening_items, party_id, plain, record_id, with_payload};

const VOTERS: u8 = 2;

/// Three stored blocks: the first sealed, the second half attested.
fn leader() -> Node {
    let node = Node::new(VOTERS);
    node.apply(1_000, opening_items());
    let first = node.close_and_store(2_000);
    seal(&node, &first);
    node.apply(3_000, vec![plain(Transfer::transfer(record_id(7), asset_id(1), party_id(2), party_id(1)))]);
    let second = node.close_and_store(4_000);
    node.ledger().attest(1, &attestation(1, second.checkpoint())).unwrap();
    node.apply(
        5_000,
        vec![with_payload(Transfer::transfer(record_id(8), asset_id(1), party_id(1), party_id(2)), "[]", 3)],
    );
    node.close_and_store(6_000);
    node
}

fn follower() -> Node {
    Node::of(identities(VOTERS).remove(1))
}

/// Where the log goes on after block `height`: see [`Node::close`].
pub fn replay_point(height: u64, replay_from: &[u8]) -> ReplayPoint {
    ReplayPoint { replay_from: replay_from.to_vec(), raft_term: 1, raft_index: height }
}

fn seal(node: &Node, closed: &Arc<ClosedTable>) {
    for voter in 1..=VOTERS {
        node.ledger().attest(closed.height(), &attestation(voter, closed.checkpoint())).unwrap();
    }
}

/// Fetches all that is lacking, with `change` made to what arrives.
pub fn fetch(from: &Ledger, to: &Ledger, upto: u64, change: impl Fn(u64, &mut Vec<u8>, &mut Vec<u8>)) {
    let Lacking { blocks, sides } = to.lacking(upto).unwrap();
    for height in sides {
        let (mut block, mut offset) = (Vec::new(), 0);
        while offset < from.block_len(height).unwrap() {
            let piece = from.read_block(height, offset, 100).unwrap();
            offset += piece.len() as u64;
            block.extend_from_slice(&piece);
        }
        let mut side = from.side_data(height).unwrap().to_vec();
        change(height, &mut block, &mut side);
        to.stage_side(height, &side).unwrap();
        if blocks.contains(&height) {
            let mut staged = to.stage(height).unwrap();
            for (number, piece) in block.chunks(64).enumerate() {
                staged.write(64 * number as u64, piece).unwrap();
            }
            assert!(!to.is_staged(height));
            staged.finish().unwrap();
            assert!(to.is_staged(height));
        }
    }
}

/// All that blocks decide, in words.
pub fn everything(ledger: &Ledger) -> String {
    let rows = (ledger.assets(None, 10).unwrap(), ledger.parties(None, 10).unwrap(), ledger.classes(None, 10).unwrap());
    let parties = (0..4).map(party_id);
    let holdings: Vec<_> = parties.map(|party| ledger.holdings(party, None, 10).unwrap()).collect();
    let records: Vec<_> = (0..10).map(|number| ledger.record(record_id(number)).unwrap()).collect();
    let payloads: Vec<_> = (0..ledger.size()).map(|leaf| ledger.payload(leaf).unwrap()).collect();
    let proofs: Vec<_> = [1, 2].map(|asset| ledger.asset_proof(asset_id(asset), None).unwrap()).into();
    let blocks: Vec<_> = (0..4).map(|height| ledger.block(height).unwrap()).collect();
    let ends = (ledger.size(), ledger.open_table(), ledger.sealing_status(), ledger.verify_all(&mut |_| {}).unwrap());
    format!("{rows:?} {holdings:?} {records:?} {payloads:?} {blocks:?} {proofs:?} {ends:?}")
}

#[test]
fn an_empty_node_adopts_the_same_rows_roots_and_seals() {
    let (leader, mut follower) = (leader(), follower());
    fetch(leader.ledger(), follower.ledger(), 2, |_, _, _| {});
    follower.ledger().adopt(2, replay_point(2, b"from here")).unwrap();
    let expected = everything(leader.ledger());
    assert_eq!(everything(follower.ledger()), expected);
    follower.reopen();
    assert_eq!(everything(follower.ledger()), expected);
    assert_eq!(follower.ledger().durable().replay_from.as_deref(), Some(&b"from here"[..]));
    assert_eq!(follower.ledger().lacking(2).unwrap(), Lacking { blocks: 0..0, sides: 0..0 });
    assert!(!follower.ledger().is_staged(2));
}

#[test]
fn both_go_on_alike_after_adopting() {
    let (leader, follower) = (leader(), follower());
    fetch(leader.ledger(), follower.ledger(), 2, |_, _, _| {});
    follower.ledger().adopt(2, replay_point(2, b"")).unwrap();
    for node in [&leader, &follower] {
        node.apply(7_000, vec![plain(Transfer::transfer(record_id(9), asset_id(1), party_id(2), party_id(1)))]);
        let closed = node.close_and_store(8_000);
        let second = node.ledger().checkpoint_from_disk(1).unwrap();
        assert_eq!(node.ledger().attest(1, &attestation(2, &second)).unwrap(), AttestOutcome::Sealed { upto: 1 });
        node.ledger().attest(3, &attestation(1, closed.checkpoint())).unwrap();
    }
    assert_eq!(everything(leader.ledger()), everything(follower.ledger()));
}

#[test]
fn adopting_drops_what_was_not_stored_and_seals_what_was() {
    let (leader, follower) = (leader(), follower());
    follower.apply(1_000, opening_items());
    follower.close_and_store(2_000);
    follower.apply(1_500, opening_items());
    follower.close(9_000);
    follower.apply(9_500, opening_items());
    assert_eq!(follower.ledger().lacking(2).unwrap(), Lacking { blocks: 1..3, sides: 0..3 });
    fetch(leader.ledger(), follower.ledger(), 2, |_, _, _| {});
    follower.ledger().adopt(2, replay_point(2, b"")).unwrap();
    assert_eq!(everything(follower.ledger()), everything(leader.ledger()));
    assert_eq!(follower.ledger().sealing_status().sealed_height, Some(0));
}

#[test]
fn a_seal_that_came_before_the_one_below_it_waits_for_its_turn() {
    let (leader, follower) = (leader(), follower());
    let second = leader.ledger().checkpoint_from_disk(1).unwrap();
    let third = leader.ledger().checkpoint_from_disk(2).unwrap();
    let before = leader.ledger().side_data(1).unwrap();
    leader.ledger().attest(1, &attestation(2, &second)).unwrap();
    for voter in 1..=VOTERS {
        leader.ledger().attest(2, &attestation(voter, &third)).unwrap();
    }
    fetch(leader.ledger(), follower.ledger(), 2, |height, _, side| {
        if height == 1 {
            *side = before.to_vec();
        }
    });
    follower.ledger().adopt(2, replay_point(2, b"")).unwrap();
    assert_eq!(follower.ledger().sealing_status().sealed_height, Some(0));
    let sealed = follower.ledger().attest(1, &attestation(2, &second)).unwrap();
    assert_eq!(sealed, AttestOutcome::Sealed { upto: 2 });
    assert_eq!(follower.ledger().checkpoint().unwrap(), leader.ledger().checkpoint().unwrap());
}

#[test]
fn every_changed_byte_of_a_block_is_refused_and_changes_nothing() {
    let (leader, follower) = (leader(), follower());
    let before = everything(follower.ledger());
    for at in (0..leader.ledger().block_len(1).unwrap() as usize).step_by(13) {
        fetch(leader.ledger(), follower.ledger(), 2, |height, block, _| block[at] ^= u8::from(height == 1));
        let adopted = follower.ledger().adopt(2, replay_point(2, b""));
        assert!(matches!(adopted, Err(StorageError::BadBlock { height: 1, .. })), "byte {at}: {adopted:?}");
        assert_eq!(everything(follower.ledger()), before);
        assert!(!follower.ledger().is_staged(0));
    }
    fetch(leader.ledger(), follower.ledger(), 2, |_, _, _| {});
    follower.ledger().adopt(2, replay_point(2, b"")).unwrap();
}

#[test]
fn every_changed_byte_of_side_data_is_refused() {
    let (leader, follower) = (leader(), follower());
    for at in (0..leader.ledger().side_data(0).unwrap().len()).step_by(29) {
        fetch(leader.ledger(), follower.ledger(), 0, |_, _, side| side[at] ^= 1);
        let adopted = follower.ledger().adopt(0, replay_point(0, b""));
        assert!(matches!(adopted, Err(StorageError::BadBlock { height: 0, .. })), "byte {at}: {adopted:?}");
    }
}

#[test]
fn a_block_of_another_history_is_refused() {
    let (leader, follower, other) = (leader(), follower(), follower());
    other.apply(1_001, opening_items());
    other.close_and_store(2_000);
    other.apply(3_000, vec![plain(Transfer::transfer(record_id(7), asset_id(1), party_id(2), party_id(1)))]);
    other.close_and_store(4_000);
    fetch(leader.ledger(), follower.ledger(), 0, |_, _, _| {});
    follower.ledger().adopt(0, replay_point(0, b"")).unwrap();
    fetch(other.ledger(), follower.ledger(), 1, |_, _, _| {});
    let adopted = follower.ledger().adopt(1, replay_point(1, b""));
    assert!(matches!(adopted, Err(StorageError::BadBlock { .. })), "{adopted:?}");
    assert_eq!(follower.ledger().durable().height, Some(0));
}

#[test]
fn a_replay_point_other_than_the_one_that_the_header_names_is_refused() {
    let (leader, follower) = (leader(), follower());
    for (raft_term, raft_index) in [(1, 1), (1, 3), (2, 2)] {
        fetch(leader.ledger(), follower.ledger(), 2, |_, _, _| {});
        let replay = ReplayPoint { replay_from: b"from here".to_vec(), raft_term, raft_index };
        let adopted = follower.ledger().adopt(2, replay);
        assert!(matches!(adopted, Err(StorageError::BadBlock { height: 2, .. })), "{adopted:?}");
        assert_eq!(follower.ledger().durable().height, None);
    }
}

#[test]
fn a_rehearsal_changes_nothing_and_leaves_what_is_good_to_be_adopted() {
    let (leader, follower) = (leader(), follower());
    let before = everything(follower.ledger());
    fetch(leader.ledger(), follower.ledger(), 2, |_, _, _| {});
    follower.ledger().rehearse_adopting(2, &replay_point(2, b"")).unwrap();
    assert_eq!(everything(follower.ledger()), before);
    follower.ledger().adopt(2, replay_point(2, b"")).unwrap();
    assert_eq!(everything(follower.ledger()), everything(leader.ledger()));
}

#[test]
fn a_rehearsal_with_a_bad_block_fails_and_clears_what_was_staged() {
    let (leader, follower) = (leader(), follower());
    let before = everything(follower.ledger());
    fetch(leader.ledger(), follower.ledger(), 2, |height, block, _| {
        let middle = block.len() / 2;
        block[middle] ^= u8::from(height == 1);
    });
    let rehearsed = follower.ledger().rehearse_adopting(2, &replay_point(2, b""));
    assert!(matches!(rehearsed, Err(StorageError::BadBlock { height: 1, .. })), "{rehearsed:?}");
    assert_eq!(everything(follower.ledger()), before);
    assert!(!follower.ledger().is_staged(0) && !follower.ledger().is_staged(2));
    fetch(leader.ledger(), follower.ledger(), 2, |_, _, _| {});
    follower.ledger().adopt(2, replay_point(2, b"")).unwrap();
}

#[test]
fn what_was_not_fetched_is_missed() {
    let (leader, follower) = (leader(), follower());
    fetch(leader.ledger(), follower.ledger(), 1, |_, _, _| {});
    let adopted = follower.ledger().adopt(2, replay_point(2, b""));
    assert!(matches!(adopted, Err(StorageError::BadBlock { height: 2, .. })), "{adopted:?}");
    assert_eq!(follower.ledger().durable().height, None);
}

#[test]
fn a_staged_block_that_was_finished_outlives_a_restart() {
    let (leader, mut follower) = (leader(), follower());
    fetch(leader.ledger(), follower.ledger(), 2, |_, _, _| {});
    let mut unfinished = follower.ledger().stage(3).unwrap();
    unfinished.write(0, b"torn").unwrap();
    follower.reopen();
    assert!(follower.ledger().is_staged(2) && !follower.ledger().is_staged(3));
    follower.ledger().adopt(2, replay_point(2, b"")).unwrap();
    assert_eq!(everything(follower.ledger()), everything(leader.ledger()));
}

#[test]
fn a_block_that_is_not_stored_is_unknown() {
    let leader = leader();
    leader.close(7_000);
    for height in [3, 4, u64::MAX] {
        assert!(matches!(leader.ledger().block_len(height), Err(StorageError::Unknown { .. })));
        assert!(matches!(leader.ledger().side_data(height), Err(StorageError::Unknown { .. })));
    }
}
