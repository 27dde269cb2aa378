//! A ledger of which something is so: assets with histories, their states, and proofs of them under known keys.

use bulla_ledger::{AssetId, ClassId, NO_LEAF, PartyId, Position, Record, RecordId, State, Transfer, UniqueState};
use bulla_sealing::*;

use crate::forgery::{TIME_S, genesis, header, seal};

pub const DRILL: AssetId = AssetId::from_bytes([0xd1; 16]);
pub const SAW: AssetId = AssetId::from_bytes([0x5a; 16]);
pub const SCREWS: AssetId = AssetId::from_bytes([0x5c; 16]);
pub const ANNA: PartyId = PartyId::from_bytes([0xaa; 16]);
pub const BERT: PartyId = PartyId::from_bytes([0xbb; 16]);
pub const NOBODY: PartyId = PartyId::NIL;
const TOOLS: ClassId = ClassId::from_bytes([0x70; 16]);

/// The records and states of a ledger of three nodes, each of which can be tampered with before all of it is signed.
///
/// ```text
/// leaf  0 config
///       1 drill registered for Anna   2 in Bert's custody   3 amended   4 title to Bert   5 retired by him
///       6 screws registered   7 100 issued to Anna   8 she sends 30 to Bert   9 he redeems 10   10 amended
///      11 saw registered for Anna   12 Bert enrolled   13 header 0   14 header 1, without records
/// ```
///
/// Whatever is proven is proven under the checkpoint that header 0 ends.
pub struct Story {
    records: Vec<Vec<u8>>,
    states: Vec<(Hash, Vec<u8>)>,
    change_of_header: fn(&mut Vec<u8>),
    stated: fn(&mut Checkpoint),
}

pub const HEADER: u64 = 13;

impl Story {
    /// As it was.
    pub fn new() -> Story {
        let states = [
            unique(DRILL, BERT, true, 4, 5),
            unique(SAW, ANNA, false, 0, 11),
            position(NOBODY, 90, 3, 10),
            position(ANNA, 70, 1, 8),
            position(BERT, 20, 1, 9),
        ];
        Story {
            records: records().iter().map(|record| record.encode().to_vec()).collect(),
            states: states.map(|state| (Hash(state.key()), state.encode())).to_vec(),
            change_of_header: |_| (),
            stated: |_| (),
        }
    }

    /// Changes the record of this leaf.
    pub fn record(self, leaf_index: u64, change: impl FnOnce(&mut Record)) -> Story {
        self.leaf(leaf_index, |leaf| {
            let mut record = Record::decode(leaf).unwrap();
            change(&mut record);
            *leaf = record.encode().to_vec();
        })
    }

    /// Changes the bytes of this leaf, a record's.
    pub fn leaf(mut self, leaf_index: u64, change: impl FnOnce(&mut Vec<u8>)) -> Story {
        change(&mut self.records[leaf_index as usize - 1]);
        self
    }

    /// Changes what the map has under a key.
    pub fn state(mut self, key: Hash, change: impl FnOnce(&mut Vec<u8>)) -> Story {
        let (_, state) = self.states.iter_mut().find(|(found, _)| *found == key).expect("it has a state");
        change(state);
        self
    }

    /// Changes the header, so that its table id fits it again.
    pub fn header(self, change: fn(&mut Vec<u8>)) -> Story {
        Story { change_of_header: change, ..self }
    }

    /// Changes the checkpoint before it is signed.
    pub fn stated(self, stated: fn(&mut Checkpoint)) -> Story {
        Story { stated, ..self }
    }

    pub fn map(&self) -> StateMap {
        let mut values: Vec<(Hash, Hash)> = self.states.iter().map(|(key, state)| (*key, state_value(state))).collect();
        values.sort();
        let mut map = StateMap::new();
        map.update(&values);
        map
    }

    /// All leaves up to header 1.
    pub fn leaves(&self) -> Vec<Vec<u8>> {
        let mut leaves = vec![genesis(3).encode()];
        leaves.extend(self.records.iter().cloned());
        for (height, first_leaf) in [(0, 0), (1, HEADER + 1)] {
            let header = Header { state_root: self.map().root(), ..header(3, height, first_leaf, &leaves) };
            let mut leaf = header.encode().to_vec();
            if height == 0 {
                (self.change_of_header)(&mut leaf);
                crate::forgery::refit(&mut leaf);
            }
            leaves.push(leaf);
        }
        leaves
    }

    /// What the ledger says of these keys.
    pub fn proof(&self, keys: &[Hash]) -> StateProof {
        self.proof_as_of(keys, HEADER, HEADER + 1)
    }

    /// What this header says of them, under the checkpoint of this size.
    pub fn proof_as_of(&self, keys: &[Hash], header: u64, size: u64) -> StateProof {
        let leaves = self.leaves();
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let mut checkpoint =
            Checkpoint { origin: crate::forgery::ORIGIN.into(), size, root: subtree_root(&hashes[..size as usize]) };
        (self.stated)(&mut checkpoint);
        StateProof {
            header: leaves[header as usize].clone(),
            header_path: inclusion_proof(header, size, &hashes[..]).unwrap(),
            claims: keys.iter().map(|key| self.claim(key)).collect(),
            checkpoint: seal(&checkpoint, 3),
        }
    }

    /// This state with these records.
    pub fn certificate(&self, key: Hash, records: &[u64]) -> Certificate {
        let leaves = self.leaves();
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let proven = |leaf_index: &u64| ProvenRecord {
            leaf: leaves[*leaf_index as usize].clone(),
            path: inclusion_proof(*leaf_index, HEADER + 1, &hashes[..]).unwrap(),
        };
        Certificate { state: self.proof(&[key]), records: records.iter().map(proven).collect() }
    }

    fn claim(&self, key: &Hash) -> Claim {
        let state = self.states.iter().find(|(found, _)| found == key).map(|(_, state)| state.clone());
        Claim { key: *key, state, proof: self.map().prove(key) }
    }
}

pub fn key_of(asset_id: AssetId) -> Hash {
    Hash(State::asset_key(asset_id))
}

/// Of this party's screws.
pub fn key_of_screws(party_id: PartyId) -> Hash {
    Hash(State::position_key(SCREWS, party_id))
}

fn unique(asset_id: AssetId, party: PartyId, retired: bool, seq: u64, last_leaf: u64) -> State {
    State::Unique(UniqueState { asset_id, holder: party, owner: party, retired, seq, last_leaf })
}

fn position(party_id: PartyId, available: u128, seq: u64, last_leaf: u64) -> State {
    State::Position(Position { asset_id: SCREWS, party_id, available, seq, last_leaf })
}

/// Leaves 1 to 12.
fn records() -> Vec<Record> {
    let id = |number: u8| RecordId::from_bytes([number; 16]);
    let none = NO_LEAF;
    let chained = [
        (Transfer::register(id(1), DRILL, TOOLS, ANNA), 0, none, none),
        (Transfer::custody(id(2), DRILL, ANNA, BERT), 1, 1, none),
        (Transfer::amend(id(3), DRILL, [0xdd; 32]), 2, 2, none),
        (Transfer::title(id(4), DRILL, ANNA, BERT), 3, 3, none),
        (Transfer::retire(id(5), DRILL, BERT), 4, 4, none),
        (Transfer::register_quantity(id(6), SCREWS, TOOLS), 0, none, none),
        (Transfer::issue(id(7), SCREWS, ANNA, 100), 1, 6, none),
        (Transfer::send(id(8), SCREWS, ANNA, BERT, 30), 1, 7, none),
        (Transfer::redeem(id(9), SCREWS, BERT, 10), 1, 8, 7),
        (Transfer::amend_quantity(id(10), SCREWS, [0xdd; 32]), 3, 9, none),
        (Transfer::register(id(11), SAW, TOOLS, ANNA), 0, none, none),
        (Transfer::enroll(id(12), BERT), 0, none, none),
    ];
    let record = |(place, (transfer, asset_seq, prev_leaf, prev_leaf_to))| Record {
        leaf_index: place as u64 + 1,
        transfer,
        asset_seq,
        prev_leaf,
        prev_leaf_to,
        ref_leaf: NO_LEAF,
        time_us: TIME_S * 1_000_000 + place as u64,
    };
    chained.into_iter().enumerate().map(record).collect()
}
