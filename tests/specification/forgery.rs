//! Ledgers whose keys are known, so that any lie can be told under good signatures.

use bulla_ledger::{AssetId, NO_LEAF, PartyId, Payload, Record, RecordId, Transfer};
use bulla_sealing::*;
use uuid::Uuid;

/// A ledger, a leaf of it, and a receipt for that leaf, each of which can be tampered with before it is signed.
///
/// ```text
/// leaf   0 config  1 2 3 records  4 header 0 | 5 6 7 records  8 header 1 | 9 header 2 | 10 ... 17 records  18 header 3
/// ```
///
/// The receipt is that of leaf 6, which has a payload, under the checkpoint that header 1 ends, unless told otherwise.
pub struct Forgery {
    node_count: u8,
    leaves: Vec<Vec<u8>>,
    place: u64,
    header: u64,
    size: u64,
    with_payload: bool,
    stated: Option<(u64, Hash)>,
}

pub const ORIGIN: &str = "ledger.example/vectors";
pub const TIME_S: u64 = 1_700_000_000;
pub const WITNESS: &str = "walter";
/// Leaf indexes of the headers.
pub const HEADERS: [u64; 4] = [4, 8, 9, 18];

impl Forgery {
    /// The ledger of this many nodes, untouched.
    pub fn new(node_count: u8) -> Forgery {
        let mut leaves = vec![genesis(node_count).encode()];
        for (height, header_leaf) in HEADERS.into_iter().enumerate() {
            let first_leaf = if height == 0 { 0 } else { HEADERS[height - 1] + 1 };
            for leaf_index in leaves.len() as u64..header_leaf {
                leaves.push(record(leaf_index).encode().to_vec());
            }
            leaves.push(header(node_count, height as u64, first_leaf, &leaves).encode().to_vec());
        }
        Forgery { node_count, leaves, place: 6, header: 8, size: 9, with_payload: true, stated: None }
    }

    /// The receipt of this record with this header under the checkpoint of this size.
    pub fn of(self, place: u64, header: u64, size: u64) -> Forgery {
        Forgery { place, header, size, ..self }
    }

    /// With or without the record's payload, if it has one.
    pub fn payload(self, with_payload: bool) -> Forgery {
        Forgery { with_payload, ..self }
    }

    /// Changes a leaf before anything is hashed.
    pub fn leaf(mut self, leaf_index: u64, change: impl FnOnce(&mut Vec<u8>)) -> Forgery {
        change(&mut self.leaves[leaf_index as usize]);
        self
    }

    /// Changes a header so that its table id fits it again.
    pub fn header(self, leaf_index: u64, change: impl FnOnce(&mut Vec<u8>)) -> Forgery {
        self.leaf(leaf_index, |leaf| {
            change(leaf);
            refit(leaf);
        })
    }

    /// Signs this size and root in place of the log's.
    pub fn stated(self, size: u64, root: Hash) -> Forgery {
        Forgery { stated: Some((size, root)), ..self }
    }

    pub fn leaves(&self) -> &[Vec<u8>] {
        &self.leaves
    }

    pub fn checkpoint(&self) -> Checkpoint {
        let log = self.leaves[..self.size as usize].iter().map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>();
        let (size, root) = self.stated.unwrap_or((self.size, subtree_root(&log)));
        Checkpoint { origin: ORIGIN.into(), size, root }
    }

    pub fn receipt(&self) -> Receipt {
        let hashes: Vec<Hash> = self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let path = |leaf_index| inclusion_proof(leaf_index, self.size, &hashes[..]).unwrap();
        let payload = payload(self.place).filter(|_| self.with_payload);
        Receipt {
            record: self.leaves[self.place as usize].clone(),
            payload: payload.map(|payload| (payload.salt, payload.bytes)),
            header: self.leaves[self.header as usize].clone(),
            header_path: path(self.header),
            index: self.place,
            path: path(self.place),
            checkpoint: seal(&self.checkpoint(), self.node_count),
        }
    }

    pub fn text(&self) -> String {
        self.receipt().to_text().unwrap()
    }
}

/// What a verifier of receipts says to this record leaf.
pub fn error_of_record(leaf: &[u8]) -> Option<DecodeError> {
    let mut forgery = Forgery::new(1);
    forgery.leaves[6] = leaf.to_vec();
    match forgery.receipt().verify(&policy(1)) {
        Err(ReceiptError::Record(error)) => Some(error),
        _ => None,
    }
}

pub fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[0xf0; 32])
}

pub fn node_name(number: u8) -> String {
    format!("node-{number}")
}

pub fn node_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

pub fn public(key: &SigningKey) -> [u8; 32] {
    key.verifying_key().to_bytes()
}

pub fn nodes(count: u8) -> Vec<ConfigNode> {
    (1..=count).map(|number| ConfigNode { name: node_name(number), public_key: public(&node_key(number)) }).collect()
}

pub fn witness_key() -> SigningKey {
    SigningKey::from_bytes(&[0x77; 32])
}

pub fn witness() -> ConfigNode {
    ConfigNode { name: WITNESS.into(), public_key: public(&witness_key()) }
}

pub fn genesis(node_count: u8) -> ConfigLeaf {
    ConfigLeaf::genesis(ORIGIN, public(&log_key()), nodes(node_count)).unwrap()
}

pub fn policy(node_count: u8) -> Policy {
    Policy::from_config(&genesis(node_count)).unwrap()
}

/// The log's line, and one for each node.
pub fn seal(checkpoint: &Checkpoint, node_count: u8) -> SignedNote {
    let log_signature = LogSigner::new(log_key(), ORIGIN).sign(checkpoint);
    let attest = |number| cosign(&node_key(number), &node_name(number), checkpoint, TIME_S + u64::from(number));
    let attestations: Vec<Attestation> = (1..=node_count).map(attest).collect();
    signed_checkpoint(&policy(node_count), checkpoint, &log_signature, &attestations).unwrap()
}

/// A line of type 04 by anybody.
pub fn cosignature(key: &SigningKey, name: &str, checkpoint: &Checkpoint, time_s: u64) -> NoteSignature {
    let attestation = cosign(key, name, checkpoint, time_s);
    let key_id = Cosigner::new(key.clone(), name).verifier_key().key_id();
    NoteSignature { name: name.into(), key_id, signature: [&time_s.to_be_bytes()[..], &attestation.signature].concat() }
}

fn payload(leaf_index: u64) -> Option<Payload> {
    let bytes = format!("{{\"note\":\"two drills, box {leaf_index}\"}}").into_bytes();
    leaf_index.is_multiple_of(2).then_some(Payload { salt: [leaf_index as u8; 32], bytes })
}

/// Every second record has a payload.
fn record(leaf_index: u64) -> Record {
    let id = |sort: u64| Uuid::from_u64_pair(sort, leaf_index).into_bytes();
    let [from, to] = [[0x0f; 16], [0x70; 16]].map(PartyId::from_bytes);
    let transfer = Transfer::transfer(RecordId::from_bytes(id(1)), AssetId::from_bytes(id(2)), from, to);
    Record {
        leaf_index,
        transfer: payload(leaf_index).map_or(transfer, |payload| transfer.with_payload(&payload)),
        asset_seq: 0,
        prev_leaf: NO_LEAF,
        prev_leaf_to: NO_LEAF,
        ref_leaf: NO_LEAF,
        time_us: TIME_S * 1_000_000 + leaf_index,
    }
}

/// Makes the table id of a header the one that its other fields call for.
pub fn refit(leaf: &mut [u8]) {
    let ledger_id = Uuid::from_slice(&leaf[8..24]).unwrap();
    let height = u64::from_be_bytes(leaf[48..56].try_into().unwrap());
    let prev_header = Hash(leaf[200..232].try_into().unwrap());
    leaf[24..40].copy_from_slice(table_id(ledger_id, height, &prev_header).as_bytes());
}

/// The header of the block that begins with this leaf and has all leaves after it.
pub fn header(node_count: u8, height: u64, first_leaf: u64, before: &[Vec<u8>]) -> Header {
    let hashes: Vec<Hash> = before.iter().map(|leaf| leaf_hash(leaf)).collect();
    let ledger_id = genesis(node_count).ledger_id;
    let prev_header = if height == 0 { Hash::ZERO } else { hashes[first_leaf as usize - 1] };
    Header {
        ledger_id,
        table_id: table_id(ledger_id, height, &prev_header),
        leaf_index: before.len() as u64,
        height,
        first_leaf,
        record_count: before.len() as u64 - first_leaf,
        opened_us: TIME_S * 1_000_000 + 10 * height,
        closed_us: TIME_S * 1_000_000 + 10 * height + 9,
        raft_term: 2,
        raft_index: 100 + height,
        records_root: subtree_root(&hashes[first_leaf as usize..]),
        log_root: subtree_root(&hashes),
        state_root: state_value(&height.to_be_bytes()),
        prev_header,
        config: hashes[0],
    }
}
