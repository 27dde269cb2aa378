//! Record leaves as a verifier reads them: the rules of their bytes, whoever signed them.

mod small_ledger;

use bulla_sealing::*;
use small_ledger::*;

/// What a receipt for this leaf proves, in a ledger that has it in the place of leaf 5, all of it signed.
fn verdict(leaf: Vec<u8>) -> Result<Vec<u8>, DecodeError> {
    let mut leaves = leaves();
    leaves[5] = leaf;
    match receipt(&leaves, 5, 8, false).verify(&policy()) {
        Ok(verified) => Ok(verified.record),
        Err(ReceiptError::Record(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<u8>, DecodeError> {
    let mut leaf = record(5, false);
    change(&mut leaf);
    verdict(leaf)
}

#[test]
fn every_kind_of_record_and_no_other_is_read() {
    let kinds: Vec<u8> = (0..=u8::MAX).filter(|kind| changed(|leaf| leaf[4] = *kind).is_ok()).collect();
    assert_eq!(kinds, [0x01, 0x02, 0x03, 0x04, 0x05, 0x0d, 0x12, 0x20, 0x30, 0x31]);
    assert_eq!(changed(|leaf| leaf[4] = 6), Err(DecodeError::UnknownKind(6)));
}

#[test]
fn every_flag_without_a_meaning_is_refused() {
    for bit in 0..8 {
        let read = changed(|leaf| leaf[5] ^= 1 << bit);
        match bit < 4 {
            true => assert!(read.is_ok(), "bit {bit}"),
            false => assert_eq!(read, Err(DecodeError::UnknownFlags(0b1100 | 1 << bit))),
        }
    }
}

#[test]
fn a_record_has_176_bytes() {
    assert!(changed(|_| ()).is_ok());
    assert_eq!(changed(|leaf| leaf.truncate(175)), Err(DecodeError::Truncated));
    assert_eq!(changed(|leaf| leaf.push(0)), Err(DecodeError::TrailingBytes { count: 1 }));
    assert_eq!(changed(Vec::clear), Err(DecodeError::Truncated));
}

#[test]
fn a_commitment_without_its_flag_is_refused_and_with_it_may_be_anything() {
    for place in [144, 175] {
        let refused = changed(|leaf| leaf[place] = 1);
        assert!(matches!(refused, Err(DecodeError::Invalid { field: "payload_commit", .. })), "{refused:?}");
    }
    assert!(changed(|leaf| leaf[5] |= 1).is_ok());
    assert!(changed(|leaf| (leaf[5], leaf[144]) = (0b1101, 1)).is_ok());
}

#[test]
fn the_first_eight_bytes_are_checked_before_the_rest() {
    for place in 0..4 {
        assert!(matches!(changed(|leaf| leaf[place] ^= 1), Err(DecodeError::UnknownMagic(_))));
    }
    for place in [6, 7] {
        assert!(matches!(changed(|leaf| leaf[place] = 1), Err(DecodeError::Invalid { field: "reserved", .. })));
    }
}
