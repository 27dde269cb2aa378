//! What nobody thought of: inputs changed by chance, on which both verifiers must say the same.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::forgery::{Forgery, genesis, policy};
use crate::judge::{hex, judge};
use crate::python::must_agree;
use crate::story::{ANNA, BERT, DRILL, NOBODY, SAW, Story, key_of, key_of_screws};

const CASES: usize = 500;

/// The numbers of splitmix64 from this seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((number ^ number >> 31) % end as u64) as usize
    }

    /// A byte becomes another one that is likely to mean something.
    fn change_field(&mut self, bytes: &mut [u8]) {
        let place = self.below(bytes.len());
        let any = self.below(256) as u8;
        bytes[place] = [0, 1, 2, 0xff, bytes[place] ^ 1, bytes[place] ^ 0x80, any][self.below(7)];
    }

    /// A byte changed, put in, taken out or doubled, or two lines swapped.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len());
        match self.below(6) {
            0 => bytes[place] = self.below(256) as u8,
            1 => bytes[place] ^= 1 << self.below(8),
            2 => bytes.insert(place, b" \n+\t=0A\r"[self.below(8)]),
            3 => drop(bytes.remove(place)),
            4 => bytes.insert(place, bytes[place]),
            _ => {
                let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
                let [one, other] = [self.below(lines.len()), self.below(lines.len())];
                lines.swap(one, other);
                *bytes = lines.concat();
            }
        }
    }
}

/// Writes the cases with this project's verdicts, and asks the verifier in Python about them.
#[track_caller]
fn both_say_the_same(sort: &str, policies: &Value, inputs: Vec<Value>) {
    let cases = inputs.into_iter().enumerate().map(|(number, mut case)| {
        let judged = judge(sort, &case, policies);
        let fields = case.as_object_mut().unwrap();
        fields.extend(judged.as_object().unwrap().clone());
        fields.insert("name".into(), number.to_string().into());
        case
    });
    let cases: Vec<Value> = cases.collect();
    let count = cases.len();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("changed.json");
    let vectors = json!({ "sort": sort, "policies": policies, "cases": cases });
    fs::write(&file, vectors.to_string()).unwrap();
    must_agree(&[file.to_str().unwrap()], count);
}

fn policies() -> Value {
    json!({ "3 nodes": policy(3).to_text() })
}

#[test]
fn receipts_with_changed_text_are_judged_alike() {
    let mut chance = Chance(1);
    let whole = Forgery::new(3).text().into_bytes();
    let inputs = (0..CASES).map(|_| {
        let mut text = whole.clone();
        for _ in 0..=chance.below(2) {
            chance.change(&mut text);
        }
        json!({ "policy": "3 nodes", "receipt_hex": hex(&text) })
    });
    both_say_the_same("receipts", &policies(), inputs.collect());
}

/// All signatures are good; what was signed is not.
#[test]
fn receipts_of_ledgers_with_changed_leaves_are_judged_alike() {
    let mut chance = Chance(2);
    let inputs = (0..CASES).map(|_| {
        let place = [6, 8][chance.below(2)];
        let mut change = |leaf: &mut Vec<u8>| {
            let byte = chance.below(leaf.len());
            leaf[byte] = [0, 1, 2, 0xff, chance.below(256) as u8][chance.below(5)];
        };
        let forgery = Forgery::new(3);
        let forgery = if place == 8 { forgery.header(8, &mut change) } else { forgery.leaf(6, &mut change) };
        json!({ "policy": "3 nodes", "receipt": forgery.text() })
    });
    both_say_the_same("receipts", &policies(), inputs.collect());
}

#[test]
fn changed_state_proofs_and_certificates_are_judged_alike() {
    let mut chance = Chance(4);
    let proof = Story::new().proof(&[key_of(DRILL), key_of_screws(ANNA), key_of(SAW)]).to_text();
    let certificate = Story::new().certificate(key_of_screws(ANNA), &[8, 7]).to_text();
    for (sort, field, whole) in [("state proofs", "proof_hex", proof), ("certificates", "certificate_hex", certificate)]
    {
        let mut changed = || {
            let mut text = whole.clone().into_bytes();
            for _ in 0..=chance.below(2) {
                chance.change(&mut text);
            }
            json!({ "policy": "3 nodes", field: hex(&text) })
        };
        both_say_the_same(sort, &policies(), (0..CASES).map(|_| changed()).collect());
    }
}

/// All signatures are good; a record or a state is not what it was.
#[test]
fn certificates_of_ledgers_with_changed_records_are_judged_alike() {
    let mut chance = Chance(5);
    let chains = [
        (key_of(DRILL), vec![5, 4, 3, 2, 1]),
        (key_of_screws(NOBODY), vec![10, 9, 7, 6]),
        (key_of_screws(ANNA), vec![8, 7]),
        (key_of_screws(BERT), vec![9, 8]),
    ];
    let inputs = (0..CASES).map(|_| {
        let (key, records) = &chains[chance.below(chains.len())];
        let story = match chance.below(4) {
            0 => Story::new().state(*key, |state| chance.change_field(state)),
            _ => Story::new().leaf(records[chance.below(records.len())], |leaf| chance.change_field(&mut leaf[4..144])),
        };
        json!({ "policy": "3 nodes", "certificate": story.certificate(*key, records).to_text() })
    });
    both_say_the_same("certificates", &policies(), inputs.collect());
}

/// Proofs in which any byte may be small, so that lengths and flags often mean something.
#[test]
fn changed_proofs_of_one_key_are_judged_alike() {
    let mut chance = Chance(6);
    let map = Story::new().map();
    let key = key_of(SAW);
    let inputs = (0..CASES).map(|_| {
        let mut proof = map.prove(&key).encode();
        for _ in 0..=chance.below(2) {
            chance.change_field(&mut proof);
        }
        json!({ "proof": hex(&proof), "root": map.root().to_string(), "key": key.to_string() })
    });
    both_say_the_same("map proofs", &Value::Null, inputs.collect());
}

#[test]
fn changed_notes_policies_and_configs_are_judged_alike() {
    let mut chance = Chance(3);
    let mut changed = |whole: &[u8]| -> Vec<Vec<u8>> {
        let mut one = || {
            let mut bytes = whole.to_vec();
            chance.change(&mut bytes);
            bytes
        };
        (0..CASES).map(|_| one()).collect()
    };
    let note = Forgery::new(3).receipt().checkpoint.to_string();
    let notes = changed(note.as_bytes()).into_iter().map(|note| json!({ "note_hex": hex(&note) }));
    both_say_the_same("notes", &Value::Null, notes.collect());

    // A reader may take other spellings of the ledger's UUID, so that one word stays as it is.
    let text = policy(3).to_text();
    let ledger = policy(3).ledger_id().to_string();
    let policies = changed(text.as_bytes()).into_iter().filter_map(|text| String::from_utf8(text).ok());
    let policies =
        policies.filter(|text| text.contains(&format!("urn:uuid:{ledger}"))).map(|text| json!({ "text": text }));
    both_say_the_same("policies", &Value::Null, policies.collect());

    let configs = changed(&genesis(3).encode()).into_iter().map(|leaf| json!({ "leaf": hex(&leaf) }));
    both_say_the_same("configs", &Value::Null, configs.collect());
}
