//! Cosignatures: whose line is whose, and when a time is one.

mod small_ledger;

use bulla_sealing::*;
use ed25519_dalek::Signer as _;
use small_ledger::*;

fn sealed() -> SignedNote {
    seal(&checkpoint(&leaves()))
}

#[test]
fn a_line_is_a_keys_own_by_its_name_and_its_key_id_together() {
    let alpha = node("alpha").verifier_key();
    assert_eq!(alpha.cosigned(&sealed()), Ok(Some(TIME_S)));
    let with = |change: fn(&mut NoteSignature)| {
        let mut note = sealed();
        change(&mut note.signatures[1]);
        alpha.cosigned(&note)
    };
    assert_eq!(with(|line| line.name = "adele".into()), Ok(None));
    assert_eq!(with(|line| line.key_id ^= 1), Ok(None));
    assert_eq!(with(|line| line.signature[71] ^= 1), Err(BadSignature));
}

#[test]
fn the_key_of_a_log_cosigns_nothing() {
    let log = policy().log_verifier_key();
    assert_eq!(sealed().signatures[0].key_id, log.key_id());
    assert_eq!(log.cosigned(&sealed()), Ok(None));
}

/// The seal with alpha's cosignature at this time, and a good signature whatever the time is.
fn cosigned_at(time_s: u64) -> SignedNote {
    let mut note = sealed();
    let message = format!("cosignature/v1\ntime {time_s}\n{}", note.text);
    let signature = node_key("alpha").sign(message.as_bytes()).to_bytes();
    note.signatures[1].signature = [&time_s.to_be_bytes()[..], &signature].concat();
    note
}

#[test]
fn a_time_is_below_2_to_the_63_even_under_a_good_signature() {
    for time_s in [0, 1, TIME_S_MAX] {
        let sealed = policy().verify(&cosigned_at(time_s)).unwrap();
        assert_eq!(sealed.nodes[0].time_s, time_s);
    }
    let bad = SealError::BadSignature { name: "alpha".into() };
    for time_s in [TIME_S_MAX + 1, u64::MAX] {
        assert_eq!(policy().verify(&cosigned_at(time_s)), Err(bad.clone()));
    }
}

#[test]
fn an_attestation_at_no_time_does_not_decode() {
    let checkpoint = checkpoint(&leaves());
    let mut bytes = cosign(&node_key("alpha"), "alpha", &checkpoint, TIME_S_MAX).encode();
    assert_eq!(Attestation::decode(&bytes).map(|attestation| attestation.time_s), Ok(TIME_S_MAX));
    let time = bytes.len() - 72;
    bytes[time] = 0x80;
    bytes[time + 1..time + 8].fill(0);
    assert!(matches!(Attestation::decode(&bytes), Err(DecodeError::Invalid { field: "time_s", .. })));
}

#[test]
#[should_panic(expected = "is no POSIX time")]
fn nothing_is_cosigned_at_no_time() {
    cosign(&node_key("alpha"), "alpha", &checkpoint(&leaves()), TIME_S_MAX + 1);
}
