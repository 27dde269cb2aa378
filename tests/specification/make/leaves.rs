//! Leaves by themselves: records, headers, configs.

use bulla_ledger::{AssetId, ClassId, NO_LEAF, PartyId, Record, RecordId, Transfer};
use bulla_sealing::{ConfigLeaf, EMPTY_ROOT, Hash, Header, ledger_id, table_id};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Vectors;
use crate::forgery::{Forgery, HEADERS, genesis, log_key, nodes, public};
use crate::judge::hex;

fn input(leaf: &[u8]) -> Value {
    json!({ "leaf": hex(leaf) })
}

pub fn records() -> Value {
    let mut vectors = Vectors::new("records", "A record leaf, and every field of it.", json!(null));
    let record = RecordId::from_bytes([0x99; 16]);
    let asset = AssetId::from_bytes([0xa5; 16]);
    let class = ClassId::from_bytes([0xc1; 16]);
    let [from, to] = [0xf0, 0x70].map(|byte| PartyId::from_bytes([byte; 16]));
    let many = u128::MAX - 1;
    let transfers = [
        ("register", Transfer::register(record, asset, class, to)),
        ("register quantity", Transfer::register_quantity(record, asset, class)),
        ("issue", Transfer::issue(record, asset, to, many)),
        ("transfer", Transfer::transfer(record, asset, from, to).happened_at(u64::MAX)),
        ("transfer custody", Transfer::custody(record, asset, from, to)),
        ("transfer title", Transfer::title(record, asset, from, to)),
        ("transfer quantity", Transfer::send(record, asset, from, to, many)),
        ("retire", Transfer::retire(record, asset, from)),
        ("redeem", Transfer::redeem(record, asset, from, 1)),
        ("amend", Transfer::amend(record, asset, [0xdd; 32])),
        ("amend quantity", Transfer::amend_quantity(record, asset, [0xdd; 32])),
        ("incident", Transfer::incident(record, [0xdd; 32])),
        ("incident that closes one", Transfer::close_incident(record, RecordId::from_bytes([0x1c; 16]), [0xdd; 32])),
        ("erase", Transfer::erase(record, RecordId::from_bytes([0xe5; 16]))),
        ("enroll", Transfer::enroll(record, to)),
        ("define", Transfer::define(record, class, true, 38)),
        ("a commitment of zeros", Transfer { payload_commit: Some([0; 32]), ..Transfer::enroll(record, to) }),
    ];
    let placed = |transfer| Record {
        leaf_index: 6,
        transfer,
        asset_seq: u64::MAX,
        prev_leaf: 3,
        prev_leaf_to: 4,
        ref_leaf: NO_LEAF,
        time_us: 1_700_000_000_000_006,
    };
    for (name, transfer) in transfers {
        vectors.good(name, input(&placed(transfer).encode()));
    }
    let leaf = placed(transfers[3].1).encode();
    let mut with = |name: &str, error: &str, offset: usize, byte: u8| {
        let mut leaf = leaf;
        leaf[offset] = byte;
        vectors.bad(name, error, input(&leaf));
    };
    with("another magic", "UnknownMagic", 0, b'b');
    with("version 2", "UnknownMagic", 3, 2);
    with("a header's kind", "UnknownKind", 4, 0x10);
    with("kind 06, which is not built", "UnknownKind", 4, 0x06);
    with("flag bit 7", "UnknownFlags", 5, 0x8c);
    with("reserved byte 6", "Invalid.reserved", 6, 1);
    with("reserved byte 7", "Invalid.reserved", 7, 1);
    with("a commitment without its flag", "Invalid.payload_commit", 175, 1);
    vectors.bad("no bytes", "Truncated", input(b""));
    vectors.bad("seven bytes", "Truncated", input(&leaf[..7]));
    vectors.bad("175 bytes", "Truncated", input(&leaf[..175]));
    vectors.bad("177 bytes", "TrailingBytes", input(&[&leaf[..], &[0]].concat()));
    vectors.bad("eight bytes of an unknown kind", "UnknownKind", input(b"BUL\x01\x06\0\0\0"));
    vectors.bad("reserved byte of an unknown kind", "Invalid.reserved", input(b"BUL\x01\x06\0\0\x01"));
    vectors.bad("unknown flags of an unknown kind", "UnknownKind", input(b"BUL\x01\x06\xf0\0\0"));
    vectors.file()
}

pub fn headers() -> Value {
    let mut vectors = Vectors::new("headers", "A header leaf, and every field of it.", json!(null));
    let forgery = Forgery::new(3);
    for header in HEADERS {
        vectors.good(&format!("leaf {header}"), input(&forgery.leaves()[header as usize]));
    }
    let first = Header::decode(&forgery.leaves()[4]).unwrap();
    let table = |height, prev_header| table_id(first.ledger_id, height, &prev_header);
    let alone =
        Header { record_count: 0, leaf_index: 0, records_root: EMPTY_ROOT, log_root: EMPTY_ROOT, ..first.clone() };
    vectors.good("block 0 without any leaf before it", input(&alone.encode()));
    let prev_header = Hash([0xff; 32]);
    let last = u64::MAX - 1;
    let endless = Header {
        table_id: table(last, prev_header),
        height: last,
        first_leaf: last,
        leaf_index: last,
        record_count: 0,
        records_root: EMPTY_ROOT,
        opened_us: u64::MAX,
        closed_us: u64::MAX,
        prev_header,
        ..first.clone()
    };
    vectors.good("the last header that there can be", input(&endless.encode()));

    let mut with = |name: &str, error: &str, header: u64, change: fn(&mut Vec<u8>)| {
        let forgery = Forgery::new(3).header(header, change);
        vectors.bad(name, error, input(&forgery.leaves()[header as usize]));
    };
    with("another magic", "UnknownMagic", 8, |leaf| leaf[1] = b'u');
    with("version 0", "UnknownMagic", 8, |leaf| leaf[3] = 0);
    with("reserved byte 7", "Invalid.reserved", 8, |leaf| leaf[7] = 1);
    with("a record's kind", "WrongKind", 8, |leaf| leaf[4] = 3);
    with("a wrong kind with a flag", "WrongKind", 8, |leaf| (leaf[4], leaf[5]) = (3, 3));
    with("no flag, no state map", "UnknownFlags", 8, |leaf| leaf[5] = 0);
    with("flag bit 1", "UnknownFlags", 8, |leaf| leaf[5] = 3);
    with("295 bytes", "Truncated", 8, |leaf| leaf.truncate(295));
    with("297 bytes", "TrailingBytes", 8, |leaf| leaf.push(0));
    with("reserved byte 264", "Invalid.reserved", 8, |leaf| leaf[264] = 1);
    with("a leaf index too high", "Invalid.leaf_index", 8, |leaf| leaf[47] = 9);
    with("leaf index 2^64 - 1", "Invalid.leaf_index", 8, |leaf| {
        leaf[40..48].fill(0xff);
        leaf[64..72].copy_from_slice(&(u64::MAX - 5).to_be_bytes());
    });
    with("a sum of 2^64 and more", "Invalid.leaf_index", 8, |leaf| {
        leaf[64..72].fill(0xff);
        leaf[40..48].copy_from_slice(&4u64.to_be_bytes());
    });
    with("block 0 from leaf 1", "Invalid.first_leaf", 4, |leaf| (leaf[63], leaf[71]) = (1, 3));
    with("block 1 from leaf 0", "Invalid.first_leaf", 8, |leaf| (leaf[63], leaf[71]) = (0, 8));
    with("height 6 from leaf 5", "Invalid.height", 8, |leaf| leaf[55] = 6);
    with("closed before opened", "Invalid.closed_us", 8, |leaf| leaf[80..88].fill(0));
    with("records in the root of none", "Invalid.records_root", 9, |leaf| leaf[104] ^= 1);
    with("block 0 with two roots", "Invalid.log_root", 4, |leaf| leaf[136] ^= 1);
    with("block 0 after something", "Invalid.prev_header", 4, |leaf| leaf[231] = 1);
    with("block 1 after nothing", "Invalid.prev_header", 8, |leaf| leaf[200..232].fill(0));
    let forgery = Forgery::new(3).leaf(8, |leaf| leaf[24] ^= 1);
    vectors.bad("another table id", "Invalid.table_id", input(&forgery.leaves()[8]));
    vectors.bad("seven bytes", "Truncated", input(&forgery.leaves()[8][..7]));
    vectors.file()
}

pub fn configs() -> Value {
    let mut vectors = Vectors::new("configs", "A config leaf, and every field of it.", json!(null));
    for node_count in [1, 3, 5, 64] {
        vectors.good(&format!("genesis of {node_count} nodes"), input(&genesis(node_count).encode()));
    }
    let by_id = ConfigLeaf::genesis_named_by_id(public(&log_key()), nodes(3)).unwrap();
    vectors.good("genesis whose origin is its id", input(&by_id.encode()));
    let accented = ConfigLeaf::genesis("bücher.example/läden", public(&log_key()), nodes(1)).unwrap();
    vectors.good("an origin that is not ASCII", input(&accented.encode()));
    let leaf = genesis(1).encode();
    let later = |change: fn(&mut Vec<u8>)| {
        let mut leaf = leaf.clone();
        leaf[31] = 1;
        leaf[39] = 7;
        leaf[40..72].fill(0x1e);
        change(&mut leaf);
        leaf
    };
    vectors.good("the second config", input(&later(|_| ())));
    vectors.good("a later config need not derive its ledger id", input(&later(|leaf| leaf[8] ^= 1)));

    let mut with = |name: &str, error: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut leaf = leaf.clone();
        change(&mut leaf);
        vectors.bad(name, error, input(&leaf));
    };
    let origin_end = leaf.len() - 32 - 35 - 2 - 6;
    let name = origin_end + 32 + 2;
    with("version 2", "UnknownMagic", &|leaf| leaf[3] = 2);
    with("a header's kind", "WrongKind", &|leaf| leaf[4] = 0x10);
    with("a flag", "UnknownFlags", &|leaf| leaf[5] = 1);
    with("reserved byte 6", "Invalid.reserved", &|leaf| leaf[6] = 1);
    with("reserved byte 72", "Invalid.reserved", &|leaf| leaf[72] = 1);
    with("one node more than there are", "Truncated", &|leaf| leaf[75] = 2);
    with("one byte less", "Truncated", &|leaf| leaf.truncate(leaf.len() - 1));
    with("one byte more", "TrailingBytes", &|leaf| leaf.push(0));
    with("no nodes", "Keys.NoNodes", &|leaf| {
        leaf[75] = 0;
        leaf.truncate(origin_end + 32);
    });
    with("an origin that is not UTF-8", "Invalid.origin", &|leaf| leaf[78] = 0xff);
    with("a node's name that is not UTF-8", "Invalid.node_name", &|leaf| leaf[name] = 0xff);
    with("a key of type 01", "Invalid.key_type", &|leaf| leaf[name + 6] = 1);
    with("a key of 33 bytes", "Invalid.public_key", &|leaf| leaf[name + 8] = 33);
    with("an origin with white space", "Keys.BadName", &|leaf| leaf[79] = b' ');
    with("a node's name with a plus sign", "Keys.BadName", &|leaf| leaf[name] = b'+');
    with("a node called voters", "Keys.ReservedName", &|leaf| leaf[name..name + 6].copy_from_slice(b"voters"));
    with("a node with the log's key", "Keys.SameKey", &|leaf| leaf.copy_within(origin_end..origin_end + 32, name + 9));
    with("a node with the neutral element", "Keys.BadKey", &|leaf| {
        leaf[name + 9..].fill(0);
        leaf[name + 9] = 1;
    });
    with("a log key that is no point", "Keys.BadKey", &|leaf| {
        leaf[origin_end..origin_end + 32].fill(0);
        leaf[origin_end] = 2;
    });
    with("another ledger id", "Invalid.ledger_id", &|leaf| leaf[8] ^= 1);
    with("a genesis from height 1", "Invalid.first_height", &|leaf| leaf[39] = 1);
    with("a genesis after something", "Invalid.prev_config", &|leaf| leaf[40] = 1);
    vectors.bad("a later config from height 0", "Invalid.first_height", input(&later(|leaf| leaf[39] = 0)));
    vectors.bad("a later config after nothing", "Invalid.prev_config", input(&later(|leaf| leaf[40..72].fill(0))));
    refused_together(&mut vectors);
    vectors.file()
}

/// Configs of more than one node that cannot be used together, with the ledger ids that they derive.
fn refused_together(vectors: &mut Vectors) {
    let node_bytes = 2 + 6 + 1 + 2 + 32;
    let whole = genesis(2).encode();
    let second = whole.len() - node_bytes;
    let mut same_name = whole.clone();
    same_name.copy_within(second - node_bytes..second - node_bytes + 8, second);
    vectors.bad("two nodes of one name", "Keys.SameName", input(&same_name));
    let mut same_key = whole.clone();
    same_key.copy_within(second - 32..second, second + node_bytes - 32);
    vectors.bad("two nodes of one key", "Keys.SameKey", input(&same_key));
    let mut many = genesis(64).encode();
    many[75] = 65;
    many.extend_from_within(many.len() - node_bytes - 1..);
    vectors.bad("65 nodes", "Keys.TooManyNodes", input(&many));

    let mut nil = ConfigLeaf::genesis_named_by_id(public(&log_key()), nodes(1)).unwrap().encode();
    let origin = format!("bulla/{}", Uuid::nil());
    nil[8..24].fill(0);
    nil[78..78 + origin.len()].copy_from_slice(origin.as_bytes());
    let id = ledger_id(&nil);
    nil[8..24].copy_from_slice(id.as_bytes());
    vectors.bad("an origin with the nil id", "Invalid.origin", input(&nil));
}
