//! State proofs and certificates: what they prove, and that each rule is checked, in its place, with its own error.

mod small_ledger;

use bulla_sealing::*;
use small_ledger::*;

const DRILL: &[u8] = b"the drill";

/// What the log of this many leaves, which ends with a header, says of a key.
fn proof(size: usize, key: Hash) -> StateProof {
    let leaves = &leaves()[..size];
    let header = Header::decode(&leaves[size - 1]).unwrap();
    let map = state_map(header.leaf_index);
    assert_eq!(map.root(), header.state_root);
    let state = (key == leaf_hash(DRILL)).then(|| header.leaf_index.to_be_bytes().to_vec());
    StateProof {
        header: leaves[size - 1].clone(),
        header_path: inclusion_proof(header.leaf_index, size as u64, &hashes(leaves)[..]).unwrap(),
        claims: vec![Claim { key, state, proof: map.prove(&key) }],
        checkpoint: seal(&checkpoint(leaves)),
    }
}

fn drill() -> StateProof {
    proof(9, leaf_hash(DRILL))
}

/// The drill with records 7, 6 and 3.
fn certificate() -> Certificate {
    let leaves = &leaves()[..9];
    let record = |leaf_index: u64| ProvenRecord {
        leaf: leaves[leaf_index as usize].clone(),
        path: inclusion_proof(leaf_index, 9, &hashes(leaves)[..]).unwrap(),
    };
    Certificate { state: drill(), records: [7, 6, 3].map(record).to_vec() }
}

fn check(change: impl FnOnce(&mut StateProof)) -> StateProofError {
    let mut proof = drill();
    change(&mut proof);
    proof.verify(&policy()).unwrap_err()
}

#[test]
fn what_is_so_and_what_is_not_is_proven() {
    let present = drill();
    assert_eq!(StateProof::parse(present.to_text().as_bytes()), Ok(present.clone()));
    let verified = present.verify(&policy()).unwrap();
    assert_eq!(verified.states, [(leaf_hash(DRILL), Some(8u64.to_be_bytes().to_vec()))]);
    assert_eq!((verified.header.height, verified.sealed.checkpoint.size), (1, 9));

    let absent = proof(10, leaf_hash(b"a saw"));
    assert_eq!(StateProof::parse(absent.to_text().as_bytes()), Ok(absent.clone()));
    assert_eq!(absent.verify(&policy()).unwrap().states, [(leaf_hash(b"a saw"), None)]);
}

/// A receipt under the same checkpoint says the same of it.
#[test]
fn what_is_so_is_said_under_its_block_and_seal() {
    let of_receipt = receipt(&leaves()[..9], 6, 8, true).verify(&policy()).unwrap().to_string();
    let (_, block_and_seal) = of_receipt.split_once("\nblock ").unwrap();
    assert_eq!(drill().verify(&policy()).unwrap().to_string(), format!("block {block_and_seal}"));
}

#[test]
fn each_rule_has_its_own_error() {
    let key = leaf_hash(DRILL);
    assert!(matches!(check(|proof| proof.checkpoint.signatures.truncate(2)), StateProofError::Seal(_)));
    assert!(matches!(check(|proof| proof.header[5] = 0), StateProofError::Header(_)));
    let earlier = proof(5, key);
    let not_last = StateProofError::NotLast { leaf_index: 4, size: 9 };
    assert_eq!(check(|proof| proof.header = earlier.header), not_last);
    assert!(matches!(check(|proof| proof.header_path[0].0[0] ^= 1), StateProofError::HeaderPath(_)));
    assert!(matches!(check(|proof| proof.claims[0].key.0[31] ^= 1), StateProofError::Absent { .. }));
    assert!(matches!(
        check(|proof| proof.claims[0].proof = StateMap::new().prove(&key)),
        StateProofError::Claim { .. }
    ));
    let other = StateProofError::OtherState { key };
    assert_eq!(check(|proof| proof.claims[0].state = Some(b"lost".to_vec())), other);
    assert_eq!(check(|proof| proof.claims[0].state = None), StateProofError::NotAbsent { key });
}

#[test]
fn a_certificate_proves_each_of_its_records() {
    let certificate = certificate();
    assert_eq!(Certificate::parse(certificate.to_text().as_bytes()), Ok(certificate.clone()));
    assert_eq!(certificate.verify(&policy()).unwrap(), drill().verify(&policy()).unwrap());

    let check = |change: fn(&mut Certificate)| {
        let mut changed = certificate.clone();
        change(&mut changed);
        changed.verify(&policy()).unwrap_err()
    };
    assert!(matches!(check(|certificate| certificate.state.claims[0].state = None), CertificateError::State(_)));
    assert!(matches!(
        check(|certificate| certificate.records[1].leaf[4] = 7),
        CertificateError::Record { place: 1, .. }
    ));
    assert!(matches!(
        check(|certificate| certificate.records[2].leaf[20] ^= 1),
        CertificateError::RecordPath { place: 2, .. }
    ));
}

/// Every text that is this one but for a bit.
fn flips(text: &str) -> impl Iterator<Item = Vec<u8>> {
    (0..text.len() * 8).map(|place| {
        let mut changed = text.as_bytes().to_vec();
        changed[place / 8] ^= 1 << (place % 8);
        changed
    })
}

#[test]
fn a_state_proof_with_a_bit_changed_is_refused() {
    for changed in flips(&drill().to_text()) {
        let verified = StateProof::parse(&changed).map(|proof| proof.verify(&policy()));
        assert!(!matches!(verified, Ok(Ok(_))), "{}", String::from_utf8_lossy(&changed));
    }
}

#[test]
fn a_certificate_with_a_bit_changed_is_refused() {
    for changed in flips(&certificate().to_text()) {
        let verified = Certificate::parse(&changed).map(|certificate| certificate.verify(&policy()));
        assert!(!matches!(verified, Ok(Ok(_))), "{}", String::from_utf8_lossy(&changed));
    }
}

#[test]
fn a_text_has_one_spelling() {
    let refused = |text: String| {
        assert!(StateProof::parse(text.as_bytes()).is_err(), "{text}");
    };
    let text = drill().to_text();
    refused(text.replace("claim ", "claim  "));
    refused(text.replace('\n', "\r\n"));
    refused(text.replace("path ", "path"));
    refused(text.replace("\nclaim", "\n\nclaim"));
    refused(format!("{text}\n"));
    let claim = text.lines().find(|line| line.starts_with("claim ")).unwrap();
    refused(text.replace(claim, &[claim; CLAIMS_MAX + 1].join("\n")));
    refused(text.replace(claim, ""));
    let unknown = StateProof::parse(text.replace("@v1", "@v2").as_bytes()).unwrap_err();
    assert!(unknown.is_unknown());
    let record = certificate().to_text();
    assert!(Certificate::parse(record.replace("record ", "Record ").as_bytes()).is_err());
}
