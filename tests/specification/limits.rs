//! The constants that the specification states.

use bulla_ledger::{NAME_BYTES_MAX, PAYLOAD_BYTES_MAX, SCALE_MAX};
use bulla_sealing::*;

use crate::page::{quoted, section, tables};

#[test]
fn the_limits_are_those_of_the_code() {
    let longest_name = (1..1_000).take_while(|length| check_key_name(&"x".repeat(*length)).is_ok()).last().unwrap();
    let expected = [
        ("PROOF_HASHES_MAX", PROOF_HASHES_MAX.to_string()),
        ("LEAF_BYTES_MAX", LEAF_BYTES_MAX.to_string()),
        ("RECEIPT_BYTES_MAX", RECEIPT_BYTES_MAX.to_string()),
        ("RECEIPT_EXTRA_BYTES_MAX", RECEIPT_EXTRA_BYTES_MAX.to_string()),
        ("SIGNATURES_MAX", SIGNATURES_MAX.to_string()),
        ("NODES_MAX", NODES_MAX.to_string()),
        ("KEY_NAME_BYTES_MAX", longest_name.to_string()),
        ("TIME_S_MAX", TIME_S_MAX.to_string()),
        ("MAP_DEPTH_MAX", MAP_DEPTH_MAX.to_string()),
        ("CLAIMS_MAX", CLAIMS_MAX.to_string()),
        ("STATE_PROOF_BYTES_MAX", STATE_PROOF_BYTES_MAX.to_string()),
        ("CERTIFICATE_RECORDS_MAX", CERTIFICATE_RECORDS_MAX.to_string()),
        ("CERTIFICATE_BYTES_MAX", CERTIFICATE_BYTES_MAX.to_string()),
        ("PROMISE_BYTES_MAX", PROMISE_BYTES_MAX.to_string()),
        ("PAYLOAD_BYTES_MAX", PAYLOAD_BYTES_MAX.to_string()),
        ("NAME_BYTES_MAX", NAME_BYTES_MAX.to_string()),
        ("SCALE_MAX", SCALE_MAX.to_string()),
        ("EMPTY_ROOT", EMPTY_ROOT.to_string()),
    ];
    let table = tables("9. Limits").remove(0);
    let stated: Vec<(String, String)> =
        table.into_iter().map(|row| (quoted(&row[0]).remove(0), row[1].replace(',', ""))).collect();
    assert_eq!(stated, expected.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn the_rules_state_the_limits_of_the_table() {
    for (heading, limit) in [
        ("2.1 A leaf is in the log", "above 63"),
        ("3. Leaves", "at most 65,535 bytes"),
        ("3.3 Payload commitment", "at most 65,536"),
        ("3.6 Derived ids", "at most 128 bytes"),
        ("4.1 Names and public keys", "at most 64\nnodes and at most 64 witnesses"),
        ("4.1 Names and public keys", "1 to 255 bytes"),
        ("4.5 Signed note", "at most 256 lines"),
        ("4.7 cosignature/v1, type 04", "at most 2^63 - 1"),
        ("6.1 Text", "0 to 63 lines"),
        ("7. Verification", "at most 262,144 bytes"),
        ("7. Verification", "at most 48,000 bytes"),
        ("11.3 Proof of one key", "at most 256"),
        ("11.4 State proof", "1 to 8 lines"),
        ("11.4 State proof", "at most 262,144 bytes"),
        ("11.6 Certificate", "1 to 10,000 lines"),
        ("11.6 Certificate", "at most 33,554,432 bytes"),
        ("12.2 Verification", "at most 1,024 bytes"),
    ] {
        assert!(section(heading).contains(limit), "{heading}: {limit}");
    }
}

/// The example of what to say is what this project's verifier says.
#[test]
fn the_words_of_the_example_are_those_of_the_receipt_that_is_kept() {
    let policy = Policy::parse(include_str!("../../crates/bulla-sealing/tests/golden/policy")).unwrap();
    let receipt = include_bytes!("../../crates/bulla-sealing/tests/golden/receipt.tlog-proof");
    let words = verify_receipt(receipt, &policy).unwrap().to_string();
    assert!(section("7.1 What to say").contains(&words), "{words}");
}

/// The example of a promise is the one that is kept, by the node that it says, and kept by the receipt of 7.1.
#[test]
fn the_example_of_a_promise_is_the_one_that_is_kept() {
    let policy = include_str!("../../crates/bulla-sealing/tests/golden/policy");
    let promise = include_str!("../../crates/bulla-sealing/tests/golden/promise");
    let receipt = include_bytes!("../../crates/bulla-sealing/tests/golden/receipt.tlog-proof");
    let page = std::fs::read_to_string(crate::path("crates/bulla-sealing/SPEC.md")).unwrap();
    let (_, example) = page.split_once("# 12.4 An example\n").unwrap();
    assert!(example.contains(policy) && example.contains(promise));
    let policy = Policy::parse(policy).unwrap();
    let verified = verify_promise(promise.as_bytes(), &policy).unwrap();
    assert_eq!(verified.node_name, "alpha");
    assert_eq!(verified.held_against(&verify_receipt(receipt, &policy).unwrap()), Fate::Kept);
}
