//! A Merkle log reduced to what appending needs: the roots of its perfect subtrees.

use crate::cursor::Cursor;
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::leaf::DecodeError;
use crate::run::Run;

/// The roots of the perfect subtrees that cover the leaves so far, tallest first.
///
/// ```text
/// size = 6 = 0b110                 one root per set bit of the size
///        ●
///     ┌──┴──┐     ●
///    A B   C D   E F
/// ```
///
/// Appending costs one node hash a leaf on average and allocates nothing.
///
/// ```
/// use bulla_sealing::{EMPTY_ROOT, Frontier, leaf_hash, node_hash};
/// let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
/// let mut frontier = Frontier::new();
/// assert_eq!(frontier.root(), EMPTY_ROOT);
/// frontier.push(a);
/// frontier.push(b);
/// assert_eq!((frontier.size(), frontier.root()), (2, node_hash(&a, &b)));
/// assert_eq!(Frontier::decode(&frontier.encode()), Ok(frontier));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the log without leaves.
    pub fn new() -> Frontier {
        Frontier { size: 0, roots: Vec::with_capacity(ROOTS_MAX) }
    }

    /// Appends a leaf, given its leaf hash.
    ///
    /// # Panics
    /// When the log already has `u64::MAX` leaves.
    pub fn push(&mut self, leaf_hash: Hash) {
        self.push_subtree(0, leaf_hash);
    }

    /// Appends a run of leaves.
    ///
    /// # Panics
    /// When the run does not begin where the log ends, or the log would have more than `u64::MAX` leaves.
    pub fn append(&mut self, run: &Run) {
        assert_eq!(run.first_leaf(), self.size, "the run begins where the log ends");
        run.subtrees().iter().for_each(|(level, root)| self.push_subtree(*level, *root));
    }

    /// Appends the 2^`level` leaves of a perfect subtree. The size is a multiple of that.
    fn push_subtree(&mut self, level: u32, mut root: Hash) {
        // Each trailing one bit of the size is a subtree as tall as the one in hand.
        for _ in 0..(self.size >> level).trailing_ones() {
            let left = self.roots.pop().expect("one root per set bit");
            root = node_hash(&left, &root);
        }
        self.roots.push(root);
        self.size = self.size.checked_add(1 << level).expect("fewer than 2^64 leaves");
        assert_eq!(self.roots.len(), self.size.count_ones() as usize);
    }

    /// Appends many leaves, given their leaf hashes in order.
    pub fn extend(&mut self, leaf_hashes: &[Hash]) {
        leaf_hashes.iter().for_each(|hash| self.push(*hash));
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the log: [`EMPTY_ROOT`] when it has no leaves.
    pub fn root(&self) -> Hash {
        fold(&self.roots)
    }

    /// Roots of the perfect subtrees, tallest first: one per set bit of the size.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// `u64 size | 32 bytes per root`, tallest first.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 32 * self.roots.len());
        bytes.extend_from_slice(&self.size.to_be_bytes());
        self.roots.iter().for_each(|root| bytes.extend_from_slice(&root.0));
        bytes
    }

    /// The inverse of [`Frontier::encode`].
    ///
    /// # Errors
    /// When there are more or fewer bytes than the size calls for.
    pub fn decode(bytes: &[u8]) -> Result<Frontier, DecodeError> {
        let mut cursor = Cursor::new(bytes);
        let mut frontier = Frontier::new();
        frontier.size = cursor.u64()?;
        for _ in 0..frontier.size.count_ones() {
            frontier.roots.push(cursor.hash()?);
        }
        cursor.finish()?;
        Ok(frontier)
    }
}

impl Default for Frontier {
    fn default() -> Frontier {
        Frontier::new()
    }
}

/// Root of the tree over these leaf hashes, of any number: a block's `records_root`, a tile, a
/// perfect subtree.
pub fn subtree_root(leaf_hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    frontier.extend(leaf_hashes);
    frontier.root()
}

/// Root of the tree whose perfect subtrees have these roots, tallest first.
pub(crate) fn fold(roots: &[Hash]) -> Hash {
    let Some((last, taller)) = roots.split_last() else {
        return EMPTY_ROOT;
    };
    taller.iter().rev().fold(*last, |right, left| node_hash(left, &right))
}

const ROOTS_MAX: usize = 64;
