//! Three real servers and two real witnesses: what they cosign is in receipts, and what they do not holds nothing up.

use bulla_client::{Act, Client, Named, Stage, TransferRequest};
use bulla_sealing::{ConfigNode, Policy, Quorum, ReceiptError, SealError, SignedNote, verify_receipt};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;
use uuid::Uuid;

use crate::http::get;
use crate::process::WitnessProcess;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");

/// A cluster that runs, and its two witnesses.
struct Witnessed {
    cluster: ProcessCluster,
    witnesses: [WitnessProcess; 2],
}

impl Witnessed {
    async fn start() -> Witnessed {
        let mut cluster = ProcessCluster::prepare(PROGRAM, 3).await;
        let mut witnesses = Vec::new();
        let path = cluster.directory().join("cluster.toml");
        let mut config = std::fs::read_to_string(&path).unwrap();
        for name in ["north.example", "south.example"] {
            let witness = WitnessProcess::start(cluster.directory(), name, &[cluster.policy()]).await;
            config += &format!("\n[[witness]]\nurl = \"{}\"\nvkey = \"{}\"\n", witness.url, witness.key);
            witnesses.push(witness);
        }
        std::fs::write(&path, config).unwrap();
        for node_id in 1..=3 {
            cluster.start_server(node_id).await;
        }
        Witnessed { cluster, witnesses: witnesses.try_into().ok().unwrap() }
    }

    /// The policy of a verifier that demands so many of the two witnesses.
    fn demanding(&self, needed: usize) -> Policy {
        let policy = self.cluster.policy();
        let keys = self.witnesses.each_ref().map(|witness| &witness.key);
        let witnesses = keys.map(|key| ConfigNode { name: key.name.clone(), public_key: key.public_key }).to_vec();
        let (origin, log_key) = (policy.origin(), *policy.log_key());
        let known = Policy::new(origin, policy.ledger_id(), log_key, policy.nodes().to_vec(), witnesses).unwrap();
        let members = keys.map(|key| Quorum::Witness(key.name.clone())).to_vec();
        known.demanding(Quorum::Group { name: "outside".into(), needed, members }).unwrap()
    }

    /// Asks a server for a receipt until it satisfies a policy.
    async fn receipt(&self, node_id: u64, record_id: Uuid, policy: &Policy) -> String {
        let client = self.cluster.client_of_server(node_id);
        until("the receipt satisfies the policy", async || {
            let text = client.receipt(record_id, false).await.ok()?.text;
            verify_receipt(text.as_bytes(), policy).ok().map(|_| text)
        })
        .await
    }

    fn url(&self, node_id: u64) -> String {
        format!("http://{}", self.cluster.config().node(node_id).unwrap().http)
    }
}

/// Enrolls a party, and waits until that is sealed; the record's id.
async fn enroll(client: &Client, name: &str) -> Uuid {
    let party = Some(Named::from(name));
    let request = TransferRequest { act: Act::Enroll, party, ..TransferRequest::default() };
    let recorded = client.submit(request, Stage::Sealed).await.unwrap();
    assert_eq!(recorded.stage, Stage::Sealed, "sealing waits for no witness");
    recorded.record_id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_gives_receipts_and_checkpoints_that_both_witnesses_cosigned() {
    let mut witnessed = Witnessed::start().await;
    let record_id = enroll(&witnessed.cluster.client(), "Central stores").await;
    let both = witnessed.demanding(2);
    let mut receipts = Vec::new();
    for node_id in 1..=3 {
        let text = witnessed.receipt(node_id, record_id, &both).await;
        let verified = verify_receipt(text.as_bytes(), &both).unwrap();
        assert_eq!(verified.sealed.witnesses.len(), 2);
        receipts.push((text, verified.sealed.checkpoint.size));
    }

    // Every server serves what it has: the newest checkpoint, and the one that its receipt is made against.
    for (node_id, (_, size)) in (1..).zip(&receipts) {
        let url = witnessed.url(node_id);
        let note = get(&url, &format!("/checkpoint/{size}")).await;
        let note = SignedNote::parse(note.body.as_bytes()).unwrap();
        assert_eq!(both.verify(&note).unwrap().witnesses.len(), 2);
        until("the newest checkpoint is cosigned by both", async || {
            let note = SignedNote::parse(get(&url, "/checkpoint").await.body.as_bytes()).ok()?;
            both.verify(&note).ok()
        })
        .await;
        let metrics = get(&url, "/metrics").await.body;
        let gauge =
            metrics.lines().find(|line| line.starts_with("bulla_witness_size") && line.contains("north.example"));
        let value: f64 = gauge.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap();
        assert!(value >= *size as f64, "{gauge:?}");
    }

    // `receipt verify` says who witnessed, from a file that a person wrote, without anybody running.
    let directory = witnessed.cluster.directory();
    std::fs::write(directory.join("receipt.txt"), &receipts[0].0).unwrap();
    std::fs::write(directory.join("policy.txt"), both.to_text()).unwrap();
    for witness in &mut witnessed.witnesses {
        witness.kill().await;
    }
    for node_id in 1..=3 {
        witnessed.cluster.kill(node_id).await;
    }
    let words = witnessed.cluster.succeed(&["receipt", "verify", "receipt.txt", "--policy", "policy.txt"]).await;
    assert!(words.contains("north.example at ") && words.contains("south.example at "), "{words}");

    // A server that was killed has kept its cosignatures, and gives them out while the witnesses are gone.
    for node_id in 1..=3 {
        witnessed.cluster.start_server(node_id).await;
    }
    witnessed.receipt(2, record_id, &both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_down_holds_nothing_up_and_is_missed_by_those_only_who_demand_it() {
    let mut witnessed = Witnessed::start().await;
    let (one, both) = (witnessed.demanding(1), witnessed.demanding(2));
    let before = enroll(&witnessed.cluster.client(), "Central stores").await;
    for node_id in 1..=3 {
        witnessed.receipt(node_id, before, &both).await;
    }

    witnessed.witnesses[1].kill().await;
    let during = enroll(&witnessed.cluster.client(), "Ada Byron").await;
    for node_id in 1..=3 {
        let text = witnessed.receipt(node_id, during, &one).await;
        verify_receipt(text.as_bytes(), &witnessed.cluster.policy()).unwrap();
        let missed = verify_receipt(text.as_bytes(), &both).unwrap_err();
        let ReceiptError::Seal(SealError::WitnessesMissing { signed, .. }) = missed else { panic!("{missed}") };
        assert_eq!(signed, ["north.example"]);
        witnessed.receipt(node_id, before, &both).await;
    }
    let problem = until("the status names the witness that does not answer", async || {
        let witnesses = witnessed.cluster.client().cluster().await.ok()?.witnesses;
        let [north, south] = witnesses.as_slice() else { panic!("{witnesses:?}") };
        assert!(south.cosigned_size < north.cosigned_size || south.lag_leaves > 0 || north.lag_leaves > 0);
        south.problem.clone().filter(|_| north.problem.is_none())
    })
    .await;
    let words = witnessed.cluster.succeed(&["cluster", "status"]).await;
    assert!(words.contains("south.example") && words.contains("DOES NOT COSIGN"), "{problem}: {words}");

    // Back again, it cosigns what is newest. That covers what was sealed without it.
    witnessed.witnesses[1].start_again().await;
    for node_id in 1..=3 {
        witnessed.receipt(node_id, during, &both).await;
    }
}
