//! Attestations: a node's signed word that it has the log of this size with this root.

use ed25519_dalek::{Signer, SigningKey};

use crate::checkpoint::Checkpoint;
use crate::cursor::{Cursor, put_string};
use crate::hash::Hash;
use crate::keys::{BadSignature, check_key_name, verify_strict};
use crate::leaf::{DecodeError, rule};
use crate::note::{NoteSignature, SignedNote};
use crate::vkey::{SignatureType, VerifierKey};

/// A `cosignature/v1` (C2SP tlog-cosignature) with what it was made over.
///
/// A node's signature states: I applied every leaf from the replicated log and hashed it myself;
/// the last leaf is the header of a block all of whose fields I recomputed; I never cosigned a
/// tree inconsistent with this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Name of the node.
    pub node_name: String,
    /// Number of leaves of the log attested to.
    pub size: u64,
    /// Root of that log.
    pub root: Hash,
    /// When it was signed, POSIX seconds, at most [`TIME_S_MAX`].
    pub time_s: u64,
    /// The Ed25519 signature.
    pub signature: [u8; 64],
}

/// Latest time of an attestation, POSIX seconds.
pub const TIME_S_MAX: u64 = i64::MAX as u64;

/// Why an attestation does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// It was not signed with this key.
    #[error("the attestation's signature does not verify")]
    BadSignature,
    /// It was signed with this key, over another tree than ours: evidence, to be kept.
    #[error("the attestation is to a log of {size} leaves with root {root}")]
    OtherTree {
        /// The size attested to.
        size: u64,
        /// The root attested to.
        root: Hash,
    },
}

impl Attestation {
    /// `u16 + node name | u64 size | root 32 | u64 time_s | signature 64`.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(114 + self.node_name.len());
        put_string(&mut bytes, &self.node_name);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(&self.root.0);
        bytes.extend_from_slice(&self.time_s.to_be_bytes());
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    /// The inverse of [`Attestation::encode`].
    ///
    /// # Errors
    /// When the bytes are not an attestation. The signature is not verified here.
    pub fn decode(bytes: &[u8]) -> Result<Attestation, DecodeError> {
        let mut cursor = Cursor::new(bytes);
        let attestation = Attestation {
            node_name: cursor.string("node name")?,
            size: cursor.u64()?,
            root: cursor.hash()?,
            time_s: cursor.u64()?,
            signature: cursor.array()?,
        };
        cursor.finish()?;
        check_key_name(&attestation.node_name)?;
        rule(attestation.time_s <= TIME_S_MAX, "time_s", "is below 2^63")?;
        Ok(attestation)
    }

    /// As a line of a signed note.
    pub fn note_line(&self, key: &VerifierKey) -> NoteSignature {
        NoteSignature { name: self.node_name.clone(), key_id: key.key_id(), signature: self.note_signature() }
    }

    /// What a signature line of type 04 carries: the time, big-endian, and the signature.
    pub(crate) fn note_signature(&self) -> Vec<u8> {
        let mut bytes = self.time_s.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.signature);
        bytes
    }
}

/// A node's signing key with its name.
pub struct Cosigner {
    key: SigningKey,
    name: String,
}

impl Cosigner {
    /// The node of this name.
    pub fn new(key: SigningKey, name: &str) -> Cosigner {
        Cosigner { key, name: name.to_owned() }
    }

    /// Attests to a checkpoint at this time, POSIX seconds: see [`cosign`].
    pub fn cosign(&self, checkpoint: &Checkpoint, time_s: u64) -> Attestation {
        cosign(&self.key, &self.name, checkpoint, time_s)
    }

    /// The public half.
    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey {
            name: self.name.clone(),
            signature_type: SignatureType::Cosignature,
            public_key: self.key.verifying_key().to_bytes(),
        }
    }
}

/// Signs a checkpoint for the node of this name.
///
/// # Panics
/// When the time is beyond [`TIME_S_MAX`].
///
/// ```
/// use bulla_sealing::{Checkpoint, SigningKey, cosign, leaf_hash, verify_attestation};
/// let key = SigningKey::from_bytes(&[7; 32]);
/// let checkpoint = Checkpoint { origin: "bulla.example".into(), size: 1, root: leaf_hash(b"x") };
/// let attestation = cosign(&key, "alpha", &checkpoint, 1_700_000_000);
/// verify_attestation(key.verifying_key().as_bytes(), &checkpoint, &attestation)?;
/// # Ok::<(), bulla_sealing::AttestationError>(())
/// ```
pub fn cosign(key: &SigningKey, node_name: &str, checkpoint: &Checkpoint, time_s: u64) -> Attestation {
    assert!(time_s <= TIME_S_MAX, "{time_s} s is no POSIX time");
    let message = cosigned_message(&checkpoint.to_string(), time_s);
    Attestation {
        node_name: node_name.to_owned(),
        size: checkpoint.size,
        root: checkpoint.root,
        time_s,
        signature: key.sign(message.as_bytes()).to_bytes(),
    }
}

/// Verifies an attestation against our own checkpoint of the same log.
///
/// # Errors
/// [`AttestationError::BadSignature`] first; then, for a valid signature over another size or
/// root, [`AttestationError::OtherTree`].
pub fn verify_attestation(
    public_key: &[u8; 32],
    ours: &Checkpoint,
    attestation: &Attestation,
) -> Result<(), AttestationError> {
    let theirs = Checkpoint { origin: ours.origin.clone(), size: attestation.size, root: attestation.root };
    verify_cosignature(public_key, &theirs.to_string(), &attestation.note_signature())
        .map_err(|BadSignature| AttestationError::BadSignature)?;
    match theirs == *ours {
        true => Ok(()),
        false => Err(AttestationError::OtherTree { size: theirs.size, root: theirs.root }),
    }
}

impl VerifierKey {
    /// The time, POSIX seconds, of the first signature line with which this key cosigned the note; `None` when there is
    /// no such line.
    ///
    /// # Errors
    /// When there is one, and it does not verify.
    pub fn cosigned(&self, note: &SignedNote) -> Result<Option<u64>, BadSignature> {
        let key_id = self.key_id();
        let mut lines = note.signatures.iter().filter(|line| line.name == self.name && line.key_id == key_id);
        match lines.next() {
            Some(line) if self.signature_type == SignatureType::Cosignature => {
                verify_cosignature(&self.public_key, &note.text, &line.signature).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Verifies what a signature line of type 04 carries; returns its time, POSIX seconds.
pub(crate) fn verify_cosignature(
    public_key: &[u8; 32],
    checkpoint_text: &str,
    note_signature: &[u8],
) -> Result<u64, BadSignature> {
    let (time_s, signature) = note_signature.split_first_chunk().ok_or(BadSignature)?;
    let time_s = u64::from_be_bytes(*time_s);
    if time_s > TIME_S_MAX {
        return Err(BadSignature);
    }
    let message = cosigned_message(checkpoint_text, time_s);
    verify_strict(public_key, message.as_bytes(), signature)?;
    Ok(time_s)
}

// The first line keeps a cosignature from ever being taken for a log's signature of the same text.
fn cosigned_message(checkpoint_text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{checkpoint_text}")
}
