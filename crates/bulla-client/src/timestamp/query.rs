//! The question (RFC 3161 section 2.4.1): sign the time and this hash, and send the certificate along.

use sha2::{Digest, Sha256};

/// A request for a timestamp.
///
/// ```text
/// 30 43                                          TimeStampReq
///    02 01 01                                      version 1
///    30 31                                         messageImprint
///       30 0d 06 09 60 86 48 01 65 03 04 02 01 05 00   SHA-256, without parameters
///       04 20 <32>                                     the hash
///    02 08 <8>                                     nonce: 8 bytes, the first 40 to 7f
///    01 01 ff                                      certReq: true
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampQuery {
    imprint: [u8; 32],
    nonce: [u8; NONCE_BYTES],
}

impl TimestampQuery {
    /// The media type of a query.
    pub const MEDIA_TYPE: &'static str = "application/timestamp-query";

    /// Asks for a timestamp of `bytes`; `random` makes the reply to this query unlike any older one.
    #[must_use]
    pub fn of(bytes: &[u8], random: u64) -> TimestampQuery {
        // As a number above zero of eight bytes it has one encoding, of one length.
        let nonce = (random & (u64::MAX >> 1)) | (1 << 62);
        TimestampQuery { imprint: Sha256::digest(bytes).into(), nonce: nonce.to_be_bytes() }
    }

    /// The bytes to send.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        [&BEFORE_IMPRINT[..], &self.imprint, &BEFORE_NONCE, &self.nonce, &CERTIFICATE_TOO].concat()
    }

    pub(super) fn nonce(&self) -> &[u8] {
        &self.nonce
    }

    pub(super) fn imprint(&self) -> &[u8; 32] {
        &self.imprint
    }
}

const NONCE_BYTES: usize = 8;
const BEFORE_IMPRINT: [u8; 24] = [
    0x30, 0x43, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
    0x01, 0x05, 0x00, 0x04, 0x20,
];
const BEFORE_NONCE: [u8; 2] = [0x02, NONCE_BYTES as u8];
const CERTIFICATE_TOO: [u8; 3] = [0x01, 0x01, 0xff];

// The outer length counts all that follows it.
const _: () = assert!(BEFORE_IMPRINT.len() + 32 + BEFORE_NONCE.len() + NONCE_BYTES + CERTIFICATE_TOO.len() == 2 + 0x43);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_has_eight_bytes_whatever_was_random() {
        for random in [0, 1, u64::MAX, 1 << 63] {
            let nonce = TimestampQuery::of(b"", random).nonce;
            assert!((0x40..0x80).contains(&nonce[0]), "{nonce:02x?}");
        }
        assert_ne!(TimestampQuery::of(b"", 1), TimestampQuery::of(b"", 2));
    }
}
