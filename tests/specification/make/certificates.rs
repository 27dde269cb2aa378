//! Certificates that must verify, one for each rule of their text, and one for each that ties records to a state.

use bulla_sealing::{
    CERTIFICATE_BYTES_MAX, CERTIFICATE_RECORDS_MAX, Certificate, Hash, ProvenRecord, StateProof, leaf_hash, node_hash,
};
use serde_json::{Value, json};

use super::proof_texts::{self, Text};
use super::receipts::policies;
use super::{Vectors, proof_headers};
use crate::forgery::{refit, seal};
use crate::story::{ANNA, BERT, DRILL, NOBODY, SAW, Story, key_of, key_of_screws};

/// The records of the drill, of all screws, of Anna's and of Bert's, newest first.
pub const OF_DRILL: [u64; 5] = [5, 4, 3, 2, 1];
const OF_SCREWS: [u64; 4] = [10, 9, 7, 6];
const OF_ANNA: [u64; 2] = [8, 7];
const OF_BERT: [u64; 2] = [9, 8];

pub fn file() -> Value {
    let about = "A certificate under a policy. `records` are the leaf indexes of its records.";
    let mut vectors = Vectors::new("certificates", about, policies());
    for (name, key, records) in [
        ("a retired asset", key_of(DRILL), &OF_DRILL[..]),
        ("an asset that never moved", key_of(SAW), &[11]),
        ("what is outstanding", key_of_screws(NOBODY), &OF_SCREWS),
        ("what Anna has", key_of_screws(ANNA), &OF_ANNA),
        ("what Bert has", key_of_screws(BERT), &OF_BERT),
    ] {
        vectors.good(name, input("3 nodes", &Story::new().certificate(key, records)));
    }
    to_oneself(&mut vectors);
    texts(&mut vectors);
    let whole = Story::new().certificate(key_of(SAW), &[11]);
    proof_headers::refused(&mut vectors, "State.", |policy, proof| {
        input(policy, &Certificate { state: proof.clone(), records: whole.records.clone() })
    });
    states(&mut vectors);
    records(&mut vectors);
    super::custody::refused(&mut vectors);
    vectors.file()
}

pub fn input(policy: &str, certificate: &Certificate) -> Value {
    json!({ "policy": policy, "certificate": certificate.to_text() })
}

/// Nothing in the rules of certificates forbids it; the from side counts.
fn to_oneself(vectors: &mut Vectors) {
    let story = Story::new().record(8, |record| record.transfer.to = ANNA);
    let story = story.state(key_of_screws(ANNA), |state| state[47] = 70);
    vectors.good("units sent to oneself", input("3 nodes", &story.certificate(key_of_screws(ANNA), &OF_ANNA)));
}

fn texts(vectors: &mut Vectors) {
    let text = Story::new().certificate(key_of(SAW), &[11]).to_text();
    proof_texts::refused(vectors, &Text { field: "certificate", whole: &text, bytes_max: CERTIFICATE_BYTES_MAX });
    let line = |word: &str| text.lines().find(|line| line.starts_with(word)).unwrap();
    let (claim, record) = (line("claim "), line("record "));
    let leaf = record.split(' ').nth(1).unwrap();
    let mut replaced = |name: &str, error: &str, from: &str, to: &str| {
        let text = text.replacen(from, to, 1);
        vectors.bad(name, &format!("Malformed.{error}"), json!({ "policy": "3 nodes", "certificate": text }));
    };
    replaced("two claims", "Line", claim, &format!("{claim}\n{claim}"));
    replaced("no records", "Line", &format!("{record}\n"), "");
    replaced("another word for a record", "Line", "record ", "Record ");
    replaced("a record without a path", "Line", record, &format!("record {leaf}"));
    replaced("a record with two spaces", "Line", record, &format!("record {leaf}  "));
    replaced("a record that is not base64", "Line", record, "record ? ");
    replaced("a record with a path of 31 bytes", "Line", record, "record AAAA AAAA");
    replaced("a line after the records", "LeftOver", record, &format!("{record}\n{claim}"));
    replaced("an unknown line after the records", "LeftOver", record, &format!("{record}\nrecords"));
    let (head, tail) = text.split_once(&format!("{record}\n")).unwrap();
    let many = |count: usize| {
        let runs = json!([[head, 1], ["record  \n", count - 1], [format!("{record}\n"), 1], [tail, 1]]);
        json!({ "policy": "3 nodes", "certificate": runs })
    };
    vectors.bad("10,000 records", "Record.Truncated", many(CERTIFICATE_RECORDS_MAX));
    vectors.bad("10,001 records", "Malformed.LeftOver", many(CERTIFICATE_RECORDS_MAX + 1));
    let proof = json!({ "policy": "3 nodes", "certificate": Story::new().proof(&[key_of(SAW)]).to_text() });
    vectors.bad("a state proof", "Malformed.UnknownFormat", proof);
}

/// The one claim, as in a state proof.
fn states(vectors: &mut Vectors) {
    let whole = Story::new().certificate(key_of(SAW), &[11]);
    let mut with = |name: &str, error: &str, change: &dyn Fn(&mut StateProof)| {
        let mut certificate = whole.clone();
        change(&mut certificate.state);
        vectors.bad(name, &format!("State.{error}"), input("3 nodes", &certificate));
    };
    let other = Story::new().proof(&[key_of_screws(NOBODY)]).claims;
    with("the proof of another key", "Claim.OtherPlace", &|proof| proof.claims[0].proof = other[0].proof.clone());
    let older = Story::new().state(key_of(DRILL), |state| state[48] = 0).proof(&[key_of(SAW)]).claims;
    with("a proof against another root", "Claim.RootMismatch", &|proof| proof.claims = older.clone());
    with("a state with one bit changed", "OtherState", &|proof| proof.claims[0].state.as_mut().unwrap()[47] ^= 1);
    with("a state that is denied", "NotAbsent", &|proof| proof.claims[0].state = None);
    with("the state of a key that differs in its last bit", "Absent", &|proof| proof.claims[0].key.0[31] ^= 1);
}

/// Records that are not in the log.
fn records(vectors: &mut Vectors) {
    let mut with = |name: &str, error: &str, change: &dyn Fn(&mut ProvenRecord)| {
        let mut certificate = Story::new().certificate(key_of(DRILL), &OF_DRILL);
        change(&mut certificate.records[3]);
        vectors.bad(name, error, input("3 nodes", &certificate));
    };
    with("a record of 175 bytes", "Record.Truncated", &|record| record.leaf.truncate(175));
    with("a record of 177 bytes", "Record.TrailingBytes", &|record| record.leaf.push(0));
    with("a record of version 2", "Record.UnknownMagic", &|record| record.leaf[3] = 2);
    with("a record with reserved byte 6", "Record.Invalid.reserved", &|record| record.leaf[6] = 1);
    with("a header as a record", "Record.UnknownKind", &|record| record.leaf[4] = 0x10);
    with("a record with flag bit 7", "Record.UnknownFlags", &|record| record.leaf[5] |= 0x80);
    let uncommitted = "Record.Invalid.payload_commit";
    with("a record with a commitment without its flag", uncommitted, &|record| record.leaf[175] = 1);
    with("a record beyond the log", "RecordPath.IndexBeyondSize", &|record| record.leaf[15] = 14);
    with("a record without its path", "RecordPath.WrongLength", &|record| record.path.clear());
    with("a record with a hash too many", "RecordPath.WrongLength", &|record| record.path.push(Hash::ZERO));
    with("a bit of a record's path", "RecordPath.RootMismatch", &|record| record.path[0].0[0] ^= 1);
    with("a bit of a record", "RecordPath.RootMismatch", &|record| record.leaf[95] ^= 1);
    with("a record at another place", "RecordPath.RootMismatch", &|record| record.leaf[15] = 3);
    vectors.bad("a record with a way of 64 hashes", "RecordPath.TooLong", input("3 nodes", &endless()));
}

/// The first record of a log of 2^63 + 2 leaves, in which its way up has more hashes than any path may have. All signed.
fn endless() -> Certificate {
    let mut certificate = Story::new().certificate(key_of(SAW), &[11]);
    let header = &mut certificate.state.header;
    let leaf_index = (1u64 << 63) + 1;
    let [low, high] = [1, 2].map(|byte| Hash([byte; 32]));
    header[40..48].copy_from_slice(&leaf_index.to_be_bytes());
    header[48..56].copy_from_slice(&1u64.to_be_bytes());
    header[56..64].copy_from_slice(&1u64.to_be_bytes());
    header[64..72].copy_from_slice(&(leaf_index - 1).to_be_bytes());
    header[136..168].copy_from_slice(&node_hash(&high, &low).0);
    header[200..232].fill(1);
    refit(header);
    let root = node_hash(&high, &node_hash(&low, &leaf_hash(header)));
    certificate.state.header_path = vec![low, high];
    let mut checkpoint: bulla_sealing::Checkpoint = certificate.state.checkpoint.text.parse().unwrap();
    (checkpoint.size, checkpoint.root) = (leaf_index + 1, root);
    certificate.state.checkpoint = seal(&checkpoint, 3);
    certificate
}
