//! Seals: a checkpoint with the log's signature and every node's, put together and verified.

use crate::attestation::{Attestation, verify_cosignature};
use crate::checkpoint::{Checkpoint, MalformedCheckpoint, verify_log_signature};
use crate::keys::BadSignature;
use crate::note::{NoteSignature, SignedNote};
use crate::policy::Policy;
use crate::vkey::VerifierKey;

/// A checkpoint that satisfied a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// All nodes of the policy, in its order.
    pub nodes: Vec<Signer>,
    /// The policy's witnesses that signed, in its order.
    pub witnesses: Vec<Signer>,
}

/// Who signed, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Name of the node or witness.
    pub name: String,
    /// The time stated with the signature, POSIX seconds.
    pub time_s: u64,
}

/// Why a signed checkpoint is not a seal under a policy; listed in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The note's text is no checkpoint.
    #[error("the signed text is not a checkpoint")]
    NotACheckpoint(#[from] MalformedCheckpoint),
    /// The checkpoint is another log's.
    #[error("the checkpoint is of {found:?}; this verifier knows {expected:?} only")]
    UnknownOrigin {
        /// The policy's origin.
        expected: String,
        /// The checkpoint's origin.
        found: String,
    },
    /// A known key signed twice, so that one of the two is not needed and proves nothing.
    #[error("{name:?} has more than one signature line")]
    RepeatedSignature {
        /// Name of the key.
        name: String,
    },
    /// A known key is said to have signed, and did not sign this.
    #[error("the signature of {name:?} does not verify")]
    BadSignature {
        /// Name of the key.
        name: String,
    },
    /// The log itself did not sign.
    #[error("the signature of the log is missing")]
    LogSignatureMissing,
    /// Not all nodes signed.
    #[error("not sealed by all: the signatures of {} are missing", names.join(", "))]
    NodesMissing {
        /// Names of those that did not sign.
        names: Vec<String>,
    },
    /// Sealed, but not by the witnesses that the policy demands.
    #[error("not witnessed: the policy demands {demanded}, and of the witnesses {} signed", listed(signed))]
    WitnessesMissing {
        /// The quorum, in words.
        demanded: String,
        /// Names of the witnesses that signed.
        signed: Vec<String>,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

/// Puts a seal together: the log's line, then one for each node in the policy's order.
///
/// Attestations to other trees and by others than the policy's nodes are left out. What comes out
/// has been verified, so that no node ever hands out a seal that a client would reject.
///
/// # Errors
/// When a signature does not verify, or a node's attestation to this checkpoint is missing.
///
/// ```
/// use bulla_sealing::*;
/// let (log_key, node_key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
/// let public_key = node_key.verifying_key().to_bytes();
/// let node = ConfigNode { name: "alpha".into(), public_key };
/// let config = ConfigLeaf::genesis("bulla.example", log_key.verifying_key().to_bytes(), vec![node])?;
/// let policy = Policy::from_config(&config)?;
///
/// let checkpoint = Checkpoint { origin: config.origin, size: 1, root: leaf_hash(b"x") };
/// let log_signature = LogSigner::new(log_key, "bulla.example").sign(&checkpoint);
/// let attestation = cosign(&node_key, "alpha", &checkpoint, 1_700_000_000);
/// let note = signed_checkpoint(&policy, &checkpoint, &log_signature, &[attestation])?;
/// assert_eq!(policy.verify(&note)?.checkpoint, checkpoint);
/// assert!(signed_checkpoint(&policy, &checkpoint, &log_signature, &[]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn signed_checkpoint(
    policy: &Policy,
    checkpoint: &Checkpoint,
    log_signature: &[u8; 64],
    attestations: &[Attestation],
) -> Result<SignedNote, SealError> {
    let mut signatures = vec![line(&policy.log_verifier_key(), log_signature.to_vec())];
    for node in policy.nodes() {
        let attestation = attestations.iter().find(|attestation| {
            attestation.node_name == node.name
                && attestation.size == checkpoint.size
                && attestation.root == checkpoint.root
        });
        if let Some(attestation) = attestation {
            signatures.push(line(&node.verifier_key(), attestation.note_signature()));
        }
    }
    let note = SignedNote { text: checkpoint.to_string(), signatures };
    policy.verify_seal(&note)?;
    Ok(note)
}

impl Policy {
    /// Verifies a signed checkpoint: its origin, every signature of a known key, that the log and
    /// ALL nodes signed, and that the policy's quorum of witnesses did. Signature lines of unknown
    /// keys are ignored, as C2SP signed-note demands of everybody.
    ///
    /// # Errors
    /// Each rule has its own, in the order of [`SealError`].
    pub fn verify(&self, note: &SignedNote) -> Result<Sealed, SealError> {
        let sealed = self.verify_seal(note)?;
        let Some(quorum) = self.quorum() else { return Ok(sealed) };
        let signed: Vec<&str> = sealed.witnesses.iter().map(|witness| witness.name.as_str()).collect();
        match quorum.is_met(&signed) {
            true => Ok(sealed),
            false => Err(SealError::WitnessesMissing {
                demanded: quorum.to_string(),
                signed: signed.into_iter().map(str::to_owned).collect(),
            }),
        }
    }

    /// As [`Policy::verify`], whether witnesses have signed yet or not: what a witness itself asks for, and what is
    /// true of a seal from the moment in which it is made.
    ///
    /// # Errors
    /// As [`Policy::verify`], but for [`SealError::WitnessesMissing`].
    pub fn verify_seal(&self, note: &SignedNote) -> Result<Sealed, SealError> {
        let checkpoint: Checkpoint = note.text.parse()?;
        if checkpoint.origin != self.origin() {
            return Err(SealError::UnknownOrigin { expected: self.origin().to_owned(), found: checkpoint.origin });
        }
        let log = signature_of(&self.log_verifier_key(), note, |signature| {
            verify_log_signature(self.log_key(), &checkpoint, signature)
        })?;
        let mut signers = Vec::new();
        for signer in self.nodes().iter().chain(self.witnesses()) {
            let time_s = signature_of(&signer.verifier_key(), note, |signature| {
                verify_cosignature(&signer.public_key, &note.text, signature)
            })?;
            signers.push((signer.name.clone(), time_s));
        }
        log.ok_or(SealError::LogSignatureMissing)?;
        let witnesses = signers.split_off(self.nodes().len());
        let missing: Vec<String> =
            signers.iter().filter(|(_, time_s)| time_s.is_none()).map(|(name, _)| name.clone()).collect();
        match missing.is_empty() {
            false => Err(SealError::NodesMissing { names: missing }),
            true => {
                Ok(Sealed { checkpoint, nodes: those_that_signed(signers), witnesses: those_that_signed(witnesses) })
            }
        }
    }
}

/// Finds and verifies the one signature line of a key; `None` when it has none.
fn signature_of<T>(
    key: &VerifierKey,
    note: &SignedNote,
    verify: impl Fn(&[u8]) -> Result<T, BadSignature>,
) -> Result<Option<T>, SealError> {
    let key_id = key.key_id();
    let mut lines = note.signatures.iter().filter(|line| line.name == key.name && line.key_id == key_id);
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let name = || key.name.clone();
    if lines.next().is_some() {
        return Err(SealError::RepeatedSignature { name: name() });
    }
    match verify(&line.signature) {
        Ok(stated) => Ok(Some(stated)),
        Err(BadSignature) => Err(SealError::BadSignature { name: name() }),
    }
}

fn those_that_signed(signers: Vec<(String, Option<u64>)>) -> Vec<Signer> {
    signers.into_iter().filter_map(|(name, time_s)| time_s.map(|time_s| Signer { name, time_s })).collect()
}

fn line(key: &VerifierKey, signature: Vec<u8>) -> NoteSignature {
    NoteSignature { name: key.name.clone(), key_id: key.key_id(), signature }
}
