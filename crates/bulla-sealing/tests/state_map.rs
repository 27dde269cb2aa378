//! The state map held against the definition of its root, and its proofs against every change of a bit.

use std::collections::BTreeMap;

use bulla_sealing::{Hash, MapProof, MapProofError, StateMap, leaf_hash, state_value};
use expect_test::expect;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// The root as format and definition have it, from all keys, one bit at a time.
fn naive_root(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
    let hash = |prefix: u8, left: &Hash, right: &Hash| {
        let bytes = [&[prefix][..], &left.0, &right.0].concat();
        Hash(Sha256::digest(bytes).into())
    };
    match leaves {
        [] => Hash::ZERO,
        [(key, value)] => hash(2, key, value),
        _ => {
            let is_right = |key: &Hash| key.0[depth / 8] >> (7 - depth % 8) & 1 == 1;
            let (right, left): (Vec<_>, Vec<_>) = leaves.iter().copied().partition(|(key, _)| is_right(key));
            hash(3, &naive_root(&left, depth + 1), &naive_root(&right, depth + 1))
        }
    }
}

/// Keys that are hashes, and keys that share long prefixes.
fn key(number: u16) -> Hash {
    match number % 4 {
        0 => {
            let mut key = [0; 32];
            key[(number >> 3) as usize % 32] = 0x80 >> (number >> 8 & 7);
            Hash(key)
        }
        _ => leaf_hash(&number.to_be_bytes()),
    }
}

fn check_proof(map: &StateMap, key: &Hash, expected: Option<Hash>) {
    let proof = map.prove(key);
    assert_eq!(proof.verify(&map.root(), key), Ok(expected));
    assert_eq!(MapProof::decode(&proof.encode()), Ok(proof));
    assert_eq!(map.get(key), expected);
}

proptest! {
    #[test]
    fn the_root_is_that_of_the_content_however_it_came_about(
        updates in proptest::collection::vec(proptest::collection::btree_map(0..600u16, any::<u8>(), 0..40), 0..8),
        absent in proptest::collection::vec(600..900u16, 0..8),
    ) {
        let (mut map, mut content) = (StateMap::new(), BTreeMap::new());
        let mut earlier = Vec::new();
        for update in updates {
            let changes: BTreeMap<Hash, Hash> =
                update.into_iter().map(|(number, value)| (key(number), state_value(&[value]))).collect();
            content.extend(changes.clone());
            map.update(&changes.into_iter().collect::<Vec<_>>());
            let leaves: Vec<_> = content.clone().into_iter().collect();
            prop_assert_eq!(map.root(), naive_root(&leaves, 0));
            earlier.push((map.clone(), content.clone()));
        }
        for (map, content) in &earlier {
            for (key, value) in content {
                check_proof(map, key, Some(*value));
            }
            for absent in absent.iter().map(|number| key(*number)).filter(|key| !content.contains_key(key)) {
                check_proof(map, &absent, None);
            }
        }
    }

    #[test]
    fn what_decodes_is_the_only_spelling_of_a_proof(bytes in proptest::collection::vec(0..4u8, 0..140)) {
        if let Ok(proof) = MapProof::decode(&bytes) {
            prop_assert_eq!(proof.encode(), bytes);
        }
    }
}

/// Fifty keys, `leaf_hash` of a byte each.
fn fifty() -> StateMap {
    let mut changes: Vec<(Hash, Hash)> = (0..50u8).map(|byte| (leaf_hash(&[byte]), state_value(&[byte]))).collect();
    changes.sort();
    let mut map = StateMap::new();
    map.update(&changes);
    map
}

#[test]
fn a_proof_with_a_bit_changed_is_refused() {
    let map = fifty();
    for byte in [3, 47, 50, 51, 52, 53] {
        let key = leaf_hash(&[byte]);
        let bytes = map.prove(&key).encode();
        for place in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[place / 8] ^= 1 << (place % 8);
            let verdict = MapProof::decode(&changed).map(|proof| proof.verify(&map.root(), &key));
            assert!(!matches!(verdict, Ok(Ok(_))), "bit {place} of the proof of {byte}");
        }
    }
}

#[test]
fn a_proof_is_of_its_own_key_and_root_only() {
    let map = fifty();
    let (three, four) = (leaf_hash(&[3]), leaf_hash(&[4]));
    let proof = map.prove(&three);
    assert_eq!(proof.verify(&map.root(), &four), Err(MapProofError::OtherPlace));
    assert_eq!(proof.verify(&StateMap::new().root(), &three), Err(MapProofError::RootMismatch));
    // The first bit is shared, the last is not: absent where the leaf would have to be another's.
    let mut near = three;
    near.0[31] ^= 1;
    assert_eq!(map.prove(&near).verify(&map.root(), &near), Ok(None));
}

#[test]
fn an_empty_map_has_the_zero_root_and_nothing_in_it() {
    let map = StateMap::new();
    assert_eq!(map.root(), Hash::ZERO);
    check_proof(&map, &leaf_hash(b"desk"), None);
}

#[test]
#[should_panic(expected = "the keys strictly ascend")]
fn a_key_is_changed_once_in_an_update() {
    let change = (leaf_hash(b"desk"), state_value(b"x"));
    StateMap::new().update(&[change, change]);
}

/// These roots and bytes never change.
#[test]
fn fifty_keys_have_this_root_and_this_proof() {
    let map = fifty();
    let hex: String = map.prove(&leaf_hash(&[3])).encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<String> = hex.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    expect![[r#"
        6edd9ab6150d6af568dc89b136f5acf2e5894b2826e1d19a440741c5d72d78ad
        000af9404d0a9a0570d4ee75ebfe2db7e701451c43c81362ce7b59ce28eb6c77
        3710e50ad425e30cb8ba1c031af3691dbad7dfc3c384a6132630c7032a0db432
        bd264d852e8239a824a129bcefd6664441c33e7940226d4d36d619839c857b5c
        9ed272bf85f4dd73aa23a614470b9eadf5cef0fa65b5fb272c3f43e53bf0ffbb
        9f55f2a51b071c7882573f67dd9ee6ba92e1eb0f83ef10057133822dcb7d2d12
        a309b9c8b3e9d0d99f9644b05daa7405a54642aef0ab44fca60210b71e139af4
        ca0e996a72351c34a5fb4f4f2d75fad620be01976271cbc173df33964176fc34
        cda1e6cb01583c7dfb7b3055d99465544032a571e10a134b1b6f769422bbb71f
        d7fa167a5d62c5e5f8411632eb7f39af424dd25eaf942f18fd47264f72462ba9
        b498ffd337
    "#]]
    .assert_eq(&format!("{}\n{}\n", map.root(), lines.join("\n")));
}
