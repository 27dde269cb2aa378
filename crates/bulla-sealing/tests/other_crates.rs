//! Every proof of every log of up to 300 leaves, held against two crates that have nothing to do with this project.
//!
//! Both make the proofs from the leaves by themselves. Equal bytes are verified by all three, so whatever one of them
//! proves is accepted by the others.

use std::convert::Infallible;

use bulla_sealing::*;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2::Sha256;
use tlog_tiles::tlog;

const SIZE_MAX: u64 = 300;

type CtTree = MemoryBackedTree<Sha256, [u8; 8]>;

/// The same leaves as each of the three keeps them.
struct Logs {
    /// The roots of all perfect subtrees, by level.
    ours: Vec<Vec<Hash>>,
    tlog: StoredHashes,
    ct_merkle: CtTree,
    /// Roots by size.
    roots: Vec<Roots>,
}

struct Roots {
    ours: Hash,
    tlog: tlog::Hash,
    ct_merkle: RootHash<Sha256>,
}

/// The hashes of `tlog_tiles` in the order in which it writes them.
struct StoredHashes(Vec<tlog::Hash>);

impl tlog::HashReader for StoredHashes {
    fn read_hashes(&self, places: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(places.iter().map(|place| self.0[*place as usize]).collect())
    }
}

impl HashSource for Logs {
    type Error = Infallible;

    fn leaf_hashes(&self, start: u64, end: u64) -> Result<Vec<Hash>, Infallible> {
        Ok(self.ours[0][start as usize..end as usize].to_vec())
    }

    fn subtree(&self, level: u8, place: u64) -> Result<Hash, Infallible> {
        Ok(self.ours[usize::from(level)][place as usize])
    }
}

impl Logs {
    /// The logs without leaves. Only `tlog_tiles` has no root for them.
    fn new() -> Logs {
        let ct_merkle = CtTree::new();
        let none = Roots { ours: EMPTY_ROOT, tlog: tlog::Hash(EMPTY_ROOT.0), ct_merkle: ct_merkle.root() };
        Logs { ours: vec![vec![]; 9], tlog: StoredHashes(vec![]), ct_merkle, roots: vec![none] }
    }

    fn size(&self) -> u64 {
        self.roots.len() as u64 - 1
    }

    fn push(&mut self) {
        let place = self.size();
        let leaf = place.to_be_bytes();
        self.ours[0].push(leaf_hash(&leaf));
        for level in 1..self.ours.len() {
            let below = &self.ours[level - 1];
            if let Some([left, right]) = below.as_chunks().0.get(self.ours[level].len()) {
                let above = node_hash(left, right);
                self.ours[level].push(above);
            }
        }
        let stored = tlog::stored_hashes(place, &leaf, &self.tlog).unwrap();
        self.tlog.0.extend(stored);
        self.ct_merkle.push(leaf);
        self.roots.push(Roots {
            ours: subtree_root(&self.ours[0]),
            tlog: tlog::tree_hash(place + 1, &self.tlog).unwrap(),
            ct_merkle: self.ct_merkle.root(),
        });
    }
}

fn flat(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.0).collect()
}

fn as_tlog(proof: &[Hash]) -> Vec<tlog::Hash> {
    proof.iter().map(|hash| tlog::Hash(hash.0)).collect()
}

#[test]
fn every_root_and_proof_up_to_300_leaves_is_that_of_two_other_crates() {
    let mut logs = Logs::new();
    for size in 1..=SIZE_MAX {
        logs.push();
        let root = &logs.roots[size as usize];
        assert_eq!((root.ours.0, &root.ours.0[..]), (root.tlog.0, &root.ct_merkle.as_bytes()[..]), "{size} leaves");
        for place in 0..size {
            every_crate_proves_the_leaf(&logs, place);
        }
        for earlier in 1..=size {
            every_crate_proves_the_growth(&logs, earlier);
        }
    }
}

#[track_caller]
fn every_crate_proves_the_leaf(logs: &Logs, place: u64) {
    let size = logs.size();
    let root = &logs.roots[size as usize];
    let proof = inclusion_proof(place, size, logs).unwrap();
    let from_tlog = tlog::prove_record(size, place, &logs.tlog).unwrap();
    let from_ct_merkle = logs.ct_merkle.prove_inclusion(place as usize);
    assert_eq!(as_tlog(&proof), from_tlog, "leaf {place} of {size}");
    assert_eq!(flat(&proof), from_ct_merkle.as_bytes(), "leaf {place} of {size}");

    let leaf = logs.ours[0][place as usize];
    verify_inclusion(place, size, &leaf, &proof, &root.ours).unwrap();
    tlog::check_record(&as_tlog(&proof), size, root.tlog, place, tlog::Hash(leaf.0)).unwrap();
    let proof = InclusionProof::from_bytes(flat(&proof));
    root.ct_merkle.verify_inclusion(&place.to_be_bytes(), place, &proof).unwrap();
}

#[track_caller]
fn every_crate_proves_the_growth(logs: &Logs, earlier: u64) {
    let size = logs.size();
    let [before, after] = [earlier, size].map(|size| &logs.roots[size as usize]);
    let proof = consistency_proof(earlier, size, logs).unwrap();
    let from_tlog = tlog::prove_tree(size, earlier, &logs.tlog).unwrap();
    assert_eq!(as_tlog(&proof), from_tlog, "{earlier} to {size}");
    verify_consistency(earlier, size, &proof, &before.ours, &after.ours).unwrap();
    tlog::check_tree(&as_tlog(&proof), size, after.tlog, earlier, before.tlog).unwrap();

    // `ct-merkle` has no proof that a log is itself.
    if earlier < size {
        let from_ct_merkle = logs.ct_merkle.prove_consistency((size - earlier) as usize);
        assert_eq!(flat(&proof), from_ct_merkle.as_bytes(), "{earlier} to {size}");
        let proof = ConsistencyProof::try_from_bytes(flat(&proof)).unwrap();
        after.ct_merkle.verify_consistency(&before.ct_merkle, &proof).unwrap();
    }
}
