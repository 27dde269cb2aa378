//! Sealing: counting attestations until every voter has signed the same tree.

use std::collections::BTreeMap;

use bulla_sealing::{
    Attestation, AttestationError, Checkpoint, Hash, Header, LogSigner, SignedNote, signed_checkpoint,
    verify_attestation,
};
use uuid::Uuid;

use crate::agreed::majority;
use crate::chain::{Chain, Charter};
use crate::error::StorageError;
use crate::ledger::{Ledger, State};
use crate::manifest::ManifestRow;
use crate::rows::{Of, Rows};
use crate::seal_rows::{read_attestations, read_sealed_height};

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
    /// Valid signatures of voters over another tree: evidence, kept until the table is sealed.
    pub other_roots: Vec<Attestation>,
}

/// What the signatures so far say of who is right about a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A majority of all voters signed the root that this node computed.
    Agreed,
    /// A majority of all voters signed one other root: this node is wrong.
    Outvoted,
    /// No root has a majority.
    Undecided,
}

impl WaitingTable {
    /// Who is right, of so many voters.
    pub fn verdict(&self, voters: usize) -> Verdict {
        let needed = majority(voters);
        let others = self.other_roots.iter();
        let most = others.map(|one| {
            self.other_roots.iter().filter(|other| (other.size, other.root) == (one.size, one.root)).count()
        });
        match voters - self.waiting_for.len() >= needed {
            true => Verdict::Agreed,
            false if most.max().is_some_and(|most| most >= needed) => Verdict::Outvoted,
            false => Verdict::Undecided,
        }
    }
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
    /// Counts one voter's committed attestation to the table of `height`. The last one missing seals the table, and
    /// those after it that only waited for their turn.
    ///
    /// # Errors
    /// Only when the rows cannot be read.
    pub fn attest(&self, height: u64, attestation: &Attestation) -> Result<AttestOutcome, StorageError> {
        let mut state = self.state_mut();
        let node = self.charter.config.nodes.iter().find(|node| node.name == attestation.node_name);
        let Some(node) = node else {
            return Ok(AttestOutcome::UnknownNode);
        };
        let Some(ours) = state.checkpoint(&self.charter, height)? else {
            return Ok(AttestOutcome::NotClosed);
        };
        let seals = &mut state.seals;
        Ok(match verify_attestation(&node.public_key, &ours, attestation) {
            Ok(()) => seals.count(height, attestation, &self.charter),
            Err(AttestationError::BadSignature) => AttestOutcome::BadSignature,
            Err(AttestationError::OtherTree { root, .. }) => {
                seals.keep_evidence(height, attestation);
                AttestOutcome::OtherRoot { ours: ours.root, theirs: root }
            }
        })
    }

    /// The highest sealed block. Costs nothing, unlike [`Ledger::sealing_status`], which names all that waits.
    pub fn sealed_height(&self) -> Option<u64> {
        self.state().seals.sealed_height
    }

    /// How far sealing has come, and whom it waits for.
    pub fn sealing_status(&self) -> SealingStatus {
        let state = self.state();
        SealingStatus {
            sealed_height: state.seals.sealed_height,
            closed: state.seals.waiting.iter().map(|(height, waiting)| waiting.view(*height, &self.charter)).collect(),
        }
    }
}

impl State {
    /// The tree that ends with a closed table, sealed or not.
    fn checkpoint(&self, charter: &Charter, height: u64) -> Result<Option<Checkpoint>, StorageError> {
        if let Some(waiting) = self.seals.waiting.get(&height) {
            return Ok(Some(waiting.checkpoint.clone()));
        }
        if let Some(closed) = self.unstored.iter().find(|closed| closed.height() == height) {
            return Ok(Some(closed.checkpoint.clone()));
        }
        let row = ManifestRow::read(&*self.snapshot, height)?;
        Ok(row.map(|row| checkpoint_of(charter, &row)))
    }
}

/// The state of sealing. What it did since the last Close waits in `changes` for the next one.
#[derive(Debug)]
pub(crate) struct Seals {
    pub(crate) sealed_height: Option<u64>,
    pub(crate) waiting: BTreeMap<u64, Waiting>,
    /// Signed checkpoints that are not in a row yet.
    pub(crate) notes: BTreeMap<u64, SignedNote>,
    changes: Vec<SealChange>,
}

/// A table that waits for signatures.
#[derive(Debug)]
pub(crate) struct Waiting {
    table_id: Uuid,
    closed_us: u64,
    checkpoint: Checkpoint,
    pub(crate) attested: BTreeMap<String, Attestation>,
    pub(crate) other_roots: BTreeMap<String, Attestation>,
}

/// One thing that sealing did.
#[derive(Debug, Clone)]
pub(crate) enum SealChange {
    Attested(u64, Attestation),
    OtherRoot(u64, Attestation),
    Sealed(u64, SignedNote),
}

impl SealChange {
    /// The block that it is about.
    pub(crate) fn height(&self) -> u64 {
        match self {
            SealChange::Attested(height, _) | SealChange::OtherRoot(height, _) | SealChange::Sealed(height, _) => {
                *height
            }
        }
    }
}

impl Seals {
    pub(crate) fn load(rows: &impl Rows, chain: &Chain, charter: &Charter) -> Result<Self, StorageError> {
        let sealed_height = read_sealed_height(rows)?;
        let mut seals = Self { sealed_height, waiting: BTreeMap::new(), notes: BTreeMap::new(), changes: Vec::new() };
        for height in sealed_height.map_or(0, |height| height + 1)..chain.height {
            let row = ManifestRow::read(rows, height)?
                .ok_or_else(|| rows.corrupt_row(Of::Manifest, &height.to_be_bytes(), "it is missing"))?;
            let (attested, other_roots) = read_attestations(rows, height)?;
            let checkpoint = checkpoint_of(charter, &row);
            let (table_id, closed_us) = (row.table_id, row.closed_us);
            seals.waiting.insert(height, Waiting { table_id, closed_us, checkpoint, attested, other_roots });
        }
        Ok(seals)
    }

    /// A table has closed and waits now. Returns what sealing did before that.
    pub(crate) fn close(&mut self, header: &Header, checkpoint: &Checkpoint) -> Vec<SealChange> {
        let waiting = Waiting {
            table_id: header.table_id,
            closed_us: header.closed_us,
            checkpoint: checkpoint.clone(),
            attested: BTreeMap::new(),
            other_roots: BTreeMap::new(),
        };
        self.waiting.insert(header.height, waiting);
        std::mem::take(&mut self.changes)
    }

    /// What sealing did since the last Close.
    pub(crate) fn changes(&self) -> &[SealChange] {
        &self.changes
    }

    /// These changes are in rows now.
    pub(crate) fn stored(&mut self, changes: &[SealChange]) {
        for change in changes {
            if let SealChange::Sealed(height, _) = change {
                self.notes.remove(height);
            }
        }
    }

    /// A valid attestation to our tree.
    fn count(&mut self, height: u64, attestation: &Attestation, charter: &Charter) -> AttestOutcome {
        let Some(waiting) = self.waiting.get_mut(&height) else {
            return AttestOutcome::Repeated;
        };
        if waiting.attested.contains_key(&attestation.node_name) {
            return AttestOutcome::Repeated;
        }
        waiting.attested.insert(attestation.node_name.clone(), attestation.clone());
        self.changes.push(SealChange::Attested(height, attestation.clone()));
        let before = self.sealed_height;
        self.seal_complete(charter);
        match self.sealed_height {
            Some(upto) if self.sealed_height != before => AttestOutcome::Sealed { upto },
            _ => AttestOutcome::Counted,
        }
    }

    fn keep_evidence(&mut self, height: u64, attestation: &Attestation) {
        let Some(waiting) = self.waiting.get_mut(&height) else { return };
        if !waiting.other_roots.contains_key(&attestation.node_name) {
            waiting.other_roots.insert(attestation.node_name.clone(), attestation.clone());
            self.changes.push(SealChange::OtherRoot(height, attestation.clone()));
        }
    }

    /// Seals the lowest waiting tables as long as nobody is missing.
    fn seal_complete(&mut self, charter: &Charter) {
        while let Some(lowest) = self.waiting.first_entry() {
            if lowest.get().attested.len() < charter.config.nodes.len() {
                return;
            }
            let (height, waiting) = lowest.remove_entry();
            let note = waiting.seal(charter);
            self.changes.push(SealChange::Sealed(height, note.clone()));
            self.notes.insert(height, note);
            self.sealed_height = Some(height);
        }
    }
}

impl Waiting {
    fn seal(&self, charter: &Charter) -> SignedNote {
        let nodes = charter.config.nodes.iter();
        let attestations: Vec<Attestation> = nodes.map(|node| self.attested[&node.name].clone()).collect();
        let signature = LogSigner::new(charter.log_key.clone(), &charter.config.origin).sign(&self.checkpoint);
        signed_checkpoint(&charter.policy, &self.checkpoint, &signature, &attestations)
            .expect("every voter's attestation was verified when it was counted")
    }

    pub(crate) fn view(&self, height: u64, charter: &Charter) -> WaitingTable {
        let nodes = charter.config.nodes.iter().map(|node| &node.name);
        WaitingTable {
            height,
            table_id: self.table_id,
            size: self.checkpoint.size,
            root: self.checkpoint.root,
            closed_us: self.closed_us,
            waiting_for: nodes.filter(|name| !self.attested.contains_key(*name)).cloned().collect(),
            other_roots: self.other_roots.values().cloned().collect(),
        }
    }
}

pub(crate) fn checkpoint_of(charter: &Charter, row: &ManifestRow) -> Checkpoint {
    Checkpoint { origin: charter.config.origin.clone(), size: row.end_leaf, root: row.root }
}
