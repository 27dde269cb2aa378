//! Making proofs, from whatever keeps the leaf hashes.

use crate::frontier::{fold, subtree_root};
use crate::hash::Hash;

/// A log as a prover sees it: its leaf hashes, and perhaps some inner nodes that it kept.
pub trait HashSource {
    /// Why hashes could not be read.
    type Error;

    /// Leaf hashes of the leaves `start..end`.
    ///
    /// # Errors
    /// When they cannot be read.
    fn leaf_hashes(&self, start: u64, end: u64) -> Result<Vec<Hash>, Self::Error>;

    /// Root of the perfect subtree over the leaves `index << level .. (index + 1) << level`.
    ///
    /// The default reads all of them; a source that keeps inner nodes should answer from those.
    ///
    /// # Errors
    /// When hashes cannot be read.
    fn subtree(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let start = index << level;
        Ok(subtree_root(&self.leaf_hashes(start, start + (1 << level))?))
    }
}

/// Leaf hashes in memory.
impl HashSource for [Hash] {
    type Error = std::convert::Infallible;

    fn leaf_hashes(&self, start: u64, end: u64) -> Result<Vec<Hash>, Self::Error> {
        Ok(self[position(start)..position(end)].to_vec())
    }

    fn subtree(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let start = position(index << level);
        Ok(subtree_root(&self[start..start + (1 << level)]))
    }
}

/// The hashes beside the way from a leaf up to the root of the log's first `size` leaves, leaf
/// side first: what [`crate::verify_inclusion`] takes.
///
/// # Errors
/// Those of the source.
///
/// # Panics
/// When `leaf_index` is not below `size`.
///
/// ```
/// use bulla_sealing::{Hash, inclusion_proof, leaf_hash, subtree_root, verify_inclusion};
/// let hashes: Vec<Hash> = (0..7u8).map(|leaf| leaf_hash(&[leaf])).collect();
/// let proof = inclusion_proof(4, 7, &hashes[..]).unwrap();
/// verify_inclusion(4, 7, &hashes[4], &proof, &subtree_root(&hashes)).unwrap();
/// ```
pub fn inclusion_proof<S: HashSource + ?Sized>(leaf_index: u64, size: u64, source: &S) -> Result<Vec<Hash>, S::Error> {
    assert!(leaf_index < size, "leaf {leaf_index} of {size}");
    let mut proof = Vec::new();
    let mut range = (0, size);
    while range.1 - range.0 > 1 {
        let middle = split(range);
        let (taken, beside) = match leaf_index < middle {
            true => ((range.0, middle), (middle, range.1)),
            false => ((middle, range.1), (range.0, middle)),
        };
        proof.push(range_root(beside, source)?);
        range = taken;
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that show the log of `size2` leaves to begin with the log of `size1` leaves: what
/// [`crate::verify_consistency`] takes. Empty between equal sizes.
///
/// # Errors
/// Those of the source.
///
/// # Panics
/// When `size1` is zero or above `size2`.
///
/// ```
/// use bulla_sealing::{Hash, consistency_proof, leaf_hash, subtree_root, verify_consistency};
/// let hashes: Vec<Hash> = (0..7u8).map(|leaf| leaf_hash(&[leaf])).collect();
/// let proof = consistency_proof(3, 7, &hashes[..]).unwrap();
/// let (earlier, later) = (subtree_root(&hashes[..3]), subtree_root(&hashes));
/// verify_consistency(3, 7, &proof, &earlier, &later).unwrap();
/// ```
pub fn consistency_proof<S: HashSource + ?Sized>(size1: u64, size2: u64, source: &S) -> Result<Vec<Hash>, S::Error> {
    assert!(0 < size1 && size1 <= size2, "sizes {size1} and {size2}");
    let mut proof = Vec::new();
    let mut range = (0, size2);
    while range.1 != size1 {
        let middle = split(range);
        let (taken, beside) = match size1 <= middle {
            true => ((range.0, middle), (middle, range.1)),
            false => ((middle, range.1), (range.0, middle)),
        };
        proof.push(range_root(beside, source)?);
        range = taken;
    }
    // A range that starts the log is the earlier log itself, whose root the verifier has.
    if range.0 > 0 {
        proof.push(range_root(range, source)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Where a tree of two or more leaves divides: after the largest power of two below its size.
fn split((start, end): (u64, u64)) -> u64 {
    start + (1 << (end - start - 1).ilog2())
}

/// Root over a range of leaves that one subtree of the log covers, perfect or not.
fn range_root<S: HashSource + ?Sized>((start, end): (u64, u64), source: &S) -> Result<Hash, S::Error> {
    let mut roots = Vec::with_capacity(64);
    let mut next = start;
    while next < end {
        let level = (end - next).ilog2();
        roots.push(source.subtree(level as u8, next >> level)?);
        next += 1 << level;
    }
    Ok(fold(&roots))
}

fn position(leaf_index: u64) -> usize {
    usize::try_from(leaf_index).expect("hashes in memory have positions in memory")
}
