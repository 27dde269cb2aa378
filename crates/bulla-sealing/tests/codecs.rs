//! Strict codecs: what is encoded decodes to itself, and what is accepted encodes to itself.

mod small_ledger;

use std::fmt::Debug;

use bulla_sealing::*;
use proptest::prelude::*;
use small_ledger::*;
use uuid::Uuid;

/// Changes each byte of an encoding in turn: what is still accepted must encode to itself. Also
/// no prefix and no extension of it may be accepted.
fn check_strict<T: PartialEq + Debug>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    assert_eq!(encode(&decode(bytes).unwrap()), bytes);
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(decode(&[bytes, &[0]].concat()).is_err());
    let mut changed = bytes.to_vec();
    for place in 0..bytes.len() {
        for value in [0x00, 0x01, 0x7f, 0xff, bytes[place] ^ 0x20] {
            changed[place] = value;
            if let Ok(decoded) = decode(&changed) {
                assert_eq!(encode(&decoded), changed, "byte {place} = {value:02x}");
            }
        }
        changed[place] = bytes[place];
    }
}

#[test]
fn codecs_accept_one_spelling_only() {
    let leaves = leaves();
    for header_leaf in HEADERS {
        let leaf = &leaves[header_leaf as usize];
        check_strict(leaf, Header::decode, |header| header.encode().to_vec());
    }
    check_strict(&leaves[0], ConfigLeaf::decode, ConfigLeaf::encode);
    check_strict(&second_config().encode(), ConfigLeaf::decode, ConfigLeaf::encode);
    let attestation = &attestations(&checkpoint(&leaves))[0];
    check_strict(&attestation.encode(), Attestation::decode, Attestation::encode);
    let mut frontier = Frontier::new();
    frontier.extend(&hashes(&leaves));
    check_strict(&frontier.encode(), Frontier::decode, Frontier::encode);
}

fn second_config() -> ConfigLeaf {
    ConfigLeaf {
        config_seq: 1,
        first_height: 3,
        prev_config: config().leaf_hash(),
        nodes: vec![node("beta"), node("delta")],
        ..config()
    }
}

#[test]
fn a_header_is_laid_out_as_the_format_says() {
    let leaf = &leaves()[8];
    let header = Header::decode(leaf).unwrap();
    let number = |at: usize| u64::from_be_bytes(leaf[at..at + 8].try_into().unwrap());
    assert_eq!(leaf[..8], [0x42, 0x55, 0x4c, 1, 0x10, 1, 0, 0]);
    assert_eq!(leaf[8..24], *header.ledger_id.as_bytes());
    assert_eq!(leaf[24..40], *header.table_id.as_bytes());
    assert_eq!([number(40), number(48), number(56), number(64)], [8, 1, 5, 3]);
    assert_eq!([number(72), number(80)], [header.opened_us, header.closed_us]);
    assert_eq!([number(88), number(96)], [2, 101]);
    assert_eq!(leaf[104..136], header.records_root.0);
    assert_eq!(leaf[136..168], header.log_root.0);
    assert_eq!(leaf[168..200], header.state_root.0);
    assert_eq!(leaf[200..232], header.prev_header.0);
    assert_eq!(leaf[232..264], header.config.0);
    assert_eq!(leaf[264..296], [0; 32]);
    assert_eq!((header.log_size(), header.leaf_hash()), (9, leaf_hash(leaf)));
}

#[test]
fn a_header_that_contradicts_itself_is_refused() {
    let leaf = |place: usize| leaves()[place].clone();
    let field = |place: usize, at: usize, byte: u8| {
        let mut changed = leaf(place);
        changed[at] = byte;
        match Header::decode(&changed) {
            Err(DecodeError::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(field(8, 7, 1), "reserved");
    assert_eq!(field(8, 24, 1), "table_id");
    assert_eq!(field(8, 47, 9), "leaf_index");
    assert_eq!(field(8, 81, 0), "closed_us");
    assert_eq!(field(8, 295, 1), "reserved");
    assert_eq!(field(9, 104, 1), "records_root");
    assert_eq!(field(4, 136, 1), "log_root");
    // The next two change what the table id is derived from, too.
    assert_eq!(field(8, 55, 0), "table_id");
    assert_eq!(field(4, 200, 1), "table_id");
    let mut no_state_root = leaf(8);
    no_state_root[5] = 0;
    assert_eq!(Header::decode(&no_state_root), Err(DecodeError::UnknownFlags(0)));
    let other = DecodeError::WrongKind { expected: KIND_HEADER, found: KIND_CONFIG };
    assert_eq!(Header::decode(&leaf(0)), Err(other));
}

#[test]
#[should_panic(expected = "closed_us")]
fn a_header_that_contradicts_itself_is_never_encoded() {
    let mut header = Header::decode(&leaves()[8]).unwrap();
    header.closed_us = 0;
    header.encode();
}

#[test]
fn a_genesis_fixes_its_ledger_id() {
    let config = config();
    assert_eq!(config.ledger_id.get_version_num(), 8);
    let mut zeroed = config.encode();
    zeroed[8..24].fill(0);
    assert_eq!(ledger_id(&zeroed), config.ledger_id);
    let derived = DecodeError::Invalid { field: "ledger_id", rule: "is derived from the genesis leaf" };
    assert_eq!(ConfigLeaf::decode(&zeroed), Err(derived));
}

#[test]
fn a_genesis_can_be_named_by_the_id_that_it_fixes() {
    let config = config();
    let genesis = ConfigLeaf::genesis_named_by_id(config.log_key, config.nodes).unwrap();
    assert_eq!(genesis.origin, format!("bulla/{}", genesis.ledger_id));
    check_strict(&genesis.encode(), ConfigLeaf::decode, ConfigLeaf::encode);
    let nil = format!("bulla/{}", Uuid::nil());
    let refused = ConfigLeaf::genesis(&nil, genesis.log_key, genesis.nodes);
    assert_eq!(refused, Err(KeyError::ReservedName { name: nil }));
}

#[test]
fn a_config_with_unusable_keys_does_not_decode() {
    let mut leaf = second_config().encode();
    let place = leaf.len() - 32;
    leaf[place..].fill(0);
    assert_eq!(ConfigLeaf::decode(&leaf), Err(DecodeError::Keys(KeyError::BadKey { name: "delta".into() })));
}

proptest! {
    #[test]
    fn headers_decode_to_themselves(
        ledger in any::<u128>(), height in 1u64..1 << 40, first_leaf in 1u64 << 40..1 << 60,
        record_count in 1u64..1 << 20, opened_us in any::<u32>(), open_us in any::<u32>(),
        raft in any::<(u64, u64)>(), roots in any::<[[u8; 32]; 4]>(),
    ) {
        let (ledger_id, prev_header) = (Uuid::from_u128(ledger), Hash(roots[2]));
        let header = Header {
            ledger_id,
            table_id: table_id(ledger_id, height, &prev_header),
            leaf_index: first_leaf + record_count,
            height,
            first_leaf,
            record_count,
            opened_us: opened_us.into(),
            closed_us: u64::from(opened_us) + u64::from(open_us),
            raft_term: raft.0,
            raft_index: raft.1,
            records_root: Hash(roots[0]),
            log_root: Hash(roots[1]),
            state_root: Hash(roots[2]),
            prev_header,
            config: Hash(roots[3]),
        };
        prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn attestations_decode_to_themselves(
        node_name in "[a-z.]{1,30}", size in any::<u64>(), root in any::<[u8; 32]>(),
        time_s in 0..=TIME_S_MAX, half in any::<[u8; 32]>(),
    ) {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&half);
        let attestation = Attestation { node_name, size, root: Hash(root), time_s, signature };
        prop_assert_eq!(Attestation::decode(&attestation.encode()), Ok(attestation));
    }

    #[test]
    fn any_bytes_are_refused_or_accepted_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let leaf = [&LEAF_MAGIC[..], &bytes].concat();
        let _ = (Header::decode(&leaf), ConfigLeaf::decode(&leaf));
        let _ = (Attestation::decode(&bytes), Frontier::decode(&bytes), Receipt::parse(&bytes));
    }
}
