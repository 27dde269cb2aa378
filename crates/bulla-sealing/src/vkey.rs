//! Verifier keys: a public key as one line of text, with its name and the kind of its signatures.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::keys::check_key_name;

/// The kinds of signature used here, by their C2SP signature type byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SignatureType {
    /// Ed25519 over the note's text: the log's, of checkpoints; a node's, of promises.
    Log = 0x01,
    /// `cosignature/v1`, Ed25519 with a time: a node's or a witness's.
    Cosignature = 0x04,
}

/// A public key with all that identifies its signatures (C2SP signed-note, "vkey").
///
/// ```
/// use bulla_sealing::VerifierKey;
/// let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
/// let key: VerifierKey = text.parse()?;
/// assert_eq!((key.name.as_str(), key.key_id()), ("example.com/foo", 0x530d903a));
/// assert_eq!(key.to_string(), text);
/// # Ok::<(), bulla_sealing::VerifierKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    /// Name in the key's signature lines; for a log its origin.
    pub name: String,
    /// What the key signs.
    pub signature_type: SignatureType,
    /// Ed25519 public key, 32 bytes.
    pub public_key: [u8; 32],
}

impl VerifierKey {
    /// First four bytes of `SHA-256(name || 0A || signature type || public key)`, big-endian.
    pub fn key_id(&self) -> u32 {
        let mut sha = Sha256::new();
        sha.update(&self.name);
        sha.update([b'\n', self.signature_type as u8]);
        sha.update(self.public_key);
        let digest: [u8; 32] = sha.finalize().into();
        u32::from_be_bytes(*digest.first_chunk().expect("32 bytes hold 4"))
    }
}

/// Text that is not a verifier key, or one of a kind not used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// Not of the form `name+id+key`.
    #[error("a verifier key is written <name>+<8 hexadecimal digits>+<base64>")]
    Form,
    /// Signatures of this type are not verified here.
    #[error("keys of signature type {0:02x} are not used here")]
    SignatureType(u8),
    /// The key id is not that of name and key.
    #[error("the key id does not belong to the name and the key; it would be {expected:08x}")]
    KeyId {
        /// The id that name and key have.
        expected: u32,
    },
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = vec![self.signature_type as u8];
        material.extend_from_slice(&self.public_key);
        let material = STANDARD.encode(material);
        write!(f, "{}+{:08x}+{material}", self.name, self.key_id())
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<VerifierKey, VerifierKeyError> {
        // A plus sign is a base64 digit too, but no part of a name.
        let (name, rest) = text.split_once('+').ok_or(VerifierKeyError::Form)?;
        let (id, material) = rest.split_once('+').ok_or(VerifierKeyError::Form)?;
        check_key_name(name).map_err(|_| VerifierKeyError::Form)?;
        let material = STANDARD.decode(material).map_err(|_| VerifierKeyError::Form)?;
        let (&signature_type, public_key) = material.split_first().ok_or(VerifierKeyError::Form)?;
        let key = VerifierKey {
            name: name.to_owned(),
            signature_type: match signature_type {
                0x01 => SignatureType::Log,
                0x04 => SignatureType::Cosignature,
                other => return Err(VerifierKeyError::SignatureType(other)),
            },
            public_key: public_key.try_into().map_err(|_| VerifierKeyError::Form)?,
        };
        let expected = key.key_id();
        match id == format!("{expected:08x}") {
            true => Ok(key),
            false => Err(VerifierKeyError::KeyId { expected }),
        }
    }
}
