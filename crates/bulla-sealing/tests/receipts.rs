//! Receipts: what they prove, and that each rule is checked, in its place, with its own error.

mod small_ledger;

use bulla_sealing::*;
use expect_test::{expect, expect_file};
use small_ledger::*;
use uuid::Uuid;

#[test]
fn every_record_has_a_receipt_under_its_own_and_under_later_checkpoints() {
    let leaves = leaves();
    for (height, header_leaf) in HEADERS.into_iter().enumerate() {
        for later in &HEADERS[height..] {
            let log = &leaves[..=*later as usize];
            for leaf_index in (1..header_leaf).filter(|leaf| !HEADERS.contains(leaf)) {
                let receipt = receipt(log, leaf_index, header_leaf, false);
                let text = receipt.to_text().unwrap();
                assert_eq!(Receipt::parse(text.as_bytes()), Ok(receipt));
                let verdict = verify_receipt(text.as_bytes(), &policy());
                let header = Header::decode(&leaves[header_leaf as usize]).unwrap();
                match header.covers(leaf_index) {
                    true => assert_eq!(verdict.unwrap().record, leaves[leaf_index as usize]),
                    false => assert!(matches!(verdict, Err(ReceiptError::NotInBlock { .. }))),
                }
            }
        }
    }
}

#[test]
fn what_was_verified_is_said_in_words() {
    let verified = receipt(&leaves()[..9], 6, 8, true).verify(&policy()).unwrap();
    assert_eq!(verified.payload, Some(payload()));
    expect![[r#"
        The record is in the ledger, and its block is sealed.
        record     leaf 6 of the log
        payload    21 bytes, as the record committed to
        block      height 1
        table      0cd3d796-9358-8f25-9183-f3aacf527cc5
        opened     2023-11-14T22:13:20.000001Z
        closed     2023-11-14T22:13:20.000002Z
        ledger     30faf156-73d8-819f-8488-25070151baab
        log        ledger.example/tools
        size       9 leaves
        root       3363c2e3b308a4e94cd323554a4df511c36d596f9101a48a2ad112065df806c5
        signed by  the log, and all 3 nodes:
                   alpha at 2023-11-14T22:13:20Z
                   beta at 2023-11-14T22:13:20Z
                   gamma at 2023-11-14T22:13:20Z
        witnesses  none
    "#]]
    .assert_eq(&verified.to_string());
}

/// These bytes must verify for ever.
#[test]
fn a_receipt_kept_in_a_file_still_verifies() {
    let text = receipt(&leaves()[..9], 6, 8, true).to_text().unwrap();
    expect_file!["golden/receipt.tlog-proof"].assert_eq(&text);
    let kept_policy = Policy::parse(include_str!("golden/policy")).unwrap();
    let kept = include_bytes!("golden/receipt.tlog-proof");
    assert!(verify_receipt(kept, &kept_policy).is_ok());
}

#[test]
fn a_receipt_without_its_payload_says_that_there_is_one() {
    let log = &leaves()[..9];
    let words = |leaf_index| {
        let verified = receipt(log, leaf_index, 8, false).verify(&policy()).unwrap();
        let words = verified.to_string();
        words.lines().nth(2).unwrap().to_owned()
    };
    assert_eq!(words(6), "payload    committed to by the record, not in this receipt");
    assert_eq!(words(5), "payload    none");
}

#[test]
fn every_flipped_bit_is_seen() {
    let leaves = leaves();
    let under_its_own_checkpoint = receipt(&leaves[..9], 6, 8, true);
    let under_a_later_checkpoint = receipt(&leaves, 3, 4, false);
    for receipt in [under_its_own_checkpoint, under_a_later_checkpoint] {
        let mut bytes = receipt.to_text().unwrap().into_bytes();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                let verdict = verify_receipt(&bytes, &policy());
                assert!(verdict.is_err(), "bit {bit} of byte {place}");
                bytes[place] ^= 1 << bit;
            }
        }
        assert!(verify_receipt(&bytes, &policy()).is_ok());
    }
}

#[test]
fn every_truncation_and_addition_is_seen() {
    let bytes = receipt(&leaves()[..9], 6, 8, true).to_text().unwrap().into_bytes();
    for length in 0..bytes.len() {
        assert!(verify_receipt(&bytes[..length], &policy()).is_err());
    }
    for addition in [&b"\n"[..], b" ", b"x", b"\r\n", b"\0"] {
        assert!(verify_receipt(&[&bytes, addition].concat(), &policy()).is_err());
    }
}

/// One thing wrong with a receipt; in the order in which a verifier must find them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    OtherFirstLine,
    OtherOrigin,
    BadLogSignature,
    RepeatedLine,
    BadBetaSignature,
    NoLogLine,
    NoGammaLine,
    UnknownKind,
    OtherIndexInside,
    WrongPath,
    HeaderReserved,
    OtherLedger,
    WrongHeaderPath,
    RecordOfBlock0,
    WrongLogRoot,
    OtherPayload,
}
use Fault::*;

const FAULTS: [(Fault, &str); 16] = [
    (OtherFirstLine, "Malformed(UnknownFormat)"),
    (OtherOrigin, "Seal(UnknownOrigin"),
    (BadLogSignature, "Seal(BadSignature { name: \"ledger.example/tools\""),
    (RepeatedLine, "Seal(RepeatedSignature { name: \"alpha\""),
    (BadBetaSignature, "Seal(BadSignature { name: \"beta\""),
    (NoLogLine, "Seal(LogSignatureMissing)"),
    (NoGammaLine, "Seal(NodesMissing { names: [\"gamma\"] })"),
    (UnknownKind, "Record(UnknownKind(6))"),
    (OtherIndexInside, "RecordIndex { recorded: 7"),
    (WrongPath, "RecordPath(RootMismatch)"),
    (HeaderReserved, "Header(Invalid { field: \"reserved\""),
    (OtherLedger, "OtherLedger"),
    (WrongHeaderPath, "HeaderPath(RootMismatch)"),
    (RecordOfBlock0, "NotInBlock { leaf_index: 2, height: 1 }"),
    (WrongLogRoot, "LogRoot"),
    (OtherPayload, "PayloadMismatch"),
];

/// The error that a receipt with these faults, and no others, meets with.
fn verdict(faults: &[Fault]) -> String {
    let has = |fault| faults.contains(&fault);
    let mut leaves = leaves()[..9].to_vec();
    let place = if has(RecordOfBlock0) { 2 } else { 6 };
    if has(UnknownKind) {
        leaves[place][4] = 0x06;
    }
    if has(OtherIndexInside) {
        leaves[place][15] = 7;
    }
    if has(HeaderReserved) {
        leaves[8][295] = 1;
    }
    if has(WrongLogRoot) {
        leaves[8][136] ^= 1;
    }
    let mut receipt = receipt(&leaves, place as u64, 8, true);
    if has(WrongPath) {
        receipt.path[0].0[0] ^= 1;
    }
    if has(WrongHeaderPath) {
        receipt.header_path[0].0[0] ^= 1;
    }
    if has(OtherPayload) {
        receipt.payload = Some((SALT, b"{}".to_vec()));
    }
    let text = tampered(receipt, has).to_text().unwrap();
    let text = match has(OtherFirstLine) {
        true => text.replacen("@v1", "@v2", 1),
        false => text,
    };
    let origin = if has(OtherOrigin) { "other.example" } else { ORIGIN };
    let ledger_id = match has(OtherLedger) {
        true => Uuid::from_u128(1),
        false => config().ledger_id,
    };
    let log_key = *policy().log_key();
    let nodes = policy().nodes().to_vec();
    let policy = Policy::new(origin, ledger_id, log_key, nodes, vec![]).unwrap();
    match verify_receipt(text.as_bytes(), &policy) {
        Ok(_) => "verified".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// The faults of the signature lines.
fn tampered(mut receipt: Receipt, has: impl Fn(Fault) -> bool) -> Receipt {
    let lines = &mut receipt.checkpoint.signatures;
    if has(NoGammaLine) {
        lines.remove(3);
    }
    if has(BadBetaSignature) {
        lines[2].signature[70] ^= 1;
    }
    if has(RepeatedLine) {
        lines.push(lines[1].clone());
    }
    match (has(BadLogSignature), has(NoLogLine)) {
        (true, _) => lines[0].signature[3] ^= 1,
        (false, true) => drop(lines.remove(0)),
        (false, false) => (),
    }
    receipt
}

#[test]
fn each_rule_has_its_own_error() {
    assert_eq!(verdict(&[]), "verified");
    for (fault, expected) in FAULTS {
        let verdict = verdict(&[fault]);
        assert!(verdict.starts_with(expected), "{fault:?}: {verdict}");
    }
}

#[test]
fn the_rules_are_checked_in_their_order() {
    let faults = FAULTS.map(|(fault, _)| fault);
    for (first, (fault, expected)) in FAULTS.into_iter().enumerate() {
        let verdict = verdict(&faults[first..]);
        assert!(verdict.starts_with(expected), "{fault:?} first: {verdict}");
    }
}

#[test]
fn a_payload_that_the_record_does_not_commit_to_is_refused() {
    let mut receipt = receipt(&leaves()[..9], 5, 8, false);
    receipt.payload = Some((SALT, payload()));
    assert_eq!(receipt.verify(&policy()), Err(ReceiptError::PayloadNotCommitted));
}

#[test]
fn a_payload_under_another_salt_is_refused() {
    let mut receipt = receipt(&leaves()[..9], 6, 8, false);
    receipt.payload = Some(([0; 32], payload()));
    assert_eq!(receipt.verify(&policy()), Err(ReceiptError::PayloadMismatch));
}

#[test]
fn a_leaf_that_is_no_record_has_no_receipt() {
    let verdict = |leaf_index| receipt(&leaves()[..9], leaf_index, 8, false).verify(&policy());
    for (leaf_index, kind) in [(0, KIND_CONFIG), (4, KIND_HEADER)] {
        let unknown = ReceiptError::Record(DecodeError::UnknownKind(kind));
        assert_eq!(verdict(leaf_index), Err(unknown));
    }
}

#[test]
fn cannot_verify_is_not_the_same_as_invalid() {
    let unknown = |change: fn(&mut Receipt)| {
        let mut receipt = receipt(&leaves()[..9], 6, 8, true);
        change(&mut receipt);
        receipt.verify(&policy()).unwrap_err().is_unknown()
    };
    assert!(unknown(|receipt| receipt.record[3] = 2));
    assert!(unknown(|receipt| receipt.record[4] = 0x07));
    assert!(unknown(|receipt| receipt.record[5] = 0x80));
    assert!(unknown(|receipt| receipt.header[3] = 2));
    assert!(unknown(|receipt| receipt.header[5] = 3));
    assert!(!unknown(|receipt| receipt.record[7] = 1));
    assert!(!unknown(|receipt| receipt.header[4] = KIND_CONFIG));
    assert!(!unknown(|receipt| receipt.path.clear()));
    let unknown = |text: &str| verify_receipt(text.as_bytes(), &policy()).unwrap_err().is_unknown();
    assert!(unknown("c2sp.org/tlog-proof@v2\n"));
    assert!(unknown("c2sp.org/tlog-proof@v1\nextra QlVMUgI=\nindex 0\n\n"));
    assert!(!unknown("c2sp.org/tlog-proof@v1\nextra QlVMUgE=\nindex 0\n\n"));
}

/// The error of a receipt in whose text `from` was replaced, once, by `to`.
fn malformed(from: &str, to: &str) -> MalformedReceipt {
    let text = receipt(&leaves()[..9], 6, 8, true).to_text().unwrap();
    assert!(text.contains(from), "{from}");
    Receipt::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err()
}

#[test]
fn text_that_is_not_a_receipt_is_refused_with_the_reason() {
    use MalformedReceipt::*;
    assert_eq!(malformed("@v1\n", "@v1\r\n"), UnknownFormat);
    assert_eq!(malformed("\nextra ", "\nextra  "), ExtraLine);
    assert_eq!(malformed("\nextra ", "\nmore "), ExtraLine);
    assert_eq!(malformed("\nindex 6", "\nindex 06"), IndexLine);
    assert_eq!(malformed("\nindex 6", "\nindex +6"), IndexLine);
    assert_eq!(malformed("\nindex 6", "\nindex 18446744073709551616"), IndexLine);
    assert_eq!(malformed("\nindex 6\n", "\nindex 6\nAAAA\n"), PathLine { line: 4 });
    assert_eq!(malformed("\n9\n", "\n09\n"), Checkpoint(MalformedCheckpoint::Size));
    assert_eq!(malformed("\u{2014} alpha", "- alpha"), Note(MalformedNote::SignatureLine { line: 2 }));
    let line = format!("{}\n", EMPTY_ROOT.to_base64());
    assert_eq!(malformed("index 6\n", &format!("index 6\n{}", line.repeat(63))), PathTooLong);
    assert_eq!(Receipt::parse(b"c2sp.org/tlog-proof@v1\nextra \nindex 0\n"), Err(NoCheckpoint));
    assert_eq!(Receipt::parse(&[0xff]), Err(NotUtf8));
    assert_eq!(Receipt::parse(&vec![b'a'; RECEIPT_BYTES_MAX + 1]), Err(TooLong));
}

#[test]
fn a_receipt_with_a_payload_too_large_for_it_is_not_written() {
    let mut receipt = receipt(&leaves()[..9], 6, 8, true);
    let others = 5 + 2 + 176 + 1 + 36 + 2 + 296 + 1 + 32 * receipt.header_path.len();
    receipt.payload = Some((SALT, vec![b'x'; RECEIPT_EXTRA_BYTES_MAX - others]));
    let text = receipt.to_text().unwrap();
    assert_eq!(Receipt::parse(text.as_bytes()).as_ref(), Ok(&receipt));
    receipt.payload = Some((SALT, vec![b'x'; RECEIPT_EXTRA_BYTES_MAX - others + 1]));
    let too_large = ReceiptTooLarge { bytes: RECEIPT_EXTRA_BYTES_MAX + 1 };
    assert_eq!(receipt.to_text(), Err(too_large));
}
