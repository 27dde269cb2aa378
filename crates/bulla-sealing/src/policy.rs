//! A policy: whose signatures a verifier asks for, from its own configuration.

use uuid::Uuid;

use crate::config::ConfigLeaf;
use crate::keys::{ConfigNode, KeyError, check_keys};
use crate::quorum::Quorum;
use crate::vkey::{SignatureType, VerifierKey};

/// Whose signatures make a checkpoint a seal: the log's and those of ALL nodes; and which witnesses a verifier demands
/// beside them.
///
/// A verifier has its policy from its own configuration, never from the receipt that it verifies
/// or the server that sent it. As a file: see [`Policy::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    origin: String,
    ledger_id: Uuid,
    log_key: [u8; 32],
    nodes: Vec<ConfigNode>,
    witnesses: Vec<ConfigNode>,
    quorum: Option<Quorum>,
}

impl Policy {
    /// A policy: all `nodes` must sign; `witnesses` are verified and reported when they do. See [`Policy::demanding`]
    /// for one that asks for witnesses too.
    ///
    /// # Errors
    /// When there is no node, or names or keys are not usable or given twice.
    pub fn new(
        origin: &str,
        ledger_id: Uuid,
        log_key: [u8; 32],
        nodes: Vec<ConfigNode>,
        witnesses: Vec<ConfigNode>,
    ) -> Result<Policy, KeyError> {
        check_keys(origin, &log_key, &nodes, &witnesses)?;
        Ok(Policy { origin: origin.to_owned(), ledger_id, log_key, nodes, witnesses, quorum: None })
    }

    /// The same policy, which also demands these witnesses.
    ///
    /// # Errors
    /// When the quorum names somebody who is no witness of this policy, names one twice, or cannot be met.
    pub fn demanding(self, quorum: Quorum) -> Result<Policy, KeyError> {
        quorum.check(&self.nodes, &self.witnesses)?;
        Ok(Policy { quorum: Some(quorum), ..self })
    }

    /// The policy that a config leaf states: all of its nodes, no witnesses.
    ///
    /// # Errors
    /// As [`Policy::new`]; never for a config that was decoded.
    pub fn from_config(config: &ConfigLeaf) -> Result<Policy, KeyError> {
        Policy::new(&config.origin, config.ledger_id, config.log_key, config.nodes.clone(), Vec::new())
    }

    /// First line of the log's checkpoints, and name of its key.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The ledger.
    pub fn ledger_id(&self) -> Uuid {
        self.ledger_id
    }

    /// The log's Ed25519 public key.
    pub fn log_key(&self) -> &[u8; 32] {
        &self.log_key
    }

    /// Those who must all sign, in the order in which they are written.
    pub fn nodes(&self) -> &[ConfigNode] {
        &self.nodes
    }

    /// Those whose signatures are verified and reported when they are there.
    pub fn witnesses(&self) -> &[ConfigNode] {
        &self.witnesses
    }

    /// Which witnesses must have signed; `None` when none must.
    pub fn quorum(&self) -> Option<&Quorum> {
        self.quorum.as_ref()
    }

    /// The log's key, which makes signatures of type 01.
    pub fn log_verifier_key(&self) -> VerifierKey {
        VerifierKey { name: self.origin.clone(), signature_type: SignatureType::Log, public_key: self.log_key }
    }
}

impl ConfigNode {
    /// The node's key, which makes signatures of type 04.
    pub fn verifier_key(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), signature_type: SignatureType::Cosignature, public_key: self.public_key }
    }
}
