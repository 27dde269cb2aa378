//! Sealing: counting attestations until every voter has signed the same tree.

use bulla_sealing::{Attestation, Hash};
use uuid::Uuid;

use crate::error::StorageError;
use crate::ledger::Ledger;

/// What an attestation did. The same on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttestOutcome {
    /// It is valid and counted; others are still waited for.
    Counted,
    /// It was the last one missing.
    Sealed {
        /// The highest sealed height now: tables after this one may have been waiting for it.
        upto: u64,
    },
    /// This node has attested to this height before, or the block is sealed.
    Repeated,
    /// The signature does not verify.
    BadSignature,
    /// No voter of the configuration in force has this name.
    UnknownNode,
    /// A valid signature over another tree: evidence that one of the two nodes is wrong.
    OtherRoot {
        /// What this node computed.
        ours: Hash,
        /// What the other one signed.
        theirs: Hash,
    },
    /// The table of this height is still open, or not known yet.
    NotClosed,
}

/// A closed table that is not sealed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingTable {
    /// Its height.
    pub height: u64,
    /// Its id.
    pub table_id: Uuid,
    /// Tree size that is to be attested: its header's leaf index + 1.
    pub size: u64,
    /// Root that is to be attested.
    pub root: Hash,
    /// When it closed, POSIX microseconds.
    pub closed_us: u64,
    /// The voters that have not attested yet, in the order of the configuration.
    pub waiting_for: Vec<String>,
    /// Voters that signed another root for it: evidence, kept with the table.
    pub other_roots: Vec<Attestation>,
}

/// How far sealing has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SealingStatus {
    /// The highest sealed block.
    pub sealed_height: Option<u64>,
    /// The closed tables that wait, lowest first.
    pub closed: Vec<WaitingTable>,
}

impl Ledger {
    /// Counts one voter's committed attestation to the table of `height`.
    ///
    /// # Errors
    /// Only when the manifest cannot be read.
    pub fn attest(&self, height: u64, attestation: &Attestation) -> Result<AttestOutcome, StorageError> {
        todo!("{height} {attestation:?}")
    }

    /// How far sealing has come, and whom it waits for.
    pub fn sealing_status(&self) -> SealingStatus {
        todo!()
    }
}
