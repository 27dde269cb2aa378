//! Proofs that a leaf is in a log, and that a log only grew, over small trees of every shape.

use bulla_sealing::{EMPTY_ROOT, Hash, consistency_proof, inclusion_proof, leaf_hash, subtree_root};
use serde_json::{Value, json};

use super::Vectors;

/// Leaf number i is the byte i.
fn leaves(count: u8) -> Vec<Hash> {
    (0..count).map(|leaf| leaf_hash(&[leaf])).collect()
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(Hash::to_string).collect()
}

pub fn inclusion() -> Value {
    let about = "Leaf i of these logs is the one byte i.";
    let mut vectors = Vectors::new("inclusion", about, json!(null));
    let log = leaves(33);
    let input = |leaf_index: u64, size: u64, leaf: Hash, path: &[Hash], root: Hash| {
        json!({
            "leaf_index": leaf_index.to_string(), "size": size.to_string(), "leaf_hash": leaf.to_string(),
            "path": texts(path), "root": root.to_string(),
        })
    };
    for size in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33u64] {
        let log = &log[..size as usize];
        let mut places = vec![0, size / 2, size.saturating_sub(2), size - 1];
        places.sort();
        places.dedup();
        for place in places {
            let path = inclusion_proof(place, size, log).unwrap();
            vectors.good(
                &format!("leaf {place} of {size}"),
                input(place, size, log[place as usize], &path, subtree_root(log)),
            );
        }
    }
    let root = subtree_root(&log[..7]);
    let path = inclusion_proof(4, 7, &log[..7]).unwrap();
    let longer = [&path[..], &[EMPTY_ROOT]].concat();
    let endless = vec![EMPTY_ROOT; 64];
    for (name, error, case) in [
        ("leaf 7 of 7", "IndexBeyondSize", input(7, 7, log[4], &path, root)),
        ("leaf 0 of none", "IndexBeyondSize", input(0, 0, log[0], &[], EMPTY_ROOT)),
        ("another leaf", "RootMismatch", input(4, 7, log[5], &path, root)),
        ("another index of the same shape", "RootMismatch", input(5, 7, log[4], &path, root)),
        ("another root", "RootMismatch", input(4, 7, log[4], &path, EMPTY_ROOT)),
        ("a hash too few", "WrongLength", input(4, 7, log[4], &path[..2], root)),
        ("a hash too many", "WrongLength", input(4, 7, log[4], &longer, root)),
        ("64 hashes", "TooLong", input(0, (1 << 63) + 1, log[0], &endless, root)),
        ("63 hashes", "RootMismatch", input(0, 1 << 63, log[0], &endless[1..], root)),
    ] {
        vectors.bad(name, error, case);
    }
    // Why the size must be signed: the same path and root prove the same leaf in a log of another size.
    let path = inclusion_proof(0, 3, &log[..3]).unwrap();
    let root = subtree_root(&log[..3]);
    vectors.good("leaf 0 of 3 under a size of 4 is proven too", input(0, 4, log[0], &path, root));
    vectors.file()
}

pub fn consistency() -> Value {
    let about = "Leaf i of these logs is the one byte i.";
    let mut vectors = Vectors::new("consistency", about, json!(null));
    let log = leaves(33);
    let root = |size: u64| subtree_root(&log[..size as usize]);
    let input = |size1: u64, size2: u64, proof: &[Hash], root1: Hash, root2: Hash| {
        json!({
            "size1": size1.to_string(), "size2": size2.to_string(), "proof": texts(proof),
            "root1": root1.to_string(), "root2": root2.to_string(),
        })
    };
    for (size1, size2) in [
        (1, 1),
        (1, 2),
        (1, 8),
        (2, 3),
        (3, 4),
        (3, 7),
        (4, 7),
        (6, 8),
        (7, 8),
        (7, 15),
        (8, 8),
        (8, 9),
        (16, 33),
        (31, 33),
        (32, 33),
    ] {
        let proof = consistency_proof(size1, size2, &log[..]).unwrap();
        vectors.good(&format!("{size1} to {size2}"), input(size1, size2, &proof, root(size1), root(size2)));
    }
    let proof = consistency_proof(6, 8, &log[..]).unwrap();
    let longer = [&proof[..], &[EMPTY_ROOT]].concat();
    let endless = vec![EMPTY_ROOT; 64];
    for (name, error, case) in [
        ("from nothing", "SizeZero", input(0, 8, &[], EMPTY_ROOT, root(8))),
        ("from nothing to nothing", "SizeZero", input(0, 0, &[], EMPTY_ROOT, EMPTY_ROOT)),
        ("8 to 7", "SizesDecrease", input(8, 7, &[], root(8), root(7))),
        ("8 to 8 with a hash", "WrongLength", input(8, 8, &[root(8)], root(8), root(8))),
        ("8 to 8 with another root", "RootMismatch", input(8, 8, &[], root(8), root(7))),
        ("6 to 8 without hashes", "WrongLength", input(6, 8, &[], root(6), root(8))),
        ("6 to 8 with a hash too many", "WrongLength", input(6, 8, &longer, root(6), root(8))),
        ("6 to 8 from another root", "EarlierRootMismatch", input(6, 8, &proof, root(5), root(8))),
        ("6 to 8 to another root", "RootMismatch", input(6, 8, &proof, root(6), root(7))),
        ("6 to 8 between other roots", "EarlierRootMismatch", input(6, 8, &proof, root(5), root(7))),
        ("64 hashes", "TooLong", input(1, u64::MAX, &endless, root(1), root(8))),
    ] {
        vectors.bad(name, error, case);
    }
    vectors.file()
}
