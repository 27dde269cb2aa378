//! Verified proofs of what is so, and of everything that led to it: read, checked, and put into words.

use std::fmt;

use bulla_ledger::{
    Act, AssetId, Claimed, Custody, CustodyError, LookupError, PartyId, Position, Record, State, look_up,
};
use bulla_sealing::{Certificate, CertificateError, Policy, StateProof, StateProofError, VerifiedStates};

use crate::Time;

/// What is so of an asset, or of one party's units of it, as of a sealed block. `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenAsset {
    /// The asset that was asked about.
    pub asset_id: AssetId,
    /// The party whose units were asked about, if the asset is counted.
    pub party: Option<PartyId>,
    /// What is so; `None` when there is no such asset, or the party never had units of it.
    pub state: Option<State>,
    /// As of which block, and who signed.
    pub verified: VerifiedStates,
}

/// What is so, and every record that led to it. `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenCustody {
    /// The state and its records, newest first.
    pub custody: Custody,
    /// As of which block, and who signed.
    pub verified: VerifiedStates,
}

/// Why a proof says nothing about an asset; listed in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssetProofError {
    /// It is no state proof under the policy.
    #[error("the proof does not prove")]
    Proof(#[from] StateProofError),
    /// It proves something, but not what was asked.
    #[error("the proof does not answer what was asked")]
    Lookup(#[from] LookupError),
}

/// Why a certificate certifies nothing; listed in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustodyProofError {
    /// State and records are not proven to be in the sealed log.
    #[error("the certificate does not prove")]
    Certificate(#[from] CertificateError),
    /// They are, but the records are not the ones, or not all of the ones, that led to the state.
    #[error("the records do not lead to the state")]
    Custody(#[from] CustodyError),
}

impl AssetProofError {
    /// Whether the proof may be right in a format newer than this code: *cannot verify*, which is not *invalid*.
    pub fn is_unknown(&self) -> bool {
        match self {
            AssetProofError::Proof(error) => error.is_unknown(),
            AssetProofError::Lookup(LookupError::State(error)) => error.cannot_verify(),
            AssetProofError::Lookup(_) => false,
        }
    }
}

impl CustodyProofError {
    /// Whether the certificate may be right in a format newer than this code: *cannot verify*, which is not *invalid*.
    pub fn is_unknown(&self) -> bool {
        match self {
            CustodyProofError::Certificate(error) => error.is_unknown(),
            CustodyProofError::Custody(error) => error.cannot_verify(),
        }
    }
}

/// Verifies what a state proof says of an asset, or of the units of it that `party` has, against the verifier's own
/// policy. Needs no network.
///
/// # Errors
/// Each rule has its own, in the order of [`AssetProofError`].
pub fn verify_asset_proof(
    text: &[u8],
    policy: &Policy,
    asset_id: AssetId,
    party: Option<PartyId>,
) -> Result<ProvenAsset, AssetProofError> {
    let proof = StateProof::parse(text).map_err(StateProofError::from)?;
    let verified = proof.verify(policy)?;
    let claims: Vec<Claimed<'_>> =
        verified.states.iter().map(|(key, state)| (key.as_bytes(), state.as_deref())).collect();
    let state = look_up(asset_id, party, &claims)?;
    Ok(ProvenAsset { asset_id, party, state, verified })
}

/// Verifies a certificate against the verifier's own policy: that its state is so as of a sealed block, that each of
/// its records is in the log, and that they are all the records that led to the state. Needs no network.
///
/// # Errors
/// Each rule has its own, in the order of [`CustodyProofError`].
pub fn verify_certificate(text: &[u8], policy: &Policy) -> Result<ProvenCustody, CustodyProofError> {
    let certificate = Certificate::parse(text).map_err(CertificateError::from)?;
    ProvenCustody::of(&certificate, policy)
}

impl ProvenCustody {
    /// Verifies a certificate that was parsed, or is about to be handed out: see [`verify_certificate`].
    ///
    /// # Errors
    /// As [`verify_certificate`].
    pub fn of(certificate: &Certificate, policy: &Policy) -> Result<ProvenCustody, CustodyProofError> {
        let verified = certificate.verify(policy)?;
        let (key, state) = &verified.states[0];
        let leaves = certificate.records.iter().map(|record| record.leaf.as_slice());
        let custody = Custody::check(key.as_bytes(), state.as_deref().unwrap_or_default(), leaves)?;
        Ok(ProvenCustody { custody, verified })
    }
}

impl fmt::Display for ProvenAsset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let height = self.verified.header.height;
        match &self.state {
            Some(state) => {
                writeln!(f, "This is so as of block {height}, which is sealed.")?;
                write_state(f, state)?;
            }
            None => {
                writeln!(f, "There is none as of block {height}, which is sealed, and there never was one before.")?;
                writeln!(f, "asset      {}", self.asset_id)?;
                self.party.map_or(Ok(()), |party| writeln!(f, "party      {party}"))?;
            }
        }
        self.verified.fmt(f)
    }
}

impl fmt::Display for ProvenCustody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Custody { state, records } = &self.custody;
        let height = self.verified.header.height;
        writeln!(
            f,
            "This is so as of block {height}, which is sealed, and no record of how it came about is missing."
        )?;
        write_state(f, state)?;
        writeln!(f, "records    {}, newest first:", records.len())?;
        for record in records {
            let time = Time::from_micros(record.time_us);
            writeln!(f, "           leaf {} at {time}: {}", record.leaf_index, said(record))?;
        }
        self.verified.fmt(f)
    }
}

fn write_state(f: &mut fmt::Formatter<'_>, state: &State) -> fmt::Result {
    match state {
        State::Unique(unique) => {
            writeln!(f, "asset      {}", unique.asset_id)?;
            writeln!(f, "owner      {}", unique.owner)?;
            writeln!(f, "holder     {}", unique.holder)?;
            match unique.retired {
                true => writeln!(f, "retired    yes; owner and holder are the last ones"),
                false => Ok(()),
            }
        }
        State::Position(Position { asset_id, party_id, available, .. }) => {
            writeln!(f, "asset      {asset_id}")?;
            match party_id.is_nil() {
                true => writeln!(f, "in all     {available} of the smallest unit are outstanding"),
                false => writeln!(f, "party      {party_id}\nhas        {available} of the smallest unit"),
            }
        }
    }
}

/// What a record did, with the ids of those concerned.
fn said(record: &Record) -> String {
    let transfer = &record.transfer;
    let (from, to, quantity) = (transfer.from, transfer.to, transfer.quantity);
    match (transfer.act, transfer.quantity_asset) {
        (Act::Register, false) => format!("registered for {to}"),
        (Act::Register, true) => "registered".to_owned(),
        (Act::Issue, _) => format!("{quantity} issued to {to}"),
        (Act::Transfer, true) => format!("{quantity} transferred from {from} to {to}"),
        (Act::Transfer, false) => match (transfer.moves_title, transfer.moves_custody) {
            (true, false) => format!("title transferred from {from} to {to}"),
            (false, true) => format!("custody transferred from {from} to {to}"),
            _ => format!("transferred from {from} to {to}"),
        },
        (Act::Retire, _) => format!("retired by {from}"),
        (Act::Redeem, _) => format!("{quantity} redeemed by {from}"),
        (Act::Amend, _) => "amended".to_owned(),
        (Act::Enroll | Act::Define | Act::Incident | Act::Erase, _) => transfer.act.name().to_owned(),
    }
}
