//! A run of leaves, hashed up to what a log needs of it: so many runs are hashed at once and appended in their order.

use crate::frontier::fold;
use crate::hash::{Hash, node_hash};

/// Leaves that follow a log of a known size: the perfect subtrees that they complete among themselves, and the root of
/// the tree that they would be alone.
///
/// ```text
/// a log of 6 leaves, and a run of 5          appended as   GH  IJ  K
///        ●                                   the root alone is that of  ((G H) (I J)) K
///     ┌──┴──┐     ●      ●     ●
///    A B   C D   E F │  G H   I J   K
/// ```
///
/// Where the log's size is a multiple of a power of two, both trees have the subtrees of up to that size in common,
/// and they are hashed once.
///
/// ```
/// use bulla_sealing::{Frontier, Run, leaf_hash, subtree_root};
/// let hashes: Vec<_> = (0..11_u8).map(|leaf| leaf_hash(&[leaf])).collect();
/// let mut log = Frontier::new();
/// log.extend(&hashes[..6]);
/// let run = Run::new(6, &hashes[6..]);
/// log.append(&run);
/// assert_eq!((log.root(), run.root()), (subtree_root(&hashes), subtree_root(&hashes[6..])));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    first_leaf: u64,
    size: u64,
    root: Hash,
    subtrees: Vec<(u32, Hash)>,
}

impl Run {
    /// The run of the leaves from `first_leaf` on, given their leaf hashes in order.
    pub fn new(first_leaf: u64, leaf_hashes: &[Hash]) -> Run {
        let mut alone = Level::lowest(leaf_hashes);
        while !alone.hashes.is_empty() && first_leaf >> alone.level & 1 == 0 {
            alone.rise();
        }
        let log = Level { place: first_leaf >> alone.level, ..alone.clone() };
        let roots: Vec<Hash> = alone.subtrees().into_iter().map(|(_, root)| root).collect();
        Run { first_leaf, size: leaf_hashes.len() as u64, root: fold(&roots), subtrees: log.subtrees() }
    }

    /// Where it begins.
    pub fn first_leaf(&self) -> u64 {
        self.first_leaf
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree of these leaves alone.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Levels and roots of its perfect subtrees, from left to right.
    pub(crate) fn subtrees(&self) -> &[(u32, Hash)] {
        &self.subtrees
    }
}

/// The subtrees of one height that are part of a higher one, perhaps; and those below that are not.
#[derive(Clone)]
struct Level {
    level: u32,
    /// Number of the first one among those of its height in the whole log.
    place: u64,
    hashes: Vec<Hash>,
    /// Subtrees on the left whose left neighbour belongs to the log before; lowest first.
    begin: Vec<(u32, Hash)>,
    /// Subtrees on the right that have no right neighbour yet; lowest first.
    end: Vec<(u32, Hash)>,
}

impl Level {
    fn lowest(leaf_hashes: &[Hash]) -> Level {
        Level { level: 0, place: 0, hashes: leaf_hashes.to_vec(), begin: Vec::new(), end: Vec::new() }
    }

    fn rise(&mut self) {
        let skipped = (self.place % 2) as usize;
        if skipped == 1 {
            self.begin.push((self.level, self.hashes[0]));
        }
        let pairs = (self.hashes.len() - skipped) / 2;
        if skipped + 2 * pairs < self.hashes.len() {
            self.end.push((self.level, self.hashes[skipped + 2 * pairs]));
        }
        for pair in 0..pairs {
            let left = skipped + 2 * pair;
            self.hashes[pair] = node_hash(&self.hashes[left], &self.hashes[left + 1]);
        }
        self.hashes.truncate(pairs);
        (self.level, self.place) = (self.level + 1, self.place.div_ceil(2));
    }

    /// All of them, from left to right.
    fn subtrees(mut self) -> Vec<(u32, Hash)> {
        while !self.hashes.is_empty() {
            self.rise();
        }
        self.begin.extend(self.end.into_iter().rev());
        self.begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::{Frontier, subtree_root};
    use crate::hash::leaf_hash;

    #[test]
    fn a_run_appended_anywhere_makes_the_log_that_its_leaves_make() {
        let hashes: Vec<Hash> = (0..140_u8).map(|leaf| leaf_hash(&[leaf])).collect();
        for first in 0..70 {
            for end in first..hashes.len() {
                let (mut log, mut expected) = (Frontier::new(), Frontier::new());
                log.extend(&hashes[..first]);
                expected.extend(&hashes[..end]);
                let run = Run::new(first as u64, &hashes[first..end]);
                log.append(&run);
                assert_eq!((&log, run.size()), (&expected, (end - first) as u64), "{first}..{end}");
                assert_eq!(run.root(), subtree_root(&hashes[first..end]), "{first}..{end}");
            }
        }
    }
}
