//! What is so, by itself: states, and what a map has under a key.

use bulla_ledger::{NO_LEAF, PartyId, Position, State, UniqueState};
use bulla_sealing::{Hash, StateMap, leaf_hash, state_value};
use serde_json::{Value, json};

use super::Vectors;
use crate::judge::hex;
use crate::story::{ANNA, BERT, DRILL, SCREWS};

pub fn states() -> Value {
    let mut vectors = Vectors::new("states", "A state, every field of it, and the key it stands under.", json!(null));
    let unique = |retired| {
        let [seq, last_leaf] = [u64::MAX, NO_LEAF - 1];
        State::Unique(UniqueState { asset_id: DRILL, holder: BERT, owner: ANNA, retired, seq, last_leaf })
    };
    let position =
        |party_id| State::Position(Position { asset_id: SCREWS, party_id, available: u128::MAX, seq: 7, last_leaf: 9 });
    for (name, state) in [
        ("a unique asset", unique(false)),
        ("a retired asset", unique(true)),
        ("a position", position(ANNA)),
        ("all that is outstanding", position(PartyId::NIL)),
    ] {
        vectors.good(name, input(&state.encode()));
    }
    let (unique, position) = (unique(false).encode(), position(ANNA).encode());
    let with = |state: &[u8], offset: usize, byte: u8| {
        let mut state = state.to_vec();
        state[offset] = byte;
        input(&state)
    };
    for (name, error, input) in [
        ("no bytes", "WrongLength", input(b"")),
        ("71 bytes", "WrongLength", input(&unique[..71])),
        ("73 bytes", "WrongLength", input(&position[..73])),
        ("79 bytes", "WrongLength", input(&position[..79])),
        ("81 bytes", "WrongLength", input(&[&position[..], &[0]].concat())),
        ("status 2", "UnknownFlag", with(&unique, 48, 2)),
        ("status 2 and a reserved byte", "UnknownFlag", {
            let mut both = unique.clone();
            (both[48], both[49]) = (2, 1);
            input(&both)
        }),
        ("reserved byte 49 of a unique asset", "ReservedNotZero", with(&unique, 49, 1)),
        ("reserved byte 55 of a unique asset", "ReservedNotZero", with(&unique, 55, 0x80)),
        ("reserved byte 48 of a position", "ReservedNotZero", with(&position, 48, 1)),
        ("reserved byte 63 of a position", "ReservedNotZero", with(&position, 63, 0x80)),
    ] {
        vectors.bad(name, error, input);
    }
    vectors.file()
}

fn input(state: &[u8]) -> Value {
    json!({ "state": hex(state) })
}

/// Keys number 0, 1, 2, ... are the hashes of that byte as a leaf.
fn map(keys: u8) -> StateMap {
    of_keys((0..keys).map(|byte| leaf_hash(&[byte])))
}

fn of_keys(keys: impl Iterator<Item = Hash>) -> StateMap {
    let mut changes: Vec<(Hash, Hash)> = keys.map(|key| (key, state_value(&key.0))).collect();
    changes.sort();
    let mut map = StateMap::new();
    map.update(&changes);
    map
}

fn asked(map: &StateMap, key: Hash, proof: &[u8]) -> Value {
    json!({ "proof": hex(proof), "root": map.root().to_string(), "key": key.to_string() })
}

fn whole(map: &StateMap, key: Hash) -> Value {
    asked(map, key, &map.prove(&key).encode())
}

pub fn map_proofs() -> Value {
    let about = "What a map says of a key. Most of these keys are the leaf hash (2) of one byte each.";
    let mut vectors = Vectors::new("map proofs", about, json!(null));
    for count in [0, 1, 2, 3, 5, 8, 50] {
        let map = map(count);
        for number in [0, 2, 49, 50, 51] {
            let is_in = if number < count { "in" } else { "not in" };
            let name = format!("key {number} is {is_in} a map of {count}");
            vectors.good(&name, whole(&map, leaf_hash(&[number])));
        }
    }
    // Keys that agree in all bits but the last: the way down is as long as it can be.
    let last_bit = |bit: u8| Hash([[0x3c; 31].as_slice(), &[bit]].concat().try_into().unwrap());
    let deep = of_keys([last_bit(0), last_bit(1)].into_iter());
    vectors.good("256 levels, the left leaf", whole(&deep, last_bit(0)));
    vectors.good("256 levels, the right leaf", whole(&deep, last_bit(1)));
    let mut beside = last_bit(0);
    beside.0[30] ^= 1;
    vectors.good("248 levels, and then nothing", whole(&deep, beside));
    decoding(&mut vectors);
    leading_elsewhere(&mut vectors);
    vectors.file()
}

/// The map of 50 keys, and what it says of key 3, cut to pieces.
fn decoding(vectors: &mut Vectors) {
    let map = map(50);
    let key = leaf_hash(&[3]);
    let proof = map.prove(&key).encode();
    let depth = usize::from(proof[1]);
    let bitmap = 2..2 + depth.div_ceil(8);
    assert!(!depth.is_multiple_of(8) && proof[bitmap.clone()].iter().any(|byte| *byte != 0), "depth {depth}");
    let end = proof.len() - 65;
    let mut bad = |name: &str, error: &str, proof: &[u8]| vectors.bad(name, error, asked(&map, key, proof));
    let with = |place: usize, byte: u8| [&proof[..place], &[byte], &proof[place + 1..]].concat();
    bad("no bytes", "Truncated", b"");
    bad("one byte", "Truncated", &proof[..1]);
    bad("257 levels", "Invalid.depth", &with(0, 1));
    bad("257 levels, and nothing after", "Invalid.depth", &[1, 1]);
    bad("256 levels, and nothing after", "Truncated", &[1, 0]);
    bad("half of a bitmap", "Truncated", &[0, 9, 0xff]);
    bad("a bit past the depth", "Invalid.bitmap", &with(bitmap.end - 1, proof[bitmap.end - 1] | 1));
    bad("no bit for the lowest level", "Invalid.bitmap", &[0, 8, 0xfe]);
    bad("a bit past the depth, and none for the lowest level", "Invalid.bitmap", &[0, 1, 0x40]);
    bad("half of a sibling", "Truncated", &proof[..bitmap.end + 16]);
    let mut zero = proof.clone();
    zero[bitmap.end..bitmap.end + 32].fill(0);
    bad("a zero sibling that is listed", "Invalid.sibling", &zero);
    bad("a zero sibling, and nothing after", "Invalid.sibling", &[&[0, 2, 0xc0], &[0; 32][..]].concat());
    bad("no terminal", "Truncated", &proof[..end]);
    bad("terminal 2", "Invalid.terminal", &with(end, 2));
    bad("terminal 2, and nothing after", "Invalid.terminal", &[&proof[..end], &[2]].concat());
    bad("a leaf without a key", "Truncated", &proof[..end + 1]);
    bad("a leaf without its last byte", "Truncated", &proof[..proof.len() - 1]);
    bad("a byte left over", "TrailingBytes", &[&proof[..], &[0]].concat());
    bad("terminal 0 with a leaf after it", "TrailingBytes", &with(end, 0));
}

fn leading_elsewhere(vectors: &mut Vectors) {
    let map = map(50);
    let [three, four, absent] = [3, 4, 51].map(|byte| leaf_hash(&[byte]));
    let proof = map.prove(&three).encode();
    vectors.bad("of another key", "OtherPlace", asked(&map, four, &proof));
    vectors.bad("another root", "RootMismatch", asked(&self::map(49), three, &proof));
    vectors.bad("the zero root", "RootMismatch", asked(&StateMap::new(), three, &proof));
    let flipped = |offset: usize| {
        let mut proof = proof.clone();
        let place = proof.len() - offset;
        proof[place] ^= 1;
        proof
    };
    vectors.bad("another value", "RootMismatch", asked(&map, three, &flipped(1)));
    vectors.bad("the key of the leaf changed in its last bit", "RootMismatch", asked(&map, three, &flipped(33)));
    vectors.bad("the first bit of the leaf's key", "OtherPlace", {
        let mut proof = proof.clone();
        let place = proof.len() - 64;
        proof[place] ^= 0x80;
        asked(&map, three, &proof)
    });
    vectors.bad("a sibling", "RootMismatch", asked(&map, three, &flipped(66)));
    let end = proof.len() - 65;
    let denied = [&proof[..end], &[0]].concat();
    vectors.bad("a leaf that is there, denied", "RootMismatch", asked(&map, three, &denied));
    vectors.bad("nothing at all, of a map that has keys", "RootMismatch", asked(&map, absent, &[0, 0, 0]));
    // The leaf of another key, one level higher than it stands: it would hide every key beside it.
    let shorter = of_keys([three].into_iter()).prove(&four).encode();
    vectors.bad("another leaf as the whole map", "RootMismatch", asked(&map, four, &shorter));
}
