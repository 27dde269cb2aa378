//! State proofs: what the state map says of a few keys as of one sealed block, as text.

use std::fmt;

use uuid::Uuid;

use crate::cursor::Cursor;
use crate::hash::{Hash, leaf_hash};
use crate::header::Header;
use crate::leaf::{DecodeError, rule};
use crate::map_proof::{MapProof, MapProofError};
use crate::note::SignedNote;
use crate::policy::Policy;
use crate::proof::{ProofError, root_before_last, verify_inclusion};
use crate::proof_text::{Document, MalformedProof, base64_of_hashes, hashes_of_base64};
use crate::seal::{SealError, Sealed};
use crate::state_map::state_value;
use crate::verify::write_block_and_seal;

/// Most bytes of a state proof's text.
pub const STATE_PROOF_BYTES_MAX: usize = 262_144;

/// Most claims of a state proof.
pub const CLAIMS_MAX: usize = 8;

/// What a sealed block says of some keys, as parsed, or as a node puts it together. Nothing is verified yet: see
/// [`StateProof::verify`].
///
/// ```text
/// bulla/state-proof@v1
/// header <base64 of the header leaf>
/// path <base64 of k x 32 bytes>       from the header up to the checkpoint's root, leaf side first
/// claim <base64>                      1 to 8 lines: key 32 | u16 + state, or u16 0: there is none | map proof
///
/// <the checkpoint, verbatim>          it ends with the header
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// The header leaf, which holds the root of the state map.
    pub header: Vec<u8>,
    /// Inclusion proof of the header as the last leaf of the checkpoint's log.
    pub header_path: Vec<Hash>,
    /// What is said of each key.
    pub claims: Vec<Claim>,
    /// The checkpoint that ends with the header, with its signatures.
    pub checkpoint: SignedNote,
}

/// What is said of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The key.
    pub key: Hash,
    /// The state under it, 1 to 65,535 bytes; `None` when the map has no such key.
    pub state: Option<Vec<u8>>,
    /// Shows it.
    pub proof: MapProof,
}

/// What a state proof proved. `Display` says under which block and seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedStates {
    /// Each key with its state, in the order of the proof.
    pub states: Vec<(Hash, Option<Vec<u8>>)>,
    /// The header of the block as of which it is so.
    pub header: Header,
    /// The checkpoint that ends with that block, and who signed it.
    pub sealed: Sealed,
}

/// Why a state proof proves nothing; listed in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateProofError {
    /// The bytes are not a state proof.
    #[error("not a state proof")]
    Malformed(#[from] MalformedProof),
    /// The checkpoint is not a seal under the verifier's policy.
    #[error("the checkpoint does not satisfy the policy")]
    Seal(#[from] SealError),
    /// The header does not decode.
    #[error("the header does not decode")]
    Header(#[source] DecodeError),
    /// The header belongs to another ledger.
    #[error("the header is of ledger {found}; this verifier knows {expected} only")]
    OtherLedger {
        /// The policy's ledger.
        expected: Uuid,
        /// The header's ledger.
        found: Uuid,
    },
    /// The checkpoint goes on after the header, so what was so then may not be so now.
    #[error("the header is leaf {leaf_index} and not the last of {size}")]
    NotLast {
        /// The header's place in the log.
        leaf_index: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// The header is not in the checkpoint's log.
    #[error("the header is not proven to be in the log")]
    HeaderPath(#[source] ProofError),
    /// The header's `log_root` is not the root before it.
    #[error("the header's log_root is not the root of the log before it")]
    LogRoot,
    /// A claim is not proven against the header's state root.
    #[error("what is said of key {key} is not proven")]
    Claim {
        /// The claim's key.
        key: Hash,
        /// Why not.
        #[source]
        error: MapProofError,
    },
    /// The map has another state under the key.
    #[error("the map has another state under key {key}")]
    OtherState {
        /// The claim's key.
        key: Hash,
    },
    /// The map has a state under a key that is said to have none.
    #[error("the map has a state under key {key}, which is said to have none")]
    NotAbsent {
        /// The claim's key.
        key: Hash,
    },
    /// The map has no state under a key that is said to have one.
    #[error("the map has no state under key {key}")]
    Absent {
        /// The claim's key.
        key: Hash,
    },
}

impl StateProofError {
    /// Whether the proof may be right in a format newer than this code: *cannot verify*, which is not *invalid*.
    pub fn is_unknown(&self) -> bool {
        match self {
            StateProofError::Malformed(error) => error.is_unknown(),
            StateProofError::Header(error) => error.is_unknown(),
            _ => false,
        }
    }
}

impl StateProof {
    /// The proof's text.
    ///
    /// # Panics
    /// When there are no claims or too many, or a state has no bytes or too many.
    pub fn to_text(&self) -> String {
        assert!((1..=CLAIMS_MAX).contains(&self.claims.len()), "{} claims", self.claims.len());
        let mut document = Document::new(FIRST_LINE);
        self.write(&mut document);
        document.end(&self.checkpoint)
    }

    /// Parses a proof. Bytes that are accepted are what [`StateProof::to_text`] writes.
    ///
    /// # Errors
    /// When the bytes are not a state proof.
    pub fn parse(bytes: &[u8]) -> Result<StateProof, MalformedProof> {
        let (mut document, checkpoint) = Document::parse(bytes, FIRST_LINE, STATE_PROOF_BYTES_MAX)?;
        let proof = StateProof::read(&mut document, checkpoint, CLAIMS_MAX)?;
        document.finish()?;
        Ok(proof)
    }

    /// Verifies it against the verifier's own policy, without any input or output.
    ///
    /// # Errors
    /// Each rule has its own, in the order of [`StateProofError`].
    pub fn verify(&self, policy: &Policy) -> Result<VerifiedStates, StateProofError> {
        let sealed = policy.verify(&self.checkpoint)?;
        let header = self.verify_header(&sealed, policy)?;
        let states = self.claims.iter().map(|claim| claim.verify(&header)).collect::<Result<_, _>>()?;
        Ok(VerifiedStates { states, header, sealed })
    }

    pub(crate) fn write(&self, document: &mut Document) {
        document.bytes("header", &self.header);
        document.line("path", &base64_of_hashes(&self.header_path));
        for claim in &self.claims {
            document.bytes("claim", &claim.encode());
        }
    }

    pub(crate) fn read(
        document: &mut Document,
        checkpoint: SignedNote,
        claims_max: usize,
    ) -> Result<StateProof, MalformedProof> {
        let header = document.take_bytes("header")?;
        let header_path = document.take("path", hashes_of_base64)?;
        let mut claims = vec![document.take_decoded("claim", Claim::decode)?];
        while claims.len() < claims_max && document.next_is("claim") {
            claims.push(document.take_decoded("claim", Claim::decode)?);
        }
        Ok(StateProof { header, header_path, claims, checkpoint })
    }

    fn verify_header(&self, sealed: &Sealed, policy: &Policy) -> Result<Header, StateProofError> {
        let header = Header::decode(&self.header).map_err(StateProofError::Header)?;
        let checkpoint = &sealed.checkpoint;
        if header.ledger_id != policy.ledger_id() {
            return Err(StateProofError::OtherLedger { expected: policy.ledger_id(), found: header.ledger_id });
        }
        if header.log_size() != checkpoint.size {
            return Err(StateProofError::NotLast { leaf_index: header.leaf_index, size: checkpoint.size });
        }
        let (leaf_index, hash) = (header.leaf_index, leaf_hash(&self.header));
        verify_inclusion(leaf_index, checkpoint.size, &hash, &self.header_path, &checkpoint.root)
            .map_err(StateProofError::HeaderPath)?;
        match root_before_last(&self.header_path) == header.log_root {
            true => Ok(header),
            false => Err(StateProofError::LogRoot),
        }
    }
}

impl Claim {
    fn verify(&self, header: &Header) -> Result<(Hash, Option<Vec<u8>>), StateProofError> {
        let key = self.key;
        let value = self.proof.verify(&header.state_root, &key);
        let value = value.map_err(|error| StateProofError::Claim { key, error })?;
        match (&self.state, value) {
            (Some(state), Some(value)) if state_value(state) == value => Ok((key, Some(state.clone()))),
            (Some(_), Some(_)) => Err(StateProofError::OtherState { key }),
            (Some(_), None) => Err(StateProofError::Absent { key }),
            (None, Some(_)) => Err(StateProofError::NotAbsent { key }),
            (None, None) => Ok((key, None)),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let state = self.state.as_deref().unwrap_or_default();
        assert!(self.state.is_none() || !state.is_empty(), "a state has bytes");
        let length = u16::try_from(state.len()).expect("a state has at most 65,535 bytes");
        [&self.key.0[..], &length.to_be_bytes(), state, &self.proof.encode()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Claim, DecodeError> {
        let mut cursor = Cursor::new(bytes);
        let key = cursor.hash()?;
        let length = cursor.u16()?;
        let state = (length > 0).then(|| cursor.take(length.into()).map(<[u8]>::to_vec)).transpose()?;
        let proof = MapProof::decode(cursor.rest())?;
        rule(state.is_none() || proof.terminal.is_some(), "claim", "has no state where the way ends at nothing")?;
        Ok(Claim { key, state, proof })
    }
}

impl fmt::Display for VerifiedStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_block_and_seal(f, &self.header, &self.sealed)
    }
}

const FIRST_LINE: &str = "bulla/state-proof@v1";
