//! The fixed parts of a block file: the prelude that says what it holds, the trailer that says that it is whole.

use std::path::Path;

use uuid::Uuid;

use crate::error::StorageError;
use crate::refused::Refused;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prelude {
    pub(crate) leaf_count: u32,
    pub(crate) refused_count: u32,
    pub(crate) ledger_id: Uuid,
    pub(crate) height: u64,
    pub(crate) first_leaf: u64,
}

impl Prelude {
    pub(crate) fn encode(&self) -> [u8; PRELUDE_LEN] {
        let mut bytes = [0; PRELUDE_LEN];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&BLOCK_VERSION.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.leaf_count.to_be_bytes());
        bytes[16..32].copy_from_slice(self.ledger_id.as_bytes());
        bytes[32..40].copy_from_slice(&self.height.to_be_bytes());
        bytes[40..48].copy_from_slice(&self.first_leaf.to_be_bytes());
        bytes[48..52].copy_from_slice(&self.refused_count.to_be_bytes());
        let sum = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; PRELUDE_LEN], path: &Path) -> Result<Self, StorageError> {
        let u32_at = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let u64_at = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let prelude = Self {
            leaf_count: u32_at(12),
            refused_count: u32_at(48),
            ledger_id: Uuid::from_bytes(bytes[16..32].try_into().expect("16 bytes")),
            height: u64_at(32),
            first_leaf: u64_at(40),
        };
        let is_a_block = bytes[..8] == *MAGIC && u32_at(60) == crc32c::crc32c(&bytes[..60]);
        if is_a_block && u32_at(8) != BLOCK_VERSION {
            let path = path.to_owned();
            return Err(StorageError::FormatVersion { path, found: u32_at(8), supported: BLOCK_VERSION });
        }
        match prelude.encode() == *bytes && prelude.first_leaf.checked_add(prelude.leaf_count.into()).is_some() {
            true => Ok(prelude),
            false => Err(StorageError::corrupt(path.display().to_string(), "its first 64 bytes do not check")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub(crate) leaves_len: u64,
    /// CRC-32C of each section, in their order.
    pub(crate) sums: [u32; 4],
    pub(crate) file_len: u64,
}

impl Trailer {
    pub(crate) fn encode(&self) -> [u8; TRAILER_LEN] {
        let mut bytes = [0; TRAILER_LEN];
        bytes[..8].copy_from_slice(&self.leaves_len.to_be_bytes());
        for (at, sum) in self.sums.iter().enumerate() {
            bytes[8 + 4 * at..12 + 4 * at].copy_from_slice(&sum.to_be_bytes());
        }
        bytes[24..32].copy_from_slice(&self.file_len.to_be_bytes());
        let sum = crc32c::crc32c(&bytes[..36]);
        bytes[36..40].copy_from_slice(&sum.to_be_bytes());
        bytes[40..].copy_from_slice(END_MAGIC);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; TRAILER_LEN]) -> Option<Self> {
        let u32_at = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let u64_at = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let sums = [u32_at(8), u32_at(12), u32_at(16), u32_at(20)];
        let trailer = Self { leaves_len: u64_at(0), sums, file_len: u64_at(24) };
        (trailer.encode() == *bytes).then_some(trailer)
    }
}

/// Where each part begins.
pub(crate) struct Layout {
    pub(crate) leaves: u64,
    pub(crate) ends: u64,
    pub(crate) hashes: u64,
    pub(crate) refused: u64,
    pub(crate) trailer: u64,
    pub(crate) end: u64,
}

/// `None` when the numbers cannot be those of a file.
pub(crate) fn layout(prelude: &Prelude, trailer: &Trailer) -> Option<Layout> {
    let leaves = PRELUDE_LEN as u64;
    let ends = leaves.checked_add(trailer.leaves_len)?;
    let hashes = ends.checked_add(4 * u64::from(prelude.leaf_count))?;
    let refused = hashes.checked_add(32 * u64::from(prelude.leaf_count))?;
    let trailer = refused.checked_add(Refused::LEN as u64 * u64::from(prelude.refused_count))?;
    let end = trailer.checked_add(TRAILER_LEN as u64)?;
    Some(Layout { leaves, ends, hashes, refused, trailer, end })
}

const MAGIC: &[u8; 8] = b"BULLABLK";
const END_MAGIC: &[u8; 8] = b"BULLAEND";
const BLOCK_VERSION: u32 = 1;
pub(crate) const PRELUDE_LEN: usize = 64;
pub(crate) const TRAILER_LEN: usize = 48;
