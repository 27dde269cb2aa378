//! A ledger of three nodes and three blocks, for the tests.
//!
//! ```text
//! leaf   0 config  1 2 3 records  4 header 0 | 5 6 7 records  8 header 1 | 9 header 2
//! ```
#![allow(dead_code)] // Each test file uses its own part of it.

use bulla_sealing::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub const ORIGIN: &str = "ledger.example/tools";
pub const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];
pub const TIME_S: u64 = 1_700_000_000;
pub const SALT: [u8; 32] = [0x5a; 32];
/// Leaf indexes of the header leaves.
pub const HEADERS: [u64; 3] = [4, 8, 9];

pub fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[0xf0; 32])
}

pub fn node_key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&[name.as_bytes()[0]; 32])
}

pub fn node(name: &str) -> ConfigNode {
    ConfigNode { name: name.into(), public_key: node_key(name).verifying_key().to_bytes() }
}

pub fn config() -> ConfigLeaf {
    let log_key = log_key().verifying_key().to_bytes();
    ConfigLeaf::genesis(ORIGIN, log_key, NAMES.map(node).to_vec()).unwrap()
}

pub fn policy() -> Policy {
    Policy::from_config(&config()).unwrap()
}

/// A record leaf of 176 bytes; its payload, if any, is [`payload`].
pub fn record(leaf_index: u64, with_payload: bool) -> Vec<u8> {
    let mut leaf = vec![0; 176];
    leaf[..5].copy_from_slice(b"BUL\x01\x03");
    leaf[5] = 0b1100;
    leaf[8..16].copy_from_slice(&leaf_index.to_be_bytes());
    leaf[16..32].copy_from_slice(Uuid::from_u128(0xabc0 + u128::from(leaf_index)).as_bytes());
    if with_payload {
        let mut sha = Sha256::new();
        sha.update(b"bulla/payload/v1\0");
        sha.update(SALT);
        sha.update(payload());
        leaf[5] |= 1;
        leaf[144..].copy_from_slice(&sha.finalize());
    }
    leaf
}

pub fn payload() -> Vec<u8> {
    br#"{"note":"two drills"}"#.to_vec()
}

/// All leaves of the ledger. Records 2 and 6 have a payload.
pub fn leaves() -> Vec<Vec<u8>> {
    let mut leaves = vec![config().encode()];
    for (height, header_leaf) in HEADERS.into_iter().enumerate() {
        let first_leaf = if height == 0 { 0 } else { HEADERS[height - 1] + 1 };
        for leaf_index in leaves.len() as u64..header_leaf {
            leaves.push(record(leaf_index, leaf_index % 4 == 2));
        }
        leaves.push(header(height as u64, first_leaf, &leaves).encode().to_vec());
    }
    leaves
}

fn header(height: u64, first_leaf: u64, leaves: &[Vec<u8>]) -> Header {
    let hashes = hashes(leaves);
    let ledger_id = config().ledger_id;
    let prev_header = match first_leaf {
        0 => Hash::ZERO,
        _ => hashes[first_leaf as usize - 1],
    };
    Header {
        ledger_id,
        table_id: table_id(ledger_id, height, &prev_header),
        leaf_index: leaves.len() as u64,
        height,
        first_leaf,
        record_count: leaves.len() as u64 - first_leaf,
        opened_us: TIME_S * 1_000_000 + height,
        closed_us: TIME_S * 1_000_000 + height + 1,
        raft_term: 2,
        raft_index: 100 + height,
        records_root: subtree_root(&hashes[first_leaf as usize..]),
        log_root: subtree_root(&hashes),
        state_root: state_map(leaves.len() as u64).root(),
        prev_header,
        config: hashes[0],
    }
}

/// What the ledger says of its one asset after that many leaves: the last of its records.
pub fn state_map(leaves: u64) -> StateMap {
    let mut map = StateMap::new();
    map.update(&[(leaf_hash(b"the drill"), state_value(&leaves.to_be_bytes()))]);
    map
}

pub fn hashes(leaves: &[Vec<u8>]) -> Vec<Hash> {
    leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
}

pub fn checkpoint(leaves: &[Vec<u8>]) -> Checkpoint {
    Checkpoint { origin: ORIGIN.into(), size: leaves.len() as u64, root: subtree_root(&hashes(leaves)) }
}

pub fn attestations(checkpoint: &Checkpoint) -> Vec<Attestation> {
    NAMES.map(|name| cosign(&node_key(name), name, checkpoint, TIME_S)).to_vec()
}

pub fn seal(checkpoint: &Checkpoint) -> SignedNote {
    let log_signature = LogSigner::new(log_key(), ORIGIN).sign(checkpoint);
    signed_checkpoint(&policy(), checkpoint, &log_signature, &attestations(checkpoint)).unwrap()
}

/// The receipt for a leaf, with that header, under the checkpoint of all these leaves.
pub fn receipt(leaves: &[Vec<u8>], leaf_index: u64, header_leaf: u64, payload: bool) -> Receipt {
    let hashes = hashes(leaves);
    let size = leaves.len() as u64;
    let path = |leaf_index| inclusion_proof(leaf_index, size, &hashes[..]).unwrap();
    Receipt {
        record: leaves[leaf_index as usize].clone(),
        payload: payload.then(|| (SALT, self::payload())),
        header: leaves[header_leaf as usize].clone(),
        header_path: path(header_leaf),
        index: leaf_index,
        path: path(leaf_index),
        checkpoint: seal(&checkpoint(leaves)),
    }
}
