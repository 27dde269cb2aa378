//! A ledger with sealed blocks to verify, and what an attacker who has all its keys could sign.

use std::path::PathBuf;

use bulla_client::{Act, BatchRequest, ItemAnswer, Named, Stage, TransferRequest};
use bulla_node::{Identity, identity_files};
use bulla_sealing::{Checkpoint, Hash, LogSigner, SignedNote, cosign, signed_checkpoint};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;
use serde_json::Value;

use crate::PROGRAM;
use crate::http::get;

/// A running cluster with `policy.txt` beside it.
pub struct Ledger {
    pub cluster: ProcessCluster,
    parties: u32,
}

impl Ledger {
    pub async fn start(servers: usize) -> Ledger {
        let cluster = ProcessCluster::start(PROGRAM, servers).await;
        std::fs::write(cluster.directory().join("policy.txt"), cluster.policy().to_text()).unwrap();
        Ledger { cluster, parties: 0 }
    }

    /// One server and three blocks or more.
    pub async fn of_one_server() -> Ledger {
        let mut ledger = Ledger::start(1).await;
        for _ in 0..3 {
            ledger.seal(4).await;
        }
        ledger
    }

    /// Enrols parties, and waits until every server has the seal. Makes a block or more, each but the first with a
    /// request that was refused for good.
    pub async fn seal(&mut self, parties: u32) {
        let enroll = |number| TransferRequest {
            act: Act::Enroll,
            party: Some(Named::from(format!("party {number}"))),
            ..TransferRequest::default()
        };
        let again = (self.parties > 0).then_some(0);
        let numbers = again.into_iter().chain(self.parties..self.parties + parties);
        self.parties += parties;
        let batch = BatchRequest { atomic: false, transfers: numbers.map(enroll).collect() };
        let answer = self.cluster.client().submit_batch(batch, Stage::Recorded).await.unwrap();
        let Some(ItemAnswer::Recorded(last)) = answer.results.last() else { panic!("{answer:?}") };
        for node in &self.cluster.config().nodes {
            let client = self.cluster.client_of_server(node.id);
            until("the last party is sealed", async || client.receipt(last.record_id, false).await.ok()).await;
        }
    }

    /// Where the first server listens.
    pub fn address(&self) -> String {
        self.cluster.config().nodes[0].http.to_string()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The newest checkpoint of the first server.
    pub async fn checkpoint(&self) -> SignedNote {
        SignedNote::parse(&get(&self.address(), "/checkpoint", &[]).await.body).unwrap()
    }

    /// Its size.
    pub async fn size(&self) -> u64 {
        self.checkpoint().await.text.parse::<Checkpoint>().unwrap().size
    }

    /// The keys of the first server.
    pub fn identity(&self) -> Identity {
        identity_files::load(&self.data()).unwrap()
    }

    pub fn data(&self) -> PathBuf {
        self.cluster.config().nodes[0].data.clone()
    }

    /// A checkpoint of a log that never was, signed by everybody.
    pub fn forge(&self, size: u64, root: Hash) -> SignedNote {
        let (policy, identity) = (self.cluster.policy(), self.identity());
        let checkpoint = Checkpoint { origin: policy.origin().to_owned(), size, root };
        let signature = LogSigner::new(identity.log_key, policy.origin()).sign(&checkpoint);
        let attestation = cosign(&identity.node_key, &identity.node_name, &checkpoint, 1_700_000_000);
        signed_checkpoint(&policy, &checkpoint, &signature, &[attestation]).unwrap()
    }

    /// Runs `bulla verify` with these arguments; how it ended, and what it printed.
    pub async fn verify(&self, arguments: &[&str]) -> Verdict {
        self.discover(&[&["--no-discovery"], arguments].concat()).await
    }

    /// The same, and asks the servers that those name as well.
    pub async fn discover(&self, arguments: &[&str]) -> Verdict {
        let all = [&["--json", "verify", "--policy", "policy.txt", "--evidence", "evidence"], arguments].concat();
        self.run(&all).await
    }

    /// Runs a command that prints JSON.
    pub async fn run(&self, arguments: &[&str]) -> Verdict {
        let output = self.cluster.run(arguments).await;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {errors}"));
        Verdict { exit: output.status.code().unwrap(), value }
    }
}

/// How a verification ended.
#[derive(Debug)]
pub struct Verdict {
    pub exit: i32,
    pub value: Value,
}

impl Verdict {
    /// It found only this, which proves tampering; returns what it said.
    pub fn proves(self, finding: &str) -> Found {
        self.found(1, finding)
    }

    /// It found only this, and could not check further; returns what it said.
    pub fn leaves_open(self, finding: &str) -> Found {
        self.found(2, finding)
    }

    /// Everything is proven.
    pub fn all_proven(self) -> Value {
        assert_eq!((self.exit, &self.value["proven"]), (0, &Value::Bool(true)), "{:#}", self.value);
        self.value
    }

    fn found(self, exit: i32, finding: &str) -> Found {
        let findings = self.value["findings"].as_array().expect("a list");
        let codes: Vec<&str> = findings.iter().map(|finding| finding["finding"].as_str().unwrap()).collect();
        assert_eq!((self.exit, codes.as_slice()), (exit, &[finding][..]), "{:#}", self.value);
        assert_eq!(findings[0]["proves_tampering"], Value::Bool(exit == 1));
        assert!(!findings[0]["means"].as_str().unwrap().is_empty(), "it says what follows for the reader");
        Found {
            at: findings[0]["at"].as_str().unwrap().into(),
            what: findings[0]["what"].as_str().unwrap().into(),
            evidence: findings[0]["evidence"].as_array().unwrap().len(),
        }
    }
}

/// The one thing that was found.
#[derive(Debug)]
pub struct Found {
    pub at: String,
    pub what: String,
    /// Number of files kept.
    pub evidence: usize,
}
