//! Texts that are no state proof or certificate: the lines that both have, and the checkpoint after them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Vectors;
use crate::judge::hex;

/// A text that verifies under the policy of three nodes.
pub struct Text<'a> {
    /// What a vector calls it.
    pub field: &'static str,
    pub whole: &'a str,
    pub bytes_max: usize,
}

impl Text<'_> {
    fn bad(&self, vectors: &mut Vectors, name: &str, error: &str, text: &str) {
        vectors.bad(name, &format!("Malformed.{error}"), json!({ "policy": "3 nodes", self.field: text }));
    }

    fn runs(&self, vectors: &mut Vectors, name: &str, error: &str, runs: serde_json::Value) {
        vectors.bad(name, &format!("Malformed.{error}"), json!({ "policy": "3 nodes", self.field: runs }));
    }

    /// The line that begins with this word.
    fn line(&self, word: &str) -> &str {
        self.whole.lines().find(|line| line.starts_with(word)).unwrap()
    }
}

pub fn refused(vectors: &mut Vectors, text: &Text<'_>) {
    lines(vectors, text);
    checkpoint(vectors, text);
    claim(vectors, text);
    text.runs(vectors, "a byte too many", "TooLong", json!([["a", text.bytes_max + 1]]));
    text.runs(vectors, "as many bytes as there may be", "UnknownFormat", json!([["a", text.bytes_max]]));
    let not_utf8 = [text.whole.as_bytes(), &[0xff]].concat();
    let not_utf8 = json!({ "policy": "3 nodes", format!("{}_hex", text.field): hex(&not_utf8) });
    vectors.bad("a byte that is not UTF-8", "Malformed.NotUtf8", not_utf8);
}

fn lines(vectors: &mut Vectors, text: &Text<'_>) {
    let whole = text.whole;
    let (first, _) = whole.split_once('\n').unwrap();
    let [header, path, claim] = ["header ", "path ", "claim "].map(|word| text.line(word));
    let mut replaced = |name: &str, error: &str, from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        text.bad(vectors, name, error, &whole.replacen(from, to, 1));
    };
    replaced("version 2", "UnknownFormat", "@v1", "@v2");
    replaced("the first line ends otherwise", "UnknownFormat", "@v1\n", "@v1\r\n");
    replaced("a receipt's first line", "UnknownFormat", first, "c2sp.org/tlog-proof@v1");
    replaced("no header line", "Line", &format!("{header}\n"), "");
    replaced("no path line", "Line", &format!("{path}\n"), "");
    replaced("no claim line", "Line", &format!("{claim}\n"), "");
    replaced("two spaces after a word", "Line", "header ", "header  ");
    replaced("no space after a word", "Line", "path ", "path");
    replaced("another word", "Line", "claim ", "Claim ");
    replaced("a line that ends otherwise", "Line", header, &format!("{header}\r"));
    replaced("base64 without padding", "Line", header, "header QlVMUgE");
    replaced("base64 with bits left over", "Line", header, "header QlVMUgF=");
    replaced("base64 for URLs", "Line", header, "header _-__");
    replaced("a path of 31 bytes", "Line", path, &format!("path {}", STANDARD.encode([1; 31])));
    replaced("a path of 64 hashes", "Line", path, &format!("path {}", STANDARD.encode([1; 64 * 32])));
    let mut whole_text = |name: &str, error: &str, changed: &str| text.bad(vectors, name, error, changed);
    whole_text("nothing", "UnknownFormat", "");
    whole_text("the first line only", "NoCheckpoint", &format!("{first}\n"));
    whole_text("no checkpoint", "NoCheckpoint", &whole[..whole.find("\n\n").unwrap() + 1]);
    whole_text("the last newline is missing", "Note.SignatureLine", whole.trim_end());
    whole_text("a newline too many", "Note.SignatureLine", &format!("{whole}\n"));
}

fn checkpoint(vectors: &mut Vectors, text: &Text<'_>) {
    let mut replaced = |name: &str, error: &str, from: &str, to: &str| {
        assert!(text.whole.contains(from), "{from}");
        text.bad(vectors, name, error, &text.whole.replacen(from, to, 1));
    };
    replaced("a carriage return in the checkpoint", "Note.ControlCharacter", "\n14\n", "\r\n14\n");
    replaced("no empty line before the signatures", "Note.NoEmptyLine", "\n\n\u{2014}", "\n\u{2014}");
    replaced("a hyphen before a name", "Note.SignatureLine", "\u{2014} node-2", "- node-2");
    replaced("a fourth line in the checkpoint", "Checkpoint.Lines", "\n14\n", "\n14\n14\n");
    replaced("an origin with white space", "Checkpoint.Origin", "\n\nledger", "\n\nthe ledger");
    replaced("a size with a leading zero", "Checkpoint.Size", "\n14\n", "\n014\n");
    replaced("a root of other length", "Checkpoint.Root", "\n14\n", "\n14\nAAAA");
    let stranger = "\u{2014} stranger AAAAAAA=\n";
    let lines = |count| json!([[text.whole, 1], [stranger, count]]);
    text.runs(vectors, "257 signature lines", "Note.TooManySignatures", lines(253));
    vectors.good("256 signature lines", json!({ "policy": "3 nodes", text.field: lines(252) }));
}

/// The bytes of the claim: key, a state, and a proof that ends at its leaf.
fn claim(vectors: &mut Vectors, text: &Text<'_>) {
    let line = text.line("claim ");
    let bytes = STANDARD.decode(&line["claim ".len()..]).unwrap();
    let state_length = usize::from(bytes[33]);
    let proof = 34 + state_length;
    let mut with = |name: &str, error: &str, bytes: &[u8]| {
        let changed = text.whole.replacen(line, &format!("claim {}", STANDARD.encode(bytes)), 1);
        text.bad(vectors, name, &format!("Bytes.{error}"), &changed);
    };
    let edited = |place: usize, byte: u8| [&bytes[..place], &[byte], &bytes[place + 1..]].concat();
    with("a claim of no bytes", "Truncated", b"");
    with("a claim of half a key", "Truncated", &bytes[..16]);
    with("a claim with a state longer than all", "Truncated", &edited(32, 0xff));
    with("a claim without a proof", "Truncated", &bytes[..proof]);
    with("a claim that ends too early", "Truncated", &bytes[..bytes.len() - 1]);
    with("a claim with a byte left over", "TrailingBytes", &[&bytes[..], &[0]].concat());
    with("a claim with a proof of 257 levels", "Invalid.depth", &edited(proof, 1));
    let depth = bytes[proof + 1];
    assert!(!depth.is_multiple_of(8), "there are bits past the depth {depth}");
    let bitmap = proof + 2;
    with("a claim with a bit past the depth", "Invalid.bitmap", &edited(bitmap, bytes[bitmap] | 1));
    let mut zero = bytes.clone();
    zero[bitmap + 1..bitmap + 33].fill(0);
    with("a claim with a zero sibling", "Invalid.sibling", &zero);
    let end = bytes.len() - 65;
    with("a claim with terminal 2", "Invalid.terminal", &edited(end, 2));
    let nowhere = [&bytes[..end], &[0]].concat();
    with("a claim of a state where the way ends at nothing", "Invalid.claim", &nowhere);
}
