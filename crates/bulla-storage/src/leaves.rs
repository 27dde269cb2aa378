//! Leaves of one block in memory, laid out as in its file.

use bulla_sealing::{Hash, LEAF_BYTES_MAX, leaf_hash};

/// Leaves one after another, each behind its length, with their hashes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Leaves {
    /// `u16 length || leaf`, big-endian, repeated: what a C2SP entry bundle is made of.
    pub(crate) bytes: Vec<u8>,
    /// Where each leaf ends in `bytes`.
    pub(crate) ends: Vec<u32>,
    /// The leaf hashes.
    pub(crate) hashes: Vec<Hash>,
}

impl Leaves {
    pub(crate) fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    pub(crate) fn push(&mut self, leaf: &[u8]) {
        assert!(leaf.len() <= LEAF_BYTES_MAX, "a leaf of {} bytes", leaf.len());
        self.bytes.extend_from_slice(&(leaf.len() as u16).to_be_bytes());
        self.bytes.extend_from_slice(leaf);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a table closes long before 4 GiB"));
        self.hashes.push(leaf_hash(leaf));
    }

    /// The leaf at a place in this block.
    pub(crate) fn get(&self, place: u64) -> Option<&[u8]> {
        let place = usize::try_from(place).ok()?;
        let end = *self.ends.get(place)? as usize;
        let start = match place {
            0 => 0,
            _ => self.ends[place - 1] as usize,
        };
        Some(&self.bytes[start + LENGTH_BYTES..end])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|place| self.get(place).expect("below the length"))
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.hashes.truncate(len);
        self.bytes.truncate(self.ends.last().map_or(0, |end| *end as usize));
    }
}

/// Bytes of the length before each leaf.
pub(crate) const LENGTH_BYTES: usize = 2;
