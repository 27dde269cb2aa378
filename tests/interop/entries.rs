//! A ledger's log and records in the words of sigstore: the trusted root and the log entry of its protobuf-specs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_sealing::{Checkpoint, Hash, Policy, Receipt, SignedNote, VerifierKey};
use serde_json::{Value, json};

/// A record with its proof, which a test may change before it is handed over.
#[derive(Debug, Clone)]
pub struct LogEntry {
    pub leaf: Vec<u8>,
    pub index: u64,
    pub path: Vec<Hash>,
    pub checkpoint: SignedNote,
}

impl LogEntry {
    pub fn of(receipt: &Receipt) -> LogEntry {
        let Receipt { record, index, path, checkpoint, .. } = receipt.clone();
        LogEntry { leaf: record, index, path, checkpoint }
    }

    /// As sigstore's clients read it. The index in the tree is the index in the log: there are no shards.
    pub fn to_json(&self, log: &VerifierKey) -> Value {
        let tree: Checkpoint = self.checkpoint.text.parse().unwrap();
        let hashes: Vec<String> = self.path.iter().map(Hash::to_base64).collect();
        json!({
            "logIndex": self.index.to_string(),
            "logId": { "keyId": log_id(log) },
            // Rekor's clients ask for some kind, and look at it when they read the leaf, which here nobody does.
            "kindVersion": { "kind": "bulla-record", "version": "1" },
            "canonicalizedBody": STANDARD.encode(&self.leaf),
            "inclusionProof": {
                "logIndex": self.index.to_string(),
                "treeSize": tree.size.to_string(),
                "rootHash": tree.root.to_base64(),
                "hashes": hashes,
                "checkpoint": { "envelope": self.checkpoint.to_string() },
            },
        })
    }
}

/// The trusted root in which this ledger's log is the only one.
pub fn trusted_root(policy: &Policy) -> Value {
    let key = policy.log_verifier_key();
    let spki = [&ED25519_SPKI[..], &key.public_key].concat();
    json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [{
            "baseUrl": format!("https://{}", policy.origin()),
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(spki),
                "keyDetails": "PKIX_ED25519",
                "validFor": { "start": "2020-01-01T00:00:00Z" },
            },
            "logId": { "keyId": log_id(&key) },
        }],
        "certificateAuthorities": [],
        "ctlogs": [],
        "timestampAuthorities": [],
    })
}

/// The key id of C2SP signed-note, of whose hash a signature line has the first four bytes and sigstore compares those.
fn log_id(key: &VerifierKey) -> String {
    STANDARD.encode(key.key_id().to_be_bytes())
}

/// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410), up to the key.
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
