//! What a witness is asked, and by which rules it answers.

mod small_ledger;

use bulla_sealing::*;
use small_ledger::*;

/// A request about the first `size` leaves of the small ledger, from `old_size`, with the right proof.
fn request(old_size: u64, size: usize) -> AddCheckpoint {
    let leaves = leaves();
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let proof = match old_size {
        0 => Vec::new(),
        _ => consistency_proof(old_size, size as u64, &hashes[..]).unwrap(),
    };
    AddCheckpoint { old_size, proof, checkpoint: seal(&checkpoint(&leaves[..size])) }
}

fn judged(request: &AddCheckpoint, latest: Option<usize>) -> Result<u64, WitnessRefusal> {
    let latest = latest.map(|size| checkpoint(&leaves()[..size]));
    request.judge(&policy(), latest.as_ref()).map(|checkpoint| checkpoint.size)
}

#[test]
fn a_request_has_one_spelling() {
    let good = request(3, 5);
    let text = good.to_text();
    assert_eq!(AddCheckpoint::parse(text.as_bytes()), Ok(good.clone()));
    assert_eq!(good.origin(), ORIGIN);
    let wrong = |from: &str, to: &str| AddCheckpoint::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
    for old in ["old 03\n", "old +3\n", "old  3\n", "old\n", "new 3\n", "old 3 \n", "old 3\r\n"] {
        assert_eq!(wrong("old 3\n", old), MalformedRequest::OldLine, "{old:?}");
    }
    assert_eq!(wrong("old 3\n", "old 3\nAAAA\n"), MalformedRequest::ProofLine { line: 2 });
    assert_eq!(wrong("\n\n", "\n"), MalformedRequest::ProofLine { line: 4 + good.proof.len() - 2 });
    let many = AddCheckpoint { proof: vec![EMPTY_ROOT; 64], ..good };
    assert_eq!(AddCheckpoint::parse(many.to_text().as_bytes()), Err(MalformedRequest::ProofTooLong));
    assert_eq!(AddCheckpoint::parse(b"old 3\n"), Err(MalformedRequest::NoCheckpoint));
    assert_eq!(AddCheckpoint::parse(&[0xff]), Err(MalformedRequest::NotUtf8));
}

#[test]
fn a_log_is_cosigned_as_long_as_it_is_proven_to_grow_and_to_be_the_same() {
    for size in 1..=leaves().len() {
        assert_eq!(judged(&request(0, size), None), Ok(size as u64));
        for old_size in 1..=size {
            assert_eq!(judged(&request(old_size as u64, size), Some(old_size)), Ok(size as u64));
        }
    }
}

#[test]
fn what_does_not_continue_the_log_is_refused_with_its_reason() {
    use WitnessRefusal::*;
    assert_eq!(judged(&request(2, 4), Some(3)), Err(OtherSize { latest_size: 3 }));
    assert_eq!(judged(&request(2, 4), None), Err(OtherSize { latest_size: 0 }));
    assert_eq!(judged(&request(0, 4), Some(5)), Err(OtherSize { latest_size: 5 }));
    let above = AddCheckpoint { old_size: 5, ..request(0, 4) };
    assert_eq!(judged(&above, Some(5)), Err(OldAboveNew { old_size: 5, size: 4 }));
    let needless = AddCheckpoint { old_size: 0, ..request(2, 5) };
    assert_eq!(judged(&needless, None), Err(NeedlessProof));
    let unproven = AddCheckpoint { proof: vec![], ..request(2, 5) };
    assert!(matches!(judged(&unproven, Some(2)), Err(Inconsistent { latest_size: 2, .. })));
    let same_size = AddCheckpoint { proof: vec![EMPTY_ROOT], ..request(5, 5) };
    assert!(matches!(judged(&same_size, Some(5)), Err(Inconsistent { .. })));

    let mut fork = leaves();
    fork[1].push(0);
    let other = AddCheckpoint { checkpoint: seal(&checkpoint(&fork[..5])), ..request(5, 5) };
    assert_eq!(judged(&other, Some(5)), Err(Inconsistent { latest_size: 5, source: ProofError::RootMismatch }));
}

#[test]
fn the_empty_log_has_one_root() {
    let empty = |root| AddCheckpoint {
        old_size: 0,
        proof: vec![],
        checkpoint: seal(&Checkpoint { origin: ORIGIN.into(), size: 0, root }),
    };
    assert_eq!(judged(&empty(EMPTY_ROOT), None), Ok(0));
    assert_eq!(judged(&empty(leaf_hash(b"")), None), Err(WitnessRefusal::EmptyRoot));
}

#[test]
fn whoever_cosigned_the_empty_log_last_is_proven_nothing() {
    assert_eq!(judged(&request(0, 5), Some(0)), Ok(5));
    let needless = AddCheckpoint { old_size: 0, ..request(2, 5) };
    assert_eq!(judged(&needless, Some(0)), Err(WitnessRefusal::NeedlessProof));
}

#[test]
fn what_the_log_and_all_its_nodes_did_not_sign_is_not_cosigned() {
    let good = request(0, 5);
    for signature in 0..good.checkpoint.signatures.len() {
        let mut lacking = good.clone();
        lacking.checkpoint.signatures.remove(signature);
        assert!(matches!(judged(&lacking, None), Err(WitnessRefusal::NotSealed(_))));
        let mut forged = good.clone();
        forged.checkpoint.signatures[signature].signature[20] ^= 1;
        assert!(matches!(judged(&forged, None), Err(WitnessRefusal::NotSealed(_))));
    }
}
