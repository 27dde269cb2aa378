//! Fixed offsets in fixed-length bytes: the few moves that every codec here is made of.

use crate::DecodeError;

/// The `LEN` bytes of a value, or how many there were instead.
pub(crate) fn exactly<const LEN: usize>(bytes: &[u8]) -> Result<&[u8; LEN], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::WrongLength { expected: LEN, actual: bytes.len() })
}

/// The `N` bytes at `offset`. Offsets are constants, and `LEN` is known, so nothing can be missing.
pub(crate) fn at<const N: usize, const LEN: usize>(bytes: &[u8; LEN], offset: usize) -> [u8; N] {
    *bytes[offset..].first_chunk().expect("the field lies within the value")
}

/// Writes `field` at `offset`.
pub(crate) fn put<const N: usize, const LEN: usize>(bytes: &mut [u8; LEN], offset: usize, field: &[u8; N]) {
    bytes[offset..offset + N].copy_from_slice(field);
}

/// Reserved bytes are zero. They are checked, so that a later version may give them a meaning.
pub(crate) fn zero<const LEN: usize>(bytes: &[u8; LEN], reserved: std::ops::Range<usize>) -> Result<(), DecodeError> {
    match bytes[reserved.clone()].iter().position(|&byte| byte != 0) {
        Some(position) => Err(DecodeError::ReservedNotZero { offset: reserved.start + position }),
        None => Ok(()),
    }
}
