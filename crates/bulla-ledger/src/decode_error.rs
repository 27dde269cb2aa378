//! Why bytes were not accepted: because they are wrong, or because they are newer than this program.

/// Bytes that could not be read. [`DecodeError::cannot_verify`] tells "I do not know this" from
/// "this is invalid".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first three bytes are not "BUL".
    #[error("not a bulla leaf: it does not start with the bytes \"BUL\"")]
    UnknownMagic,
    /// The fourth byte is a format version this program does not know.
    #[error("leaf version {0} is not known; verify with a newer release")]
    UnknownVersion(u8),
    /// The kind is not one that this decoder knows.
    #[error("kind {0:#04x} is not known here; verify with a newer release")]
    UnknownKind(u8),
    /// Too few or too many bytes.
    #[error("{actual} bytes where exactly {expected} are needed")]
    WrongLength {
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// A byte that must be zero is not.
    #[error("reserved byte at offset {offset} is not zero")]
    ReservedNotZero {
        /// Offset of the first such byte.
        offset: usize,
    },
    /// A flag bit without a meaning is set.
    #[error("flags {0:#010b} have a bit set that means nothing")]
    UnknownFlag(u8),
    /// The flags say that there is no payload commitment, yet its bytes are not zero.
    #[error("a payload commitment is given but not flagged")]
    UnflaggedPayloadCommit,
}

impl DecodeError {
    /// True when the bytes may well be valid for a newer program: unknown magic, version or kind.
    /// Whoever verifies then answers "cannot verify", which is not "invalid".
    pub const fn cannot_verify(&self) -> bool {
        matches!(self, Self::UnknownMagic | Self::UnknownVersion(_) | Self::UnknownKind(_))
    }
}
