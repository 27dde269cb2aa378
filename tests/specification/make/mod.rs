//! Makes the vectors: what is put in, and which error must come out.

mod certificates;
mod custody;
mod keys;
mod leaves;
mod notes;
mod policies;
mod promises;
mod proof_headers;
mod proof_texts;
mod proofs;
mod receipts;
mod receipts_malformed;
mod receipts_refused;
mod state_proofs;
mod states;

use serde_json::{Value, json};

use crate::judge::judge;

/// Makes a file.
type Make = fn() -> Value;

/// Every file of vectors, without `.json`, and what makes it.
pub const FILES: [(&str, Make); 19] = [
    ("receipts", receipts::file),
    ("policies", policies::file),
    ("seals", notes::seals),
    ("notes", notes::notes),
    ("checkpoints", notes::checkpoints),
    ("verifier-keys", keys::verifier_keys),
    ("records", leaves::records),
    ("headers", leaves::headers),
    ("configs", leaves::configs),
    ("ids", keys::ids),
    ("payload-commitments", keys::payload_commitments),
    ("inclusion", proofs::inclusion),
    ("consistency", proofs::consistency),
    ("signatures", keys::signatures),
    ("promises", promises::file),
    ("states", states::states),
    ("map-proofs", states::map_proofs),
    ("state-proofs", state_proofs::file),
    ("certificates", certificates::file),
];

/// A file of vectors in the making.
pub struct Vectors {
    sort: &'static str,
    about: &'static str,
    policies: Value,
    cases: Vec<Value>,
}

impl Vectors {
    pub fn new(sort: &'static str, about: &'static str, policies: Value) -> Vectors {
        Vectors { sort, about, policies, cases: Vec::new() }
    }

    /// Something that must be accepted. What holds then is written down as the code says it.
    pub fn good(&mut self, name: &str, input: Value) {
        let judged = judge(self.sort, &input, &self.policies);
        assert!(judged.get("holds").is_some(), "{name}: {judged}");
        self.push(name, input, judged);
    }

    /// Something that must be refused with this error of the specification.
    #[track_caller]
    pub fn bad(&mut self, name: &str, error: &str, input: Value) {
        let judged = judge(self.sort, &input, &self.policies);
        assert_eq!(judged["error"], error, "{name}: {judged}");
        self.push(name, input, judged);
    }

    pub fn file(self) -> Value {
        json!({ "sort": self.sort, "about": self.about, "policies": self.policies, "cases": self.cases })
    }

    fn push(&mut self, name: &str, mut case: Value, judged: Value) {
        let fields = case.as_object_mut().unwrap();
        fields.extend(judged.as_object().unwrap().clone());
        fields.insert("name".into(), name.into());
        self.cases.push(case);
    }
}
