//! The targets: one function for each decoder, which panics when a promise is broken.

use std::path::PathBuf;
use std::str::FromStr;

use bulla_client::CompactAnswer;
use bulla_consensus::accepted as consensus;
use bulla_ledger::{Asset, Class, Party, Position, Record, State, Transfer};
use bulla_sealing::{
    AddCheckpoint, Attestation, Certificate, Checkpoint, ConfigLeaf, Frontier, Hash, Header, MapProof, Policy, Promise,
    Receipt, SignedNote, StateProof, VerifierKey,
};
use bulla_storage::accepted as storage;

/// Takes any bytes; whether they were accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target with its name, which is also that of its directory in the corpus.
pub const TARGETS: [(&str, Target); 32] = [
    ("add-checkpoint", |bytes| {
        same(bytes, AddCheckpoint::parse(bytes).ok().map(|request| request.to_text().into_bytes()))
    }),
    ("asset-row", |bytes| same(bytes, Asset::decode(bytes).ok().map(|row| row.encode().to_vec()))),
    ("attestation", |bytes| same(bytes, Attestation::decode(bytes).ok().map(|read| read.encode()))),
    ("block-file", block_file),
    ("certificate", |bytes| same(bytes, Certificate::parse(bytes).ok().map(|read| read.to_text().into_bytes()))),
    ("checkpoint", |bytes| same(bytes, parsed::<Checkpoint>(bytes))),
    ("class-row", |bytes| same(bytes, Class::decode(bytes).ok().map(|row| row.encode().to_vec()))),
    ("compact-answers", |bytes| {
        let answers = CompactAnswer::decode_all(bytes).ok();
        same(bytes, answers.map(|answers| answers.iter().flat_map(CompactAnswer::encode).collect()))
    }),
    ("config", |bytes| same(bytes, ConfigLeaf::decode(bytes).ok().map(|leaf| leaf.encode()))),
    ("frontier", |bytes| same(bytes, Frontier::decode(bytes).ok().map(|read| read.encode()))),
    ("guard-file", guard_file),
    ("hash", |bytes| same(bytes, parsed::<Hash>(bytes))),
    ("header", |bytes| same(bytes, Header::decode(bytes).ok().map(|leaf| leaf.encode().to_vec()))),
    ("log-command", |bytes| same(bytes, consensus::command(bytes))),
    ("log-entry", |bytes| same(bytes, consensus::log_entry(bytes))),
    ("map-proof", |bytes| same(bytes, MapProof::decode(bytes).ok().map(|read| read.encode()))),
    ("party-row", |bytes| same(bytes, Party::decode(bytes).ok().map(|row| row.encode().to_vec()))),
    ("peer-reply", |bytes| same(bytes, consensus::peer_reply(bytes))),
    ("peer-request", |bytes| same(bytes, consensus::peer_request(bytes))),
    ("policy", policy),
    ("position-row", |bytes| same(bytes, Position::decode(bytes).ok().map(|row| row.encode().to_vec()))),
    ("promise", |bytes| same(bytes, parsed::<Promise>(bytes))),
    ("receipt", |bytes| {
        same(bytes, Receipt::parse(bytes).ok().map(|read| read.to_text().expect("it was read").into_bytes()))
    }),
    ("record", |bytes| same(bytes, Record::decode(bytes).ok().map(|leaf| leaf.encode().to_vec()))),
    ("refused", |bytes| same(bytes, storage::refused(bytes))),
    ("replay-point", |bytes| same(bytes, consensus::replay_point(bytes))),
    ("side-data", |bytes| same(bytes, storage::side_data(bytes))),
    ("signed-note", |bytes| same(bytes, SignedNote::parse(bytes).ok().map(|note| note.to_string().into_bytes()))),
    ("state", |bytes| same(bytes, State::decode(bytes).ok().map(|state| state.encode()))),
    ("state-proof", |bytes| same(bytes, StateProof::parse(bytes).ok().map(|read| read.to_text().into_bytes()))),
    ("transfer", |bytes| same(bytes, Transfer::decode(bytes).ok().map(|request| request.encode().to_vec()))),
    ("vkey", |bytes| same(bytes, parsed::<VerifierKey>(bytes))),
];

/// What is accepted has one form.
fn same(bytes: &[u8], again: Option<Vec<u8>>) -> bool {
    if let Some(again) = &again {
        assert!(again == bytes, "it was accepted, and is written again as {}", again.escape_ascii());
    }
    again.is_some()
}

fn parsed<T: FromStr + ToString>(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(std::str::from_utf8(bytes).ok()?.parse::<T>().ok()?.to_string().into_bytes())
}

/// A policy file has comments and white space, so its text is not kept; but its meaning is, and what is written of it
/// is read as the same and written as the same.
fn policy(bytes: &[u8]) -> bool {
    let Some(policy) = std::str::from_utf8(bytes).ok().and_then(|text| Policy::parse(text).ok()) else {
        return false;
    };
    let text = policy.to_text();
    let again = Policy::parse(&text).expect("a policy that was read can be written and read");
    assert_eq!(again, policy);
    assert_eq!(again.to_text(), text);
    true
}

fn block_file(bytes: &[u8]) -> bool {
    let home = scratch();
    let (path, again) = (home.path().join("0000000000.block"), home.path().join("again.block"));
    std::fs::write(&path, bytes).expect("it can be written");
    same(bytes, storage::block_file(&path, &again))
}

/// What a power cut may have torn off its end is cut: a part of a line, or lines of zeros.
fn guard_file(bytes: &[u8]) -> bool {
    let home = scratch();
    let path: PathBuf = home.path().join("guard.log");
    std::fs::write(&path, bytes).expect("it can be written");
    let Some(kept) = storage::guard_file(&path) else { return false };
    let cut = bytes.strip_prefix(kept.as_slice()).expect("nothing but the end was cut");
    let zeros = cut.len() / LINE_LEN * LINE_LEN;
    assert!(cut[..zeros].iter().all(|byte| *byte == 0), "a whole line was cut");
    true
}

fn scratch() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary directory")
}

/// Of the guard file.
const LINE_LEN: usize = 128;
