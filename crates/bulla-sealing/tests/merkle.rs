//! The Merkle log against a transcription of RFC 6962 and against the `ct-merkle` crate.

use bulla_sealing::*;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

/// RFC 6962 section 2.1, as it reads: recursive and slow.
mod rfc6962 {
    use bulla_sealing::*;

    pub fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_ROOT,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(k(leaves.len()));
                node_hash(&mth(left), &mth(right))
            }
        }
    }

    pub fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return vec![];
        }
        let k = k(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut path, sibling) = match m < k {
            true => (path(m, left), mth(right)),
            false => (path(m - k, right), mth(left)),
        };
        path.push(sibling);
        path
    }

    pub fn subproof(m: usize, leaves: &[Hash], complete: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if complete { vec![] } else { vec![mth(leaves)] };
        }
        let k = k(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut proof, sibling) = match m <= k {
            true => (subproof(m, left, complete), mth(right)),
            false => (subproof(m - k, right, false), mth(left)),
        };
        proof.push(sibling);
        proof
    }

    /// The largest power of two below n.
    fn k(n: usize) -> usize {
        n.next_power_of_two() / 2
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count as u64).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect()
}

const COUNT: usize = 70;

#[test]
fn all_roots_and_proofs_of_small_logs_are_those_of_the_rfc() {
    let all = leaves(COUNT);
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), rfc6962::mth(&[]));
    for size in 1..=COUNT {
        let log = &all[..size];
        frontier.push(all[size - 1]);
        let root = rfc6962::mth(log);
        assert_eq!((frontier.root(), subtree_root(log)), (root, root));
        for index in 0..size {
            let proof = inclusion_proof(index as u64, size as u64, log).unwrap();
            assert_eq!(proof, rfc6962::path(index, log));
            verify_inclusion(index as u64, size as u64, &log[index], &proof, &root).unwrap();
        }
        for earlier in 1..=size {
            let proof = consistency_proof(earlier as u64, size as u64, log).unwrap();
            assert_eq!(proof, rfc6962::subproof(earlier, log, true));
            let earlier_root = rfc6962::mth(&log[..earlier]);
            verify_consistency(earlier as u64, size as u64, &proof, &earlier_root, &root).unwrap();
        }
    }
}

#[test]
fn the_path_of_the_last_leaf_shows_the_root_before_it() {
    let all = leaves(COUNT);
    for size in 1..=COUNT {
        let path = inclusion_proof(size as u64 - 1, size as u64, &all[..size]).unwrap();
        assert_eq!(root_before_last(&path), subtree_root(&all[..size - 1]));
    }
}

#[test]
fn a_proof_fits_no_other_place_leaf_or_root() {
    let log = leaves(21);
    let root = subtree_root(&log);
    for index in 0..21 {
        let proof = inclusion_proof(index, 21, &log[..]).unwrap();
        for other in (0..21).filter(|other| *other != index) {
            assert!(verify_inclusion(other, 21, &log[index as usize], &proof, &root).is_err());
            assert!(verify_inclusion(index, 21, &log[other as usize], &proof, &root).is_err());
        }
        let leaf = &log[index as usize];
        let other_root = subtree_root(&log[..20]);
        let mismatch = verify_inclusion(index, 21, leaf, &proof, &other_root);
        assert_eq!(mismatch, Err(ProofError::RootMismatch));
        let longer = [proof.as_slice(), &[root]].concat();
        assert!(matches!(verify_inclusion(index, 21, leaf, &longer, &root), Err(ProofError::WrongLength { .. })));
        assert!(matches!(verify_inclusion(index, 21, leaf, &proof[1..], &root), Err(ProofError::WrongLength { .. })));
    }
}

#[test]
fn the_pinned_rules_hold() {
    let log = leaves(8);
    let root = |size: usize| subtree_root(&log[..size]);
    let check = |size1: u64, size2: u64, proof: &[Hash], root1: Hash, root2: Hash| {
        verify_consistency(size1, size2, proof, &root1, &root2)
    };
    assert_eq!(check(0, 0, &[], EMPTY_ROOT, EMPTY_ROOT), Err(ProofError::SizeZero));
    assert_eq!(check(0, 8, &[], EMPTY_ROOT, root(8)), Err(ProofError::SizeZero));
    let decreasing = ProofError::SizesDecrease { size1: 8, size2: 7 };
    assert_eq!(check(8, 7, &[], root(8), root(7)), Err(decreasing));
    let too_long = ProofError::WrongLength { expected: 0, found: 1 };
    assert_eq!(check(8, 8, &[root(8)], root(8), root(8)), Err(too_long));
    assert_eq!(check(8, 8, &[], root(8), root(7)), Err(ProofError::RootMismatch));
    assert_eq!(check(8, 8, &[], root(8), root(8)), Ok(()));
    let proof = consistency_proof(6, 8, &log[..]).unwrap();
    assert_eq!(check(6, 8, &proof, root(5), root(8)), Err(ProofError::EarlierRootMismatch));
    assert_eq!(check(6, 8, &proof, root(6), root(7)), Err(ProofError::RootMismatch));
    let beyond = ProofError::IndexBeyondSize { leaf_index: 8, size: 8 };
    assert_eq!(verify_inclusion(8, 8, &log[0], &[], &root(8)), Err(beyond));
    let empty = ProofError::IndexBeyondSize { leaf_index: 0, size: 0 };
    assert_eq!(verify_inclusion(0, 0, &log[0], &[], &EMPTY_ROOT), Err(empty));
}

#[test]
fn no_proof_has_more_than_63_hashes() {
    let hash = leaf_hash(b"x");
    let proof = vec![hash; 64];
    let inclusion = verify_inclusion(0, u64::MAX, &hash, &proof, &hash);
    assert_eq!(inclusion, Err(ProofError::TooLong));
    let consistency = verify_consistency(1, u64::MAX, &proof, &hash, &hash);
    assert_eq!(consistency, Err(ProofError::TooLong));
    let inclusion = verify_inclusion(0, 1 << 63, &hash, &proof[1..], &hash);
    assert_eq!(inclusion, Err(ProofError::RootMismatch));
}

#[test]
fn a_source_that_keeps_inner_nodes_gives_the_same_proofs() {
    /// Answers subtrees of four leaves or more from memory, and counts the leaf hashes it reads.
    struct Kept(Vec<Hash>, std::cell::Cell<u64>);
    impl HashSource for Kept {
        type Error = std::convert::Infallible;
        fn leaf_hashes(&self, start: u64, end: u64) -> Result<Vec<Hash>, Self::Error> {
            self.1.set(self.1.get() + end - start);
            self.0[..].leaf_hashes(start, end)
        }
        fn subtree(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
            match level {
                0 | 1 => Ok(subtree_root(&self.leaf_hashes(index << level, (index + 1) << level)?)),
                _ => self.0[..].subtree(level, index),
            }
        }
    }
    let log = leaves(COUNT);
    let kept = Kept(log.clone(), std::cell::Cell::new(0));
    let proof = inclusion_proof(41, COUNT as u64, &kept).unwrap();
    assert_eq!(proof, rfc6962::path(41, &log));
    assert!(kept.1.get() <= 5, "read {} leaf hashes", kept.1.get());
}

#[test]
fn a_frontier_of_another_length_than_its_size_calls_for_is_refused() {
    let mut frontier = Frontier::new();
    frontier.extend(&leaves(11));
    let bytes = frontier.encode();
    assert_eq!(bytes.len(), 8 + 3 * 32);
    assert_eq!(Frontier::decode(&bytes[..bytes.len() - 1]), Err(DecodeError::Truncated));
    let longer = [bytes.as_slice(), &[0]].concat();
    let trailing = DecodeError::TrailingBytes { count: 1 };
    assert_eq!(Frontier::decode(&longer), Err(trailing));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_are_those_of_ct_merkle(size in 1usize..600, first in any::<prop::sample::Index>()) {
        let place = first.index(size);
        let log = leaves(size);
        let mut tree = MemoryBackedTree::<Sha256, [u8; 8]>::new();
        (0..size as u64).for_each(|leaf| tree.push(leaf.to_be_bytes()));
        let (ours, theirs) = (subtree_root(&log), tree.root());
        prop_assert_eq!(&ours.0[..], &theirs.as_bytes()[..]);

        let bytes = |proof: Vec<Hash>| proof.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>();
        let inclusion = inclusion_proof(place as u64, size as u64, &log[..]).unwrap();
        let theirs = tree.prove_inclusion(place);
        prop_assert_eq!(bytes(inclusion), theirs.as_bytes());

        let consistency = consistency_proof(place as u64 + 1, size as u64, &log[..]).unwrap();
        if place + 1 < size {
            let theirs = tree.prove_consistency(size - place - 1);
            prop_assert_eq!(bytes(consistency), theirs.as_bytes());
        } else {
            prop_assert_eq!(consistency, vec![]);
        }
    }

    #[test]
    fn a_frontier_is_restored_from_its_bytes(size in 0usize..300, more in 0usize..20) {
        let log = leaves(size + more);
        let mut frontier = Frontier::new();
        frontier.extend(&log[..size]);
        let mut restored = Frontier::decode(&frontier.encode()).unwrap();
        prop_assert_eq!(&restored, &frontier);
        restored.extend(&log[size..]);
        prop_assert_eq!(restored.root(), rfc6962::mth(&log));
    }

    #[test]
    fn a_changed_bit_of_a_proof_is_seen(
        size in 2usize..200, place in any::<prop::sample::Index>(),
        hash in any::<prop::sample::Index>(), bit in 0usize..256,
    ) {
        let index = place.index(size) as u64;
        let log = leaves(size);
        let root = subtree_root(&log);
        let flip = |proof: &mut Vec<Hash>| {
            let hash = hash.index(proof.len());
            proof[hash].0[bit / 8] ^= 1 << (bit % 8);
        };
        let mut proof = inclusion_proof(index, size as u64, &log[..]).unwrap();
        flip(&mut proof);
        let leaf = &log[index as usize];
        prop_assert!(verify_inclusion(index, size as u64, leaf, &proof, &root).is_err());
        if index > 0 {
            let mut proof = consistency_proof(index, size as u64, &log[..]).unwrap();
            flip(&mut proof);
            let earlier = subtree_root(&log[..index as usize]);
            prop_assert!(verify_consistency(index, size as u64, &proof, &earlier, &root).is_err());
        }
    }
}
