//! The tree of the state map in memory: branches two bits wide, and few leaves together where they end.

use std::hint::black_box;
use std::sync::Arc;

use crate::hash::Hash;
use crate::map_bucket::{ALL_CHANGED, Changed, Entry, hash_again, merged, places, root_of, split};
use crate::map_proof::{MapLeaf, MapProof, bit, map_node_hash};

/// A subtree. What it shares with others is copied before it changes; its hash is kept by whoever has it.
///
/// Half of all nodes are in the lowest levels. With few leaves in one piece, a changed leaf and all that is hashed
/// again for it are found in two or three places of memory instead of one for every level, and those are what an
/// update waits for.
#[derive(Clone, Debug, Default)]
pub(crate) enum Subtree {
    /// It has no leaves.
    #[default]
    Nothing,
    /// All of its leaves, in the order of their keys; not none, and not more than [`FEW_MAX`].
    Few(Arc<[Entry]>),
    /// It has more.
    Many(Arc<Branch>),
}

/// Two levels of a subtree.
#[derive(Debug)]
pub(crate) struct Branch {
    halves: [Hash; 2],
    quarters: [Hash; 4],
    below: [Subtree; 4],
}

impl Subtree {
    /// Sets leaves, which are in the order of their keys, and returns the hash that the subtree has then.
    pub(crate) fn update(&mut self, depth: usize, changes: &[Entry]) -> Hash {
        match self {
            Subtree::Many(branch) => Arc::make_mut(branch).update(depth, changes),
            Subtree::Few(entries) => {
                if let Some(changed) = places(entries, changes) {
                    let entries = Arc::make_mut(entries);
                    let changed_ones = (0..).zip(entries.iter_mut()).filter(|(place, _)| changed >> place & 1 == 1);
                    for ((_, entry), change) in changed_ones.zip(changes) {
                        (entry.leaf, entry.hash) = (change.leaf, change.hash);
                    }
                    return hash_again(entries, depth, changed);
                }
                let (subtree, hash) = built(merged(entries, changes), depth);
                *self = subtree;
                hash
            }
            Subtree::Nothing => {
                let (subtree, hash) = built(changes.to_vec(), depth);
                *self = subtree;
                hash
            }
        }
    }

    /// Reads what an update with these changes will need.
    ///
    /// Hashes wait for each other, and so would the memory that each of them needs. Here nothing waits, so the
    /// processor fetches many places of memory at once.
    fn fetch(&self, depth: usize, changes: &[Entry]) {
        let (mut level, mut next) = (vec![(self, changes)], Vec::new());
        let mut depth = depth;
        let mut read = 0;
        while !level.is_empty() {
            for (subtree, changes) in level.drain(..) {
                match subtree {
                    Subtree::Nothing => {}
                    Subtree::Few(entries) => read ^= entries.iter().fold(0, |read, entry| read ^ entry.fetched()),
                    Subtree::Many(branch) => {
                        let parts = branch.below.iter().zip(quarters(changes, depth));
                        next.extend(parts.filter(|(_, part)| !part.is_empty()));
                    }
                }
            }
            std::mem::swap(&mut level, &mut next);
            depth += 2;
        }
        black_box(read);
    }

    /// How many have it; reading that fetches what a clone or a drop will write.
    fn shared_by(&self) -> usize {
        match self {
            Subtree::Nothing => 0,
            Subtree::Few(entries) => Arc::strong_count(entries),
            Subtree::Many(branch) => Arc::strong_count(branch),
        }
    }

    /// Shows what the map with this subtree at its top says of a key.
    pub(crate) fn prove(&self, key: &Hash) -> MapProof {
        let mut siblings = Vec::new();
        let terminal = self.descend(key, &mut |hash| siblings.push(hash()));
        MapProof { siblings, terminal }
    }

    /// The leaf that the way to a key ends at. `beside` is given a way to the hash at every fork, top first.
    pub(crate) fn descend(&self, key: &Hash, beside: &mut dyn FnMut(&dyn Fn() -> Hash)) -> Option<MapLeaf> {
        let (mut subtree, mut depth) = (self, 0);
        loop {
            match subtree {
                Subtree::Nothing => return None,
                Subtree::Few(entries) => return descend_few(entries, key, depth, beside),
                Subtree::Many(branch) => {
                    let half = usize::from(bit(key, depth));
                    beside(&|| branch.halves[1 - half]);
                    let quarter = 2 * half + usize::from(bit(key, depth + 1));
                    let [taken, other] = [quarter, quarter ^ 1].map(|quarter| &branch.below[quarter]);
                    match (taken.leaves(), other.leaves()) {
                        // A half with one leaf is that leaf, on whichever side it stands.
                        (Leaves::None, Leaves::One(leaf)) | (Leaves::One(leaf), Leaves::None) => return Some(*leaf),
                        (Leaves::None, Leaves::None) => return None,
                        _ => beside(&|| branch.quarters[quarter ^ 1]),
                    }
                    (subtree, depth) = (taken, depth + 2);
                }
            }
        }
    }

    fn leaves(&self) -> Leaves<'_> {
        match self {
            Subtree::Nothing => Leaves::None,
            Subtree::Few(entries) if entries.len() == 1 => Leaves::One(&entries[0].leaf),
            _ => Leaves::More,
        }
    }
}

fn descend_few(
    mut entries: &[Entry],
    key: &Hash,
    depth: usize,
    beside: &mut dyn FnMut(&dyn Fn() -> Hash),
) -> Option<MapLeaf> {
    for depth in depth.. {
        if entries.len() <= 1 {
            break;
        }
        let (left, right) = split(entries, depth);
        let (taken, other) = if bit(key, depth) { (right, left) } else { (left, right) };
        beside(&|| root_of(other, depth + 1));
        entries = taken;
    }
    entries.first().map(|entry| entry.leaf)
}

enum Leaves<'a> {
    None,
    One(&'a MapLeaf),
    More,
}

// All four counts are fetched at once before each of them is written in its turn.
impl Clone for Branch {
    fn clone(&self) -> Branch {
        black_box(self.below.each_ref().map(Subtree::shared_by));
        Branch { halves: self.halves, quarters: self.quarters, below: self.below.clone() }
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        black_box(self.below.each_ref().map(Subtree::shared_by));
    }
}

impl Branch {
    fn update(&mut self, depth: usize, changes: &[Entry]) -> Hash {
        let parts = quarters(changes, depth);
        for (quarter, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            if changes.len() > FETCHED_MAX && part.len() <= FETCHED_MAX {
                self.below[quarter].fetch(depth + 2, part);
            }
            self.quarters[quarter] = self.below[quarter].update(depth + 2, part);
        }
        for half in [0, 1] {
            if !parts[2 * half].is_empty() || !parts[2 * half + 1].is_empty() {
                self.halves[half] = self.joined(half);
            }
        }
        map_node_hash(&self.halves[0], &self.halves[1])
    }

    fn joined(&self, half: usize) -> Hash {
        let (left, right) = (2 * half, 2 * half + 1);
        match (self.below[left].leaves(), self.below[right].leaves()) {
            (Leaves::None, Leaves::None) => Hash::ZERO,
            (Leaves::One(_), Leaves::None) => self.quarters[left],
            (Leaves::None, Leaves::One(_)) => self.quarters[right],
            _ => map_node_hash(&self.quarters[left], &self.quarters[right]),
        }
    }
}

fn built(mut entries: Vec<Entry>, depth: usize) -> (Subtree, Hash) {
    match entries.len() {
        0 => (Subtree::Nothing, Hash::ZERO),
        1..=FEW_MAX => {
            let hash = hash_again(&mut entries, depth, ALL_CHANGED);
            (Subtree::Few(entries.into()), hash)
        }
        _ => {
            let (halves, quarters) = ([Hash::ZERO; 2], [Hash::ZERO; 4]);
            let mut branch = Branch { halves, quarters, below: Default::default() };
            let hash = branch.update(depth, &entries);
            (Subtree::Many(Arc::new(branch)), hash)
        }
    }
}

/// The changes whose keys go on with 00, 01, 10 and 11 after the first `depth` bits.
fn quarters(changes: &[Entry], depth: usize) -> [&[Entry]; 4] {
    let (left, right) = split(changes, depth);
    let ((a, b), (c, d)) = (split(left, depth + 1), split(right, depth + 1));
    [a, b, c, d]
}

/// More make an update copy and compare more, fewer make it follow more ways into memory.
const FEW_MAX: usize = 8;
const _: () = assert!(FEW_MAX < Changed::BITS as usize);

/// What so many changes need fits into the cache next to a processor's core.
const FETCHED_MAX: usize = 1_024;
