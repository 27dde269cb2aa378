//! The tables of offsets, held against the bytes that the encoders write.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_ledger::{Act, AssetId, PartyId, Position, Record, RecordId, State, Transfer, UniqueState};
use bulla_sealing::{ConfigLeaf, Header, KIND_CONFIG, KIND_HEADER, LEAF_MAGIC};

use crate::forgery::Forgery;
use crate::page::{quoted, tables};

/// A field's bytes by its name.
type Fields = BTreeMap<&'static str, Vec<u8>>;

/// Reads bytes along a table from `start`, compares every field with `fields`, and returns where the table ends.
fn follow(rows: &[Vec<String>], bytes: &[u8], start: usize, fields: &Fields) -> usize {
    let mut place = start;
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let [offset, length, field, holds] = &row[..] else { panic!("four cells: {row:?}") };
        if offset != "then" {
            assert_eq!(offset.parse(), Ok(place - start), "offset of {field}");
        }
        let length = match length.split_once(" x ") {
            Some((each, count)) => each.parse::<usize>().unwrap() * numbers[count],
            None => length.parse().unwrap_or_else(|_| numbers[length]),
        };
        let found = &bytes[place..place + length];
        let pinned = quoted(holds).first().and_then(|hex| from_hex(hex)).filter(|pinned| pinned.len() == length);
        match fields.get(field.as_str()) {
            Some(expected) => assert_eq!(found, &expected[..], "{field}"),
            None if field.starts_with("reserved") || holds.starts_with("zero") => {
                assert!(found.iter().all(|byte| *byte == 0), "{field}");
            }
            None => match pinned {
                Some(pinned) => assert_eq!(found, pinned, "{field}"),
                None => assert!(field.ends_with("_length") || field.ends_with("_count"), "nothing is known of {field}"),
            },
        }
        if length <= 8 {
            numbers.insert(field.clone(), found.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)));
        }
        place += length;
    }
    place
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.split(' ').map(|byte| (byte.len() == 2).then(|| u8::from_str_radix(byte, 16).ok())?).collect()
}

#[test]
fn every_leaf_begins_with_the_eight_bytes_of_the_table() {
    let table = &tables("3. Leaves")[0];
    for leaf in Forgery::new(3).leaves() {
        let fields = Fields::from([("kind", vec![leaf[4]]), ("flags", vec![leaf[5]])]);
        assert_eq!(follow(table, leaf, 0, &fields), 8);
    }
}

#[test]
fn the_kinds_are_those_of_the_code() {
    let mut expected: Vec<(u8, &str, &str)> = Act::ALL.map(|act| (act.code(), act.name(), "record")).to_vec();
    expected.extend([(KIND_HEADER, "header", "header"), (KIND_CONFIG, "config", "config")]);
    expected.sort();
    let table = &tables("3.1 Kinds")[0];
    let expected: Vec<[String; 3]> = expected
        .iter()
        .map(|(kind, name, leaf)| [format!("`{kind:02X}`"), name.to_string(), leaf.to_string()])
        .collect();
    assert_eq!(*table, expected);
}

#[test]
fn a_record_has_its_fields_where_the_table_says() {
    let id = |byte| [byte; 16];
    let [from, to] = [0x0f, 0x70].map(|byte| PartyId::from_bytes(id(byte)));
    let send = Transfer::send(RecordId::from_bytes(id(0x1d)), AssetId::from_bytes(id(0xa5)), from, to, u128::MAX / 3);
    let transfer = Transfer { payload_commit: Some([0xcc; 32]), ..send.happened_at(0x0707_0707_0707_0707) };
    let record = Record {
        leaf_index: 0x0101_0101_0101_0101,
        transfer,
        asset_seq: 0x0202_0202_0202_0202,
        prev_leaf: 0x0303_0303_0303_0303,
        prev_leaf_to: 0x0404_0404_0404_0404,
        ref_leaf: 0x0505_0505_0505_0505,
        time_us: 0x0606_0606_0606_0606,
    };
    let fields = Fields::from([
        ("kind", vec![Act::Transfer.code()]),
        ("flags", vec![0b1111]),
        ("leaf_index", vec![1; 8]),
        ("record_id", vec![0x1d; 16]),
        ("asset_id", vec![0xa5; 16]),
        ("asset_seq", vec![2; 8]),
        ("prev_leaf", vec![3; 8]),
        ("prev_leaf_to", vec![4; 8]),
        ("ref_leaf", vec![5; 8]),
        ("from", vec![0x0f; 16]),
        ("to", vec![0x70; 16]),
        ("quantity", vec![0x55; 16]),
        ("time_us", vec![6; 8]),
        ("event_time_us", vec![7; 8]),
        ("payload_commit", vec![0xcc; 32]),
    ]);
    let table = &tables("3.2 The record leaf, 176 bytes")[0];
    assert_eq!(follow(table, &record.encode(), 0, &fields), Record::LEN);
}

#[test]
fn a_header_has_its_fields_where_the_table_says() {
    let leaf = Forgery::new(3).leaves()[8].clone();
    let header = Header::decode(&leaf).unwrap();
    let number = |number: u64| number.to_be_bytes().to_vec();
    let fields = Fields::from([
        ("ledger_id", header.ledger_id.as_bytes().to_vec()),
        ("table_id", header.table_id.as_bytes().to_vec()),
        ("leaf_index", number(header.leaf_index)),
        ("height", number(header.height)),
        ("first_leaf", number(header.first_leaf)),
        ("record_count", number(header.record_count)),
        ("opened_us", number(header.opened_us)),
        ("closed_us", number(header.closed_us)),
        ("raft_term", number(header.raft_term)),
        ("raft_index", number(header.raft_index)),
        ("records_root", header.records_root.0.to_vec()),
        ("log_root", header.log_root.0.to_vec()),
        ("state_root", header.state_root.0.to_vec()),
        ("prev_header", header.prev_header.0.to_vec()),
        ("config", header.config.0.to_vec()),
    ]);
    let mut values: Vec<&Vec<u8>> = fields.values().collect();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), fields.len(), "fields that are alike could be swapped unnoticed");
    let table = &tables("3.4 The header leaf, 296 bytes")[0];
    assert_eq!(follow(table, &leaf, 0, &fields), Header::LEN);
}

#[test]
fn a_config_has_its_fields_where_the_tables_say() {
    let leaf = Forgery::new(3).leaves()[0].clone();
    let config = ConfigLeaf::decode(&leaf).unwrap();
    let fields = Fields::from([
        ("ledger_id", config.ledger_id.as_bytes().to_vec()),
        ("config_seq", config.config_seq.to_be_bytes().to_vec()),
        ("first_height", config.first_height.to_be_bytes().to_vec()),
        ("prev_config", config.prev_config.0.to_vec()),
        ("node_count", vec![0, 3]),
        ("origin", config.origin.as_bytes().to_vec()),
        ("log_key", config.log_key.to_vec()),
    ]);
    let [head, node_table, _] = &tables("3.5 The config leaf")[..] else { panic!("three tables") };
    let mut place = follow(head, &leaf, 0, &fields);
    for node in &config.nodes {
        let fields = Fields::from([
            ("name", node.name.as_bytes().to_vec()),
            ("key_length", vec![0, 32]),
            ("public_key", node.public_key.to_vec()),
        ]);
        place = follow(node_table, &leaf, place, &fields);
    }
    assert_eq!(place, leaf.len());
}

#[test]
fn extra_has_its_fields_where_the_table_says() {
    let table = tables("6.2 EXTRA").remove(0);
    for with_payload in [true, false] {
        let receipt = Forgery::new(3).payload(with_payload).receipt();
        let text = receipt.to_text().unwrap();
        let line = text.lines().nth(1).unwrap().strip_prefix("extra ").unwrap();
        let extra = STANDARD.decode(line).unwrap();
        let mut fields = Fields::from([
            ("record", receipt.record.clone()),
            ("payload_flag", vec![with_payload.into()]),
            ("header", receipt.header.clone()),
            ("header_path", receipt.header_path.iter().flat_map(|hash| hash.0).collect()),
        ]);
        if let Some((salt, payload)) = receipt.payload.clone() {
            fields.extend([("salt", salt.to_vec()), ("payload", payload)]);
        }
        let rows: Vec<_> =
            table.iter().filter(|row| with_payload || !row[3].ends_with("only after `01`")).cloned().collect();
        assert_eq!(follow(&rows, &extra, 0, &fields), extra.len());
    }
}

#[test]
fn a_state_has_its_fields_where_the_tables_say() {
    let id = |byte| [byte; 16];
    let [holder, owner] = [0x70, 0x0f].map(|byte| PartyId::from_bytes(id(byte)));
    let (asset_id, seq, last_leaf) = (AssetId::from_bytes(id(0xa5)), u64::MAX / 3, u64::MAX / 5);
    let chain = [("asset_id", vec![0xa5; 16]), ("seq", vec![0x55; 8]), ("last_leaf", vec![0x33; 8])];
    let [unique, position, _] = &tables("11.2 States")[..] else { panic!("three tables") };

    let state = State::Unique(UniqueState { asset_id, holder, owner, retired: true, seq, last_leaf });
    let mut fields = Fields::from([("holder", vec![0x70; 16]), ("owner", vec![0x0f; 16]), ("status", vec![1])]);
    fields.extend(chain.clone());
    assert_eq!(follow(unique, &state.encode(), 0, &fields), state.encode().len());

    let state = State::Position(Position { asset_id, party_id: holder, available: u128::MAX / 15, seq, last_leaf });
    let mut fields = Fields::from([("party_id", vec![0x70; 16]), ("available", vec![0x11; 16])]);
    fields.extend(chain);
    assert_eq!(follow(position, &state.encode(), 0, &fields), state.encode().len());
}

#[test]
fn the_magic_is_the_one_that_is_written_down() {
    assert_eq!(from_hex("42 55 4C 01").unwrap(), LEAF_MAGIC);
}
