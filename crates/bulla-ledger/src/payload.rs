//! Payloads: what people write about a record, and the commitment that stands in its place.

use sha2::{Digest, Sha256};

/// The longest payload, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 65_536;

/// Names, notes, metadata, documents' hashes: anything about a record that is not the record.
///
/// A leaf holds only the commitment. Destroying payload and salt together leaves every proof valid
/// and makes the commitment say nothing, however few payloads there were to guess from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Random, and fresh for every record.
    pub salt: [u8; 32],
    /// At most [`PAYLOAD_BYTES_MAX`] bytes, kept byte for byte. The API wants UTF-8 JSON; to the
    /// ledger they are bytes.
    pub bytes: Vec<u8>,
}

impl Payload {
    /// What a record that carries this payload says in `payload_commit`.
    pub fn commit(&self) -> [u8; 32] {
        commit(&self.salt, &self.bytes)
    }
}

/// `SHA-256("bulla/payload/v1\0" || salt || payload)`.
///
/// ```
/// use bulla_ledger::{Payload, commit};
///
/// let note = Payload { salt: [7; 32], bytes: br#"{"note":"two scratches"}"#.to_vec() };
/// assert_eq!(note.commit(), commit(&[7; 32], br#"{"note":"two scratches"}"#));
/// assert_ne!(note.commit(), commit(&[8; 32], br#"{"note":"two scratches"}"#));
/// ```
pub fn commit(salt: &[u8; 32], payload: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(b"bulla/payload/v1\0").chain_update(salt).chain_update(payload).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected hash was computed by another program, from format.md alone.
    #[test]
    fn a_commitment_has_these_bytes_for_ever() {
        let payload_commit = commit(&[7; 32], br#"{"note":"two scratches"}"#);
        let hex: String = payload_commit.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "fe5d481fd1bb51baa28212c2d82933a08b1ad1aa56473a997f488071da807fa8");
    }

    #[test]
    fn an_empty_payload_is_still_a_payload() {
        let empty = Payload { salt: [0; 32], bytes: vec![] };
        assert_ne!(empty.commit(), [0; 32]);
    }
}
