//! Proofs of the state map: the value of a key, or that it has none.

use crate::cursor::Cursor;
use crate::hash::Hash;
use crate::leaf::{DecodeError, rule};
use crate::short_sha::hash_pair;

/// Most hashes beside the way down to a key: one for each of its bits.
pub const MAP_DEPTH_MAX: usize = 256;

/// What a [`StateMap`](crate::StateMap) says of one key.
///
/// ```text
/// u16 depth | bitmap of the siblings that are not empty | those siblings, top first, 32 each
///           | u8 0 when the way ends at nothing; or 1 | key 32 | value 32 of the leaf it ends at
/// ```
///
/// Bit 7 of the bitmap's first byte is the topmost sibling; bits past the depth are zero. The way ends at a leaf of
/// another key, or at nothing, when the map has no such key: where that key's leaf would stand, another thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapProof {
    /// The hashes beside the way down, top first; [`Hash::ZERO`] for an empty subtree.
    pub(crate) siblings: Vec<Hash>,
    /// The leaf that the way ends at.
    pub(crate) terminal: Option<MapLeaf>,
}

/// A key with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapLeaf {
    pub(crate) key: Hash,
    pub(crate) value: Hash,
}

/// Why a proof says nothing about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MapProofError {
    /// The way ends at a leaf that does not stand on the way to the key.
    #[error("the proof ends at a leaf that is not on the way to the key")]
    OtherPlace,
    /// The proof leads to another root.
    #[error("the proof leads to another root of the state map")]
    RootMismatch,
}

impl MapProof {
    /// What the map with this root has under `key`: its value, or `None` when there is no such key.
    ///
    /// # Errors
    /// When the proof does not show it.
    pub fn verify(&self, root: &Hash, key: &Hash) -> Result<Option<Hash>, MapProofError> {
        let depth = self.siblings.len();
        let is_beside = |leaf: &MapLeaf| (0..depth).any(|place| bit(&leaf.key, place) != bit(key, place));
        if self.terminal.as_ref().is_some_and(is_beside) {
            return Err(MapProofError::OtherPlace);
        }
        let mut hash = self.terminal.as_ref().map_or(Hash::ZERO, MapLeaf::hash);
        for (place, sibling) in self.siblings.iter().enumerate().rev() {
            hash = match bit(key, place) {
                true => map_node_hash(sibling, &hash),
                false => map_node_hash(&hash, sibling),
            };
        }
        match hash == *root {
            true => Ok(self.terminal.filter(|leaf| leaf.key == *key).map(|leaf| leaf.value)),
            false => Err(MapProofError::RootMismatch),
        }
    }

    /// The proof's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let depth = self.siblings.len();
        let mut bitmap = vec![0; depth.div_ceil(8)];
        let mut hashes = Vec::new();
        for (place, sibling) in self.siblings.iter().enumerate().filter(|(_, sibling)| **sibling != Hash::ZERO) {
            bitmap[place / 8] |= 0x80 >> (place % 8);
            hashes.extend_from_slice(&sibling.0);
        }
        let depth = u16::try_from(depth).expect("a key has 256 bits");
        let mut bytes = [&depth.to_be_bytes()[..], &bitmap, &hashes, &[self.terminal.is_some().into()]].concat();
        if let Some(MapLeaf { key, value }) = self.terminal {
            bytes.extend_from_slice(&key.0);
            bytes.extend_from_slice(&value.0);
        }
        bytes
    }

    /// The inverse of [`MapProof::encode`].
    ///
    /// # Errors
    /// When the bytes are not such a proof in its only spelling.
    pub fn decode(bytes: &[u8]) -> Result<MapProof, DecodeError> {
        let mut cursor = Cursor::new(bytes);
        let depth = usize::from(cursor.u16()?);
        rule(depth <= MAP_DEPTH_MAX, "depth", "is at most 256")?;
        let bitmap = cursor.take(depth.div_ceil(8))?;
        let set = |place: usize| bitmap[place / 8] & (0x80 >> (place % 8)) != 0;
        rule((depth..bitmap.len() * 8).all(|place| !set(place)), "bitmap", "has no bits past the depth")?;
        // A subtree that holds one leaf is that leaf, so no leaf stands below an only child.
        rule(depth == 0 || set(depth - 1), "bitmap", "has the lowest sibling")?;
        let mut siblings = Vec::with_capacity(depth);
        for place in 0..depth {
            siblings.push(match set(place) {
                true => cursor.hash()?,
                false => Hash::ZERO,
            });
            rule(set(place) == (siblings[place] != Hash::ZERO), "sibling", "is not zero")?;
        }
        let terminal = match cursor.u8()? {
            0 => None,
            1 => Some(MapLeaf { key: cursor.hash()?, value: cursor.hash()? }),
            _ => return Err(DecodeError::Invalid { field: "terminal", rule: "is 0 or 1" }),
        };
        cursor.finish()?;
        Ok(MapProof { siblings, terminal })
    }
}

impl MapLeaf {
    pub(crate) fn hash(&self) -> Hash {
        hash_pair(LEAF_PREFIX, &self.key, &self.value)
    }
}

pub(crate) fn map_node_hash(left: &Hash, right: &Hash) -> Hash {
    hash_pair(NODE_PREFIX, left, right)
}

/// Bit number `place` of a key, the first being the highest bit of its first byte.
pub(crate) fn bit(key: &Hash, place: usize) -> bool {
    key.0[place / 8] & (0x80 >> (place % 8)) != 0
}

// 00 and 01 are the log's; 04 begins what a value is the hash of. So no bytes are two things at once.
const LEAF_PREFIX: u8 = 0x02;
const NODE_PREFIX: u8 = 0x03;
