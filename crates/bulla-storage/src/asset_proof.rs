//! Proofs of what is so: the state of an asset as of the last sealed block, and everything that led to it.

use std::sync::Arc;

use bulla_ledger::{Asset, AssetId, Claimed, Custody, PartyId, Record, Source, State, look_up, lookup_keys};
use bulla_sealing::{
    CERTIFICATE_RECORDS_MAX, Certificate, Claim, Hash, ProvenRecord, SignedNote, StateMap, StateProof, inclusion_proof,
};

use crate::error::StorageError;
use crate::ledger::Ledger;
use crate::manifest::ManifestRow;
use crate::rows::Snapshot;
use crate::stored::{Blocks, Stored, decode_record};

/// The answer to a request for the proof of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateAnswer {
    /// The proof, verified against this node's own policy: of the state, or that there is none.
    Ready(Box<StateProof>),
    /// No block that this node has the states of is sealed yet.
    NotSealed,
}

/// The answer to a request for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateAnswer {
    /// The certificate, verified against this node's own policy.
    Ready(Box<Certificate>),
    /// No block that this node has the states of is sealed yet.
    NotSealed,
    /// As of the last sealed block there is no such asset, or the party never had units of it.
    Unknown,
    /// More records led to the state than a certificate may have.
    TooLong {
        /// How many there are.
        records: u64,
    },
}

impl Ledger {
    /// Proves what is so of an asset as of the last sealed block that is stored here: of a unique asset itself, or of
    /// the units of a quantity asset that `party` has, or, without a party, that are outstanding.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when what is stored does not verify: a wrong proof never leaves the node.
    pub fn asset_proof(&self, asset_id: AssetId, party: Option<PartyId>) -> Result<StateAnswer, StorageError> {
        match self.sealed_states()? {
            Some(sealed) => Ok(StateAnswer::Ready(Box::new(sealed.prove(self, asset_id, party)?.0))),
            None => Ok(StateAnswer::NotSealed),
        }
    }

    /// The same state, with every record that led to it.
    ///
    /// # Errors
    /// As [`Ledger::asset_proof`].
    pub fn certificate(&self, asset_id: AssetId, party: Option<PartyId>) -> Result<CertificateAnswer, StorageError> {
        let Some(sealed) = self.sealed_states()? else {
            return Ok(CertificateAnswer::NotSealed);
        };
        let (proof, Some(state)) = sealed.prove(self, asset_id, party)? else {
            return Ok(CertificateAnswer::Unknown);
        };
        if state.seq() >= CERTIFICATE_RECORDS_MAX as u64 {
            return Ok(CertificateAnswer::TooLong { records: state.seq().saturating_add(1) });
        }
        let certificate = Certificate { state: proof, records: sealed.records(&self.blocks, &state)? };
        let corrupt = |error: &dyn std::error::Error| {
            StorageError::corrupt(format!("the certificate of asset {asset_id}"), error.to_string())
        };
        certificate.verify(&self.charter.policy).map_err(|error| corrupt(&error))?;
        let leaves = certificate.records.iter().map(|record| record.leaf.as_slice());
        Custody::check(&state.key(), &state.encode(), leaves).map_err(|error| corrupt(&error))?;
        Ok(CertificateAnswer::Ready(Box::new(certificate)))
    }

    fn sealed_states(&self) -> Result<Option<SealedStates>, StorageError> {
        let state = self.readable()?;
        let newest = state.provable_height().and_then(|height| state.maps.at_or_below(height));
        let Some((height, map)) = newest else {
            return Ok(None);
        };
        let missing = || StorageError::corrupt(format!("the proofs of block {height}"), "its seal or row is missing");
        Ok(Some(SealedStates {
            snapshot: Arc::clone(&state.snapshot),
            row: ManifestRow::read(&*state.snapshot, height)?.ok_or_else(missing)?,
            checkpoint: state.note(height)?.ok_or_else(missing)?,
            height,
            map: map.clone(),
        }))
    }
}

/// A sealed block, and what is so as of it. The rows may be those of a later one.
struct SealedStates {
    snapshot: Arc<Snapshot>,
    height: u64,
    row: ManifestRow,
    checkpoint: SignedNote,
    map: StateMap,
}

impl SealedStates {
    fn prove(
        &self,
        ledger: &Ledger,
        asset_id: AssetId,
        party: Option<PartyId>,
    ) -> Result<(StateProof, Option<State>), StorageError> {
        let stored = Stored { rows: &*self.snapshot, blocks: &ledger.blocks };
        let state = self.state(&stored, asset_id, party)?;
        let claims = match &state {
            Some(state) => vec![self.claim(state.key(), Some(state.encode()))],
            None => lookup_keys(asset_id, party).map(|key| self.claim(key, None)).to_vec(),
        };
        let header_index = self.row.end_leaf - 1;
        let proof = StateProof {
            header: stored.leaf_of(self.height, header_index)?,
            header_path: inclusion_proof(header_index, self.row.end_leaf, &stored)?,
            claims,
            checkpoint: self.checkpoint.clone(),
        };
        let corrupt = |detail: String| StorageError::corrupt(format!("the proof of asset {asset_id}"), detail);
        let verified = proof.verify(&ledger.charter.policy).map_err(|error| corrupt(error.to_string()))?;
        let claims: Vec<Claimed<'_>> =
            verified.states.iter().map(|(key, state)| (key.as_bytes(), state.as_deref())).collect();
        match look_up(asset_id, party, &claims) {
            Ok(proven) if proven == state => Ok((proof, state)),
            Ok(_) => Err(corrupt("it shows another state".into())),
            Err(error) => Err(corrupt(error.to_string())),
        }
    }

    fn claim(&self, key: [u8; 32], state: Option<Vec<u8>>) -> Claim {
        Claim { key: Hash(key), state, proof: self.map.prove(&Hash(key)) }
    }

    /// What was so when the block closed: what the rows say, without the records since.
    fn state(
        &self,
        stored: &Stored<'_, Snapshot>,
        asset_id: AssetId,
        party: Option<PartyId>,
    ) -> Result<Option<State>, StorageError> {
        let asset: Option<Asset> = stored.asset(asset_id)?;
        let mut state = match asset.as_ref().and_then(State::of_asset) {
            Some(state) => Some(state),
            None => stored.position(asset_id, party.unwrap_or(PartyId::NIL))?.map(State::Position),
        };
        while let Some(later) = state.filter(|state| state.last_leaf() >= self.row.end_leaf) {
            let record = record(stored, later.last_leaf())?;
            state = later.before(&record).map_err(|error| {
                StorageError::corrupt(format!("the state that leaf {} led to", record.leaf_index), error.to_string())
            })?;
        }
        Ok(state)
    }

    /// Every record that led to a state, newest first, each with its way up to the sealed root.
    fn records(&self, blocks: &Blocks, state: &State) -> Result<Vec<ProvenRecord>, StorageError> {
        let stored = Stored { rows: &*self.snapshot, blocks };
        let (mut records, mut next) = (Vec::new(), Some(state.last_leaf()));
        while let Some(leaf_index) = next {
            let record = record(&stored, leaf_index)?;
            let path = inclusion_proof(leaf_index, self.row.end_leaf, &stored)?;
            records.push(ProvenRecord { leaf: record.encode().to_vec(), path });
            next = record.previous(state.chain()).filter(|earlier| *earlier < leaf_index);
        }
        Ok(records)
    }
}

fn record(stored: &Stored<'_, Snapshot>, leaf_index: u64) -> Result<Record, StorageError> {
    match stored.leaf(leaf_index)? {
        Some(leaf) => decode_record(leaf_index, &leaf),
        None => Err(StorageError::corrupt(format!("leaf {leaf_index}"), "a state names it, but no block holds it")),
    }
}
