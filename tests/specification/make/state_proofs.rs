//! What is so, as a node shows it: state proofs that must verify, and one for each rule that they can break.

use bulla_ledger::{AssetId, PartyId};
use bulla_sealing::{CLAIMS_MAX, Claim, STATE_PROOF_BYTES_MAX, StateProof};
use serde_json::{Value, json};

use super::proof_texts::{self, Text};
use super::receipts::policies;
use super::{Vectors, proof_headers};
use crate::story::{ANNA, BERT, DRILL, HEADER, NOBODY, SAW, SCREWS, Story, key_of, key_of_screws};

const STRANGER: PartyId = PartyId::from_bytes([0xee; 16]);
const GLUE: AssetId = AssetId::from_bytes([0x61; 16]);

pub fn file() -> Value {
    let about =
        "A state proof under a policy; with `asset`, and perhaps `party`, what it answers when asked about them.";
    let mut vectors = Vectors::new("state proofs", about, policies());
    let keys = [key_of(DRILL), key_of(GLUE), key_of_screws(ANNA), key_of_screws(STRANGER)];
    vectors.good("a state, and none, and another, and none", input("3 nodes", &Story::new().proof(&keys)));
    vectors.good("a header of block 1", input("3 nodes", &Story::new().proof_as_of(&keys, HEADER + 1, HEADER + 2)));
    vectors.good("8 claims", input("3 nodes", &Story::new().proof(&keys.repeat(2))));
    answers(&mut vectors);
    refused(&mut vectors);
    claims(&mut vectors);
    vectors.file()
}

fn input(policy: &str, proof: &StateProof) -> Value {
    json!({ "policy": policy, "proof": proof.to_text() })
}

fn asked(proof: &StateProof, asset: AssetId, party: Option<PartyId>) -> Value {
    let mut input = input("3 nodes", proof);
    input["asset"] = json!(asset.to_string());
    if let Some(party) = party {
        input["party"] = json!(party.to_string());
    }
    input
}

/// Who asks about an asset is answered about that asset.
fn answers(vectors: &mut Vectors) {
    let story = Story::new();
    let proof = |keys: &[_]| story.proof(keys);
    let screws = |party| asked(&proof(&[key_of_screws(party)]), SCREWS, Some(party));
    vectors.good("asked: a retired asset", asked(&proof(&[key_of(DRILL)]), DRILL, None));
    vectors.good("asked: an asset of which somebody is asked too", asked(&proof(&[key_of(SAW)]), SAW, Some(BERT)));
    vectors.good("asked: what is outstanding", asked(&proof(&[key_of_screws(NOBODY)]), SCREWS, None));
    vectors.good("asked: what Anna has", screws(ANNA));
    vectors.good("asked: what nobody has", screws(NOBODY));
    let none = [key_of(SCREWS), key_of_screws(STRANGER)];
    vectors.good("asked: what a stranger never had", asked(&proof(&none), SCREWS, Some(STRANGER)));
    let [glue, glue_of_nobody] = bulla_ledger::lookup_keys(GLUE, None).map(bulla_sealing::Hash);
    vectors.good("asked: an asset that is not there", asked(&proof(&[glue, glue_of_nobody]), GLUE, None));

    for (name, keys, asset, party) in [
        ("one half of a denial", vec![glue], GLUE, None),
        ("the other half of a denial", vec![glue_of_nobody], GLUE, None),
        ("a denial backwards", vec![glue_of_nobody, glue], GLUE, None),
        ("a denial of another asset", vec![glue, glue_of_nobody], AssetId::from_bytes([0x62; 16]), None),
        ("a denial for somebody else", none.to_vec(), SCREWS, None),
        ("another asset", vec![key_of(SAW)], DRILL, None),
        ("what another party has", vec![key_of_screws(ANNA)], SCREWS, Some(BERT)),
        ("what is outstanding, when asked about Anna", vec![key_of_screws(NOBODY)], SCREWS, Some(ANNA)),
        ("two states", vec![key_of(DRILL), key_of(SAW)], DRILL, None),
        ("a state, and the denial of the other sort", vec![key_of(SAW), key_of_screws(STRANGER)], SAW, None),
    ] {
        vectors.bad(&format!("asked: {name}"), "Lookup.OtherKeys", asked(&proof(&keys), asset, party));
    }
    for (name, error, change) in [
        ("a state of 71 bytes", "State.WrongLength", (|state| state.truncate(71)) as fn(&mut Vec<u8>)),
        ("a state with status 2", "State.UnknownFlag", |state| state[48] = 2),
        ("a state with a reserved byte", "State.ReservedNotZero", |state| state[55] = 1),
        ("a state of another asset under this key", "OtherKey", |state| state[15] ^= 1),
    ] {
        let proof = Story::new().state(key_of(SAW), change).proof(&[key_of(SAW)]);
        vectors.bad(&format!("asked: {name}"), &format!("Lookup.{error}"), asked(&proof, SAW, None));
    }
    let proof = Story::new().state(key_of(SAW), |state| state[15] ^= 1).proof(&[key_of(SAW)]);
    vectors.good("a state that nobody asks about may be anything", input("3 nodes", &proof));
}

fn refused(vectors: &mut Vectors) {
    let whole = Story::new().proof(&[key_of(SAW)]);
    let text = whole.to_text();
    proof_texts::refused(vectors, &Text { field: "proof", whole: &text, bytes_max: STATE_PROOF_BYTES_MAX });
    let claim = text.lines().find(|line| line.starts_with("claim ")).unwrap();
    let lines = [claim; CLAIMS_MAX + 1].join("\n");
    let nine = json!({ "policy": "3 nodes", "proof": text.replace(claim, &lines) });
    vectors.bad("9 claims", "Malformed.LeftOver", nine);
    let record = json!({ "policy": "3 nodes", "proof": text.replace(claim, &format!("{claim}\nrecord AAAA ")) });
    vectors.bad("a record", "Malformed.LeftOver", record);
    let certificate = json!({ "policy": "3 nodes", "proof": Story::new().certificate(key_of(SAW), &[11]).to_text() });
    vectors.bad("a certificate", "Malformed.UnknownFormat", certificate);
    proof_headers::refused(vectors, "", input);
}

/// Claims that decode, and are not so.
fn claims(vectors: &mut Vectors) {
    let mut with = |name: &str, error: &str, change: &dyn Fn(&mut Claim)| {
        let mut proof = Story::new().proof(&[key_of(DRILL), key_of(SAW)]);
        change(&mut proof.claims[1]);
        vectors.bad(name, error, input("3 nodes", &proof));
    };
    let other = Story::new().proof(&[key_of(GLUE), key_of_screws(NOBODY)]).claims;
    with("the proof of another key", "Claim.OtherPlace", &|claim| claim.proof = other[1].proof.clone());
    let older = Story::new().state(key_of(DRILL), |state| state[48] = 0).proof(&[key_of(SAW)]).claims;
    with("a proof against another root", "Claim.RootMismatch", &|claim| claim.proof = older[0].proof.clone());
    with("a state with one bit changed", "OtherState", &|claim| claim.state.as_mut().unwrap()[47] ^= 1);
    with("a state that is longer", "OtherState", &|claim| claim.state.as_mut().unwrap().push(0));
    with("a state that is denied", "NotAbsent", &|claim| claim.state = None);
    let mut invented = other[0].clone();
    invented.state = older[0].state.clone();
    with("a state where there is none", "Absent", &|claim| *claim = invented.clone());
    let mut near = Story::new().proof(&[key_of(SAW)]);
    near.claims[0].key.0[31] ^= 1;
    vectors.bad("the state of a key that differs in its last bit", "Absent", input("3 nodes", &near));
    near.claims[0].state = None;
    vectors.good("no state of a key that differs in its last bit", input("3 nodes", &near));
}
