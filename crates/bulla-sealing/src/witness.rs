//! What a witness is asked (C2SP tlog-witness), and the rules by which it answers.

use crate::checkpoint::{Checkpoint, MalformedCheckpoint, canonical_u64};
use crate::hash::{EMPTY_ROOT, Hash};
use crate::note::{MalformedNote, SignedNote};
use crate::policy::Policy;
use crate::proof::{PROOF_HASHES_MAX, ProofError, verify_consistency};
use crate::seal::SealError;

/// The body of an `add-checkpoint` request. Nothing is verified yet: see [`AddCheckpoint::judge`].
///
/// ```text
/// old <size of the log that the witness cosigned last, 0 for none>
/// <base64 of a hash of the consistency proof>    at most 63
///
/// <the checkpoint, with its signatures>
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the log that the proof starts from.
    pub old_size: u64,
    /// The consistency proof from there; empty when that size is zero.
    pub proof: Vec<Hash>,
    /// The checkpoint to cosign.
    pub checkpoint: SignedNote,
}

/// Why bytes are not an `add-checkpoint` request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRequest {
    /// Bytes that are not UTF-8.
    #[error("a request is UTF-8")]
    NotUtf8,
    /// No empty line between the proof and the checkpoint.
    #[error("there is no empty line before the checkpoint")]
    NoCheckpoint,
    /// The first line does not name the old size.
    #[error("line 1 is not `old <decimal size>`")]
    OldLine,
    /// A line of the proof is not a hash.
    #[error("line {line} is not a hash of 32 bytes in base64")]
    ProofLine {
        /// Number of the line, from 1.
        line: usize,
    },
    /// The proof has too many hashes.
    #[error("a proof has at most {PROOF_HASHES_MAX} hashes")]
    ProofTooLong,
    /// What follows the empty line is not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note(#[from] MalformedNote),
}

/// Why a witness does not cosign; listed in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// The signed text is no checkpoint.
    #[error("the signed text is not a checkpoint")]
    NotACheckpoint(#[from] MalformedCheckpoint),
    /// The signatures that the witness's policy asks for are not all there, or do not verify.
    #[error("the checkpoint is not sealed under the policy of this witness")]
    NotSealed(#[source] SealError),
    /// The proof starts from a log larger than the one it leads to.
    #[error("the old size {old_size} is above the size {size} of the checkpoint")]
    OldAboveNew {
        /// The size that the request starts from.
        old_size: u64,
        /// The size of its checkpoint.
        size: u64,
    },
    /// The witness cosigned another size last: the request is late, or its sender does not know.
    #[error("this witness last cosigned a log of {latest_size} leaves")]
    OtherSize {
        /// The size that it cosigned last, 0 for none.
        latest_size: u64,
    },
    /// The log of no leaves has one root only.
    #[error("the root of the empty log is another one")]
    EmptyRoot,
    /// There is nothing to prove from the empty log.
    #[error("from the empty log the proof is empty")]
    NeedlessProof,
    /// The log is not a continuation of what the witness cosigned: it is another log, or the proof is wrong.
    #[error("the checkpoint is not proven to continue the log of {latest_size} leaves that this witness cosigned")]
    Inconsistent {
        /// The size that it cosigned last.
        latest_size: u64,
        /// What is wrong with the proof.
        source: ProofError,
    },
}

impl AddCheckpoint {
    /// The request's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            text += &hash.to_base64();
            text.push('\n');
        }
        text.push('\n');
        text += &self.checkpoint.to_string();
        text
    }

    /// Parses a request. Bytes that are accepted are what [`AddCheckpoint::to_text`] writes.
    ///
    /// # Errors
    /// When the bytes are not a request.
    pub fn parse(bytes: &[u8]) -> Result<AddCheckpoint, MalformedRequest> {
        let text = std::str::from_utf8(bytes).map_err(|_| MalformedRequest::NotUtf8)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(MalformedRequest::NoCheckpoint)?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| canonical_u64(line.strip_prefix("old ")?));
        let old_size = old_size.ok_or(MalformedRequest::OldLine)?;
        let proof = lines
            .enumerate()
            .map(|(place, line)| Hash::from_base64(line).ok_or(MalformedRequest::ProofLine { line: place + 2 }))
            .collect::<Result<Vec<_>, _>>()?;
        if proof.len() > PROOF_HASHES_MAX {
            return Err(MalformedRequest::ProofTooLong);
        }
        Ok(AddCheckpoint { old_size, proof, checkpoint: SignedNote::parse(checkpoint.as_bytes())? })
    }

    /// The log that the request is about: the first line of its checkpoint.
    pub fn origin(&self) -> &str {
        self.checkpoint.text.lines().next().unwrap_or_default()
    }

    /// What to cosign, if `latest`, the checkpoint of this log that the witness cosigned last, lets it.
    ///
    /// The policy must be that of the request's log. Its quorum of witnesses is not asked for: witnesses do not wait
    /// for each other.
    ///
    /// # Errors
    /// Each rule has its own, in the order of [`WitnessRefusal`].
    pub fn judge(&self, policy: &Policy, latest: Option<&Checkpoint>) -> Result<Checkpoint, WitnessRefusal> {
        let checkpoint: Checkpoint = self.checkpoint.text.parse()?;
        policy.verify_seal(&self.checkpoint).map_err(WitnessRefusal::NotSealed)?;
        let (old_size, size) = (self.old_size, checkpoint.size);
        if old_size > size {
            return Err(WitnessRefusal::OldAboveNew { old_size, size });
        }
        let latest_size = latest.map_or(0, |latest| latest.size);
        if old_size != latest_size {
            return Err(WitnessRefusal::OtherSize { latest_size });
        }
        if size == 0 && checkpoint.root != EMPTY_ROOT {
            return Err(WitnessRefusal::EmptyRoot);
        }
        match latest.filter(|latest| latest.size > 0) {
            None if self.proof.is_empty() => Ok(checkpoint),
            None => Err(WitnessRefusal::NeedlessProof),
            Some(latest) => verify_consistency(latest_size, size, &self.proof, &latest.root, &checkpoint.root)
                .map(|()| checkpoint)
                .map_err(|source| WitnessRefusal::Inconsistent { latest_size, source }),
        }
    }
}
