//! Bytes that are no receipt: the text, and the bytes of its extra line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_sealing::{EMPTY_ROOT, RECEIPT_BYTES_MAX};
use serde_json::json;

use super::Vectors;
use super::receipts::input;
use crate::forgery::Forgery;
use crate::judge::hex;

pub fn add(vectors: &mut Vectors) {
    text(vectors);
    extra(vectors);
}

fn text(vectors: &mut Vectors) {
    let whole = Forgery::new(3).text();
    let mut replaced = |name: &str, error: &str, from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        vectors.bad(name, &format!("Malformed.{error}"), input("3 nodes", &whole.replacen(from, to, 1)));
    };
    replaced("version 2 of the text", "UnknownFormat", "@v1", "@v2");
    replaced("the first line ends otherwise", "UnknownFormat", "@v1\n", "@v1\r\n");
    replaced("no extra line", "ExtraLine", "extra ", "more ");
    replaced("two spaces", "ExtraLine", "extra ", "extra  ");
    replaced("no index line", "IndexLine", "index ", "place ");
    replaced("an index with a leading zero", "IndexLine", "index 6", "index 06");
    replaced("an index with a sign", "IndexLine", "index 6", "index +6");
    replaced("an index of 2^64", "IndexLine", "index 6", "index 18446744073709551616");
    replaced("an index in other digits", "IndexLine", "index 6", "index \u{0666}");
    replaced("a path line of three bytes", "PathLine", "index 6\n", "index 6\nAAAA\n");
    replaced("a path line with white space", "PathLine", "index 6\n", "index 6\n ");
    let line = format!("{}\n", EMPTY_ROOT.to_base64());
    replaced("a path of 64 hashes", "PathTooLong", "index 6\n", &format!("index 6\n{}", line.repeat(60)));
    replaced("a carriage return in the checkpoint", "Note.ControlCharacter", "\n9\n", "\r\n9\n");
    replaced("no empty line before the signatures", "Note.NoEmptyLine", "\n\n\u{2014}", "\n\u{2014}");
    replaced("a hyphen before a name", "Note.SignatureLine", "\u{2014} node-2", "- node-2");
    replaced("a plus sign in a name", "Note.SignatureLine", "\u{2014} node-2", "\u{2014} node+2");
    replaced("white space in a name", "Note.SignatureLine", "\u{2014} node-2", "\u{2014} node\u{2003}2");
    replaced("a size with a leading zero", "Checkpoint.Size", "\n9\n", "\n09\n");
    replaced("a size that is no number", "Checkpoint.Size", "\n9\n", "\nnine\n");
    replaced("a fourth line in the checkpoint", "Checkpoint.Lines", "\n9\n", "\n9\n9\n");
    replaced("an origin with white space", "Checkpoint.Origin", "\n\nledger", "\n\nthe ledger");
    replaced("a root of other length", "Checkpoint.Root", "\n9\n", "\n9\nAAAA");

    let mut whole_text = |name: &str, error: &str, text: &str| {
        vectors.bad(name, &format!("Malformed.{error}"), input("3 nodes", text));
    };
    whole_text("nothing", "UnknownFormat", "");
    whole_text("the first line only", "NoCheckpoint", "c2sp.org/tlog-proof@v1\n");
    whole_text("the last newline is missing", "Note.SignatureLine", whole.trim_end());
    whole_text("a newline too many", "Note.SignatureLine", &format!("{whole}\n"));
    let place = whole.find("\n\u{2014}").unwrap();
    whole_text("no signature lines", "Note.SignatureLine", &whole[..=place]);
    whole_text("base64 with bits left over", "ExtraLine", "c2sp.org/tlog-proof@v1\nextra QlVMUgF=\nindex 0\n\n");
    whole_text("base64 without padding", "ExtraLine", "c2sp.org/tlog-proof@v1\nextra QlVMUgE\nindex 0\n\n");
    whole_text("base64 for URLs", "ExtraLine", "c2sp.org/tlog-proof@v1\nextra _-__\nindex 0\n\n");

    let runs = |name: &str, error: &str, vectors: &mut Vectors, runs: serde_json::Value| {
        vectors.bad(name, &format!("Malformed.{error}"), json!({ "policy": "3 nodes", "receipt": runs }));
    };
    runs("262,145 bytes", "TooLong", vectors, json!([["a", RECEIPT_BYTES_MAX + 1]]));
    runs("262,144 bytes", "UnknownFormat", vectors, json!([["a", RECEIPT_BYTES_MAX]]));
    let before = "c2sp.org/tlog-proof@v1\nextra ";
    let after = "\nindex 0\n\n";
    runs("extra of 48,000 bytes", "UnknownExtra", vectors, json!([[before, 1], ["AAAA", 16_000], [after, 1]]));
    runs("extra of 48,003 bytes", "ExtraLine", vectors, json!([[before, 1], ["AAAA", 16_001], [after, 1]]));
    let stranger = "\u{2014} stranger AAAAAAA=\n";
    runs("257 signature lines", "Note.TooManySignatures", vectors, json!([[whole, 1], [stranger, 253]]));
    vectors.good("256 signature lines", json!({ "policy": "3 nodes", "receipt": [[whole, 1], [stranger, 252]] }));
    let not_utf8 = [whole.as_bytes(), &[0xff]].concat();
    let not_utf8 = json!({ "policy": "3 nodes", "receipt_hex": hex(&not_utf8) });
    vectors.bad("a byte that is not UTF-8", "Malformed.NotUtf8", not_utf8);
}

fn extra(vectors: &mut Vectors) {
    let whole = Forgery::new(3).text();
    let line = whole.lines().nth(1).unwrap();
    let bytes = STANDARD.decode(&line[6..]).unwrap();
    let mut with = |name: &str, error: &str, bytes: &[u8]| {
        let text = whole.replacen(line, &format!("extra {}", STANDARD.encode(bytes)), 1);
        vectors.bad(name, &format!("Malformed.{error}"), input("3 nodes", &text));
    };
    let edited = |place: usize, byte: u8| [&bytes[..place], &[byte], &bytes[place + 1..]].concat();
    with("version 2 of extra", "UnknownExtra", &edited(4, 2));
    with("extra without bytes", "UnknownExtra", &[]);
    with("extra of the magic alone", "Extra.Truncated", &bytes[..5]);
    with("a payload flag of 2", "Extra.Invalid.payload_flag", &edited(7 + 176, 2));
    with("extra that ends too early", "Extra.Truncated", &bytes[..bytes.len() - 1]);
    with("extra with a byte left over", "Extra.TrailingBytes", &[&bytes[..], &[0]].concat());
    with("a payload longer than all", "Extra.Truncated", &edited(7 + 176 + 33, 0xff));
    let place = bytes.len() - 1 - 32 * usize::from(Forgery::new(3).receipt().header_path.len() as u8);
    let long_path = [&bytes[..place], &[64], &[0; 64 * 32][..]].concat();
    with("a header path of 64 hashes", "PathTooLong", &long_path);
}
