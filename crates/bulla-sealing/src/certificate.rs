//! Certificates: a state that is so now and every record that led to it, all proven by one sealed checkpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::{Hash, leaf_hash};
use crate::leaf::{DecodeError, RecordView};
use crate::policy::Policy;
use crate::proof::{ProofError, verify_inclusion};
use crate::proof_text::{Document, MalformedProof, base64_of_hashes, hashes_of_base64};
use crate::state_proof::{StateProof, StateProofError, VerifiedStates};

/// Most bytes of a certificate's text.
pub const CERTIFICATE_BYTES_MAX: usize = 32 << 20;

/// Most records of a certificate.
pub const CERTIFICATE_RECORDS_MAX: usize = 10_000;

/// A state and the records behind it, as parsed, or as a node puts it together. Nothing is verified yet: see
/// [`Certificate::verify`].
///
/// ```text
/// bulla/certificate@v1
/// header <base64 of the header leaf>
/// path <base64 of k x 32 bytes>                      from the header up to the checkpoint's root
/// claim <base64>                                     the state, as in a StateProof
/// record <base64 of the leaf> <base64 of k x 32>     1 to 10,000 lines, newest first, each with its own way up
///
/// <the checkpoint, verbatim>                         it ends with the header
/// ```
///
/// What the state and the records say, and that no record is missing between them, is for the ledger's own code to
/// check: see `Custody` in `bulla-ledger`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Shows the state; it has one claim.
    pub state: StateProof,
    /// The records, newest first.
    pub records: Vec<ProvenRecord>,
}

/// A record with its inclusion proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenRecord {
    /// The record leaf.
    pub leaf: Vec<u8>,
    /// Inclusion proof of the leaf in the checkpoint's log.
    pub path: Vec<Hash>,
}

/// Why a certificate proves nothing; listed in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The bytes are not a certificate.
    #[error("not a certificate")]
    Malformed(#[from] MalformedProof),
    /// The state is not proven.
    #[error("the state is not proven")]
    State(#[from] StateProofError),
    /// A record does not decode.
    #[error("record {place} does not decode")]
    Record {
        /// Its place, the newest being 0.
        place: usize,
        /// Why not.
        #[source]
        error: DecodeError,
    },
    /// A record is not in the checkpoint's log.
    #[error("record {place} is not proven to be in the log")]
    RecordPath {
        /// Its place, the newest being 0.
        place: usize,
        /// Why not.
        #[source]
        error: ProofError,
    },
}

impl CertificateError {
    /// Whether the certificate may be right in a format newer than this code: *cannot verify*, which is not *invalid*.
    pub fn is_unknown(&self) -> bool {
        match self {
            CertificateError::Malformed(error) => error.is_unknown(),
            CertificateError::State(error) => error.is_unknown(),
            CertificateError::Record { error, .. } => error.is_unknown(),
            CertificateError::RecordPath { .. } => false,
        }
    }
}

impl Certificate {
    /// The certificate's text.
    ///
    /// # Panics
    /// When it has not exactly one claim, or no records, or too many.
    pub fn to_text(&self) -> String {
        assert_eq!(self.state.claims.len(), 1, "a certificate is of one state");
        let count = self.records.len();
        assert!((1..=CERTIFICATE_RECORDS_MAX).contains(&count), "{count} records");
        let mut document = Document::new(FIRST_LINE);
        self.state.write(&mut document);
        for ProvenRecord { leaf, path } in &self.records {
            document.line("record", &format!("{} {}", STANDARD.encode(leaf), base64_of_hashes(path)));
        }
        document.end(&self.state.checkpoint)
    }

    /// Parses a certificate. Bytes that are accepted are what [`Certificate::to_text`] writes.
    ///
    /// # Errors
    /// When the bytes are not a certificate.
    pub fn parse(bytes: &[u8]) -> Result<Certificate, MalformedProof> {
        let (mut document, checkpoint) = Document::parse(bytes, FIRST_LINE, CERTIFICATE_BYTES_MAX)?;
        let state = StateProof::read(&mut document, checkpoint, 1)?;
        let mut records = vec![document.take("record", read_record)?];
        while records.len() < CERTIFICATE_RECORDS_MAX && document.next_is("record") {
            records.push(document.take("record", read_record)?);
        }
        document.finish()?;
        Ok(Certificate { state, records })
    }

    /// Verifies that the state and each of the records are in the sealed log, against the verifier's own policy.
    /// Without any input or output.
    ///
    /// # Errors
    /// Each rule has its own, in the order of [`CertificateError`].
    pub fn verify(&self, policy: &Policy) -> Result<VerifiedStates, CertificateError> {
        let verified = self.state.verify(policy)?;
        let checkpoint = &verified.sealed.checkpoint;
        for (place, ProvenRecord { leaf, path }) in self.records.iter().enumerate() {
            let record = RecordView::read(leaf).map_err(|error| CertificateError::Record { place, error })?;
            verify_inclusion(record.leaf_index, checkpoint.size, &leaf_hash(leaf), path, &checkpoint.root)
                .map_err(|error| CertificateError::RecordPath { place, error })?;
        }
        Ok(verified)
    }
}

fn read_record(rest: &str) -> Option<ProvenRecord> {
    let (leaf, path) = rest.split_once(' ')?;
    Some(ProvenRecord { leaf: STANDARD.decode(leaf).ok()?, path: hashes_of_base64(path)? })
}

const FIRST_LINE: &str = "bulla/certificate@v1";
