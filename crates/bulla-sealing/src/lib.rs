//! The proofs: Merkle log, headers, checkpoints, cosignatures, receipts and their verification.
#![doc = include_str!("../DESIGN.md")]

mod attestation;
mod certificate;
mod checkpoint;
mod config;
mod cursor;
mod derive;
mod frontier;
mod hash;
mod header;
mod keys;
mod leaf;
mod map_bucket;
mod map_proof;
mod map_tree;
mod note;
mod policy;
mod policy_file;
mod promise;
mod promise_fate;
mod proof;
mod proof_text;
mod prove;
mod quorum;
mod receipt;
mod run;
mod seal;
mod short_sha;
mod state_map;
mod state_proof;
mod utc;
mod verify;
mod vkey;
mod witness;

pub use attestation::{Attestation, AttestationError, Cosigner, TIME_S_MAX, cosign, verify_attestation};
pub use certificate::{CERTIFICATE_BYTES_MAX, CERTIFICATE_RECORDS_MAX, Certificate, CertificateError, ProvenRecord};
pub use checkpoint::{Checkpoint, LogSigner, MalformedCheckpoint, verify_log_signature};
pub use config::ConfigLeaf;
pub use derive::{ledger_id, table_id};
pub use ed25519_dalek::SigningKey;
pub use frontier::{Frontier, subtree_root};
pub use hash::{EMPTY_ROOT, Hash, HashTextError, leaf_hash, leaf_hashes, node_hash};
pub use header::Header;
pub use keys::{BadSignature, ConfigNode, KeyError, NODES_MAX, check_key_name, verify_strict};
pub use leaf::{DecodeError, KIND_CONFIG, KIND_HEADER, LEAF_BYTES_MAX, LEAF_MAGIC};
pub use map_proof::{MAP_DEPTH_MAX, MapProof, MapProofError};
pub use note::{MalformedNote, NoteSignature, SIGNATURES_MAX, SignedNote};
pub use policy::Policy;
pub use policy_file::PolicyError;
pub use promise::{
    MalformedPromise, PROMISE_BYTES_MAX, Promise, PromiseError, VerifiedPromise, sign_promise, verify_promise,
};
pub use promise_fate::{Breach, Fate};
pub use proof::{PROOF_HASHES_MAX, ProofError, root_before_last, verify_consistency, verify_inclusion};
pub use proof_text::MalformedProof;
pub use prove::{HashSource, consistency_proof, inclusion_proof};
pub use quorum::Quorum;
pub use receipt::{
    MalformedReceipt, RECEIPT_BYTES_MAX, RECEIPT_EXTRA_BYTES_MAX, Receipt, ReceiptTooLarge, SaltedPayload,
};
pub use run::Run;
pub use seal::{SealError, Sealed, Signer, signed_checkpoint};
pub use state_map::{StateMap, state_value};
pub use state_proof::{CLAIMS_MAX, Claim, STATE_PROOF_BYTES_MAX, StateProof, StateProofError, VerifiedStates};
pub use verify::{ReceiptError, Verified, verify_receipt};
pub use vkey::{SignatureType, VerifierKey, VerifierKeyError};
pub use witness::{AddCheckpoint, MalformedRequest, WitnessRefusal};
