//! Receipts whose text is right and that must be refused: at least one for every rule, and some with many things wrong.

use bulla_sealing::*;

use super::Vectors;
use super::receipts::{input, witnessed};
use super::receipts_malformed;
use crate::forgery::{Forgery, HEADERS, TIME_S, cosignature, node_key, node_name};

pub fn add(vectors: &mut Vectors) {
    receipts_malformed::add(vectors);
    seals(vectors);
    records(vectors);
    headers(vectors);
    the_rest(vectors);
    order(vectors);
}

fn good() -> Forgery {
    Forgery::new(3)
}

/// The text of a receipt after a change to the receipt.
fn changed(change: impl FnOnce(&mut Receipt)) -> String {
    let mut receipt = good().receipt();
    change(&mut receipt);
    receipt.to_text().unwrap()
}

fn seals(vectors: &mut Vectors) {
    let whole = good().text();
    vectors.bad("a policy of another origin", "Seal.UnknownOrigin", input("another origin", &whole));
    let mut lines = |name: &str, error: &str, change: fn(&mut Vec<NoteSignature>)| {
        let text = changed(|receipt| change(&mut receipt.checkpoint.signatures));
        vectors.bad(name, error, input("3 nodes", &text));
    };
    lines("the log signed twice", "Seal.RepeatedSignature", |lines| lines.push(lines[0].clone()));
    lines("a node signed twice", "Seal.RepeatedSignature", |lines| lines.push(lines[2].clone()));
    lines("the log's signature is wrong", "Seal.BadSignature", |lines| lines[0].signature[3] ^= 1);
    lines("a node's signature is wrong", "Seal.BadSignature", |lines| lines[2].signature[40] ^= 1);
    lines("a node's time is wrong", "Seal.BadSignature", |lines| lines[2].signature[7] ^= 1);
    lines("a node's time is 2^63", "Seal.BadSignature", |lines| lines[2].signature[0] = 0x80);
    lines("a node's line is too short", "Seal.BadSignature", |lines| lines[2].signature.truncate(71));
    lines("a node's line is too long", "Seal.BadSignature", |lines| lines[2].signature.push(0));
    lines("a node's line has the log's length", "Seal.BadSignature", |lines| drop(lines[2].signature.drain(..8)));
    lines("S of a signature plus L", "Seal.BadSignature", |lines| add_order(&mut lines[0].signature[32..]));
    lines("the log did not sign", "Seal.LogSignatureMissing", |lines| drop(lines.remove(0)));
    lines("a node did not sign", "Seal.NodesMissing", |lines| drop(lines.remove(3)));
    lines("no node signed", "Seal.NodesMissing", |lines| lines.truncate(1));
    lines("nobody signed but a stranger", "Seal.LogSignatureMissing", |lines| {
        lines.truncate(1);
        lines[0].key_id ^= 1;
    });
    let one_node = Forgery::new(1).text();
    vectors.bad("1 node where 3 must sign", "Seal.NodesMissing", input("3 nodes", &one_node));

    let forgery = good();
    let mut receipt = forgery.receipt();
    let other_tree = Checkpoint { size: 8, ..forgery.checkpoint() };
    receipt.checkpoint.signatures[1] = cosignature(&node_key(1), &node_name(1), &other_tree, TIME_S);
    vectors.bad("a node signed another tree", "Seal.BadSignature", input("3 nodes", &receipt.to_text().unwrap()));
    let mut receipt = witnessed();
    receipt.checkpoint.signatures[4].signature[70] ^= 1;
    let text = receipt.to_text().unwrap();
    vectors.bad("a witness's signature is wrong", "Seal.BadSignature", input("3 nodes and a witness", &text));
    vectors.good("a stranger's signature is wrong", input("3 nodes", &text));
}

/// Adds the order of the base point, little-endian: the same number to whoever reduces it.
fn add_order(s: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, order) in s.iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
}

fn records(vectors: &mut Vectors) {
    let mut with = |name: &str, error: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let text = good().payload(false).leaf(6, change).text();
        vectors.bad(&format!("record: {name}"), error, input("3 nodes", &text));
    };
    with("no bytes", "Record.Truncated", &|leaf| leaf.clear());
    with("seven bytes", "Record.Truncated", &|leaf| leaf.truncate(7));
    with("175 bytes", "Record.Truncated", &|leaf| leaf.truncate(175));
    with("177 bytes", "Record.TrailingBytes", &|leaf| leaf.push(0));
    with("another magic", "Record.UnknownMagic", &|leaf| leaf[0] = b'b');
    with("version 2", "Record.UnknownMagic", &|leaf| leaf[3] = 2);
    with("a reserved byte", "Record.Invalid.reserved", &|leaf| leaf[7] = 1);
    with("an offer, kind 06", "Record.UnknownKind", &|leaf| leaf[4] = 0x06);
    with("flag bit 4", "Record.UnknownFlags", &|leaf| leaf[5] |= 0x10);
    with("a commitment without its flag", "Record.Invalid.payload_commit", &|leaf| leaf[5] &= !1);
    with("it says another index", "RecordIndex", &|leaf| leaf[15] = 7);

    for (name, place) in [("the config", 0), ("a header", 4)] {
        let text = good().of(place, 8, 9).text();
        vectors.bad(&format!("{name} in place of a record"), "Record.UnknownKind", input("3 nodes", &text));
    }
    let mut path = |name: &str, error: &str, change: &dyn Fn(&mut Vec<Hash>)| {
        let text = changed(|receipt| change(&mut receipt.path));
        vectors.bad(&format!("record path: {name}"), error, input("3 nodes", &text));
    };
    path("a hash is wrong", "RecordPath.RootMismatch", &|path| path[0].0[0] ^= 1);
    path("two hashes swapped", "RecordPath.RootMismatch", &|path| path.swap(0, 1));
    path("a hash is missing", "RecordPath.WrongLength", &|path| path.truncate(path.len() - 1));
    path("a hash too many", "RecordPath.WrongLength", &|path| path.push(EMPTY_ROOT));
    path("empty", "RecordPath.WrongLength", &|path| path.clear());
    let beyond = good().stated(5, EMPTY_ROOT).text();
    vectors.bad("record path: an index beyond the size", "RecordPath.IndexBeyondSize", input("3 nodes", &beyond));
    let endless = good().stated((1 << 63) + 1, EMPTY_ROOT).text();
    vectors.bad("record path: 64 hashes needed", "RecordPath.TooLong", input("3 nodes", &endless));
    let neighbour = changed(|receipt| receipt.record = good().leaves()[5].clone());
    vectors.bad("the record of another leaf", "RecordIndex", input("3 nodes", &neighbour));
}

fn headers(vectors: &mut Vectors) {
    let mut with = |name: &str, error: &str, forgery: Forgery| {
        vectors.bad(&format!("header: {name}"), &format!("Header.{error}"), input("3 nodes", &forgery.text()));
    };
    let at_8 = |change: fn(&mut Vec<u8>)| good().header(8, change);
    with("no bytes", "Truncated", good().leaf(8, |leaf| leaf.clear()));
    with("295 bytes", "Truncated", good().leaf(8, |leaf| leaf.truncate(295)));
    with("297 bytes", "TrailingBytes", good().leaf(8, |leaf| leaf.push(0)));
    with("version 2", "UnknownMagic", at_8(|leaf| leaf[3] = 2));
    with("a reserved byte", "Invalid.reserved", at_8(|leaf| leaf[6] = 1));
    with("the last reserved byte", "Invalid.reserved", at_8(|leaf| leaf[295] = 1));
    with("a config's kind", "WrongKind", at_8(|leaf| leaf[4] = KIND_CONFIG));
    with("an unknown kind", "WrongKind", at_8(|leaf| leaf[4] = 0x12));
    with("no flag, no state map", "UnknownFlags", at_8(|leaf| leaf[5] = 0));
    with("flag bit 1", "UnknownFlags", at_8(|leaf| leaf[5] = 3));
    with("another table id", "Invalid.table_id", good().leaf(8, |leaf| leaf[39] ^= 1));
    with("another height under the same table id", "Invalid.table_id", good().leaf(8, |leaf| leaf[55] = 2));
    with("a record too few", "Invalid.leaf_index", at_8(|leaf| leaf[71] = 2));
    with("a sum that overflows", "Invalid.leaf_index", at_8(|leaf| leaf[64..72].fill(0xff)));
    with("block 1 from leaf 0", "Invalid.first_leaf", at_8(|leaf| (leaf[63], leaf[71]) = (0, 8)));
    with("more blocks than leaves", "Invalid.height", at_8(|leaf| leaf[55] = 6));
    with("closed before opened", "Invalid.closed_us", at_8(|leaf| leaf[80..88].fill(0)));
    with("records in the root of none", "Invalid.records_root", at_8(|leaf| (leaf[63], leaf[71]) = (8, 0)));
    let block_0 = good().of(2, 4, 9).header(4, |leaf| leaf[136] ^= 1);
    with("block 0 with another log root", "Invalid.log_root", block_0);
    with("block 1 after nothing", "Invalid.prev_header", at_8(|leaf| leaf[200..232].fill(0)));
    let block_0 = good().of(2, 4, 9).header(4, |leaf| leaf[200] = 1);
    with("block 0 after something", "Invalid.prev_header", block_0);
    with("a record in its place", "WrongKind", good().of(6, 7, 9));

    let whole = good().text();
    vectors.bad("a policy of another ledger", "OtherLedger", input("another ledger", &whole));
    let mut path = |name: &str, error: &str, change: &dyn Fn(&mut Vec<Hash>)| {
        let text = changed(|receipt| change(&mut receipt.header_path));
        vectors.bad(&format!("header path: {name}"), error, input("3 nodes", &text));
    };
    path("a hash is wrong", "HeaderPath.RootMismatch", &|path| path[0].0[0] ^= 1);
    path("a hash is missing", "HeaderPath.WrongLength", &|path| path.truncate(path.len() - 1));
    path("a hash too many", "HeaderPath.WrongLength", &|path| path.push(EMPTY_ROOT));
    let beyond = good().header(8, |leaf| (leaf[47], leaf[71]) = (9, 4)).text();
    vectors.bad("header path: an index beyond the size", "HeaderPath.IndexBeyondSize", input("3 nodes", &beyond));

    // The record is the last of 2^63 + 1 leaves, so its own path is short.
    let place = 1 << 63;
    let mut receipt = good().leaf(6, |leaf| leaf[8..16].copy_from_slice(&u64::to_be_bytes(place))).receipt();
    let root = node_hash(&EMPTY_ROOT, &leaf_hash(&receipt.record));
    receipt.checkpoint = good().stated(place + 1, root).receipt().checkpoint;
    (receipt.index, receipt.path) = (place, vec![EMPTY_ROOT]);
    let endless = receipt.to_text().unwrap();
    vectors.bad("header path: 64 hashes needed", "HeaderPath.TooLong", input("3 nodes", &endless));
}

fn the_rest(vectors: &mut Vectors) {
    for (place, header) in [(2, 8), (6, 4), (6, 9), (12, 8)] {
        let text = good().of(place, header, 19).text();
        vectors.bad(&format!("leaf {place} with header {header}"), "NotInBlock", input("3 nodes", &text));
    }
    let log_root = good().header(8, |leaf| leaf[136] ^= 1);
    vectors.bad("the last header has another log root", "LogRoot", input("3 nodes", &log_root.text()));
    let earlier = good().header(8, |leaf| leaf[136] ^= 1).of(6, 8, 10);
    vectors.good(
        "an earlier header has another log root, which a receipt does not show",
        input("3 nodes", &earlier.text()),
    );

    let mut receipt = good().of(5, 8, 9).receipt();
    receipt.payload = good().receipt().payload;
    let text = receipt.to_text().unwrap();
    vectors.bad("a payload of a record without one", "PayloadNotCommitted", input("3 nodes", &text));
    let mut payload = |name: &str, salt: [u8; 32], bytes: &[u8]| {
        let text = changed(|receipt| receipt.payload = Some((salt, bytes.to_vec())));
        vectors.bad(name, "PayloadMismatch", input("3 nodes", &text));
    };
    payload("another payload", [6; 32], b"{}");
    payload("the payload under another salt", [7; 32], &good().receipt().payload.unwrap().1);
    payload("an empty payload", [6; 32], b"");
}

/// Each of these breaks one rule. Of all that are broken, the first is named.
fn order(vectors: &mut Vectors) {
    type Fault = (&'static str, fn(Forgery) -> Forgery, fn(&mut Receipt));
    let untold: fn(Forgery) -> Forgery = |forgery| forgery;
    let faults: [Fault; 11] = [
        ("Seal.RepeatedSignature", untold, |receipt| {
            let again = receipt.checkpoint.signatures[0].clone();
            receipt.checkpoint.signatures.push(again);
        }),
        ("Seal.BadSignature", untold, |receipt| receipt.checkpoint.signatures[2].signature[70] ^= 1),
        ("Seal.NodesMissing", untold, |receipt| drop(receipt.checkpoint.signatures.remove(3))),
        ("Record.UnknownKind", |forgery| forgery.leaf(6, |leaf| leaf[4] = 6), |_| ()),
        ("RecordIndex", |forgery| forgery.leaf(6, |leaf| leaf[15] = 7), |_| ()),
        ("RecordPath.RootMismatch", untold, |receipt| receipt.path[0].0[0] ^= 1),
        ("Header.Invalid.reserved", |forgery| forgery.leaf(8, |leaf| leaf[295] = 1), |_| ()),
        ("HeaderPath.RootMismatch", untold, |receipt| receipt.header_path[0].0[0] ^= 1),
        ("NotInBlock", |forgery| forgery.header(8, |leaf| (leaf[63], leaf[71]) = (7, 1)), |_| ()),
        ("LogRoot", |forgery| forgery.leaf(8, |leaf| leaf[136] ^= 1), |_| ()),
        ("PayloadMismatch", untold, |receipt| receipt.payload = Some(([0; 32], vec![]))),
    ];
    for (first, (error, ..)) in faults.iter().enumerate() {
        let mut forgery = good().of(6, 8, HEADERS[1] + 1);
        for (_, change, _) in &faults[first..] {
            forgery = change(forgery);
        }
        let mut receipt = forgery.receipt();
        for (.., change) in &faults[first..] {
            change(&mut receipt);
        }
        let name = format!("everything is wrong, and first of all {error}");
        vectors.bad(&name, error, input("3 nodes", &receipt.to_text().unwrap()));
    }
}
