//! What all leaves have in common: the first eight bytes, and where a record keeps its place.

use crate::hash::Hash;
use crate::keys::KeyError;

/// Longest leaf, bytes.
pub const LEAF_BYTES_MAX: usize = 65_535;

/// `"BUL"` and the version of the layout: how every leaf begins.
pub const LEAF_MAGIC: [u8; 4] = *b"BUL\x01";

/// Kind byte of a header leaf.
pub const KIND_HEADER: u8 = 0x10;

/// Kind byte of a config leaf.
pub const KIND_CONFIG: u8 = 0x11;

/// Why bytes were not decoded.
///
/// Two things that must not be mixed up: bytes of a format newer than this code
/// ([`DecodeError::is_unknown`]: *cannot verify*), and bytes that break a rule (*invalid*).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The leaf has a magic or version not known here: cannot verify.
    #[error("cannot verify: starts with {0:02x?}, a format or version unknown here; use a newer verifier")]
    UnknownMagic([u8; 4]),
    /// The leaf is of a kind not known here: cannot verify.
    #[error("cannot verify: kind {0:02x} is unknown here; use a newer verifier")]
    UnknownKind(u8),
    /// A flag is set whose meaning is not known here: cannot verify.
    #[error("cannot verify: flags {0:02x} are unknown here; use a newer verifier")]
    UnknownFlags(u8),
    /// A leaf of another kind than the one asked for.
    #[error("is a leaf of kind {found:02x}, not {expected:02x}")]
    WrongKind {
        /// The kind asked for.
        expected: u8,
        /// The kind found.
        found: u8,
    },
    /// The bytes end too early.
    #[error("ends too early")]
    Truncated,
    /// Bytes are left over.
    #[error("{count} bytes too long")]
    TrailingBytes {
        /// How many bytes are left over.
        count: usize,
    },
    /// A field breaks its rule.
    #[error("{field} is wrong: it {rule}")]
    Invalid {
        /// Name of the field, as in the format's tables.
        field: &'static str,
        /// The rule, as a verb phrase.
        rule: &'static str,
    },
    /// The names or keys of a config leaf are not usable.
    #[error("names or keys are not usable")]
    Keys(#[from] KeyError),
}

impl DecodeError {
    /// Whether the bytes may be right in a format newer than this code.
    pub fn is_unknown(&self) -> bool {
        matches!(self, DecodeError::UnknownMagic(_) | DecodeError::UnknownKind(_) | DecodeError::UnknownFlags(_))
    }
}

/// What a verifier of proofs reads of a record leaf; the rest is the ledger's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordView {
    pub(crate) leaf_index: u64,
    pub(crate) payload_commit: Option<Hash>,
}

impl RecordView {
    pub(crate) fn read(leaf: &[u8]) -> Result<RecordView, DecodeError> {
        let prefix = Prefix::read(leaf)?;
        if !RECORD_KINDS.contains(&prefix.kind) {
            return Err(DecodeError::UnknownKind(prefix.kind));
        }
        if prefix.flags & !RECORD_FLAGS != 0 {
            return Err(DecodeError::UnknownFlags(prefix.flags));
        }
        exact_length(leaf, RECORD_BYTES)?;
        let leaf_index = u64::from_be_bytes(leaf[8..16].try_into().expect("8 bytes"));
        let commit = Hash(leaf[144..176].try_into().expect("32 bytes"));
        let payload_commit = match prefix.flags & FLAG_PAYLOAD != 0 {
            true => Some(commit),
            false if commit == Hash::ZERO => None,
            false => {
                return Err(DecodeError::Invalid { field: "payload_commit", rule: "is zero unless flag bit 0 is set" });
            }
        };
        Ok(RecordView { leaf_index, payload_commit })
    }
}

/// The record leaf as it would be in another place of the log; `None` of bytes too short to have one.
pub(crate) fn with_leaf_index(leaf: &[u8], leaf_index: u64) -> Option<Vec<u8>> {
    let mut leaf = leaf.to_vec();
    leaf.get_mut(8..16)?.copy_from_slice(&leaf_index.to_be_bytes());
    Some(leaf)
}

/// The first eight bytes of a leaf: magic 4, kind 1, flags 1, reserved 2.
pub(crate) struct Prefix {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
}

impl Prefix {
    pub(crate) const BYTES: usize = 8;

    pub(crate) fn read(leaf: &[u8]) -> Result<Prefix, DecodeError> {
        let prefix: [u8; 8] = leaf.first_chunk::<{ Prefix::BYTES }>().copied().ok_or(DecodeError::Truncated)?;
        let magic = [prefix[0], prefix[1], prefix[2], prefix[3]];
        if magic != LEAF_MAGIC {
            return Err(DecodeError::UnknownMagic(magic));
        }
        if prefix[6..] != [0, 0] {
            return Err(DecodeError::Invalid { field: "reserved", rule: "is zero" });
        }
        Ok(Prefix { kind: prefix[4], flags: prefix[5] })
    }

    /// Reads the prefix of a leaf of this kind, which has exactly these flags.
    pub(crate) fn expect(leaf: &[u8], kind: u8, flags: u8) -> Result<(), DecodeError> {
        let prefix = Prefix::read(leaf)?;
        if prefix.kind != kind {
            return Err(DecodeError::WrongKind { expected: kind, found: prefix.kind });
        }
        match prefix.flags == flags {
            true => Ok(()),
            false => Err(DecodeError::UnknownFlags(prefix.flags)),
        }
    }

    pub(crate) fn bytes(kind: u8, flags: u8) -> [u8; Prefix::BYTES] {
        let [a, b, c, version] = LEAF_MAGIC;
        [a, b, c, version, kind, flags, 0, 0]
    }
}

pub(crate) fn exact_length(bytes: &[u8], length: usize) -> Result<(), DecodeError> {
    match bytes.len().checked_sub(length) {
        None => Err(DecodeError::Truncated),
        Some(0) => Ok(()),
        Some(count) => Err(DecodeError::TrailingBytes { count }),
    }
}

pub(crate) fn rule(holds: bool, field: &'static str, rule: &'static str) -> Result<(), DecodeError> {
    match holds {
        true => Ok(()),
        false => Err(DecodeError::Invalid { field, rule }),
    }
}

// register, issue, transfer, retire, redeem, amend, incident, erase, enroll, define. They share one layout. A kind
// that is not built yet is refused, never guessed at.
const RECORD_KINDS: [u8; 10] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x0d, 0x12, 0x20, 0x30, 0x31];
const RECORD_BYTES: usize = 176;
const RECORD_FLAGS: u8 = 0b1111;
const FLAG_PAYLOAD: u8 = 0b1;
