//! Checkpoints (C2SP tlog-checkpoint): a log's name, size and root, as the text that is signed.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer, SigningKey};

use crate::hash::Hash;
use crate::keys::{BadSignature, check_key_name, verify_strict};
use crate::vkey::{SignatureType, VerifierKey};

/// A log at one size. Its text is what the log and its nodes sign.
///
/// ```
/// use bulla_sealing::{Checkpoint, EMPTY_ROOT};
/// let checkpoint = Checkpoint { origin: "bulla.example".into(), size: 0, root: EMPTY_ROOT };
/// let text = "bulla.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
/// assert_eq!(checkpoint.to_string(), text);
/// assert_eq!(text.parse(), Ok(checkpoint));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// Text that is not a checkpoint of ours: origin, decimal size, base64 root, nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCheckpoint {
    /// Not three lines, each ended by a newline.
    #[error("a checkpoint has three lines: origin, size, root")]
    Lines,
    /// The origin could not name a key.
    #[error("the origin is 1 to 255 bytes without white space or `+`")]
    Origin,
    /// The size is not the one spelling of a number below 2^64.
    #[error("the size is a decimal number without leading zeros")]
    Size,
    /// The root is not 32 bytes in base64.
    #[error("the root is 32 bytes in base64")]
    Root,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root.to_base64();
        writeln!(f, "{}\n{}\n{root}", self.origin, self.size)
    }
}

impl FromStr for Checkpoint {
    type Err = MalformedCheckpoint;

    fn from_str(text: &str) -> Result<Checkpoint, MalformedCheckpoint> {
        let body = text.strip_suffix('\n').ok_or(MalformedCheckpoint::Lines)?;
        let lines: Vec<&str> = body.split('\n').collect();
        let &[origin, size, root] = lines.as_slice() else {
            return Err(MalformedCheckpoint::Lines);
        };
        check_key_name(origin).map_err(|_| MalformedCheckpoint::Origin)?;
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size: canonical_u64(size).ok_or(MalformedCheckpoint::Size)?,
            root: Hash::from_base64(root).ok_or(MalformedCheckpoint::Root)?,
        })
    }
}

/// The log's own signature, type 01. All nodes hold the log's key and sign the same bytes, so all
/// make the identical signature.
pub struct LogSigner {
    key: SigningKey,
    origin: String,
}

impl LogSigner {
    /// A signer for the log of this origin.
    pub fn new(key: SigningKey, origin: &str) -> LogSigner {
        LogSigner { key, origin: origin.to_owned() }
    }

    /// Signs a checkpoint of this log.
    ///
    /// # Panics
    /// When the checkpoint is another log's.
    pub fn sign(&self, checkpoint: &Checkpoint) -> [u8; 64] {
        assert_eq!(checkpoint.origin, self.origin, "a log signs for itself");
        self.key.sign(checkpoint.to_string().as_bytes()).to_bytes()
    }

    /// The public half.
    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey {
            name: self.origin.clone(),
            signature_type: SignatureType::Log,
            public_key: self.key.verifying_key().to_bytes(),
        }
    }
}

/// Verifies the log's own signature.
///
/// # Errors
/// [`BadSignature`].
pub fn verify_log_signature(log_key: &[u8; 32], checkpoint: &Checkpoint, signature: &[u8]) -> Result<(), BadSignature> {
    verify_strict(log_key, checkpoint.to_string().as_bytes(), signature)
}

/// A decimal number in its only spelling: digits, no sign, no leading zeros.
pub(crate) fn canonical_u64(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
