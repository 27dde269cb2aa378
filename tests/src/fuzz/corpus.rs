//! The corpus: valid inputs to begin with, kept as files, and whatever ever failed.

use std::fs;
use std::path::{Path, PathBuf};

use bulla_storage::{Store, StoreOptions};

use super::mutate::BYTES_MAX;
use crate::sweep::{self, Original, State};

/// `corpus` or `regressions`, of one target.
pub fn directory(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target)
}

/// The inputs that are kept of a target, in the order of their names; none when there is no directory.
///
/// # Panics
/// When they cannot be read.
pub fn inputs(kind: &str, target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(directory(kind, target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a name").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect()
}

/// Keeps an input under a name made of its bytes; returns its path.
///
/// # Panics
/// When it cannot be written.
pub fn keep(kind: &str, target: &str, bytes: &[u8]) -> PathBuf {
    let directory = directory(kind, target);
    fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join(&bulla_sealing::leaf_hash(bytes).to_string()[..16]);
    fs::write(&path, bytes).expect("it can be written");
    path
}

/// Inputs of whatever kind: what the tests of formats keep, what a data directory is made of, and zeros of every length.
/// A target keeps those that it accepts.
///
/// # Panics
/// When they cannot be read.
pub fn seeds() -> Vec<Vec<u8>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Vec::new();
    collect(&tests.join("golden"), &mut seeds);
    collect(&tests.join("../crates/bulla-sealing/tests/golden"), &mut seeds);
    let home = tempfile::tempdir().expect("a temporary directory");
    sweep::copy(&tests.join("golden/data-directory-v1/node-1"), home.path());
    rows(home.path(), &mut seeds);
    let home = tempfile::tempdir().expect("a temporary directory");
    for (path, bytes) in Original::new(State::Stopped).files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("a directory");
        fs::write(path, &bytes).expect("it can be written");
        seeds.extend(leaves(&bytes));
        seeds.push(bytes);
    }
    rows(home.path(), &mut seeds);
    // A note, a promise or a receipt ends with signatures, behind an empty line.
    let texts: Vec<Vec<u8>> = seeds.iter().filter_map(|seed| body_of_note(seed)).collect();
    seeds.extend(texts);
    let note = |seed: &&Vec<u8>| seed.starts_with(b"bulla/") || seed.starts_with(b"ledger.example/");
    let requests: Vec<Vec<u8>> = seeds.iter().filter(note).map(|note| [b"old 0\n\n", &note[..]].concat()).collect();
    seeds.extend(requests);
    for tag in 0..16 {
        seeds.extend((0..300).map(|length| [&[1, tag, 0, 0, 0][..], &vec![0; length]].concat()));
        seeds.extend((0..300).map(|length| [&[tag][..], &vec![0; length]].concat()));
    }
    seeds.retain(|seed| seed.len() <= BYTES_MAX);
    seeds.sort();
    seeds.dedup();
    seeds
}

fn body_of_note(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.windows(2).rposition(|pair| pair == b"\n\n")?;
    let begin = text[..end].windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
    Some(text[begin..=end].to_vec())
}

/// Rows, log entries and side data of a data directory, and what stands behind a tag or a number in them.
fn rows(dir: &Path, seeds: &mut Vec<Vec<u8>>) {
    let identity = bulla_storage::identity::load(dir).expect("an identity");
    let store = Store::open(dir, &identity, StoreOptions::default()).expect("it opens");
    let read = store.each_row(|_, _, value| {
        seeds.extend((0..value.len().min(64)).map(|at| value[at..].to_vec()));
    });
    read.expect("the rows are in order");
    for height in 0..store.ledger().durable().height.map_or(0, |height| height + 1) {
        seeds.push(store.ledger().side_data(height).expect("it is stored").to_vec());
    }
}

/// Files, and every text and every run of hex in those that are JSON or hex.
fn collect(path: &Path, seeds: &mut Vec<Vec<u8>>) {
    if path.is_dir() {
        fs::read_dir(path).expect("a directory").for_each(|entry| collect(&entry.expect("a name").path(), seeds));
        return;
    }
    let bytes = fs::read(path).expect("it can be read");
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => strings(&serde_json::from_slice(&bytes).expect("a vector file is JSON"), seeds),
        Some("txt") => {
            let hex: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            seeds.extend(unhex(&hex));
            seeds.push(bytes);
        }
        _ => {
            seeds.extend(leaves(&bytes));
            seeds.push(bytes);
        }
    }
}

fn strings(value: &serde_json::Value, seeds: &mut Vec<Vec<u8>>) {
    match value {
        serde_json::Value::String(text) => {
            seeds.extend(unhex(text.as_bytes()));
            seeds.push(text.clone().into_bytes());
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| strings(value, seeds)),
        serde_json::Value::Object(values) => values.values().for_each(|value| strings(value, seeds)),
        _ => {}
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.chunks(2).map(|pair| match pair {
        [high, low] => Some((digit(high)? * 16 + digit(low)?) as u8),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().filter(|bytes| !bytes.is_empty())
}

/// The leaves of a block file, and what is in rows and log entries of a database, whole or nearly: runs between zeros.
fn leaves(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (at, _) in bytes.windows(4).enumerate().filter(|(_, window)| window == b"BUL\x01") {
        let length =
            at.checked_sub(2).map(|before| usize::from(u16::from_be_bytes([bytes[before], bytes[before + 1]])));
        found.extend(length.and_then(|length| bytes.get(at..at + length)).map(<[u8]>::to_vec));
    }
    found
}
