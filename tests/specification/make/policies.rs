//! Policy files, and every way in which one is refused.

use bulla_sealing::{ConfigNode, NODES_MAX, Policy, VerifierKey};
use serde_json::{Value, json};

use super::Vectors;
use super::receipts::policies;
use crate::forgery::{ORIGIN, log_key, node_key, policy, public, witness};

pub fn file() -> Value {
    let mut vectors = Vectors::new("policies", "A policy file, and whom it asks for.", json!(null));
    for (name, text) in policies().as_object().unwrap() {
        vectors.good(name, json!({ "text": text }));
    }
    by_hand(&mut vectors);
    lines(&mut vectors);
    demands(&mut vectors);
    keys(&mut vectors);
    ledger_ids(&mut vectors);
    vectors.file()
}

/// The policy of three nodes with one line, counted from 1, replaced.
fn with(line: usize, replacement: &str) -> Value {
    let text = policy(3).to_text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[line - 1] = replacement;
    json!({ "text": lines.join("\n") })
}

fn by_hand(vectors: &mut Vectors) {
    let key = policy(3).nodes()[0].verifier_key();
    vectors.good("no newline at the end, and an empty line", with(1, ""));
    vectors.good("a comment after white space", with(1, " \t # a comment"));
    vectors.good("tabs, spaces and a number", with(6, "\tgroup  voters 3 node-1\tnode-2 node-3 "));
    vectors.good("a URL", with(3, &format!("witness node-1 {key} https://node-1.example/")));
    vectors.good("a group with another name", json!({ "text": policy(3).to_text().replace("voters", "all") }));
    vectors.good("any, of one", json!({ "text": policy(1).to_text().replace("all", "any") }));
    vectors.good("a quorum of one witness", with(7, "quorum node-2"));
    let another_word = policy(3).to_text().replace("witness node-1", "witness a").replace("all node-1", "all a");
    vectors.good("a word that is not the name", json!({ "text": another_word }));
    vectors.good("a control character of the second kind in a comment", with(1, "# \u{85}"));
}

fn lines(vectors: &mut Vectors) {
    let log = policy(3).log_verifier_key();
    let node = policy(3).nodes()[0].verifier_key();
    let ledger = format!("urn:uuid:{}", policy(3).ledger_id());
    let log_line = format!("log {log} {ledger}");
    for (name, error, line, text) in [
        ("a carriage return", "ControlCharacter", 1, "# x\r".to_owned()),
        ("a delete", "ControlCharacter", 1, "# \u{7f}".into()),
        ("an unknown word", "Form", 1, "trust everybody".into()),
        ("a log line without a ledger", "Form", 2, format!("log {log}")),
        ("a log line with a URL", "Form", 2, format!("log {log} https://ledger.example")),
        ("a log line with a comment", "Form", 2, format!("{log_line} # ours")),
        ("a ledger that is no UUID", "Form", 2, format!("log {log} urn:uuid:tools")),
        ("no log line", "Missing", 2, String::new()),
        ("two log lines", "Twice", 1, log_line.clone()),
        ("a log key that is none", "VerifierKey.Form", 2, format!("log x {ledger}")),
        ("a log key of another type", "KeyOfWrongType", 2, format!("log {node} {ledger}")),
        ("a witness key of another type", "KeyOfWrongType", 3, format!("witness node-1 {log}")),
        ("a witness key with another id", "VerifierKey.KeyId", 3, format!("witness node-1 x{node}")),
        ("a witness key of type 06", "VerifierKey.SignatureType", 3, "witness node-1 a+00000000+BgAA".into()),
        ("a witness line without a key", "Form", 3, "witness node-1".into()),
        ("a witness twice", "Twice", 4, format!("witness node-1 {node}")),
        ("a witness called none", "Twice", 3, format!("witness none {node}")),
        ("a member that is not defined", "UndefinedName", 3, String::new()),
        ("a group without members", "Form", 6, "group voters all".into()),
        ("a member twice", "Twice", 6, "group voters all node-1 node-1".into()),
        ("a group with a witness's name", "Twice", 6, "group node-1 all node-1".into()),
        ("a group called none", "Twice", 6, "group none all node-1".into()),
        ("two groups", "Twice", 7, "group others all node-1".into()),
        ("a threshold with a sign", "Form", 6, "group voters +3 node-1 node-2 node-3".into()),
        ("a threshold in words", "Form", 6, "group voters most node-1 node-2 node-3".into()),
        ("2 of 3", "NotAll", 6, "group voters 2 node-1 node-2 node-3".into()),
        ("0 of 3", "Threshold", 6, "group voters 0 node-1 node-2 node-3".into()),
        ("4 of 3", "Threshold", 6, "group voters 4 node-1 node-2 node-3".into()),
        ("any of 2", "NotAll", 6, "group voters any node-1 node-2".into()),
        ("no quorum", "Missing", 7, String::new()),
        ("a quorum of none", "NotAll", 7, "quorum none".into()),
        ("a quorum that is not defined", "UndefinedName", 7, "quorum all".into()),
        ("a quorum before its group", "UndefinedName", 5, "quorum voters".into()),
        ("a quorum of two words", "Form", 7, "quorum voters voters".into()),
    ] {
        vectors.bad(name, error, with(line, &text));
    }
    let text = policy(3).to_text() + "quorum voters\n";
    vectors.bad("two quorums", "Twice", json!({ "text": text }));
}

/// The policy of three nodes and four witnesses, with these lines in place of group and quorum.
fn demanding(lines: &str) -> Value {
    let text = policy(3).to_text();
    let head = &text[..text.find("group").unwrap()];
    let witness = |name: &str| {
        let key = public(&node_key(name.as_bytes()[0]));
        format!("witness {name} {}\n", ConfigNode { name: name.into(), public_key: key }.verifier_key())
    };
    let witnesses: String = ["walter", "xenia", "yves", "zoe"].map(witness).concat();
    json!({ "text": format!("{head}{witnesses}{lines}\n") })
}

fn demands(vectors: &mut Vectors) {
    let voters = "group voters all node-1 node-2 node-3";
    let mut good = |name: &str, lines: &str| vectors.good(name, demanding(&format!("{voters}\n{lines}")));
    good("one witness must sign", "group both all voters zoe\nquorum both");
    good("2 of 3 witnesses", "group out 2 walter xenia yves\ngroup both 2 voters out\nquorum both");
    let nested = "group friends 2 walter xenia yves\ngroup out any friends zoe\ngroup both all voters out\nquorum both";
    good("a group of groups", nested);
    good("groups that nobody asks for", "group out any walter zoe\nquorum voters");
    vectors.good("one node and a group", demanding("group out any zoe yves\ngroup both all node-1 out\nquorum both"));
    vectors.good("witnesses as nodes", demanding("group both all zoe yves\nquorum both"));
    for (name, error, lines) in [
        ("nodes or witnesses", "NotAll", "group both 1 voters zoe\nquorum both"),
        ("witnesses before nodes", "NotAll", "group out 1 yves zoe\ngroup both all out voters\nquorum both"),
        ("nodes, and two demands", "NotTwo", "group both all voters zoe yves\nquorum both"),
        ("a group of the nodes' group", "NotTwo", "group both all voters\nquorum both"),
        ("groups as nodes", "NotTwo", "group more all voters zoe\ngroup both all more yves\nquorum both"),
        ("a witness in two groups", "Twice", "group out 1 zoe yves\ngroup both all voters zoe\nquorum both"),
        ("a node as a witness", "Twice", "group both all voters node-1\nquorum both"),
        ("none as a member", "UndefinedName", "group both all voters none\nquorum both"),
        ("a group in itself", "UndefinedName", "group both all voters both\nquorum both"),
        ("3 of 2", "Threshold", "group out 3 yves zoe\nquorum voters"),
        (
            "a group of a reserved name",
            "Keys.ReservedName",
            "group voters+witnesses 1 zoe\ngroup both all voters voters+witnesses\nquorum both",
        ),
        ("a group like a comment", "Keys.ReservedName", "group #out 1 zoe\ngroup both all voters #out\nquorum both"),
    ] {
        vectors.bad(&format!("a demand: {name}"), error, demanding(&format!("{voters}\n{lines}")));
    }
    let Value::String(text) =
        &demanding(&format!("{voters}\ngroup walter 1 w\ngroup both all voters walter\nquorum both"))["text"]
    else {
        unreachable!("it is text")
    };
    let text = text.replace("witness walter", "witness w");
    vectors.bad("a demand: a group with the name of a witness", "Keys.SameName", json!({ "text": text }));
}

fn keys(vectors: &mut Vectors) {
    let text = |origin: &str, nodes: &[ConfigNode]| {
        let log = VerifierKey { name: origin.into(), ..policy(1).log_verifier_key() };
        let mut text = format!("log {log} urn:uuid:{}\n", policy(1).ledger_id());
        let words: Vec<String> = (0..nodes.len()).map(|place| format!("w{place}")).collect();
        for (word, node) in words.iter().zip(nodes) {
            text += &format!("witness {word} {}\n", node.verifier_key());
        }
        json!({ "text": text + &format!("group g all {}\nquorum g\n", words.join(" ")) })
    };
    let node = |name: &str, public_key| ConfigNode { name: name.into(), public_key };
    let [one, two] = [1, 2].map(|number| public(&node_key(number)));
    let mut neutral = [0; 32];
    neutral[0] = 1;
    for (name, error, nodes) in [
        ("two nodes of one name", "Keys.SameName", vec![node("a", one), node("a", two)]),
        ("two nodes of one key", "Keys.SameKey", vec![node("a", one), node("b", one)]),
        ("a node with the log's key", "Keys.SameKey", vec![node("a", public(&log_key()))]),
        ("a node called none", "Keys.ReservedName", vec![node("none", one)]),
        ("a node called voters", "Keys.ReservedName", vec![node("voters", one)]),
        ("a node with the neutral element", "Keys.BadKey", vec![node("a", neutral)]),
        ("a node with a key that is no point", "Keys.BadKey", vec![node("a", [2; 32])]),
    ] {
        vectors.bad(name, error, text(ORIGIN, &nodes));
    }
    let many = |count: usize| -> Vec<ConfigNode> {
        (1..=count).map(|number| node(&format!("n{number}"), public(&node_key(number as u8)))).collect()
    };
    vectors.good("64 nodes", text(ORIGIN, &many(NODES_MAX)));
    vectors.bad("65 nodes", "Keys.TooManyNodes", text(ORIGIN, &many(NODES_MAX + 1)));
    // Not the canonical encoding of its point: y = 2^255 - 16, which is 3 modulo p.
    let mut beyond = [0xff; 32];
    (beyond[0], beyond[31]) = (0xf0, 0x7f);
    let witness = ConfigNode { public_key: beyond, ..witness() };
    let beyond =
        Policy::new(ORIGIN, policy(1).ledger_id(), public(&log_key()), policy(1).nodes().to_vec(), vec![witness]);
    vectors.good("a key whose y is not below p", json!({ "text": beyond.unwrap().to_text() }));
}

/// One ledger has one id, and it has one spelling.
fn ledger_ids(vectors: &mut Vectors) {
    let id = policy(3).ledger_id();
    let line = |id: &str| with(2, &format!("log {} urn:uuid:{id}", policy(3).log_verifier_key()));
    for (name, id) in [
        ("in capitals", id.hyphenated().to_string().to_uppercase()),
        ("without hyphens", id.simple().to_string()),
        ("in braces", id.braced().to_string()),
        ("with hyphens elsewhere", format!("-{}", id.simple())),
    ] {
        vectors.bad(&format!("a ledger id {name}"), "LedgerId", line(&id));
    }
    vectors.bad("a ledger id of 31 digits", "Form", line(&id.to_string()[1..]));
    vectors.bad("a ledger id with a digit that is none", "Form", line(&id.to_string().replace('-', "g")));
    vectors.bad("a ledger id with its name twice", "Form", line(&format!("urn:uuid:{id}")));
}
