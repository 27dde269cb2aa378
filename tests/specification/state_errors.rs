//! The names of the errors of section 11: what the specification calls each error of a state, a proof, a certificate.

use std::collections::BTreeSet;

use bulla_client::{AssetProofError, CustodyProofError};
use bulla_ledger::{CustodyError, DecodeError, LookupError, UndoError};
use bulla_sealing::{CertificateError, MalformedProof, MapProofError, StateProofError};

use crate::errors::{of_checkpoint, of_leaf, of_note, of_proof, of_seal, shown_by};
use crate::page::{quoted, tables};

pub fn of_state(error: &DecodeError) -> String {
    let name = match error {
        DecodeError::WrongLength { .. } => "WrongLength",
        DecodeError::UnknownFlag(_) => "UnknownFlag",
        DecodeError::ReservedNotZero { .. } => "ReservedNotZero",
        other => panic!("not of a state: {other}"),
    };
    name.into()
}

pub fn of_map_proof(error: &MapProofError) -> String {
    let name = match error {
        MapProofError::OtherPlace => "OtherPlace",
        MapProofError::RootMismatch => "RootMismatch",
    };
    name.into()
}

pub fn of_state_proof(error: &StateProofError) -> String {
    let name = match error {
        StateProofError::Malformed(error) => return format!("Malformed.{}", of_text(error)),
        StateProofError::Seal(error) => return format!("Seal.{}", of_seal(error)),
        StateProofError::Header(error) => return format!("Header.{}", of_leaf(error)),
        StateProofError::OtherLedger { .. } => "OtherLedger",
        StateProofError::NotLast { .. } => "NotLast",
        StateProofError::HeaderPath(error) => return format!("HeaderPath.{}", of_proof(error)),
        StateProofError::LogRoot => "LogRoot",
        StateProofError::Claim { error, .. } => return format!("Claim.{}", of_map_proof(error)),
        StateProofError::OtherState { .. } => "OtherState",
        StateProofError::NotAbsent { .. } => "NotAbsent",
        StateProofError::Absent { .. } => "Absent",
    };
    name.into()
}

fn of_text(error: &MalformedProof) -> String {
    let name = match error {
        MalformedProof::TooLong { .. } => "TooLong",
        MalformedProof::NotUtf8 => "NotUtf8",
        MalformedProof::UnknownFormat { .. } => "UnknownFormat",
        MalformedProof::NoCheckpoint => "NoCheckpoint",
        MalformedProof::Line { .. } => "Line",
        MalformedProof::Bytes { error, .. } => return format!("Bytes.{}", of_leaf(error)),
        MalformedProof::LeftOver { .. } => "LeftOver",
        MalformedProof::Note(error) => return format!("Note.{}", of_note(error)),
        MalformedProof::Checkpoint(error) => return format!("Checkpoint.{}", of_checkpoint(error)),
    };
    name.into()
}

pub fn of_asset_proof(error: &AssetProofError) -> String {
    match error {
        AssetProofError::Proof(error) => of_state_proof(error),
        AssetProofError::Lookup(LookupError::OtherKeys) => "Lookup.OtherKeys".into(),
        AssetProofError::Lookup(LookupError::State(error)) => format!("Lookup.State.{}", of_state(error)),
        AssetProofError::Lookup(LookupError::OtherKey) => "Lookup.OtherKey".into(),
    }
}

pub fn of_certificate(error: &CustodyProofError) -> String {
    match error {
        CustodyProofError::Certificate(CertificateError::Malformed(error)) => format!("Malformed.{}", of_text(error)),
        CustodyProofError::Certificate(CertificateError::State(error)) => match error {
            StateProofError::Malformed(error) => format!("Malformed.{}", of_text(error)),
            error => format!("State.{}", of_state_proof(error)),
        },
        CustodyProofError::Certificate(CertificateError::Record { error, .. }) => format!("Record.{}", of_leaf(error)),
        CustodyProofError::Certificate(CertificateError::RecordPath { error, .. }) => {
            format!("RecordPath.{}", of_proof(error))
        }
        CustodyProofError::Custody(error) => format!("Custody.{}", of_custody(error)),
    }
}

fn of_custody(error: &CustodyError) -> String {
    let name = match error {
        CustodyError::State(error) => return format!("State.{}", of_state(error)),
        CustodyError::OtherKey => "OtherKey",
        CustodyError::Record { error, .. } => panic!("the ledger does not read what a verifier accepts: {error}"),
        CustodyError::Undo { error, .. } => return format!("Undo.{}", of_undo(error)),
        CustodyError::Missing { .. } => "Missing",
        CustodyError::Superfluous => "Superfluous",
    };
    name.into()
}

fn of_undo(error: &UndoError) -> &'static str {
    match error {
        UndoError::OtherLeaf { .. } => "OtherLeaf",
        UndoError::OtherChain => "OtherChain",
        UndoError::OtherSeq { .. } => "OtherSeq",
        UndoError::OtherOutcome => "OtherOutcome",
        UndoError::Link => "Link",
    }
}

/// The rows of the table of steps, which is the last table of its section or the one that is given.
fn steps(heading: &str, table: Option<usize>) -> Vec<Vec<String>> {
    let mut tables = tables(heading);
    tables.remove(table.unwrap_or(tables.len() - 1))
}

/// The errors that steps name, and whether they mean *cannot verify*.
fn named(steps: &[Vec<String>]) -> BTreeSet<(String, bool)> {
    let own = steps.iter().filter(|row| !row[1].contains("as in 11.4"));
    own.map(|row| (quoted(&row[2]).remove(0), row[1].contains("*cannot verify*"))).collect()
}

#[test]
fn the_steps_of_section_11_name_exactly_the_errors_that_vectors_show() {
    assert_eq!(named(&steps("11.2 States", None)), shown_by("states"));
    assert_eq!(named(&steps("11.3 Proof of one key", None)), shown_by("map-proofs"));
    let of_states = named(&steps("11.4 State proof", None));
    assert_eq!(&of_states | &named(&steps("11.5 Of an asset", None)), shown_by("state-proofs"));

    // A certificate breaks every rule of a state proof too; from the seal on, the name says that it is the state's.
    let renamed = of_states.iter().map(|(error, cannot_verify)| match error.starts_with("Malformed.") {
        true => (error.clone(), *cannot_verify),
        false => (format!("State.{error}"), *cannot_verify),
    });
    let mut of_certificates: BTreeSet<(String, bool)> = renamed.collect();
    of_certificates.extend(named(&steps("11.6 Certificate", None)));
    of_certificates.extend(named(&steps("11.7 Nothing is missing", Some(0))));
    assert_eq!(of_certificates, shown_by("certificates"));
}
