//! Ids, commitments, verifier keys, and signatures where libraries differ.

use bulla_sealing::{ConfigLeaf, Hash, VerifierKey};
use serde_json::{Value, json};

use super::Vectors;
use crate::forgery::{Forgery, HEADERS, genesis, log_key, nodes, policy, public, seal};
use crate::judge::hex;

pub fn ids() -> Value {
    let mut vectors = Vectors::new("ids", "Derived ids: of a ledger, a table, a name.", json!(null));
    let by_id = ConfigLeaf::genesis_named_by_id(public(&log_key()), nodes(3)).unwrap();
    for (name, config) in [("1 node", genesis(1)), ("3 nodes", genesis(3)), ("an origin with the id", by_id)] {
        let ledger_id = config.ledger_id.to_string();
        let input = json!({ "sort": "ledger", "ledger_id": ledger_id, "genesis": hex(&config.encode()) });
        vectors.good(&format!("ledger of {name}"), input);
    }
    let ledger_id = genesis(3).ledger_id.to_string();
    let forgery = Forgery::new(3);
    let mut prev_header = Hash::ZERO;
    for (height, header) in HEADERS.into_iter().enumerate() {
        let input = json!({
            "sort": "table", "ledger_id": ledger_id, "height": height.to_string(),
            "prev_header": prev_header.to_string(),
        });
        vectors.good(&format!("table {height}"), input);
        prev_header = bulla_sealing::leaf_hash(&forgery.leaves()[header as usize]);
    }
    let named = |sort: &str, text: &str| json!({ "sort": sort, "ledger_id": ledger_id, "text": text });
    for sort in ["asset", "party", "class"] {
        for text in ["tag:LAPTOP-0042", "Central stores", "é", "e\u{301}", "\u{212b}ngstr\u{f6}m", "机", "a  b"] {
            vectors.good(&format!("{sort} {}", text.escape_unicode()), named(sort, text));
        }
    }
    vectors.good("a name of 128 bytes", named("asset", &"x".repeat(128)));
    vectors.good("a name of 129 bytes that has 86 in NFC", named("asset", &"e\u{301}".repeat(43)));
    for (name, error, text) in [
        ("empty", "Empty", String::new()),
        ("129 bytes", "TooLong", "x".repeat(129)),
        ("65 characters of two bytes", "TooLong", "é".repeat(65)),
        ("a newline", "ControlCharacter", "a\nb".into()),
        ("a control character of the second kind", "ControlCharacter", "a\u{85}".into()),
        ("a space before", "OuterWhiteSpace", " a".into()),
        ("an ideographic space after", "OuterWhiteSpace", "a\u{3000}".into()),
        ("only a space", "OuterWhiteSpace", " ".into()),
    ] {
        vectors.bad(&format!("a name: {name}"), error, named("asset", &text));
    }
    vectors.file()
}

pub fn payload_commitments() -> Value {
    let mut vectors = Vectors::new("payload commitments", "What a record with this payload commits to.", json!(null));
    let salt = hex(&[0x5a; 32]);
    vectors.good("JSON", json!({ "salt": salt, "payload": r#"{"note":"two drills"}"# }));
    vectors.good("an empty payload", json!({ "salt": salt, "payload": "" }));
    vectors.good("bytes that are not UTF-8", json!({ "salt": hex(&[0; 32]), "payload_hex": "ff00" }));
    vectors.good("the longest payload", json!({ "salt": salt, "payload": [["x", 65_536]] }));
    vectors.file()
}

pub fn verifier_keys() -> Value {
    let mut vectors = Vectors::new("verifier keys", "A verifier key, its parts and its key id.", json!(null));
    let log: VerifierKey = policy(3).log_verifier_key();
    let node = policy(3).nodes()[0].verifier_key();
    let text = |text: &str| json!({ "text": text });
    vectors.good("a log's", text(&log.to_string()));
    vectors.good("a node's", text(&node.to_string()));
    vectors.good(
        "the example of C2SP signed-note",
        text("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
    );
    vectors.good("a public witness's", text("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"));
    let whole = log.to_string();
    let id = format!("{:08x}", log.key_id());
    for (name, error, text) in [
        ("nothing", "Form", String::new()),
        ("a name alone", "Form", "name".into()),
        ("no key", "Form", "name+00000000".into()),
        ("an empty key", "Form", "name+00000000+".into()),
        ("no name", "Form", whole[whole.find('+').unwrap()..].to_owned()),
        ("white space in the name", "Form", format!("a {whole}")),
        ("a key of 31 bytes", "Form", format!("name+00000000+{}", "AQAA".repeat(10) + "AQA=")),
        ("a key without padding", "Form", "name+00000000+AQ".into()),
        ("type 06", "SignatureType", "a+00000000+BgAA".into()),
        ("another id", "KeyId", whole.replacen(&id, "00000000", 1)),
        ("an id in capitals", "KeyId", whole.replacen(&id, &format!("{:08X}", log.key_id()), 1)),
        ("an id of seven digits", "KeyId", whole.replacen(&id, &id[1..], 1)),
        ("another name", "KeyId", format!("x{whole}")),
    ] {
        vectors.bad(name, error, json!({ "text": text }));
    }
    vectors.file()
}

pub fn signatures() -> Value {
    let about = "Ed25519 where libraries differ; all but the first two are refused with `BadSignature`.";
    let mut vectors = Vectors::new("signatures", about, json!(null));
    let checkpoint = Forgery::new(1).checkpoint();
    let note = seal(&checkpoint, 1);
    let message = note.text.as_bytes();
    let good = note.signatures[0].signature.clone();
    let key = public(&log_key());
    let input = |key: &[u8; 32], message: &[u8], signature: &[u8]| json!({ "public_key": hex(key), "message": hex(message), "signature": hex(signature) });
    vectors.good("the log's", input(&key, message, &good));
    let cosigned = format!("cosignature/v1\ntime {}\n{}", crate::forgery::TIME_S + 1, note.text);
    let node = public(&crate::forgery::node_key(1));
    vectors.good("a node's", input(&node, cosigned.as_bytes(), &note.signatures[1].signature[8..]));

    let mut neutral = [0; 32];
    neutral[0] = 1;
    let zeros = [&neutral[..], &[0; 32]].concat();
    let with = |place: usize, bit: u8| {
        let mut signature = good.clone();
        signature[place] ^= bit;
        signature
    };
    for (name, input) in [
        ("another message", input(&key, b"x", &good)),
        ("another key", input(&node, message, &good)),
        ("a bit of R", input(&key, message, &with(0, 1))),
        ("a bit of S", input(&key, message, &with(32, 1))),
        ("S beyond 2^253", input(&key, message, &with(63, 0x20))),
        ("63 bytes", input(&key, message, &good[..63])),
        ("65 bytes", input(&key, message, &[&good[..], &[0]].concat())),
        ("no bytes", input(&key, message, &[])),
        ("the neutral element as key and R, S zero: good for any message elsewhere", input(&neutral, message, &zeros)),
        ("the neutral element as R", input(&key, message, &zeros)),
        ("a key of y = 0, of order 4", input(&[0; 32], message, &[0; 64])),
        ("a key that is no point", input(&[2; 32], message, &good)),
    ] {
        vectors.bad(name, "BadSignature", input);
    }
    vectors.file()
}
