//! Every bit of what a verifier is handed: changed, it is refused. The exception is a line of a key that nobody knows.

mod small_ledger;

use bulla_sealing::*;
use small_ledger::*;

/// All bytes that are these but for one bit, and where that bit is.
fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        (bit / 8, changed)
    })
}

fn verified(note: &[u8], policy: &Policy) -> Option<Sealed> {
    policy.verify(&SignedNote::parse(note).ok()?).ok()
}

#[test]
fn a_sealed_checkpoint_with_a_bit_changed_is_refused() {
    let note = seal(&checkpoint(&leaves())).to_string();
    assert!(verified(note.as_bytes(), &policy()).is_some());
    for (place, changed) in flips(note.as_bytes()) {
        assert_eq!(verified(&changed, &policy()), None, "byte {place}");
    }
}

/// The seal, cosigned by a witness that the policy knows, and then by somebody else.
fn witnessed() -> SignedNote {
    let checkpoint = checkpoint(&leaves()[..9]);
    let mut note = seal(&checkpoint);
    for name in ["walter", "stranger"] {
        let cosigner = Cosigner::new(node_key(name), name);
        let attestation = cosigner.cosign(&checkpoint, TIME_S + 5);
        note.signatures.push(attestation.note_line(&cosigner.verifier_key()));
    }
    note
}

fn knowing_the_witness() -> Policy {
    let config = config();
    Policy::new(ORIGIN, config.ledger_id, config.log_key, config.nodes, vec![node("walter")]).unwrap()
}

fn demanding_the_witness() -> Policy {
    knowing_the_witness().demanding(Quorum::Witness("walter".into())).unwrap()
}

/// The name of a line, and the base64 of its key id and signature: not what stands around and between them.
fn changeable(text: &str, name: &str) -> impl Fn(usize) -> bool {
    let start = text.find(&format!("\u{2014} {name}")).unwrap();
    let line = text[start..].lines().next().unwrap();
    let (from, to, space) = (start + "\u{2014} ".len(), start + line.len(), start + line.rfind(' ').unwrap());
    move |place| (from..to).contains(&place) && place != space
}

#[test]
fn of_a_checkpoint_only_a_strangers_line_changes_unnoticed_and_says_nothing() {
    let text = witnessed().to_string();
    let policy = demanding_the_witness();
    let whole = verified(text.as_bytes(), &policy).unwrap();
    let is_changeable = changeable(&text, "stranger");
    let mut unnoticed = 0;
    for (place, changed) in flips(text.as_bytes()) {
        if let Some(found) = verified(&changed, &policy) {
            assert!(is_changeable(place), "byte {place}");
            assert_eq!(found, whole);
            unnoticed += 1;
        }
    }
    assert!(unnoticed > 0, "the exception is one");
}

/// Where nobody demands the witness its line may be missing, and under another name or key id it is not its line.
#[test]
fn a_witness_whose_line_was_changed_has_not_signed() {
    let text = witnessed().to_string();
    let policy = knowing_the_witness();
    let whole = verified(text.as_bytes(), &policy).unwrap();
    assert_eq!(whole.witnesses, [Signer { name: "walter".into(), time_s: TIME_S + 5 }]);
    let without = Sealed { witnesses: vec![], ..whole };
    let is_changeable = changeable(&text, "walter");
    for (place, changed) in flips(text.as_bytes()).filter(|(place, _)| is_changeable(*place)) {
        assert!(verified(&changed, &policy).is_none_or(|found| found == without), "byte {place}");
    }
}

#[test]
fn of_a_receipt_only_a_strangers_line_changes_unnoticed_and_says_nothing() {
    let mut receipt = receipt(&leaves()[..9], 6, 8, true);
    receipt.checkpoint = witnessed();
    let text = receipt.to_text().unwrap();
    let policy = demanding_the_witness();
    let whole = verify_receipt(text.as_bytes(), &policy).unwrap();
    let is_changeable = changeable(&text, "stranger");
    // What stands before the signatures is changed bit by bit in `receipts.rs`.
    let signatures = text.find('\u{2014}').unwrap();
    for (place, changed) in flips(text.as_bytes()).skip(8 * signatures) {
        if let Ok(found) = verify_receipt(&changed, &policy) {
            assert!(is_changeable(place), "byte {place}");
            assert_eq!(found, whole);
        }
    }
}

#[test]
fn an_attestation_with_a_bit_changed_is_refused_or_names_another_node() {
    let ours = checkpoint(&leaves());
    let attestation = attestations(&ours).remove(0);
    let key = node("alpha").public_key;
    assert_eq!(verify_attestation(&key, &ours, &attestation), Ok(()));
    for (place, changed) in flips(&attestation.encode()) {
        let Ok(changed) = Attestation::decode(&changed) else { continue };
        // A cosignature does not cover its signer's name, so whoever collects them asks the policy for the name's key.
        match changed.node_name == "alpha" {
            true => assert_eq!(verify_attestation(&key, &ours, &changed), Err(AttestationError::BadSignature)),
            false => assert!(policy().nodes().iter().all(|node| node.name != changed.node_name), "byte {place}"),
        }
    }
}
