//! Signed notes, the checkpoints in them, and which of them are seals.

use bulla_sealing::{EMPTY_ROOT, NoteSignature, SignedNote};
use serde_json::{Value, json};

use super::Vectors;
use super::receipts::{policies, witnessed};
use crate::forgery::{Forgery, ORIGIN};

pub fn notes() -> Value {
    let mut vectors =
        Vectors::new("notes", "A signed note: its text, and name, key id and signature of each line.", json!(null));
    let seal = Forgery::new(3).receipt().checkpoint.to_string();
    vectors.good("a seal", json!({ "note": seal }));
    vectors.good("the example of C2SP signed-note", json!({ "note": "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n" }));
    vectors.good("a text that ends with an empty line", json!({ "note": "a\n\n\n\u{2014} n AAAAAAA=\n" }));
    vectors.good("a text of an empty line", json!({ "note": "\n\n\u{2014} n AAAAAAA=\n" }));
    vectors.good("a text with an empty line inside", json!({ "note": "a\n\nb\n\n\u{2014} n AAAAAAA=\n" }));
    vectors.good(
        "a name with a control character of the second kind",
        json!({ "note": "a\n\n\u{2014} n\u{7f} AAAAAAA=\n" }),
    );
    for (name, line) in [
        ("no line", ""),
        ("no newline at the end", "\u{2014} n AAAAAAA="),
        ("bits left over", "\u{2014} n AAAAAAB=\n"),
        ("no padding", "\u{2014} n AAAAAAA\n"),
        ("four bytes", "\u{2014} n AAAAAA==\n"),
        ("two spaces before the name", "\u{2014}  n AAAAAAA=\n"),
        ("two spaces after the name", "\u{2014} n  AAAAAAA=\n"),
        ("a plus sign", "\u{2014} n+m AAAAAAA=\n"),
        ("a space that does not break", "\u{2014} n\u{a0}m AAAAAAA=\n"),
        ("another dash", "\u{2013} n AAAAAAA=\n"),
        ("white space at the end", "\u{2014} n AAAAAAA= \n"),
        ("a line of another sort below", "\u{2014} n AAAAAAA=\nmore\n"),
    ] {
        vectors.bad(name, "SignatureLine", json!({ "note": format!("a\n\n{line}") }));
    }
    vectors.bad("no empty line", "NoEmptyLine", json!({ "note": "a\n\u{2014} n AAAAAAA=\n" }));
    vectors.bad("a carriage return", "ControlCharacter", json!({ "note": "a\r\n\n\u{2014} n AAAAAAA=\n" }));
    vectors.bad("a tab", "ControlCharacter", json!({ "note": "a\tb\n\n\u{2014} n AAAAAAA=\n" }));
    vectors.bad("not UTF-8", "NotUtf8", json!({ "note_hex": "610a0aff" }));
    vectors.bad("a surrogate in UTF-8", "NotUtf8", json!({ "note_hex": "eda080" }));
    let many = |count: u32| json!({ "note": [["a\n\n", 1], ["\u{2014} n AAAAAAA=\n", count]] });
    vectors.good("256 lines", many(256));
    vectors.bad("257 lines", "TooManySignatures", many(257));
    vectors.file()
}

pub fn checkpoints() -> Value {
    let mut vectors = Vectors::new("checkpoints", "The text that is signed: origin, size, root.", json!(null));
    let root = EMPTY_ROOT.to_base64();
    vectors.good("a checkpoint", json!({ "text": Forgery::new(3).checkpoint().to_string() }));
    vectors.good("of the empty log", json!({ "text": format!("{ORIGIN}\n0\n{root}\n") }));
    vectors.good("of 2^64 - 1 leaves", json!({ "text": format!("{ORIGIN}\n18446744073709551615\n{root}\n") }));
    let long = "x".repeat(255);
    vectors.good("an origin of 255 bytes", json!({ "text": format!("{long}\n1\n{root}\n") }));
    for (name, error, text) in [
        ("nothing", "Lines", String::new()),
        ("two lines", "Lines", format!("{ORIGIN}\n1\n")),
        ("four lines", "Lines", format!("{ORIGIN}\n1\n{root}\nmore\n")),
        ("no newline at the end", "Lines", format!("{ORIGIN}\n1\n{root}")),
        ("an empty origin", "Origin", format!("\n1\n{root}\n")),
        ("an origin of 256 bytes", "Origin", format!("{long}x\n1\n{root}\n")),
        ("an origin with a plus sign", "Origin", format!("a+b\n1\n{root}\n")),
        ("an origin with a space of the Ogham", "Origin", format!("a\u{1680}b\n1\n{root}\n")),
        ("an origin with a control character", "Origin", format!("a\u{85}b\n1\n{root}\n")),
        ("a size with a sign", "Size", format!("{ORIGIN}\n+1\n{root}\n")),
        ("a size with leading zeros", "Size", format!("{ORIGIN}\n01\n{root}\n")),
        ("a size of 2^64", "Size", format!("{ORIGIN}\n18446744073709551616\n{root}\n")),
        ("no size", "Size", format!("{ORIGIN}\n\n{root}\n")),
        ("a root of 33 bytes", "Root", format!("{ORIGIN}\n1\n{}\n", "AAAA".repeat(11))),
        ("a root without padding", "Root", format!("{ORIGIN}\n1\n{}\n", root.trim_end_matches('='))),
    ] {
        vectors.bad(name, error, json!({ "text": text }));
    }
    vectors.file()
}

pub fn seals() -> Value {
    let about = "A signed checkpoint under a policy: the checkpoint, and who signed when.";
    let mut vectors = Vectors::new("seals", about, policies());
    for (policy, node_count) in [("1 node", 1), ("3 nodes", 3), ("5 nodes", 5)] {
        let note = Forgery::new(node_count).receipt().checkpoint;
        vectors.good(policy, input(policy, &note));
    }
    let witnessed = witnessed().checkpoint;
    vectors.good("witnessed", input("3 nodes and a witness", &witnessed));
    let seal = Forgery::new(3).receipt().checkpoint;
    vectors.bad("another origin", "UnknownOrigin", input("another origin", &seal));
    let demanding = "3 nodes, and the witness must sign";
    vectors.good("the witness that must sign did", input(demanding, &witnessed));
    vectors.bad("the witness that must sign did not", "WitnessesMissing", input(demanding, &seal));
    let mut lacking = seal.clone();
    lacking.signatures.truncate(3);
    vectors.bad("a node is missing, and the witness that must sign", "NodesMissing", input(demanding, &lacking));
    let mut with = |name: &str, error: &str, change: fn(&mut Vec<NoteSignature>)| {
        let mut note = witnessed.clone();
        change(&mut note.signatures);
        vectors.bad(name, error, input("3 nodes and a witness", &note));
    };
    with("the log is missing", "LogSignatureMissing", |lines| drop(lines.remove(0)));
    with("a node is missing", "NodesMissing", |lines| drop(lines.remove(1)));
    with("log and nodes are missing", "LogSignatureMissing", |lines| drop(lines.drain(..4)));
    with("a witness twice", "RepeatedSignature", |lines| lines.push(lines[4].clone()));
    with("a bad line twice", "RepeatedSignature", |lines| {
        lines[1].signature[9] ^= 1;
        lines.push(lines[1].clone());
    });
    with("a bad line before one that is there twice", "BadSignature", |lines| {
        lines[1].signature[9] ^= 1;
        lines.push(lines[2].clone());
    });
    with("a bad line of a witness, and a node is missing", "BadSignature", |lines| {
        lines[4].signature[9] ^= 1;
        drop(lines.remove(1));
    });
    with("two nodes change names", "BadSignature", |lines| {
        let signature = lines[1].signature.clone();
        lines[1].signature = std::mem::replace(&mut lines[2].signature, signature);
    });
    for (name, error, from, to) in [
        ("a fourth line", "NotACheckpoint.Lines", "\n9\n", "\n9\n9\n"),
        ("an empty size", "NotACheckpoint.Size", "\n9\n", "\n\n"),
        ("a short root", "NotACheckpoint.Root", "\n9\n", "\n9\nAAAA"),
        ("an empty origin", "NotACheckpoint.Origin", ORIGIN, ""),
    ] {
        let note = SignedNote { text: seal.text.replacen(from, to, 1), ..seal.clone() };
        vectors.bad(name, error, input("3 nodes", &note));
    }
    vectors.file()
}

fn input(policy: &str, note: &SignedNote) -> Value {
    json!({ "policy": policy, "note": note.to_string() })
}
