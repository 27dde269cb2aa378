//! Checking that a leaf is in the log, and that a log only grew (RFC 9162 section 2.1).

use crate::frontier::fold;
use crate::hash::{Hash, node_hash};

/// Most hashes of a proof.
pub const PROOF_HASHES_MAX: usize = 63;

/// Why a proof does not prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The log of that size has no leaf of that index.
    #[error("leaf {leaf_index} is not in a log of {size} leaves")]
    IndexBeyondSize {
        /// The leaf asked about.
        leaf_index: u64,
        /// Size of the log.
        size: u64,
    },
    /// Consistency with the empty log says nothing, so nobody may rely on it.
    #[error("consistency with the empty log proves nothing")]
    SizeZero,
    /// The later log is the smaller one.
    #[error("the later log has {size2} leaves, fewer than {size1}")]
    SizesDecrease {
        /// Size of the earlier log.
        size1: u64,
        /// Size of the later log.
        size2: u64,
    },
    /// The sizes call for another number of hashes.
    #[error("the proof has {found} hashes where {expected} are needed")]
    WrongLength {
        /// How many hashes the sizes call for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The proof would need more than [`PROOF_HASHES_MAX`] hashes.
    #[error("a proof of more than {PROOF_HASHES_MAX} hashes is not accepted")]
    TooLong,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    RootMismatch,
    /// The proof leads to another root of the earlier log.
    #[error("the proof leads to another root of the earlier log")]
    EarlierRootMismatch,
}

/// Checks that the leaf with this leaf hash is leaf number `leaf_index` of the log of `size`
/// leaves with this root.
///
/// The size must come from a signed checkpoint: other pairs of index and size have proofs of the
/// same shape.
///
/// # Errors
/// When it is not so, or the proof is longer or shorter than needed.
///
/// ```
/// use bulla_sealing::{leaf_hash, node_hash, verify_inclusion};
/// let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
/// assert!(verify_inclusion(1, 2, &b, &[a], &node_hash(&a, &b)).is_ok());
/// assert!(verify_inclusion(0, 2, &b, &[a], &node_hash(&a, &b)).is_err());
/// ```
pub fn verify_inclusion(
    leaf_index: u64,
    size: u64,
    leaf_hash: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if leaf_index >= size {
        return Err(ProofError::IndexBeyondSize { leaf_index, size });
    }
    let climb = Climb { node: leaf_index, last: size - 1 };
    check_length(climb.clone().count(), proof)?;
    let reached = climb.zip(proof).fold(*leaf_hash, |node, step| match step {
        (Sibling::Left, left) => node_hash(left, &node),
        (Sibling::Right, right) => node_hash(&node, right),
    });
    match reached == *root {
        true => Ok(()),
        false => Err(ProofError::RootMismatch),
    }
}

/// Checks that the log of `size2` leaves with `root2` begins with the `size1` leaves of the log
/// with `root1`.
///
/// # Errors
/// When it does not, when `size1` is zero, or when the proof is longer or shorter than needed.
/// Between equal sizes the proof must be empty and the roots equal.
///
/// ```
/// use bulla_sealing::{leaf_hash, node_hash, verify_consistency};
/// let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
/// assert!(verify_consistency(1, 2, &[b], &a, &node_hash(&a, &b)).is_ok());
/// ```
pub fn verify_consistency(
    size1: u64,
    size2: u64,
    proof: &[Hash],
    root1: &Hash,
    root2: &Hash,
) -> Result<(), ProofError> {
    if size1 == 0 {
        return Err(ProofError::SizeZero);
    }
    if size1 > size2 {
        return Err(ProofError::SizesDecrease { size1, size2 });
    }
    if size1 == size2 {
        check_length(0, proof)?;
        return match root1 == root2 {
            true => Ok(()),
            false => Err(ProofError::RootMismatch),
        };
    }
    // Climb from the last perfect subtree of the earlier log: what is left of the way belongs to
    // both logs, what is right of it to the later one only.
    let level = size1.trailing_zeros();
    let climb = Climb { node: (size1 - 1) >> level, last: (size2 - 1) >> level };
    let seed_in_proof = !size1.is_power_of_two();
    check_length(climb.clone().count() + usize::from(seed_in_proof), proof)?;
    let (seed, steps) = match seed_in_proof {
        true => (proof[0], &proof[1..]),
        false => (*root1, proof),
    };
    let mut earlier = seed;
    let mut later = seed;
    for step in climb.zip(steps) {
        match step {
            (Sibling::Left, left) => {
                earlier = node_hash(left, &earlier);
                later = node_hash(left, &later);
            }
            (Sibling::Right, right) => later = node_hash(&later, right),
        }
    }
    match (earlier == *root1, later == *root2) {
        (true, true) => Ok(()),
        (false, _) => Err(ProofError::EarlierRootMismatch),
        (true, false) => Err(ProofError::RootMismatch),
    }
}

/// Root of the log without its last leaf, from the inclusion proof of that last leaf.
///
/// All siblings of the last leaf lie to its left: they are the perfect subtrees of the log before
/// it. That is how a header's own path shows its `log_root`.
pub fn root_before_last(path_of_last_leaf: &[Hash]) -> Hash {
    let tallest_first: Vec<Hash> = path_of_last_leaf.iter().rev().copied().collect();
    fold(&tallest_first)
}

/// On which side of the way up a proof's next hash stands.
enum Sibling {
    Left,
    Right,
}

/// The way from a node up to the root: one [`Sibling`] per hash of the proof.
///
/// `node` is the place of the node on the way among those of its level, `last` the place of the
/// level's last node.
#[derive(Clone)]
struct Climb {
    node: u64,
    last: u64,
}

impl Iterator for Climb {
    type Item = Sibling;

    fn next(&mut self) -> Option<Sibling> {
        // A last node without a left sibling has none at all: it rises unchanged.
        while self.last > 0 && self.node == self.last && self.node.is_multiple_of(2) {
            self.rise();
        }
        if self.last == 0 {
            return None;
        }
        let sibling = match self.node % 2 {
            1 => Sibling::Left,
            _ => Sibling::Right,
        };
        self.rise();
        Some(sibling)
    }
}

impl Climb {
    fn rise(&mut self) {
        self.node /= 2;
        self.last /= 2;
    }
}

fn check_length(expected: usize, proof: &[Hash]) -> Result<(), ProofError> {
    let found = proof.len();
    match () {
        _ if expected > PROOF_HASHES_MAX => Err(ProofError::TooLong),
        _ if expected != found => Err(ProofError::WrongLength { expected, found }),
        _ => Ok(()),
    }
}
