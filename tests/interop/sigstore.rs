//! Receipts of a running server before sigstore's verifiers: accepted as they are, refused as soon as anything differs.

use bulla_client::{Act, BatchRequest, Client, ItemAnswer, Named, Stage, TransferRequest};
use bulla_sealing::{
    Checkpoint, Hash, LogSigner, NoteSignature, Receipt, SignatureType, SignedNote, SigningKey, VerifierKey,
};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;
use serde_json::json;
use uuid::Uuid;

use crate::entries::{LogEntry, trusted_root};
use crate::installed::Verifier;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");

/// Who else might sign, with a key of its own.
const STRANGER: [u8; 32] = [7; 32];

#[tokio::test(flavor = "multi_thread")]
async fn sigstore_for_python_accepts_every_receipt_and_none_that_was_changed() {
    judged(Verifier::Python, ["root hash", "wrong size", "signature", "signature not found"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigstore_for_javascript_accepts_every_receipt_and_none_that_was_changed() {
    judged(Verifier::JavaScript, ["root hash", "hash count", "checkpoint signature", "checkpoint signature"]).await;
}

/// Has a verifier judge the receipts of a server, and what they could be changed into. What it says of a wrong root, of
/// a path of the wrong length, of a signature that is none, and of one by nobody it knows has these words in it.
async fn judged(verifier: Verifier, [root, length, bad, strange]: [&str; 4]) {
    let cluster = ProcessCluster::start(PROGRAM, 1).await;
    let client = cluster.client();
    let mut entries = Vec::new();
    for record_id in enroll(&client, 300).await {
        let proven = until("the record is sealed", async || client.receipt(record_id, false).await.ok()).await;
        entries.push(LogEntry::of(&Receipt::parse(proven.text.as_bytes()).unwrap()));
    }
    let sizes = |entry: &LogEntry| entry.checkpoint.text.parse::<Checkpoint>().unwrap().size;
    assert!(sizes(&entries[0]) > 300 && entries.iter().all(|entry| entry.path.len() > 1));

    let mut cases: Vec<(String, LogEntry, Option<&str>)> = Vec::new();
    for entry in &entries {
        cases.push((format!("leaf {}", entry.index), entry.clone(), None));
    }
    let good = &entries[entries.len() / 2];
    let mut changed = |name: &str, said, change: &dyn Fn(&mut LogEntry)| {
        let mut entry = good.clone();
        change(&mut entry);
        cases.push((name.to_owned(), entry, Some(said)));
    };
    for at in [0, good.leaf.len() / 2, good.leaf.len() - 1] {
        changed(&format!("leaf with another byte {at}"), root, &|entry| entry.leaf[at] ^= 1);
    }
    changed("leaf that is longer", root, &|entry| entry.leaf.push(0));
    for at in 0..good.path.len() {
        changed(&format!("path with another hash {at}"), root, &|entry| entry.path[at].0[31] ^= 1);
    }
    changed("path that is shorter", length, &|entry| entry.path.truncate(entry.path.len() - 1));
    changed("path that is longer", length, &|entry| entry.path.push(Hash([0; 32])));
    changed("leaf beside it", root, &|entry| entry.index ^= 1);
    changed("tree that nobody signed", bad, &|entry| {
        let mut tree: Checkpoint = entry.checkpoint.text.parse().unwrap();
        (tree.root, entry.path) = (bulla_sealing::leaf_hash(&entry.leaf), Vec::new());
        (tree.size, entry.index) = (1, 0);
        entry.checkpoint.text = tree.to_string();
    });
    changed("signature with another bit", bad, &|entry| {
        *entry.checkpoint.signatures[0].signature.last_mut().unwrap() ^= 1
    });
    changed("checkpoint without the log's line", strange, &|entry| drop(entry.checkpoint.signatures.remove(0)));
    changed("checkpoint signed by another key", strange, &|entry| {
        entry.checkpoint = signed_by_a_stranger(&entry.checkpoint)
    });
    changed("checkpoint signed by another key under the log's id", bad, &|entry| {
        let id = entry.checkpoint.signatures[0].key_id;
        entry.checkpoint = signed_by_a_stranger(&entry.checkpoint);
        entry.checkpoint.signatures[0].key_id = id;
    });

    let policy = cluster.policy();
    let key = policy.log_verifier_key();
    let files = ["root.json", "entries.json"].map(|name| cluster.directory().join(name));
    std::fs::write(&files[0], trusted_root(&policy).to_string()).unwrap();
    let written = cases.iter().map(|(name, entry, _)| json!({ "name": name, "entry": entry.to_json(&key) }));
    std::fs::write(&files[1], json!(written.collect::<Vec<_>>()).to_string()).unwrap();
    let Some(said) = verifier.judge(&files[0], &files[1]) else { return };
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(said.len(), cases.len(), "{said:#?}");
    for ((name, _, refusal), said) in cases.iter().zip(said) {
        match refusal {
            None => assert_eq!(said, format!("{name}: accepted")),
            Some(word) => {
                let refused = said.strip_prefix(&format!("{name}: refused: ")).unwrap_or_else(|| panic!("{said}"));
                assert!(refused.to_lowercase().contains(word), "{said}");
            }
        }
    }
}

/// The same tree under the same name, and one line: that of somebody else's key.
fn signed_by_a_stranger(note: &SignedNote) -> SignedNote {
    let tree: Checkpoint = note.text.parse().unwrap();
    let key = SigningKey::from_bytes(&STRANGER);
    let name = tree.origin.clone();
    let public_key = key.verifying_key().to_bytes();
    let known = VerifierKey { name: name.clone(), signature_type: SignatureType::Log, public_key };
    let signature = LogSigner::new(key, &name).sign(&tree).to_vec();
    let line = NoteSignature { name, key_id: known.key_id(), signature };
    SignedNote { text: note.text.clone(), signatures: vec![line] }
}

/// Enrolls so many parties in one batch; the record ids of a few of them, the first and the last among them.
async fn enroll(client: &Client, parties: usize) -> Vec<Uuid> {
    let enroll = |number| TransferRequest {
        act: Act::Enroll,
        party: Some(Named::from(format!("party {number}"))),
        ..TransferRequest::default()
    };
    let batch = BatchRequest { atomic: true, transfers: (0..parties).map(enroll).collect() };
    let answer = client.submit_batch(batch, Stage::Sealed).await.unwrap();
    let recorded = answer.results.iter().map(|result| match result {
        ItemAnswer::Recorded(recorded) => recorded.record_id,
        other => panic!("{other:?}"),
    });
    let ids: Vec<Uuid> = recorded.collect();
    [0, 1, 127, 128, 254, 255, 256, parties - 1].map(|place| ids[place]).to_vec()
}
