//! The state map: every key with its newest value under one root (a compact sparse Merkle map).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::hash::Hash;
use crate::map_proof::{MapLeaf, MapProof, bit, map_node_hash};

/// A map from 32-byte keys to 32-byte values, with a root that is a function of its content alone.
///
/// ```text
/// keys 00…  010…  011…  1…              ●                 node  = SHA-256(03 || left || right)
///                                   ┌───┴───┐             leaf  = SHA-256(02 || key || value)
///   a subtree with one leaf         ●       1…            empty = 32 zero bytes
///   IS that leaf, so leaves     ┌───┴───┐
///   stand no deeper than        00…     ●
///   they must                       ┌───┴───┐
///                                 010…     011…
/// ```
///
/// Keys are expected to be hashes, else the map grows deep. Nothing is ever removed. A clone shares
/// every node with its original, so keeping a map as it was costs what has changed since.
///
/// ```
/// use bulla_sealing::{StateMap, leaf_hash, state_value};
/// let mut map = StateMap::new();
/// let (desk, lamp, chair) = (leaf_hash(b"desk"), leaf_hash(b"lamp"), leaf_hash(b"chair"));
/// let mut changes = [(desk, state_value(b"held by Anna")), (lamp, state_value(b"held by Bert"))];
/// changes.sort();
/// map.update(&changes);
///
/// let proof = map.prove(&desk);
/// assert_eq!(proof.verify(&map.root(), &desk), Ok(Some(state_value(b"held by Anna"))));
/// assert_eq!(map.prove(&chair).verify(&map.root(), &chair), Ok(None));
/// ```
#[derive(Clone, Debug, Default)]
pub struct StateMap {
    top: Subtree,
}

/// The 32-byte value that stands in the map for a state: `SHA-256(04 || state)`.
pub fn state_value(state: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update(VALUE_PREFIX);
    sha.update(state);
    Hash(sha.finalize().into())
}

impl StateMap {
    /// The map without keys. Its root is [`Hash::ZERO`].
    pub fn new() -> StateMap {
        StateMap::default()
    }

    /// Root of the map.
    pub fn root(&self) -> Hash {
        self.top.hash
    }

    /// Sets the values of many keys at once. Every node above them is hashed once, however many of them it is above.
    ///
    /// # Panics
    /// When the keys do not strictly ascend.
    pub fn update(&mut self, changes: &[(Hash, Hash)]) {
        assert!(changes.windows(2).all(|pair| pair[0].0 < pair[1].0), "the keys strictly ascend");
        let changes: Vec<MapLeaf> = changes.iter().map(|(key, value)| MapLeaf { key: *key, value: *value }).collect();
        self.top = updated(&self.top, 0, &changes);
    }

    /// The value of a key.
    pub fn get(&self, key: &Hash) -> Option<Hash> {
        let terminal = self.prove(key).terminal;
        terminal.filter(|leaf| leaf.key == *key).map(|leaf| leaf.value)
    }

    /// Shows what the map says of a key: its value, or that it has none.
    pub fn prove(&self, key: &Hash) -> MapProof {
        let mut siblings = Vec::new();
        let mut subtree = &self.top;
        while let Below::Two(children) = &subtree.below {
            let (left, right) = &**children;
            let (taken, beside) = if bit(key, siblings.len()) { (right, left) } else { (left, right) };
            siblings.push(beside.hash);
            subtree = taken;
        }
        let mut leaves = match &subtree.below {
            Below::Few(leaves) => leaves,
            _ => &[][..],
        };
        while leaves.len() > 1 {
            let depth = siblings.len();
            let (left, right) = split(leaves, depth);
            let (taken, beside) = if bit(key, depth) { (right, left) } else { (left, right) };
            siblings.push(root_of(beside, depth + 1));
            leaves = taken;
        }
        MapProof { siblings, terminal: leaves.first().copied() }
    }
}

/// A subtree, with its hash beside the way down to it: hashing a node again needs none of what is below its other
/// child, which is rarely in the processor's cache.
#[derive(Clone, Debug)]
struct Subtree {
    hash: Hash,
    below: Below,
}

/// What is kept of a subtree. The lowest levels are not: half of all nodes are there, and computing them again from a
/// few leaves takes less than keeping them.
#[derive(Clone, Debug)]
enum Below {
    /// It has no leaves.
    Nothing,
    /// All of its leaves, in the order of their keys; not none.
    Few(Arc<[MapLeaf]>),
    /// Its left and its right half: it has more leaves.
    Two(Arc<(Subtree, Subtree)>),
}

impl Default for Subtree {
    fn default() -> Subtree {
        Subtree { hash: Hash::ZERO, below: Below::Nothing }
    }
}

fn updated(subtree: &Subtree, depth: usize, changes: &[MapLeaf]) -> Subtree {
    if changes.is_empty() {
        return subtree.clone();
    }
    match &subtree.below {
        Below::Nothing => built(changes, depth),
        Below::Few(leaves) => built(&merged(leaves, changes), depth),
        Below::Two(children) => {
            let (left, right) = &**children;
            let (to_left, to_right) = split(changes, depth);
            joined(updated(left, depth + 1, to_left), updated(right, depth + 1, to_right))
        }
    }
}

fn built(leaves: &[MapLeaf], depth: usize) -> Subtree {
    match leaves.len() {
        0 => Subtree::default(),
        1..=FEW_MAX => Subtree { hash: root_of(leaves, depth), below: Below::Few(leaves.into()) },
        _ => {
            let (left, right) = split(leaves, depth);
            joined(built(left, depth + 1), built(right, depth + 1))
        }
    }
}

fn joined(left: Subtree, right: Subtree) -> Subtree {
    Subtree { hash: map_node_hash(&left.hash, &right.hash), below: Below::Two(Arc::new((left, right))) }
}

/// Root of the subtree at `depth` that has these leaves.
fn root_of(leaves: &[MapLeaf], depth: usize) -> Hash {
    match leaves {
        [] => Hash::ZERO,
        [leaf] => leaf.hash(),
        _ => {
            let (left, right) = split(leaves, depth);
            map_node_hash(&root_of(left, depth + 1), &root_of(right, depth + 1))
        }
    }
}

/// Leaves in order whose keys agree in the first `depth` bits, divided by the next one.
fn split(leaves: &[MapLeaf], depth: usize) -> (&[MapLeaf], &[MapLeaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !bit(&leaf.key, depth)))
}

/// Both in the order of their keys; where they have a key in common, as `changes` has it.
fn merged(leaves: &[MapLeaf], changes: &[MapLeaf]) -> Vec<MapLeaf> {
    let kept = leaves.iter().filter(|leaf| changes.binary_search_by_key(&leaf.key, |change| change.key).is_err());
    let mut merged: Vec<MapLeaf> = kept.chain(changes).copied().collect();
    merged.sort_unstable_by_key(|leaf| leaf.key);
    merged
}

const VALUE_PREFIX: [u8; 1] = [0x04];

/// With four, a leaf takes some 120 bytes altogether, half of what it takes with one, and an update no longer.
const FEW_MAX: usize = 4;
