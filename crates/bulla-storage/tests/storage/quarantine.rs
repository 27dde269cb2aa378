//! A ledger that is not to be believed: set aside, made again from what is verified, held against what was signed.

use bulla_ledger::Transfer;
use bulla_sealing::{Attestation, Checkpoint, Hash};
use bulla_storage::{GuardError, QuarantineReason, StagedProof, StorageError};

use crate::catching_up::{everything, fetch, replay_point};
use crate::node::{Node, asset_id, attestation, identities, opening_items, party_id, plain, record_id};

const VOTERS: u8 = 3;

/// Node `seed` with three stored blocks, the third of which hands the asset to `receiver`. The first is sealed; those
/// `signers` have signed the others.
fn node(seed: u8, receiver: u8, signers: &[u8]) -> Node {
    let node = Node::of(identities(VOTERS).remove(usize::from(seed) - 1));
    node.apply(1_000, opening_items());
    let first = node.close_and_store(2_000);
    (1..=VOTERS).for_each(|voter| sign(&node, 0, &attestation(voter, first.checkpoint())));
    let mut signed = vec![first.checkpoint().clone()];
    for (height, item) in [
        plain(Transfer::transfer(record_id(7), asset_id(1), party_id(2), party_id(1))),
        plain(Transfer::transfer(record_id(8), asset_id(1), party_id(1), party_id(receiver))),
    ]
    .into_iter()
    .enumerate()
    {
        let time_us = 3_000 + 2_000 * height as u64;
        node.apply(time_us, vec![item]);
        let closed = node.close_and_store(time_us + 1_000);
        signed.push(closed.checkpoint().clone());
        signers.iter().for_each(|voter| sign(&node, closed.height(), &attestation(*voter, closed.checkpoint())));
    }
    for (height, checkpoint) in (0..).zip(&signed) {
        node.store().guard().record(height, checkpoint.size, checkpoint.root).unwrap();
    }
    node
}

fn sign(node: &Node, height: u64, attestation: &Attestation) {
    node.ledger().attest(height, attestation).unwrap();
}

fn tree(node: &Node, height: u64) -> Checkpoint {
    node.ledger().checkpoint_from_disk(height).unwrap()
}

/// Verifies what is staged, block by block.
fn check(node: &Node) -> Result<Vec<StagedProof>, StorageError> {
    let mut log = node.ledger().stored_log().unwrap();
    let mut proofs = Vec::new();
    for height in node.ledger().lacking(2).unwrap().blocks {
        let (after, proof) = node.ledger().check_staged(height, &log)?;
        log = after;
        proofs.push(proof);
    }
    Ok(proofs)
}

/// Rebuilds a quarantined node from a peer, opening it anew `crash` steps into it.
fn rebuild(node: &mut Node, peer: &Node, crash: usize) {
    let mut steps = 0;
    let mut step = |node: &mut Node| {
        if steps == crash {
            node.reopen_quarantined(None);
        }
        steps += 1;
    };
    step(node);
    node.store().begin_rebuild().unwrap();
    step(node);
    fetch(peer.ledger(), node.ledger(), 2, |_, _, _| {});
    step(node);
    check(node).unwrap();
    node.ledger().adopt(2, replay_point(2, b"from here")).unwrap();
    step(node);
    node.store().settle_guard().unwrap();
    step(node);
    node.store().leave_quarantine().unwrap();
}

#[test]
fn a_ledger_is_rebuilt_wherever_a_crash_interrupts_it_and_read_only_then() {
    let peer = node(2, 3, &[1, 2]);
    for crash in 0..=5 {
        let mut damaged = node(1, 3, &[]);
        let refused = damaged.reopen_after(|node| std::fs::remove_file(node.file("ledger.redb")).unwrap());
        assert!(matches!(refused, Err(StorageError::Corrupt { .. })), "{refused:?}");
        damaged.reopen_quarantined(Some("it is gone"));
        assert!(matches!(damaged.ledger().asset(asset_id(1)), Err(StorageError::Quarantined { .. })));
        assert!(matches!(damaged.ledger().table(0), Err(StorageError::Quarantined { .. })));
        rebuild(&mut damaged, &peer, crash);
        assert_eq!(damaged.store().quarantine(), None);
        damaged.reopen();
        assert_eq!(everything(damaged.ledger()), everything(peer.ledger()), "a crash after {crash} steps");
        assert_eq!(damaged.store().guard().verify().unwrap(), 3);
    }
}

#[test]
fn whatever_is_wrong_with_the_database_is_damage_and_can_be_rebuilt() {
    let peer = node(2, 3, &[1, 2]);
    let damages: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |_| Vec::new(),
        |bytes| bytes[..bytes.len() / 2].to_vec(),
        |bytes| vec![0; bytes.len()],
        |bytes| bytes.iter().map(|byte| !byte).collect(),
    ];
    for damage in damages {
        let mut damaged = node(1, 3, &[]);
        let refused = damaged.reopen_after(|node| {
            let path = node.file("ledger.redb");
            let bytes = damage(std::fs::read(&path).unwrap());
            std::fs::write(&path, bytes).unwrap();
        });
        assert!(matches!(refused, Err(StorageError::Corrupt { .. })), "{refused:?}");
        damaged.reopen_quarantined(Some("its database"));
        rebuild(&mut damaged, &peer, usize::MAX);
        assert_eq!(everything(damaged.ledger()), everything(peer.ledger()));
    }
}

#[test]
fn a_marked_directory_opens_only_to_be_rebuilt() {
    let mut damaged = node(1, 3, &[]);
    damaged.store().enter_quarantine(QuarantineReason::Damaged { what: "a page".into() }, 7).unwrap();
    assert!(matches!(damaged.ledger().parties(None, 1), Err(StorageError::Quarantined { .. })));
    assert!(matches!(damaged.try_reopen(), Err(StorageError::Quarantined { .. })));
    damaged.reopen_quarantined(None);
    let kept = std::fs::read_dir(damaged.file("set-aside")).unwrap().next().unwrap().unwrap().path();
    assert!(kept.join("ledger.redb").exists(), "what was damaged is kept");
    assert_eq!(damaged.ledger().durable().height, None);
}

#[test]
fn own_blocks_are_good_where_all_have_signed_them_and_only_those() {
    let peer = node(2, 3, &[1, 2]);
    let mut damaged = node(1, 2, &[]);
    damaged.reopen_quarantined(Some("outvoted"));
    for height in 0..3 {
        assert!(damaged.ledger().is_staged(height));
        damaged.ledger().stage_side(height, &peer.ledger().side_data(height).unwrap()).unwrap();
    }
    let proofs = check(&damaged).unwrap();
    assert_eq!(proofs[..2], [StagedProof::Sealed, StagedProof::Agreed]);
    assert!(matches!(proofs[2], StagedProof::TooFew(few) if few.valid == 0), "{:?}", proofs[2]);

    damaged.store().set_aside_staged(2).unwrap();
    assert!(!damaged.ledger().is_staged(2));
    let path = damaged.file("incoming/0000000000.block");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(check(&damaged), Err(StorageError::BadBlock { height: 0, .. })));
}

#[test]
fn an_outvoted_node_signs_what_the_majority_signed_and_never_twice() {
    let peer = node(2, 3, &[2, 3]);
    let mut outvoted = node(1, 2, &[]);
    let wrong = tree(&outvoted, 2);
    let reason = QuarantineReason::OtherRoot { height: 2, root: wrong.root };
    outvoted.store().enter_quarantine(reason, 7).unwrap();
    rebuild(&mut outvoted, &peer, usize::MAX);
    let right = tree(&peer, 2);
    assert_ne!(wrong, right);
    let guard = outvoted.store().guard();
    guard.record(2, right.size, right.root).unwrap();
    assert!(matches!(guard.record(2, wrong.size, wrong.root), Err(GuardError::OtherRoot { .. })));
    assert_eq!(guard.verify().unwrap(), 3);
}

#[test]
fn a_guard_is_not_corrected_without_a_majority() {
    let peer = node(2, 3, &[2]);
    let outvoted = node(1, 2, &[]);
    outvoted.store().enter_quarantine(QuarantineReason::OtherRoot { height: 2, root: Hash([1; 32]) }, 7).unwrap();
    outvoted.store().begin_rebuild().unwrap();
    fetch(peer.ledger(), outvoted.ledger(), 2, |_, _, _| {});
    outvoted.ledger().adopt(2, replay_point(2, b"")).unwrap();
    let refused = outvoted.store().settle_guard();
    assert!(matches!(refused, Err(GuardError::TooFew { height: 2, .. })), "{refused:?}");
    let right = tree(&peer, 2);
    assert!(matches!(
        outvoted.store().guard().record(2, right.size, right.root),
        Err(GuardError::OtherRoot { height: 2, .. })
    ));
}

/// Whoever was not outvoted has no reason to sign anew, whatever a majority says: it may have been rolled back.
#[test]
fn a_damaged_node_does_not_follow_peers_that_have_another_history() {
    let peer = node(2, 3, &[2, 3]);
    let mut damaged = node(1, 2, &[]);
    damaged.reopen_quarantined(Some("a page"));
    fetch(peer.ledger(), damaged.ledger(), 2, |_, _, _| {});
    damaged.ledger().adopt(2, replay_point(2, b"")).unwrap();
    let refused = damaged.store().settle_guard();
    assert!(matches!(refused, Err(GuardError::OtherRoot { height: 2, .. })), "{refused:?}");
}

#[test]
fn a_node_does_not_follow_peers_that_lack_what_it_signed() {
    let peer = node(2, 3, &[2, 3]);
    let mut damaged = node(1, 3, &[]);
    damaged.reopen_quarantined(Some("a page"));
    fetch(peer.ledger(), damaged.ledger(), 1, |_, _, _| {});
    damaged.ledger().adopt(1, replay_point(1, b"")).unwrap();
    let refused = damaged.store().settle_guard();
    assert!(matches!(refused, Err(GuardError::Ahead { height: 2 })), "{refused:?}");
}
