//! The state map: every key with its newest value under one root (a compact sparse Merkle map).

use crate::hash::Hash;
use crate::map_bucket::Entry;
use crate::map_proof::{MapLeaf, MapProof};
use crate::map_tree::Subtree;
use crate::short_sha::hash_prefixed;

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
#[derive(Clone, Debug)]
pub struct StateMap {
    root: Hash,
    top: Subtree,
}

impl Default for StateMap {
    fn default() -> StateMap {
        StateMap::new()
    }
}

/// The 32-byte value that stands in the map for a state: `SHA-256(04 || state)`.
pub fn state_value(state: &[u8]) -> Hash {
    hash_prefixed(VALUE_PREFIX, state)
}

impl StateMap {
    /// The map without keys. Its root is [`Hash::ZERO`].
    pub fn new() -> StateMap {
        StateMap { root: Hash::ZERO, top: Subtree::default() }
    }

    /// Root of the map.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Sets the values of many keys at once. Every node above them is hashed once, however many of them it is above.
    ///
    /// # Panics
    /// When the keys do not strictly ascend.
    pub fn update(&mut self, changes: &[(Hash, Hash)]) {
        assert!(changes.windows(2).all(|pair| pair[0].0 < pair[1].0), "the keys strictly ascend");
        if changes.is_empty() {
            return;
        }
        let changes: Vec<Entry> =
            changes.iter().map(|(key, value)| Entry::new(MapLeaf { key: *key, value: *value })).collect();
        self.root = self.top.update(0, &changes);
    }

    /// The value of a key.
    pub fn get(&self, key: &Hash) -> Option<Hash> {
        let terminal = self.top.descend(key, &mut |_| {});
        terminal.filter(|leaf| leaf.key == *key).map(|leaf| leaf.value)
    }

    /// Shows what the map says of a key: its value, or that it has none.
    pub fn prove(&self, key: &Hash) -> MapProof {
        self.top.prove(key)
    }
}

const VALUE_PREFIX: u8 = 0x04;
