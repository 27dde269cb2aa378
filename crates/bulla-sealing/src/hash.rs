//! SHA-256 as the log uses it: one way to hash a leaf, another to hash an inner node.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::short_sha::{hash_pair, hash_prefixed};

/// A SHA-256 output: of a leaf, of an inner node, or of a whole tree.
///
/// ```
/// use bulla_sealing::{Hash, leaf_hash};
/// let hash = leaf_hash(b"");
/// assert_eq!(hash.to_string().parse(), Ok(hash));
/// assert_eq!(Hash::from_base64(&hash.to_base64()), Some(hash));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Thirty-two zero bytes: stands where there is no hash, such as `prev_header` of block 0.
    pub const ZERO: Hash = Hash([0; 32]);

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Standard padded base64 (RFC 4648 section 4), 44 characters, as signed notes write hashes.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// The inverse of [`Hash::to_base64`]; `None` for anything else, another spelling included.
    pub fn from_base64(text: &str) -> Option<Hash> {
        let bytes = STANDARD.decode(text).ok()?;
        Some(Hash(bytes.try_into().ok()?))
    }
}

/// Hash of a leaf: `SHA-256(00 || leaf)` (RFC 9162 section 2.1.1).
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    hash_prefixed(LEAF_PREFIX, leaf)
}

/// Hashes of many leaves of equal length that lie one after another, in their order.
///
/// One allocation for all of them.
///
/// # Panics
/// When `stride` is zero or does not divide `leaves.len()`.
///
/// ```
/// use bulla_sealing::{leaf_hash, leaf_hashes};
/// assert_eq!(leaf_hashes(b"onetwo", 3), [leaf_hash(b"one"), leaf_hash(b"two")]);
/// ```
pub fn leaf_hashes(leaves: &[u8], stride: usize) -> Vec<Hash> {
    assert!(
        stride > 0 && leaves.len().is_multiple_of(stride),
        "{} bytes are not a whole number of leaves of {stride} bytes",
        leaves.len()
    );
    leaves.chunks_exact(stride).map(leaf_hash).collect()
}

/// Hash of an inner node: `SHA-256(01 || left || right)` (RFC 9162 section 2.1.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash_pair(NODE_PREFIX, left, right)
}

/// Root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// Text that is not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is written as 64 lower-case hexadecimal digits")]
pub struct HashTextError;

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashTextError;

    fn from_str(text: &str) -> Result<Hash, HashTextError> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(HashTextError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Hash(bytes))
    }
}

fn digit(character: u8) -> Result<u8, HashTextError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        _ => Err(HashTextError),
    }
}

// Leaves and inner nodes hash under different first bytes. Without that, the two child hashes of
// an inner node would also be a valid leaf, and a forged leaf could stand in for a subtree.
const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(EMPTY_ROOT, Hash(Sha256::digest([]).into()));
    }

    #[test]
    fn a_hash_has_one_spelling() {
        let hash = leaf_hash(b"x");
        assert!(hash.to_string().to_uppercase().parse::<Hash>().is_err());
        assert!(hash.to_string()[1..].parse::<Hash>().is_err());
        assert_eq!(Hash::from_base64(hash.to_base64().trim_end_matches('=')), None);
        assert_eq!(Hash::from_base64(&format!("{}\n", hash.to_base64())), None);
    }
}
