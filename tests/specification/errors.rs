//! The names of the errors: what the specification calls each error of the code.

use std::collections::BTreeSet;
use std::fs;

use bulla_ledger::NameError;
use bulla_sealing::*;

use crate::page::{quoted, tables};
use crate::path;
use crate::vectors::kept;

pub fn of_receipt(error: &ReceiptError) -> String {
    match error {
        ReceiptError::Malformed(error) => format!("Malformed.{}", of_text(error)),
        ReceiptError::Seal(error) => format!("Seal.{}", of_seal(error)),
        ReceiptError::Record(error) => format!("Record.{}", of_leaf(error)),
        ReceiptError::RecordIndex { .. } => "RecordIndex".into(),
        ReceiptError::RecordPath(error) => format!("RecordPath.{}", of_proof(error)),
        ReceiptError::Header(error) => format!("Header.{}", of_leaf(error)),
        ReceiptError::OtherLedger { .. } => "OtherLedger".into(),
        ReceiptError::HeaderPath(error) => format!("HeaderPath.{}", of_proof(error)),
        ReceiptError::NotInBlock { .. } => "NotInBlock".into(),
        ReceiptError::LogRoot => "LogRoot".into(),
        ReceiptError::PayloadNotCommitted => "PayloadNotCommitted".into(),
        ReceiptError::PayloadMismatch => "PayloadMismatch".into(),
    }
}

fn of_text(error: &MalformedReceipt) -> String {
    let name = match error {
        MalformedReceipt::TooLong => "TooLong",
        MalformedReceipt::NotUtf8 => "NotUtf8",
        MalformedReceipt::UnknownFormat => "UnknownFormat",
        MalformedReceipt::NoCheckpoint => "NoCheckpoint",
        MalformedReceipt::ExtraLine => "ExtraLine",
        MalformedReceipt::UnknownExtra => "UnknownExtra",
        MalformedReceipt::Extra(error) => return format!("Extra.{}", of_leaf(error)),
        MalformedReceipt::IndexLine => "IndexLine",
        MalformedReceipt::PathLine { .. } => "PathLine",
        MalformedReceipt::PathTooLong => "PathTooLong",
        MalformedReceipt::Note(error) => return format!("Note.{}", of_note(error)),
        MalformedReceipt::Checkpoint(error) => return format!("Checkpoint.{}", of_checkpoint(error)),
    };
    name.into()
}

pub fn of_note(error: &MalformedNote) -> String {
    let name = match error {
        MalformedNote::NotUtf8 => "NotUtf8",
        MalformedNote::ControlCharacter => "ControlCharacter",
        MalformedNote::NoEmptyLine => "NoEmptyLine",
        MalformedNote::SignatureLine { .. } => "SignatureLine",
        MalformedNote::TooManySignatures => "TooManySignatures",
    };
    name.into()
}

pub fn of_checkpoint(error: &MalformedCheckpoint) -> String {
    let name = match error {
        MalformedCheckpoint::Lines => "Lines",
        MalformedCheckpoint::Origin => "Origin",
        MalformedCheckpoint::Size => "Size",
        MalformedCheckpoint::Root => "Root",
    };
    name.into()
}

pub fn of_seal(error: &SealError) -> String {
    let name = match error {
        SealError::NotACheckpoint(error) => return format!("NotACheckpoint.{}", of_checkpoint(error)),
        SealError::UnknownOrigin { .. } => "UnknownOrigin",
        SealError::RepeatedSignature { .. } => "RepeatedSignature",
        SealError::BadSignature { .. } => "BadSignature",
        SealError::LogSignatureMissing => "LogSignatureMissing",
        SealError::NodesMissing { .. } => "NodesMissing",
        SealError::WitnessesMissing { .. } => "WitnessesMissing",
    };
    name.into()
}

pub fn of_leaf(error: &DecodeError) -> String {
    let name = match error {
        DecodeError::UnknownMagic(_) => "UnknownMagic",
        DecodeError::UnknownKind(_) => "UnknownKind",
        DecodeError::UnknownFlags(_) => "UnknownFlags",
        DecodeError::WrongKind { .. } => "WrongKind",
        DecodeError::Truncated => "Truncated",
        DecodeError::TrailingBytes { .. } => "TrailingBytes",
        DecodeError::Invalid { field, .. } => return format!("Invalid.{}", field.replace(' ', "_")),
        DecodeError::Keys(error) => return format!("Keys.{}", of_keys(error)),
    };
    name.into()
}

pub fn of_proof(error: &ProofError) -> String {
    let name = match error {
        ProofError::IndexBeyondSize { .. } => "IndexBeyondSize",
        ProofError::SizeZero => "SizeZero",
        ProofError::SizesDecrease { .. } => "SizesDecrease",
        ProofError::WrongLength { .. } => "WrongLength",
        ProofError::TooLong => "TooLong",
        ProofError::RootMismatch => "RootMismatch",
        ProofError::EarlierRootMismatch => "EarlierRootMismatch",
    };
    name.into()
}

pub fn of_policy(error: &PolicyError) -> String {
    let name = match error {
        PolicyError::ControlCharacter { .. } => "ControlCharacter",
        PolicyError::Form { .. } => "Form",
        PolicyError::LedgerId { .. } => "LedgerId",
        PolicyError::VerifierKey { source, .. } => return format!("VerifierKey.{}", of_verifier_key(source)),
        PolicyError::KeyOfWrongType { .. } => "KeyOfWrongType",
        PolicyError::UndefinedName { .. } => "UndefinedName",
        PolicyError::Twice { .. } => "Twice",
        PolicyError::NotAll { .. } => "NotAll",
        PolicyError::NotTwo { .. } => "NotTwo",
        PolicyError::Threshold { .. } => "Threshold",
        PolicyError::Missing { .. } => "Missing",
        PolicyError::Keys(error) => return format!("Keys.{}", of_keys(error)),
    };
    name.into()
}

pub fn of_verifier_key(error: &VerifierKeyError) -> String {
    let name = match error {
        VerifierKeyError::Form => "Form",
        VerifierKeyError::SignatureType(_) => "SignatureType",
        VerifierKeyError::KeyId { .. } => "KeyId",
    };
    name.into()
}

fn of_keys(error: &KeyError) -> String {
    let name = match error {
        KeyError::BadName { .. } => "BadName",
        KeyError::ReservedName { .. } => "ReservedName",
        KeyError::SameName { .. } => "SameName",
        KeyError::SameKey { .. } => "SameKey",
        KeyError::BadKey { .. } => "BadKey",
        KeyError::NotAWitness { .. } => "NotAWitness",
        KeyError::BadThreshold { .. } => "BadThreshold",
        KeyError::NoNodes => "NoNodes",
        KeyError::TooManyNodes { .. } => "TooManyNodes",
    };
    name.into()
}

pub fn of_name(error: &NameError) -> String {
    let name = match error {
        NameError::Empty => "Empty",
        NameError::TooLong(_) => "TooLong",
        NameError::ControlCharacter => "ControlCharacter",
        NameError::OuterWhiteSpace => "OuterWhiteSpace",
    };
    name.into()
}

pub fn of_promise(error: &PromiseError) -> String {
    let name = match error {
        PromiseError::Malformed(error) => return format!("Malformed.{}", of_promise_text(error)),
        PromiseError::UnknownOrigin { .. } => "UnknownOrigin",
        PromiseError::NotOneSignature { .. } => "NotOneSignature",
        PromiseError::UnknownSigner { .. } => "UnknownSigner",
        PromiseError::BadSignature { .. } => "BadSignature",
    };
    name.into()
}

fn of_promise_text(error: &MalformedPromise) -> String {
    let name = match error {
        MalformedPromise::TooLong => "TooLong",
        MalformedPromise::Note(error) => return format!("Note.{}", of_note(error)),
        MalformedPromise::UnknownFormat => "UnknownFormat",
        MalformedPromise::Lines => "Lines",
        MalformedPromise::Origin => "Origin",
        MalformedPromise::Leaf => "Leaf",
        MalformedPromise::Hash => "Hash",
        MalformedPromise::Table => "Table",
        MalformedPromise::Time => "Time",
    };
    name.into()
}

/// What 12.3 says of a promise.
pub fn of_fate(fate: &Fate) -> String {
    let name = match fate {
        Fate::Kept => "kept",
        Fate::NotComparable => "not comparable",
        Fate::Broken(Breach::OtherLeaf { .. }) => "broken, OtherLeaf",
        Fate::Broken(Breach::Elsewhere { .. }) => "broken, Elsewhere",
        Fate::Broken(Breach::OtherTable { .. }) => "broken, OtherTable",
        Fate::Broken(Breach::NotInTable { .. }) => "broken, NotInTable",
    };
    name.into()
}

/// A part as section 10 calls it; where the code has its errors; the vectors that must show each of them.
const PARTS: [(&str, &str, &str, &[&str]); 20] = [
    ("receipt", "bulla-sealing/src/verify.rs", "ReceiptError", &["receipts"]),
    ("Malformed", "bulla-sealing/src/receipt.rs", "MalformedReceipt", &["receipts"]),
    ("Note", "bulla-sealing/src/note.rs", "MalformedNote", &["notes"]),
    ("Checkpoint, NotACheckpoint", "bulla-sealing/src/checkpoint.rs", "MalformedCheckpoint", &["checkpoints"]),
    ("Seal", "bulla-sealing/src/seal.rs", "SealError", &["seals"]),
    ("Extra, Record, Header, a config", "bulla-sealing/src/leaf.rs", "DecodeError", &["records", "headers", "configs"]),
    ("RecordPath, HeaderPath, a proof", "bulla-sealing/src/proof.rs", "ProofError", &["inclusion", "consistency"]),
    ("a policy", "bulla-sealing/src/policy_file.rs", "PolicyError", &["policies"]),
    ("VerifierKey", "bulla-sealing/src/vkey.rs", "VerifierKeyError", &["verifier-keys"]),
    ("Keys", "bulla-sealing/src/keys.rs", "KeyError", &["configs", "policies"]),
    ("a name", "bulla-ledger/src/name.rs", "NameError", &["ids"]),
    ("a state proof, State of a certificate", "bulla-sealing/src/state_proof.rs", "StateProofError", &["state-proofs"]),
    ("Malformed, of both", "bulla-sealing/src/proof_text.rs", "MalformedProof", &["state-proofs"]),
    ("Claim, a proof of one key", "bulla-sealing/src/map_proof.rs", "MapProofError", &["map-proofs"]),
    ("Lookup", "bulla-ledger/src/lookup.rs", "LookupError", &["state-proofs"]),
    ("a certificate", "bulla-sealing/src/certificate.rs", "CertificateError", &["certificates"]),
    ("Custody", "bulla-ledger/src/custody.rs", "CustodyError", &["certificates"]),
    ("Undo", "bulla-ledger/src/custody.rs", "UndoError", &["certificates"]),
    ("a promise", "bulla-sealing/src/promise.rs", "PromiseError", &["promises"]),
    ("Malformed, of a promise", "bulla-sealing/src/promise.rs", "MalformedPromise", &["promises"]),
];

/// What no file can bring about: see section 10.
const NOT_IN_FILES: [&str; 2] = ["NotAWitness", "BadThreshold"];

/// The variants of an enum, from the text of its file.
fn variants(file: &str, name: &str) -> Vec<String> {
    let text = fs::read_to_string(path("crates").join(file)).unwrap();
    let (_, body) = text.split_once(&format!("pub enum {name} {{\n")).unwrap_or_else(|| panic!("{file}: no {name}"));
    let lines = body.lines().take_while(|line| *line != "}").filter_map(|line| line.strip_prefix("    "));
    let starts = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    starts.map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()).collect()
}

#[test]
fn all_errors_of_the_code_are_listed_in_their_order_and_no_others() {
    let table = tables("10. All errors").remove(0);
    assert_eq!(table.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), PARTS.map(|(part, ..)| part));
    for (row, (part, file, name, _)) in table.iter().zip(PARTS) {
        assert_eq!(quoted(&row[1]), variants(file, name), "{part}");
    }
}

#[test]
fn every_error_is_shown_by_a_vector() {
    for (part, file, name, vectors) in PARTS {
        let shown: Vec<String> =
            vectors.iter().flat_map(|name| shown_by(name).into_iter().map(|(error, _)| error)).collect();
        for variant in variants(file, name).iter().filter(|variant| !NOT_IN_FILES.contains(&variant.as_str())) {
            let is_shown = shown.iter().any(|error| error.split('.').any(|part| part == variant));
            assert!(is_shown, "{part}: no vector in {vectors:?} shows {variant}");
        }
    }
}

/// The errors of a file of vectors, and whether they mean *cannot verify*.
pub fn shown_by(name: &str) -> BTreeSet<(String, bool)> {
    let file = kept(name);
    let cases = file["cases"].as_array().unwrap().iter();
    let errors = cases.filter_map(|case| Some((case["error"].as_str()?, case["cannot_verify"].as_bool()?)));
    errors.map(|(error, cannot_verify)| (error.to_owned(), cannot_verify)).collect()
}

#[test]
fn the_steps_name_exactly_the_errors_that_receipts_show() {
    let steps = tables("7. Verification").remove(0);
    let named: Vec<(String, bool)> =
        steps.iter().map(|row| (quoted(&row[2]).remove(0), row[1].contains("*cannot verify*"))).collect();
    assert_eq!(named.iter().cloned().collect::<BTreeSet<_>>(), shown_by("receipts"));

    let mut parts: Vec<&str> = named.iter().map(|(error, _)| error.split('.').next().unwrap()).collect();
    parts.dedup();
    assert_eq!(parts, variants("bulla-sealing/src/verify.rs", "ReceiptError"), "the order of the steps");
}

#[test]
fn every_rule_of_a_leaf_or_policy_is_shown_by_a_vector() {
    let rules = [
        ("3.4 The header leaf, 296 bytes", "headers"),
        ("3.5 The config leaf", "configs"),
        ("5.1 The file", "policies"),
        ("5.2 A seal", "seals"),
        ("12.2 Verification", "promises"),
    ];
    for (heading, vectors) in rules {
        let shown = shown_by(vectors);
        let table = tables(heading).pop().unwrap();
        for rule in table.iter().flat_map(|row| quoted(row.last().unwrap())) {
            let is_shown =
                shown.iter().any(|(error, _)| *error == rule || rule.ends_with('.') && error.starts_with(&rule));
            assert!(is_shown, "no vector in {vectors} shows {rule}");
        }
    }
}

#[test]
fn every_fate_of_a_promise_is_shown_by_a_vector() {
    let file = kept("promises");
    let cases = file["cases"].as_array().unwrap().iter();
    let shown: BTreeSet<&str> = cases.filter_map(|case| case["holds"]["fate"].as_str()).collect();
    let stated = tables("12.3 Kept or broken").remove(0);
    let stated: BTreeSet<String> = stated.iter().map(|row| row[1].replace('`', "")).collect();
    assert_eq!(shown, stated.iter().map(String::as_str).collect());
}
