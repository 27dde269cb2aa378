//! The last thing that is allowed, and the first that is not.

mod small_ledger;

use bulla_sealing::*;
use small_ledger::*;
use uuid::Uuid;

fn state_proof() -> StateProof {
    let leaves = &leaves()[..9];
    let key = leaf_hash(b"the drill");
    let state = Some(8u64.to_be_bytes().to_vec());
    StateProof {
        header: leaves[8].clone(),
        header_path: inclusion_proof(8, 9, &hashes(leaves)[..]).unwrap(),
        claims: vec![Claim { key, state, proof: state_map(8).prove(&key) }],
        checkpoint: seal(&checkpoint(leaves)),
    }
}

fn certificate(records: usize) -> Certificate {
    Certificate { state: state_proof(), records: vec![ProvenRecord { leaf: vec![], path: vec![] }; records] }
}

#[test]
fn a_certificate_has_10_000_records_at_most() {
    let text = certificate(CERTIFICATE_RECORDS_MAX).to_text();
    assert_eq!(Certificate::parse(text.as_bytes()).unwrap().records.len(), CERTIFICATE_RECORDS_MAX);
    let text = text.replacen("record  \n", "record  \nrecord  \n", 1);
    assert!(matches!(Certificate::parse(text.as_bytes()), Err(MalformedProof::LeftOver { .. })));
}

#[test]
#[should_panic(expected = "0 records")]
fn a_certificate_without_records_is_not_written() {
    certificate(0).to_text();
}

#[test]
fn a_certificate_that_cannot_be_verified_is_told_from_one_that_is_invalid() {
    let unknown = |change: fn(&mut Certificate)| {
        let mut certificate = certificate(1);
        certificate.records[0].leaf = leaves()[6].clone();
        change(&mut certificate);
        certificate.verify(&policy()).unwrap_err().is_unknown()
    };
    assert!(unknown(|certificate| certificate.records[0].leaf[4] = 6));
    assert!(unknown(|certificate| certificate.state.header[3] = 2));
    assert!(!unknown(|certificate| certificate.records[0].leaf.clear()));
    assert!(!unknown(|certificate| certificate.state.header.clear()));
    assert!(!unknown(|certificate| certificate.state.claims[0].state = None));
    // The path is missing.
    assert!(!unknown(|_| ()));
    let malformed = |text: &str| CertificateError::from(Certificate::parse(text.as_bytes()).unwrap_err()).is_unknown();
    assert!(malformed("bulla/certificate@v2\n"));
    assert!(!malformed("bulla/certificate@v1\n"));
}

#[test]
fn a_state_proof_that_cannot_be_verified_is_told_from_one_that_is_invalid() {
    let malformed = |text: &str| StateProofError::from(StateProof::parse(text.as_bytes()).unwrap_err()).is_unknown();
    assert!(malformed("bulla/state-proof@v2\n"));
    assert!(!malformed("bulla/state-proof@v1\n"));
    let unknown = |change: fn(&mut StateProof)| {
        let mut proof = state_proof();
        change(&mut proof);
        proof.verify(&policy()).unwrap_err().is_unknown()
    };
    assert!(unknown(|proof| proof.header[5] = 3));
    assert!(!unknown(|proof| proof.header[7] = 1));
    assert!(!unknown(|proof| proof.checkpoint.signatures.clear()));
}

#[test]
fn a_state_proof_has_8_claims_at_most() {
    let mut proof = state_proof();
    proof.claims = vec![proof.claims[0].clone(); CLAIMS_MAX];
    assert_eq!(StateProof::parse(proof.to_text().as_bytes()), Ok(proof));
}

#[test]
#[should_panic(expected = "9 claims")]
fn a_state_proof_of_9_claims_is_not_written() {
    let mut proof = state_proof();
    proof.claims = vec![proof.claims[0].clone(); CLAIMS_MAX + 1];
    proof.to_text();
}

#[test]
#[should_panic(expected = "a state has bytes")]
fn a_state_without_bytes_is_not_written() {
    let mut proof = state_proof();
    proof.claims[0].state = Some(vec![]);
    proof.to_text();
}

#[test]
fn a_state_proof_is_of_the_policys_ledger_and_its_header_shows_the_log_before_it() {
    let config = config();
    let other = Policy::new(ORIGIN, Uuid::from_u128(1), config.log_key, config.nodes, vec![]).unwrap();
    let found = state_proof().verify(&other).unwrap_err();
    assert!(matches!(found, StateProofError::OtherLedger { .. }) && !found.is_unknown());

    let mut leaves = leaves()[..9].to_vec();
    leaves[8][136] ^= 1;
    let forged = StateProof { header: leaves[8].clone(), checkpoint: seal(&checkpoint(&leaves)), ..state_proof() };
    assert_eq!(forged.verify(&policy()), Err(StateProofError::LogRoot));
}

#[test]
fn a_proof_has_as_many_bytes_as_it_may_and_no_more() {
    let unknown = |bytes_max: usize, parse: fn(&[u8]) -> MalformedProof| {
        assert!(parse(&vec![b'a'; bytes_max]).is_unknown());
        assert_eq!(parse(&vec![b'a'; bytes_max + 1]), MalformedProof::TooLong { bytes: bytes_max + 1, bytes_max });
    };
    unknown(STATE_PROOF_BYTES_MAX, |bytes| StateProof::parse(bytes).unwrap_err());
    unknown(CERTIFICATE_BYTES_MAX, |bytes| Certificate::parse(bytes).unwrap_err());
    assert_eq!(Receipt::parse(&vec![b'a'; RECEIPT_BYTES_MAX]), Err(MalformedReceipt::UnknownFormat));
}

#[test]
fn a_path_has_63_hashes_at_most() {
    let mut receipt = receipt(&leaves()[..9], 6, 8, false);
    receipt.path = vec![EMPTY_ROOT; PROOF_HASHES_MAX];
    receipt.header_path = receipt.path.clone();
    assert_eq!(Receipt::parse(receipt.to_text().unwrap().as_bytes()), Ok(receipt));
    let mut proof = state_proof();
    proof.header_path = vec![EMPTY_ROOT; PROOF_HASHES_MAX];
    assert_eq!(StateProof::parse(proof.to_text().as_bytes()), Ok(proof.clone()));
    proof.header_path.push(EMPTY_ROOT);
    assert!(matches!(StateProof::parse(proof.to_text().as_bytes()), Err(MalformedProof::Line { line: 3, .. })));
    let checkpoint = proof.checkpoint;
    let request = AddCheckpoint { old_size: 3, proof: vec![EMPTY_ROOT; PROOF_HASHES_MAX], checkpoint };
    assert_eq!(AddCheckpoint::parse(request.to_text().as_bytes()), Ok(request));
}

#[test]
#[should_panic(expected = "a path of 64 hashes")]
fn a_receipt_with_a_longer_path_is_not_written() {
    let mut receipt = receipt(&leaves()[..9], 6, 8, false);
    receipt.header_path = vec![EMPTY_ROOT; PROOF_HASHES_MAX + 1];
    let _ = receipt.to_text();
}

#[test]
fn a_note_has_256_signatures_at_most() {
    let line = "\u{2014} n AAAAAAA=\n";
    let parse = |count| SignedNote::parse(format!("a\n\n{}", line.repeat(count)).as_bytes());
    assert_eq!(parse(SIGNATURES_MAX).unwrap().signatures.len(), SIGNATURES_MAX);
    assert_eq!(parse(SIGNATURES_MAX + 1), Err(MalformedNote::TooManySignatures));
}

/// The size of its checkpoint would be 2^64.
#[test]
fn no_header_is_the_last_leaf_that_a_number_can_name() {
    let last = Header::decode(&leaves()[9]).unwrap();
    let header = |leaf_index| {
        let mut leaf = Header { leaf_index: u64::MAX - 1, first_leaf: u64::MAX - 1, ..last.clone() }.encode();
        leaf[40..48].copy_from_slice(&u64::to_be_bytes(leaf_index));
        leaf[56..64].copy_from_slice(&u64::to_be_bytes(leaf_index));
        Header::decode(&leaf)
    };
    assert_eq!(header(u64::MAX - 1).unwrap().log_size(), u64::MAX);
    assert!(matches!(header(u64::MAX), Err(DecodeError::Invalid { field: "leaf_index", .. })));
}

fn demanding(quorum: Quorum) -> Result<Policy, KeyError> {
    let config = config();
    let witnesses = ["walter", "xenia"].map(node).to_vec();
    Policy::new(ORIGIN, config.ledger_id, config.log_key, config.nodes, witnesses).unwrap().demanding(quorum)
}

fn group(name: &str, needed: usize, witnesses: &[&str]) -> Quorum {
    let members = witnesses.iter().map(|name| Quorum::Witness((*name).into())).collect();
    Quorum::Group { name: name.into(), needed, members }
}

#[test]
fn a_quorum_counts_nobody_twice_and_can_be_met() {
    let outside = |needed, witnesses: &[&str]| demanding(group("outside", needed, witnesses));
    assert!(outside(1, &["walter", "xenia"]).is_ok() && outside(2, &["walter", "xenia"]).is_ok());
    let twice = KeyError::SameName { name: "walter".into() };
    assert_eq!(outside(2, &["walter", "walter"]), Err(twice));
    for needed in [0, 3] {
        let threshold = KeyError::BadThreshold { name: "outside".into(), needed, members: 2 };
        assert_eq!(outside(needed, &["walter", "xenia"]), Err(threshold.clone()));
        let members = vec![group("outside", needed, &["walter", "xenia"])];
        assert_eq!(demanding(Quorum::Group { name: "all".into(), needed: 1, members }), Err(threshold));
    }
}

#[test]
fn a_group_has_a_name_of_its_own_that_a_policy_file_can_say() {
    for taken in ["walter", "alpha"] {
        assert_eq!(demanding(group(taken, 1, &["xenia"])), Err(KeyError::SameName { name: taken.into() }));
    }
    for unsayable in ["", "#out", "out side", "out\tside", "out\u{7f}", "none", "voters", "voters+witnesses"] {
        let refused = demanding(group(unsayable, 1, &["xenia"]));
        assert_eq!(refused, Err(KeyError::ReservedName { name: unsayable.into() }));
    }
}
