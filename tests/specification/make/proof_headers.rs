//! State proofs and certificates whose checkpoint is no seal, or whose header is not the one that it ends with.

use bulla_sealing::{Hash, StateProof};
use serde_json::Value;

use super::Vectors;
use crate::story::{HEADER, SAW, Story, key_of};

/// Adds one for each rule; `prefix` stands before the errors, `input` makes a vector's input under a policy.
pub fn refused(vectors: &mut Vectors, prefix: &str, input: impl Fn(&str, &StateProof) -> Value) {
    let proof = |story: Story| story.proof(&[key_of(SAW)]);
    let mut bad = |name: &str, error: &str, policy: &str, proof: &StateProof| {
        vectors.bad(name, &format!("{prefix}{error}"), input(policy, proof));
    };
    let whole = proof(Story::new());
    bad("a policy of another origin", "Seal.UnknownOrigin", "another origin", &whole);
    bad("a policy of another ledger", "OtherLedger", "another ledger", &whole);
    let witness = "3 nodes, and the witness must sign";
    bad("a witness that must sign did not", "Seal.WitnessesMissing", witness, &whole);
    for (name, error, change) in [
        (
            "no line of the log",
            "Seal.LogSignatureMissing",
            (|proof| drop(proof.checkpoint.signatures.remove(0))) as Change,
        ),
        ("no line of a node", "Seal.NodesMissing", |proof| drop(proof.checkpoint.signatures.pop())),
        ("a line twice", "Seal.RepeatedSignature", |proof| {
            let line = proof.checkpoint.signatures[1].clone();
            proof.checkpoint.signatures.push(line);
        }),
        ("a bit of a signature", "Seal.BadSignature", |proof| proof.checkpoint.signatures[2].signature[70] ^= 1),
        ("a root that nobody signed", "Seal.BadSignature", |proof| {
            proof.checkpoint.text = proof.checkpoint.text.replacen("\n14\n", "\n15\n", 1);
        }),
        ("the path without its first hash", "HeaderPath.WrongLength", |proof| _ = proof.header_path.remove(0)),
        ("a hash too many in the path", "HeaderPath.WrongLength", |proof| proof.header_path.push(Hash::ZERO)),
        ("a bit of the path", "HeaderPath.RootMismatch", |proof| proof.header_path[1].0[31] ^= 1),
        ("a bit of the header's state root", "HeaderPath.RootMismatch", |proof| proof.header[168] ^= 1),
    ] {
        let mut changed = whole.clone();
        change(&mut changed);
        bad(name, error, "3 nodes", &changed);
    }
    for (name, error, change) in [
        ("a header of no bytes", "Header.Truncated", Vec::clear as ChangeOfLeaf),
        ("a header of 295 bytes", "Header.Truncated", |leaf| leaf.truncate(295)),
        ("a header of 297 bytes", "Header.TrailingBytes", |leaf| leaf.push(0)),
        ("a header of version 2", "Header.UnknownMagic", |leaf| leaf[3] = 2),
        ("a header with reserved byte 7", "Header.Invalid.reserved", |leaf| leaf[7] = 1),
        ("a header with reserved byte 295", "Header.Invalid.reserved", |leaf| leaf[295] = 1),
        ("a record as the header", "Header.WrongKind", |leaf| leaf[4] = 3),
        ("a header without a state root", "Header.UnknownFlags", |leaf| leaf[5] = 0),
    ] {
        let mut changed = whole.clone();
        change(&mut changed.header);
        bad(name, error, "3 nodes", &changed);
    }
    for (name, error, change) in SIGNED {
        bad(name, &format!("Header.{error}"), "3 nodes", &proof(Story::new().header(change)));
    }
    let mut other_table = whole.clone();
    other_table.header[24] ^= 1;
    bad("a header with another table id", "Header.Invalid.table_id", "3 nodes", &other_table);
    let other_root = proof(Story::new().header(|leaf| {
        leaf[104] ^= 1;
        leaf[136] ^= 1;
    }));
    bad("a header with another log root", "LogRoot", "3 nodes", &other_root);
    let earlier = Story::new().proof_as_of(&[key_of(SAW)], HEADER, HEADER + 2);
    bad("a header that is not the last leaf", "NotLast", "3 nodes", &earlier);
    bad("a checkpoint that states a leaf more", "NotLast", "3 nodes", &proof(Story::new().stated(|it| it.size += 1)));
    let other = proof(Story::new().stated(|checkpoint| checkpoint.root.0[0] ^= 1));
    bad("a checkpoint with another root", "HeaderPath.RootMismatch", "3 nodes", &other);
}

type Change = fn(&mut StateProof);
type ChangeOfLeaf = fn(&mut Vec<u8>);

/// Headers that all signed, and that contradict themselves.
const SIGNED: [(&str, &str, ChangeOfLeaf); 7] = [
    ("a header with another leaf index", "Invalid.leaf_index", |leaf| leaf[47] = 12),
    ("a header of block 0 from leaf 1", "Invalid.first_leaf", |leaf| (leaf[63], leaf[71]) = (1, 12)),
    ("a header of block 3 from leaf 2", "Invalid.height", |leaf| (leaf[55], leaf[63], leaf[71]) = (3, 2, 11)),
    ("a header closed before it was opened", "Invalid.closed_us", |leaf| leaf[80..88].fill(0)),
    ("a header without records that has a root of them", "Invalid.records_root", |leaf| {
        (leaf[55], leaf[63], leaf[71]) = (1, 13, 0);
    }),
    ("a header of block 0 with two roots", "Invalid.log_root", |leaf| leaf[136] ^= 1),
    ("a header of block 0 after something", "Invalid.prev_header", |leaf| leaf[231] = 1),
];
