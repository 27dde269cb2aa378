//! Sealing as rows: the seals of stored blocks, and the attestations to those that wait for one.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulla_sealing::{Attestation, SignedNote};

use crate::error::StorageError;
use crate::ledger::Ledger;
use crate::rows::{Changes, Of, Row, Rows, Snapshot, after, borrowed};
use crate::seal::SealChange;

impl Ledger {
    /// Makes durable what sealing has done to stored blocks, without waiting for the next block: for a node that stops,
    /// so that whoever reads its files finds the newest seals in them.
    ///
    /// The state that a restart begins with is still the one just after the last stored block. The attestations after it
    /// are applied again from the Raft log, and an attestation that is counted already changes nothing.
    ///
    /// # Errors
    /// [`StorageError::Quarantined`]; [`StorageError::Io`] and its like when the rows cannot be written.
    pub fn store_seals(&self) -> Result<(), StorageError> {
        let database = self.writer();
        let seal_changes: Vec<SealChange> = {
            let state = self.readable()?;
            let waiting = state.unstored.iter().flat_map(|closed| &closed.seal_changes);
            // A seal of a block that is not stored would be ahead of its table after a restart.
            let of_stored = |change: &&SealChange| state.durable.height.is_some_and(|stored| change.height() <= stored);
            waiting.chain(state.seals.changes()).filter(of_stored).cloned().collect()
        };
        if seal_changes.is_empty() {
            return Ok(());
        }
        let path = self.path();
        Changes::commit(&database, &path, |changes| put_seal_changes(changes, &seal_changes))?;
        let snapshot = Arc::new(Snapshot::take(&database, &path)?);
        let mut state = self.state_mut();
        state.snapshot = snapshot;
        state.seals.stored(&seal_changes);
        Ok(())
    }
}

/// Makes what sealing did durable, in the transaction of the block that follows it.
pub(crate) fn put_seal_changes(changes: &mut Changes<'_>, seal_changes: &[SealChange]) -> Result<(), StorageError> {
    for change in seal_changes {
        match change {
            SealChange::Attested(height, attestation) => {
                changes.put(
                    Of::Attestations,
                    &attestation_key(*height, COUNTED, attestation),
                    &attestation.encode(),
                )?;
            }
            SealChange::OtherRoot(height, attestation) => {
                changes.put(
                    Of::Attestations,
                    &attestation_key(*height, OTHER_ROOT, attestation),
                    &attestation.encode(),
                )?;
            }
            SealChange::Sealed(height, note) => {
                changes.put(Of::Seals, &height.to_be_bytes(), note.to_string().as_bytes())?;
                for (key, _) in attestation_rows(changes, *height)? {
                    changes.remove(Of::Attestations, &key)?;
                }
            }
        }
    }
    Ok(())
}

/// The highest stored block whose seal is stored too.
pub(crate) fn read_sealed_height(rows: &impl Rows) -> Result<Option<u64>, StorageError> {
    match rows.at_or_below(Of::Seals, &[0xff; 8])? {
        Some((key, _)) => match key.as_slice().try_into() {
            Ok(height) => Ok(Some(u64::from_be_bytes(height))),
            Err(_) => Err(rows.corrupt_row(Of::Seals, &key, "its key is no height")),
        },
        None => Ok(None),
    }
}

/// The signed checkpoint that seals a stored block.
pub(crate) fn read_seal(rows: &impl Rows, height: u64) -> Result<Option<SignedNote>, StorageError> {
    let key = height.to_be_bytes();
    match rows.get(Of::Seals, &key)? {
        Some(note) => match SignedNote::parse(&note) {
            Ok(note) => Ok(Some(note)),
            Err(error) => Err(rows.corrupt_row(Of::Seals, &key, &error.to_string())),
        },
        None => Ok(None),
    }
}

/// By node name.
pub(crate) type Attestations = BTreeMap<String, Attestation>;

/// The stored attestations to a block not sealed: those that count, and the evidence.
pub(crate) fn read_attestations(rows: &impl Rows, height: u64) -> Result<(Attestations, Attestations), StorageError> {
    let (mut counted, mut other_roots) = (Attestations::new(), Attestations::new());
    for (key, value) in attestation_rows(rows, height)? {
        let attestation = Attestation::decode(&value)
            .map_err(|error| rows.corrupt_row(Of::Attestations, &key, &error.to_string()))?;
        let kind = match key.get(8) {
            Some(&COUNTED) => &mut counted,
            _ => &mut other_roots,
        };
        kind.insert(attestation.node_name.clone(), attestation);
    }
    Ok((counted, other_roots))
}

fn attestation_rows(rows: &impl Rows, height: u64) -> Result<Vec<Row>, StorageError> {
    rows.range(Of::Attestations, borrowed(&after(&height.to_be_bytes(), None)), usize::MAX)
}

fn attestation_key(height: u64, kind: u8, attestation: &Attestation) -> Vec<u8> {
    [&height.to_be_bytes()[..], &[kind], attestation.node_name.as_bytes()].concat()
}

const COUNTED: u8 = 0;
const OTHER_ROOT: u8 = 1;
