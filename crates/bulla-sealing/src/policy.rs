//! A policy: whose signatures a verifier asks for, from its own configuration.

use uuid::Uuid;

use crate::attestation::Attestation;
use crate::checkpoint::{Checkpoint, MalformedCheckpoint};
use crate::config::ConfigLeaf;
use crate::keys::{ConfigNode, KeyError};
use crate::note::SignedNote;
use crate::vkey::VerifierKeyError;

/// Whose signatures make a checkpoint a seal: the log's and those of all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    origin: String,
    ledger_id: Uuid,
    log_key: [u8; 32],
    nodes: Vec<ConfigNode>,
    witnesses: Vec<ConfigNode>,
}

impl Policy {
    /// A policy; all `nodes` must sign, `witnesses` may.
    ///
    /// # Errors
    /// When names or keys are not usable.
    pub fn new(
        origin: &str,
        ledger_id: Uuid,
        log_key: [u8; 32],
        nodes: Vec<ConfigNode>,
        witnesses: Vec<ConfigNode>,
    ) -> Result<Policy, KeyError> {
        todo!()
    }

    /// The policy that a config leaf states.
    ///
    /// # Errors
    /// When names or keys are not usable: never for a config that was decoded.
    pub fn from_config(config: &ConfigLeaf) -> Result<Policy, KeyError> {
        todo!()
    }

    /// Parses a policy file.
    ///
    /// # Errors
    /// With the number of the line that is wrong.
    pub fn parse(text: &str) -> Result<Policy, PolicyError> {
        todo!()
    }

    /// Writes the policy file.
    pub fn to_text(&self) -> String {
        todo!()
    }

    /// First line of the log's checkpoints.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The ledger.
    pub fn ledger_id(&self) -> Uuid {
        self.ledger_id
    }

    /// The log's public key.
    pub fn log_key(&self) -> &[u8; 32] {
        &self.log_key
    }

    /// Those who all must sign.
    pub fn nodes(&self) -> &[ConfigNode] {
        &self.nodes
    }

    /// Those whose signatures are verified and reported when they are there.
    pub fn witnesses(&self) -> &[ConfigNode] {
        &self.witnesses
    }

    /// Verifies a signed checkpoint.
    ///
    /// # Errors
    /// Each rule has its own.
    pub fn verify(&self, note: &SignedNote) -> Result<Sealed, SealError> {
        todo!()
    }
}

/// A checkpoint that satisfied a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// All nodes of the policy, in its order.
    pub nodes: Vec<Signer>,
    /// The policy's witnesses that signed.
    pub witnesses: Vec<Signer>,
}

/// Who signed, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Name of the node or witness.
    pub name: String,
    /// The time it signed at, POSIX seconds.
    pub time_s: u64,
}

/// Puts a sealed checkpoint together.
///
/// # Errors
/// When a node's attestation is missing or to another tree.
pub fn signed_checkpoint(
    policy: &Policy,
    checkpoint: &Checkpoint,
    log_signature: &[u8; 64],
    attestations: &[Attestation],
) -> Result<SignedNote, SealError> {
    todo!()
}

/// Why a signed checkpoint is not a seal under a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The note's text is no checkpoint.
    #[error("the note is not a checkpoint")]
    NotACheckpoint(#[source] MalformedCheckpoint),
    /// Nobody signed.
    #[error("missing")]
    NodesMissing {
        /// Who did not sign.
        names: Vec<String>,
    },
}

/// Why text is not a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A key is not usable.
    #[error("keys")]
    Keys(#[from] KeyError),
    /// A verifier key.
    #[error("line {line}: not a verifier key")]
    VerifierKey {
        /// The line, from 1.
        line: usize,
        /// Why.
        source: VerifierKeyError,
    },
}
