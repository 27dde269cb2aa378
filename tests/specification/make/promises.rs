//! Accept promises: whose word they are, every way in which one is refused, and what becomes of them.

use bulla_sealing::{Header, NoteSignature, Promise, SignedNote, SigningKey, leaf_hash, sign_promise};
use ed25519_dalek::Signer;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Vectors;
use super::receipts::policies;
use crate::forgery::{Forgery, ORIGIN, TIME_S, WITNESS, log_key, node_key, node_name, nodes, witness_key};

pub fn file() -> Value {
    let about = "An accept promise under a policy; with a receipt, whether it was kept.";
    let mut vectors = Vectors::new("promises", about, policies());
    good(&mut vectors);
    text(&mut vectors);
    signatures(&mut vectors);
    fates(&mut vectors);
    vectors.file()
}

/// What is true of leaf 6, in block 1.
fn honest() -> Promise {
    let forgery = Forgery::new(3);
    let table_id = Header::decode(&forgery.leaves()[8]).unwrap().table_id;
    let leaf_hash = leaf_hash(&forgery.leaves()[6]);
    Promise { origin: ORIGIN.into(), leaf_index: 6, leaf_hash, table_id, time_ms: TIME_S * 1_000 + 7 }
}

fn input(note: &SignedNote) -> Value {
    json!({ "policy": "3 nodes", "promise": note.to_string() })
}

fn good(vectors: &mut Vectors) {
    for number in 1..=3 {
        let note = sign_promise(&node_key(number), &node_name(number), &honest());
        vectors.good(&format!("of node {number}"), input(&note));
    }
    let note = sign_promise(&node_key(2), &node_name(2), &honest());
    vectors.good("a policy with a witness", json!({ "policy": "3 nodes and a witness", "promise": note.to_string() }));
    let last = Promise { leaf_index: u64::MAX, table_id: Uuid::nil(), time_ms: u64::MAX, ..honest() };
    vectors.good("the largest numbers", input(&sign_promise(&node_key(1), &node_name(1), &last)));
    let first = Promise { leaf_index: 0, table_id: Uuid::max(), time_ms: 0, ..honest() };
    vectors.good("the smallest numbers", input(&sign_promise(&node_key(1), &node_name(1), &first)));
}

/// Any text under a line of type 01 by node 1.
fn signed(text: String) -> SignedNote {
    let signature = node_key(1).sign(text.as_bytes()).to_bytes().to_vec();
    let line = NoteSignature { name: node_name(1), key_id: nodes(1)[0].promise_key().key_id(), signature };
    SignedNote { text, signatures: vec![line] }
}

fn text(vectors: &mut Vectors) {
    let whole = honest().to_string();
    let table = honest().table_id.to_string();
    let capitals = table.to_uppercase();
    for (name, error, from, to) in [
        ("version 2", "UnknownFormat", "bulla-accept/v1", "bulla-accept/v2"),
        ("an origin in the first line", "UnknownFormat", "bulla-accept/v1", ORIGIN),
        ("white space after the first line", "UnknownFormat", "v1\n", "v1 \n"),
        ("five lines", "Lines", "leaf 6\n", ""),
        ("seven lines", "Lines", "leaf 6\n", "leaf 6\nleaf 6\n"),
        ("an empty line within", "Lines", "leaf 6\n", "leaf 6\n\n"),
        ("lines in another order", "Origin", "origin ", "leaf "),
        ("an origin that is no key name", "Origin", ORIGIN, "a+b"),
        ("no origin", "Origin", ORIGIN, ""),
        ("a leaf with a leading zero", "Leaf", "leaf 6", "leaf 06"),
        ("a leaf with a sign", "Leaf", "leaf 6", "leaf +6"),
        ("a leaf of 2^64", "Leaf", "leaf 6", "leaf 18446744073709551616"),
        ("two spaces", "Leaf", "leaf 6", "leaf  6"),
        ("a hash without padding", "Hash", "=\n", "\n"),
        ("a hash of 33 bytes", "Hash", "=\n", "AAAA\n"),
        ("a table in capitals", "Table", &table, &capitals),
        ("a table that is no UUID", "Table", &table, "1"),
        ("a time before 1970", "Time", "time ", "time -"),
        ("a time in seconds with decimals", "Time", "time ", "time 1."),
    ] {
        let changed = whole.replacen(from, to, 1);
        vectors.bad(name, &format!("Malformed.{error}"), input(&signed(changed)));
    }
    vectors.bad("no newline in the text", "Malformed.UnknownFormat", input(&signed("\n".into())));
    let longest = |length: usize| json!({ "policy": "3 nodes", "promise": [["x", length]] });
    vectors.bad("1,024 bytes that are no note", "Malformed.Note.NoEmptyLine", longest(1_024));
    vectors.bad("1,025 bytes", "Malformed.TooLong", longest(1_025));
    vectors.bad("no signature", "Malformed.Note.NoEmptyLine", json!({ "policy": "3 nodes", "promise": whole }));
    vectors.bad("not UTF-8", "Malformed.Note.NotUtf8", json!({ "policy": "3 nodes", "promise_hex": "ff0a0a" }));
    let carriage = whole.replace("leaf 6", "leaf 6\r");
    vectors.bad("a carriage return", "Malformed.Note.ControlCharacter", input(&signed(carriage)));
    let unsigned = json!({ "policy": "3 nodes", "promise": format!("{whole}\n") });
    vectors.bad("no signature line", "Malformed.Note.SignatureLine", unsigned);
}

fn signatures(vectors: &mut Vectors) {
    let by = |key: &SigningKey, name: &str| sign_promise(key, name, &honest());
    let good = by(&node_key(1), &node_name(1));
    let other_log = json!({ "policy": "another origin", "promise": good.to_string() });
    vectors.bad("another origin", "UnknownOrigin", other_log);
    let mut two = good.clone();
    two.signatures.extend(by(&node_key(2), &node_name(2)).signatures);
    vectors.bad("two nodes", "NotOneSignature", input(&two));
    let witness = by(&witness_key(), WITNESS);
    let witnessed = json!({ "policy": "3 nodes and a witness", "promise": witness.to_string() });
    vectors.bad("a witness", "UnknownSigner", witnessed);
    vectors.bad("the log", "UnknownSigner", input(&by(&log_key(), ORIGIN)));
    vectors.bad("a stranger", "UnknownSigner", input(&by(&node_key(9), &node_name(9))));
    vectors.bad("a stranger with the name of a node", "UnknownSigner", input(&by(&node_key(9), &node_name(1))));
    let mut as_cosignature = good.clone();
    as_cosignature.signatures[0].key_id = nodes(1)[0].verifier_key().key_id();
    vectors.bad("the key id of cosignatures", "UnknownSigner", input(&as_cosignature));
    let mut changed = |name: &str, change: fn(&mut SignedNote)| {
        let mut note = good.clone();
        change(&mut note);
        vectors.bad(name, "BadSignature", input(&note));
    };
    changed("another leaf than was signed", |note| note.text = note.text.replace("leaf 6", "leaf 7"));
    changed("a changed bit", |note| note.signatures[0].signature[9] ^= 1);
    changed("63 bytes", |note| note.signatures[0].signature.truncate(63));
    changed("65 bytes", |note| note.signatures[0].signature.push(0));
    changed("a cosignature of the same text", |note| {
        let message = format!("cosignature/v1\ntime {TIME_S}\n{}", note.text);
        note.signatures[0].signature = node_key(1).sign(message.as_bytes()).to_bytes().to_vec();
    });
}

fn fates(vectors: &mut Vectors) {
    let forgery = Forgery::new(3);
    let table_0 = Header::decode(&forgery.leaves()[4]).unwrap().table_id;
    let hash_of = |leaf: usize| leaf_hash(&forgery.leaves()[leaf]);
    let mut moved = forgery.leaves()[6].clone();
    moved[15] = 7;
    let of_6 = Forgery::new(3).text();
    let of_5 = Forgery::new(3).of(5, 8, 9).text();
    let of_2 = Forgery::new(3).of(2, 4, 9).text();
    let other_hash = Promise { leaf_hash: leaf_hash(b"x"), ..honest() };
    let other_table = Promise { table_id: Uuid::max(), ..honest() };
    for (name, promise, receipt) in [
        ("the promised record", honest(), &of_6),
        ("a neighbour", honest(), &of_5),
        ("a record of another block", honest(), &of_2),
        ("another leaf in its place", other_hash.clone(), &of_6),
        ("another leaf in its place, and another table", Promise { table_id: table_0, ..other_hash.clone() }, &of_6),
        ("another leaf, and a neighbour's receipt", other_hash, &of_5),
        ("the header in its place", Promise { leaf_index: 8, ..honest() }, &of_5),
        ("the header itself", Promise { leaf_index: 8, leaf_hash: hash_of(8), ..honest() }, &of_5),
        ("the leaf of another place", Promise { leaf_index: 7, ..honest() }, &of_6),
        ("the record in another place", Promise { leaf_index: 7, leaf_hash: leaf_hash(&moved), ..honest() }, &of_6),
        ("another table", other_table.clone(), &of_6),
        ("another table, by a neighbour", other_table, &of_5),
        ("the promised table without its place", Promise { table_id: table_0, ..honest() }, &of_2),
    ] {
        let mut case = input(&sign_promise(&node_key(1), &node_name(1), &promise));
        case["receipt"] = json!(receipt);
        vectors.good(&format!("held against: {name}"), case);
    }
}
