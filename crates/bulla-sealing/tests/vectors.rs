//! Published vectors of others: RFC 6962 proofs, Ed25519 edge cases, signed notes.

use std::path::Path;

use bulla_sealing::*;
use serde_json::Value;

/// A vector file from beside the repository; `None`, saying so, when it is not there.
fn vectors(name: &str) -> Option<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let path = Path::new(directory).join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: there is no {}", path.display());
    }
    text
}

/// A case of the RFC 6962 files.
struct Case(Value);

impl Case {
    fn number(&self, field: &str) -> u64 {
        self.0[field].as_u64().expect("a number")
    }

    /// `None` when the hash is not 32 bytes long, so that there is no such [`Hash`].
    fn hash(&self, field: &str) -> Option<Hash> {
        Hash::from_base64(self.0[field].as_str().expect("a string"))
    }

    fn proof(&self) -> Option<Vec<Hash>> {
        let Some(hashes) = self.0["proof"].as_array() else {
            return Some(vec![]);
        };
        hashes.iter().map(|hash| Hash::from_base64(hash.as_str().expect("a string"))).collect()
    }

    fn inclusion(&self) -> Option<Result<(), ProofError>> {
        Some(verify_inclusion(
            self.number("leafIdx"),
            self.number("treeSize"),
            &self.hash("leafHash")?,
            &self.proof()?,
            &self.hash("root")?,
        ))
    }

    fn consistency(&self) -> Option<Result<(), ProofError>> {
        let (root1, root2) = match self.0["case"] == TWELVE_BYTE_ROOTS {
            true => (self.stand_in("root1"), self.stand_in("root2")),
            false => (self.hash("root1")?, self.hash("root2")?),
        };
        Some(verify_consistency(self.number("size1"), self.number("size2"), &self.proof()?, &root1, &root2))
    }

    /// A hash that is equal where the published values are.
    fn stand_in(&self, field: &str) -> Hash {
        assert_eq!(self.hash(field), None);
        leaf_hash(self.0[field].as_str().expect("a string").as_bytes())
    }
}

// The only case that is to be accepted and has roots of 12 bytes: equal sizes, equal roots, empty
// proof. All other hashes of odd lengths are to be refused, which the type already does.
const TWELVE_BYTE_ROOTS: &str = "consistency/additional/sizes-are-equal-one-and-proof-is-empty";

fn check(file: &str, verify: impl Fn(&Case) -> Option<Result<(), ProofError>>) {
    let Some(text) = vectors(file) else { return };
    let mut count = 0;
    for line in text.lines() {
        let case = Case(serde_json::from_str(line).expect("JSON"));
        let accepted = matches!(verify(&case), Some(Ok(())));
        let expected = !case.0["wantErr"].as_bool().expect("a bool");
        assert_eq!(accepted, expected, "{}", case.0["case"]);
        count += 1;
    }
    assert_eq!(count, 98);
}

#[test]
fn inclusion_proofs_are_judged_as_published() {
    check("rfc6962-inclusion.jsonl", Case::inclusion);
}

#[test]
fn consistency_proofs_are_judged_as_published() {
    check("rfc6962-consistency.jsonl", Case::consistency);
}

#[test]
fn wycheproof_signatures_are_judged_as_published() {
    let Some(text) = vectors("wycheproof-ed25519.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let mut count = 0;
    for group in file["testGroups"].as_array().expect("groups") {
        let key = hex(&group["publicKey"]["pk"]).try_into().expect("32 bytes");
        for case in group["tests"].as_array().expect("tests") {
            let verdict = verify_strict(&key, &hex(&case["msg"]), &hex(&case["sig"]));
            assert_eq!(verdict.is_ok(), case["result"] == "valid", "{}", case["tcId"]);
            count += 1;
        }
    }
    assert_eq!(count, 151);
}

#[test]
fn of_914_edge_cases_of_ed25519_exactly_43_are_accepted() {
    let Some(text) = vectors("cctv-ed25519.json") else {
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let accepted = cases.iter().filter(|case| {
        let key = hex(&case["key"]).try_into().expect("32 bytes");
        let message = case["msg"].as_str().expect("a string");
        verify_strict(&key, message.as_bytes(), &hex(&case["sig"])).is_ok()
    });
    assert_eq!((accepted.count(), cases.len()), (43, 914));
}

/// The example of C2SP signed-note: a verifier key and a note that it verifies.
#[test]
fn the_example_of_the_signed_note_specification_verifies() {
    let key: VerifierKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".parse().unwrap();
    let text = "This is an example message.\n\n\
        \u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let note = SignedNote::parse(text.as_bytes()).unwrap();
    let line = &note.signatures[0];
    assert_eq!((line.name.as_str(), line.key_id), ("example.com/foo", key.key_id()));
    verify_strict(&key.public_key, note.text.as_bytes(), &line.signature).unwrap();
}

/// The verifier key of a public witness: type 04.
#[test]
fn the_key_of_a_public_witness_parses() {
    let text = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let key: VerifierKey = text.parse().unwrap();
    assert_eq!(key.signature_type, SignatureType::Cosignature);
    assert_eq!(key.to_string(), text);
}

/// The example of C2SP tlog-cosignature; its keys are not published.
#[test]
fn the_example_of_the_cosignature_specification_parses() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = SignedNote::parse(text.as_bytes()).unwrap();
    let checkpoint: Checkpoint = note.text.parse().unwrap();
    assert_eq!(checkpoint.size, 20_852_163);
    assert_eq!(note.signatures[0].signature.len(), 64);
    let cosignature = &note.signatures[1].signature;
    assert_eq!(cosignature.len(), 72);
    assert_eq!(cosignature[..8], 1_679_315_147_u64.to_be_bytes());
    assert_eq!(note.to_string(), text);
}

fn hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().expect("a string").as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
