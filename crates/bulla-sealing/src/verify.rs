//! Verifying a receipt: the rules in their order, and what they showed, in words.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::hash::{Hash, leaf_hash};
use crate::header::Header;
use crate::leaf::{DecodeError, RecordView};
use crate::policy::Policy;
use crate::proof::{ProofError, root_before_last, verify_inclusion};
use crate::receipt::{MalformedReceipt, Receipt};
use crate::seal::{SealError, Sealed, Signer};
use crate::utc::{utc_of_s, utc_of_us};

/// What a receipt proved. `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The record leaf. What it says is for the ledger's own decoder to tell.
    pub record: Vec<u8>,
    /// Its place in the log.
    pub leaf_index: u64,
    /// The record's commitment to its payload, if it has one.
    pub payload_commit: Option<Hash>,
    /// The payload that was committed to, if the receipt carries it.
    pub payload: Option<Vec<u8>>,
    /// Header of the block that holds the record.
    pub header: Header,
    /// The checkpoint that proves both, and who signed it.
    pub sealed: Sealed,
}

/// Why a receipt proves nothing; listed in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The bytes are not a receipt.
    #[error("not a receipt")]
    Malformed(#[from] MalformedReceipt),
    /// The checkpoint is not a seal under the verifier's policy.
    #[error("the checkpoint does not satisfy the policy")]
    Seal(#[from] SealError),
    /// The record does not decode.
    #[error("the record does not decode")]
    Record(#[source] DecodeError),
    /// The record says that it stands elsewhere in the log.
    #[error("the record says that it is leaf {recorded}, and the receipt says leaf {index}")]
    RecordIndex {
        /// The index inside the record.
        recorded: u64,
        /// The index that the receipt states.
        index: u64,
    },
    /// The record is not in the checkpoint's log.
    #[error("the record is not proven to be in the log")]
    RecordPath(#[source] ProofError),
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
    /// The header is not in the checkpoint's log.
    #[error("the header is not proven to be in the log")]
    HeaderPath(#[source] ProofError),
    /// The record is not in the header's block.
    #[error("leaf {leaf_index} is not in block {height}")]
    NotInBlock {
        /// The record's place in the log.
        leaf_index: u64,
        /// The header's height.
        height: u64,
    },
    /// The header is the log's last leaf, and its `log_root` is not the root before it.
    #[error("the header's log_root is not the root of the log before it")]
    LogRoot,
    /// There is a payload where the record committed to none.
    #[error("the receipt has a payload, and the record has none")]
    PayloadNotCommitted,
    /// The payload is not the one that the record committed to.
    #[error("the payload is not the one that the record committed to")]
    PayloadMismatch,
}

impl ReceiptError {
    /// Whether the receipt may be right in a format newer than this code: *cannot verify*, which
    /// is not the same as *invalid*.
    pub fn is_unknown(&self) -> bool {
        match self {
            ReceiptError::Malformed(error) => error.is_unknown(),
            ReceiptError::Record(error) | ReceiptError::Header(error) => error.is_unknown(),
            _ => false,
        }
    }
}

/// Verifies a receipt, without any input or output, against the verifier's own policy.
///
/// # Errors
/// Each rule has its own, in the order of [`ReceiptError`].
///
/// ```
/// use bulla_sealing::{Policy, verify_receipt};
/// # let policy_file = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/policy"));
/// # let receipt = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/receipt.tlog-proof"));
/// let policy = Policy::parse(policy_file)?;
/// let verified = verify_receipt(receipt, &policy)?;
/// assert_eq!((verified.leaf_index, verified.header.height), (6, 1));
/// println!("{verified}");
///
/// let mut tampered = receipt.to_vec();
/// tampered[100] ^= 1;
/// assert!(verify_receipt(&tampered, &policy).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify_receipt(text: &[u8], policy: &Policy) -> Result<Verified, ReceiptError> {
    Receipt::parse(text)?.verify(policy)
}

impl Receipt {
    /// Verifies a receipt that was parsed, or is about to be handed out: see [`verify_receipt`].
    ///
    /// # Errors
    /// Each rule has its own, in the order of [`ReceiptError`].
    pub fn verify(&self, policy: &Policy) -> Result<Verified, ReceiptError> {
        let sealed = policy.verify(&self.checkpoint)?;
        let record = self.verify_record(&sealed)?;
        let header = self.verify_header(&sealed, policy)?;
        if !header.covers(record.leaf_index) {
            return Err(ReceiptError::NotInBlock { leaf_index: record.leaf_index, height: header.height });
        }
        let header_is_last = header.log_size() == sealed.checkpoint.size;
        if header_is_last && root_before_last(&self.header_path) != header.log_root {
            return Err(ReceiptError::LogRoot);
        }
        self.verify_payload(&record)?;
        Ok(Verified {
            record: self.record.clone(),
            leaf_index: record.leaf_index,
            payload_commit: record.payload_commit,
            payload: self.payload.as_ref().map(|(_, bytes)| bytes.clone()),
            header,
            sealed,
        })
    }

    fn verify_record(&self, sealed: &Sealed) -> Result<RecordView, ReceiptError> {
        let record = RecordView::read(&self.record).map_err(ReceiptError::Record)?;
        if record.leaf_index != self.index {
            return Err(ReceiptError::RecordIndex { recorded: record.leaf_index, index: self.index });
        }
        verify_in_log(self.index, &self.record, &self.path, sealed).map_err(ReceiptError::RecordPath)?;
        Ok(record)
    }

    fn verify_header(&self, sealed: &Sealed, policy: &Policy) -> Result<Header, ReceiptError> {
        let header = Header::decode(&self.header).map_err(ReceiptError::Header)?;
        if header.ledger_id != policy.ledger_id() {
            return Err(ReceiptError::OtherLedger { expected: policy.ledger_id(), found: header.ledger_id });
        }
        verify_in_log(header.leaf_index, &self.header, &self.header_path, sealed).map_err(ReceiptError::HeaderPath)?;
        Ok(header)
    }

    fn verify_payload(&self, record: &RecordView) -> Result<(), ReceiptError> {
        let Some((salt, payload)) = &self.payload else {
            return Ok(());
        };
        match record.payload_commit {
            None => Err(ReceiptError::PayloadNotCommitted),
            Some(commit) if commit != payload_commit(salt, payload) => Err(ReceiptError::PayloadMismatch),
            Some(_) => Ok(()),
        }
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = match (&self.payload, self.payload_commit) {
            (Some(payload), _) => format!("{} bytes, as the record committed to", payload.len()),
            (None, Some(_)) => "committed to by the record, not in this receipt".to_owned(),
            (None, None) => "none".to_owned(),
        };
        writeln!(f, "The record is in the ledger, and its block is sealed.")?;
        writeln!(f, "record     leaf {} of the log", self.leaf_index)?;
        writeln!(f, "payload    {payload}")?;
        write_block_and_seal(f, &self.header, &self.sealed)
    }
}

/// Says which block it is, and who sealed it.
pub(crate) fn write_block_and_seal(f: &mut fmt::Formatter<'_>, header: &Header, sealed: &Sealed) -> fmt::Result {
    let Sealed { checkpoint, nodes, witnesses } = sealed;
    writeln!(f, "block      height {}", header.height)?;
    writeln!(f, "table      {}", header.table_id)?;
    writeln!(f, "opened     {}", utc_of_us(header.opened_us))?;
    writeln!(f, "closed     {}", utc_of_us(header.closed_us))?;
    writeln!(f, "ledger     {}", header.ledger_id)?;
    writeln!(f, "log        {}", checkpoint.origin)?;
    writeln!(f, "size       {} leaves", checkpoint.size)?;
    writeln!(f, "root       {}", checkpoint.root)?;
    writeln!(f, "signed by  the log, and all {} nodes:", nodes.len())?;
    write_signers(f, nodes)?;
    match witnesses.is_empty() {
        true => writeln!(f, "witnesses  none"),
        false => writeln!(f, "witnesses  {}:", witnesses.len()),
    }?;
    write_signers(f, witnesses)
}

fn write_signers(f: &mut fmt::Formatter<'_>, signers: &[Signer]) -> fmt::Result {
    signers.iter().try_for_each(|signer| {
        let time = utc_of_s(signer.time_s);
        writeln!(f, "           {} at {time}", signer.name)
    })
}

fn verify_in_log(leaf_index: u64, leaf: &[u8], path: &[Hash], sealed: &Sealed) -> Result<(), ProofError> {
    let Sealed { checkpoint, .. } = sealed;
    let hash = leaf_hash(leaf);
    verify_inclusion(leaf_index, checkpoint.size, &hash, path, &checkpoint.root)
}

fn payload_commit(salt: &[u8; 32], payload: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update(PAYLOAD_DOMAIN);
    sha.update(salt);
    sha.update(payload);
    Hash(sha.finalize().into())
}

const PAYLOAD_DOMAIN: &[u8] = b"bulla/payload/v1\0";
