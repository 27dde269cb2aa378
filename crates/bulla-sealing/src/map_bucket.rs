//! A few leaves of the state map, in the order of their keys, with every hash of the subtree that they are.

use crate::hash::Hash;
use crate::map_proof::{MapLeaf, bit, map_node_hash};

/// A leaf, with two hashes of the subtree that it is in.
///
/// ```text
///        ●         entries   A  B  C  D     fork of D: the fork between C and D, the topmost one
///     ┌──┴──┐                               fork of C: the one between B and C
///     ●     D                               fork of B: the one between A and B
///   ┌─┴─┐
///   ●   C          Each fork is kept as it stands below the fork above it: where both of its ways went
///  A B             on as one before they parted, with the nodes that have an empty side.
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) leaf: MapLeaf,
    pub(crate) hash: Hash,
    /// Hash of the subtree in which this leaf and the one before it part; of no meaning in the first entry.
    fork: Hash,
}

impl Entry {
    pub(crate) fn new(leaf: MapLeaf) -> Entry {
        Entry { hash: leaf.hash(), leaf, fork: Hash::ZERO }
    }

    /// A byte of either end of it: whoever has read these has fetched all of it.
    pub(crate) fn fetched(&self) -> u8 {
        self.leaf.key.0[0] ^ self.fork.0[31]
    }
}

/// Which of the entries have changed, a bit each, the first one lowest.
pub(crate) type Changed = u32;

/// Which entries the changes are of, if every one of them is of a leaf that is there.
pub(crate) fn places(entries: &[Entry], changes: &[Entry]) -> Option<Changed> {
    let place = |change: &Entry| entries.binary_search_by(|entry| entry.leaf.key.cmp(&change.leaf.key)).ok();
    changes.iter().try_fold(0, |places, change| Some(places | 1 << place(change)?))
}

/// All of them.
pub(crate) const ALL_CHANGED: Changed = Changed::MAX;

/// Hash of the subtree at `depth` that has these entries. Hashes of what has not changed are those that are kept.
///
/// # Panics
/// When there are no entries.
pub(crate) fn hash_again(entries: &mut [Entry], depth: usize, changed: Changed) -> Hash {
    let [first, .., last] = entries else {
        return entries[0].hash;
    };
    let key = first.leaf.key;
    let parts_at = common_bits(&key, &last.leaf.key);
    let (left, right) = split(entries, parts_at);
    let (to_left, to_right) = (left.len(), right.len());
    if changed & !(ALL_CHANGED << (to_left + to_right)) == 0 {
        return entries[to_left].fork;
    }
    let (left, right) = entries.split_at_mut(to_left);
    let left = hash_again(left, parts_at + 1, changed);
    let fork = map_node_hash(&left, &hash_again(right, parts_at + 1, changed >> to_left));
    let fork = (depth..parts_at).rev().fold(fork, |hash, depth| match bit(&key, depth) {
        true => map_node_hash(&Hash::ZERO, &hash),
        false => map_node_hash(&hash, &Hash::ZERO),
    });
    entries[to_left].fork = fork;
    fork
}

/// Root of the subtree at `depth` that has these entries, from the hashes of its leaves.
pub(crate) fn root_of(entries: &[Entry], depth: usize) -> Hash {
    match entries {
        [] => Hash::ZERO,
        [entry] => entry.hash,
        _ => {
            let (left, right) = split(entries, depth);
            map_node_hash(&root_of(left, depth + 1), &root_of(right, depth + 1))
        }
    }
}

/// Entries whose keys agree in the first `depth` bits, divided by the next one.
pub(crate) fn split(entries: &[Entry], depth: usize) -> (&[Entry], &[Entry]) {
    entries.split_at(entries.partition_point(|entry| !bit(&entry.leaf.key, depth)))
}

/// Both in the order of their keys; where they have a key in common, as `changes` has it.
pub(crate) fn merged(entries: &[Entry], changes: &[Entry]) -> Vec<Entry> {
    let mut merged = Vec::with_capacity(entries.len() + changes.len());
    let mut kept = entries.iter().peekable();
    for change in changes {
        merged.extend(std::iter::from_fn(|| kept.next_if(|entry| entry.leaf.key < change.leaf.key)).cloned());
        kept.next_if(|entry| entry.leaf.key == change.leaf.key);
        merged.push(change.clone());
    }
    merged.extend(kept.cloned());
    merged
}

/// How many bits two keys begin with in common. They are not the same key.
fn common_bits(one: &Hash, other: &Hash) -> usize {
    let first_half = |key: &Hash| u128::from_be_bytes(*key.0.first_chunk().expect("16 of 32 bytes"));
    let last_half = |key: &Hash| u128::from_be_bytes(*key.0.last_chunk().expect("16 of 32 bytes"));
    match first_half(one) ^ first_half(other) {
        0 => 128 + (last_half(one) ^ last_half(other)).leading_zeros() as usize,
        difference => difference.leading_zeros() as usize,
    }
}
