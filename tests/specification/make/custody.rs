//! Certificates in which everything is proven, and the records are not all those that led to the state.

use bulla_ledger::{Act, NO_LEAF, PartyId, Record};
use bulla_sealing::{Claim, Hash};

use super::Vectors;
use super::certificates::{OF_DRILL, input};
use crate::story::{ANNA, BERT, DRILL, NOBODY, SAW, Story, key_of, key_of_screws};

pub fn refused(vectors: &mut Vectors) {
    states(vectors);
    chains(vectors);
    of_an_asset(vectors);
    of_units(vectors);
}

/// The saw with its one record, after a change to its state.
fn states(vectors: &mut Vectors) {
    for (name, error, change) in [
        ("a state of 71 bytes", "State.WrongLength", (|state| state.truncate(71)) as fn(&mut Vec<u8>)),
        ("a state of one byte", "State.WrongLength", |state| state.truncate(1)),
        ("a state with status 2", "State.UnknownFlag", |state| state[48] = 2),
        ("a state with a reserved byte", "State.ReservedNotZero", |state| state[49] = 1),
        ("a state of another asset under this key", "OtherKey", |state| state[0] ^= 1),
    ] {
        let certificate = Story::new().state(key_of(SAW), change).certificate(key_of(SAW), &[11]);
        vectors.bad(name, &format!("Custody.{error}"), input("3 nodes", &certificate));
    }
    let mut denied = Story::new().certificate(key_of(SAW), &[11]);
    let key = key_of(bulla_ledger::AssetId::from_bytes([0x61; 16]));
    let none: Claim = Story::new().proof(&[key]).claims.remove(0);
    denied.state.claims = vec![none];
    vectors.bad("an asset that is not there", "Custody.State.WrongLength", input("3 nodes", &denied));
}

/// Which records there are.
fn chains(vectors: &mut Vectors) {
    let saw = key_of(SAW);
    let screws = key_of_screws(NOBODY);
    for (name, error, key, records) in [
        ("a record of another asset", "Undo.OtherLeaf", saw, &[10][..]),
        ("the newest record is left out", "Undo.OtherLeaf", key_of(DRILL), &[4, 3, 2, 1]),
        ("a record between is left out", "Undo.OtherLeaf", key_of(DRILL), &[5, 4, 2, 1]),
        ("the oldest record is left out", "Missing", key_of(DRILL), &[5, 4, 3, 2]),
        ("a record twice", "Undo.OtherLeaf", key_of(DRILL), &[5, 5, 4, 3, 2, 1]),
        ("the first record twice", "Superfluous", saw, &[11, 11]),
        ("a record after the first", "Superfluous", saw, &[11, 6]),
        ("records from old to new", "Undo.OtherLeaf", screws, &[6, 7, 9, 10]),
        ("the records of one party for another", "Undo.OtherLeaf", key_of_screws(ANNA), &[9, 8]),
    ] {
        let certificate = Story::new().certificate(key, records);
        vectors.bad(name, &format!("Custody.{error}"), input("3 nodes", &certificate));
    }
}

type Change = fn(&mut Record);

/// A change to one record, all signed: whose state no longer follows.
#[track_caller]
fn bad(vectors: &mut Vectors, key: Hash, records: &[u64], (leaf, name, error, change): (u64, &str, &str, Change)) {
    let certificate = Story::new().record(leaf, change).certificate(key, records);
    vectors.bad(name, &format!("Custody.Undo.{error}"), input("3 nodes", &certificate));
}

fn of_an_asset(vectors: &mut Vectors) {
    let cases: [(u64, &str, &str, Change); 26] = [
        (5, "drill: a record that enrolls", "OtherChain", |record| record.transfer.act = Act::Enroll),
        (5, "drill: a record that defines", "OtherChain", |record| record.transfer.act = Act::Define),
        (5, "drill: an incident", "OtherChain", |record| record.transfer.act = Act::Incident),
        (5, "drill: a record that erases", "OtherChain", |record| record.transfer.act = Act::Erase),
        (3, "drill: a record of another asset", "OtherChain", |record| record.transfer.asset_id.0 = uuid::Uuid::max()),
        (3, "drill: a record of a quantity asset", "OtherChain", |record| record.transfer.quantity_asset = true),
        (3, "drill: an issue", "OtherChain", |record| record.transfer.act = Act::Issue),
        (3, "drill: a redeem", "OtherChain", |record| record.transfer.act = Act::Redeem),
        (3, "drill: a number too low", "OtherSeq", |record| record.asset_seq = 1),
        (3, "drill: a redeem with a wrong number", "OtherSeq", |record| {
            (record.asset_seq, record.transfer.act) = (9, Act::Redeem);
        }),
        (5, "drill: retired by another", "OtherOutcome", |record| record.transfer.from = ANNA),
        (5, "drill: retired, and the last record amends", "OtherOutcome", |record| record.transfer.act = Act::Amend),
        (5, "drill: retired, and the last record transfers", "OtherOutcome", |record| {
            (record.transfer.act, record.transfer.to) = (Act::Transfer, BERT);
            (record.transfer.moves_title, record.transfer.moves_custody) = (true, true);
        }),
        (4, "drill: retired before it was transferred", "OtherOutcome", |record| record.transfer.act = Act::Retire),
        (4, "drill: title to another", "OtherOutcome", |record| record.transfer.to = ANNA),
        (4, "drill: a transfer of nothing", "OtherOutcome", |record| record.transfer.moves_title = false),
        (4, "drill: title from another, who registered it", "OtherOutcome", |record| record.transfer.from = BERT),
        (2, "drill: custody to another", "OtherOutcome", |record| record.transfer.to = ANNA),
        (2, "drill: custody from another, and registered for Anna", "OtherOutcome", |record| {
            record.transfer.from = BERT
        }),
        (1, "drill: registered for another", "OtherOutcome", |record| record.transfer.to = BERT),
        (1, "drill: the first record amends", "Link", |record| record.transfer.act = Act::Amend),
        (1, "drill: the first record has a link", "Link", |record| record.prev_leaf = 0),
        (4, "drill: no link", "Link", |record| record.prev_leaf = NO_LEAF),
        (4, "drill: a link to itself", "Link", |record| record.prev_leaf = 4),
        (4, "drill: a link to a later record", "Link", |record| record.prev_leaf = 9),
        (4, "drill: a link to another record", "OtherLeaf", |record| record.prev_leaf = 2),
    ];
    for case in cases {
        bad(vectors, key_of(DRILL), &OF_DRILL, case);
    }
    // Before leaf 4 it was all Anna's, as after a registration; but two records came before.
    let again = Story::new().record(4, |record| record.transfer.moves_custody = true);
    let again = again.record(3, |record| (record.transfer.act, record.transfer.to) = (Act::Register, ANNA));
    let again = again.certificate(key_of(DRILL), &OF_DRILL);
    vectors.bad("drill: registered again", "Custody.Undo.Link", input("3 nodes", &again));
    let kept = Story::new().state(key_of(DRILL), |state| state[48] = 0);
    let kept = kept.certificate(key_of(DRILL), &OF_DRILL);
    vectors.bad(
        "drill: retired, and the state says that it is not",
        "Custody.Undo.OtherOutcome",
        input("3 nodes", &kept),
    );
}

fn of_units(vectors: &mut Vectors) {
    let all = key_of_screws(NOBODY);
    let cases: [(u64, &str, &str, Change); 13] = [
        (10, "screws: a record of a unique asset", "OtherChain", |record| record.transfer.quantity_asset = false),
        (10, "screws: a retire", "OtherChain", |record| record.transfer.act = Act::Retire),
        (10, "screws: a transfer from nobody", "OtherChain", |record| record.transfer.act = Act::Transfer),
        (10, "screws: a transfer between others", "OtherChain", |record| {
            (record.transfer.act, record.transfer.from, record.transfer.to) = (Act::Transfer, ANNA, BERT);
        }),
        (10, "screws: a number too high", "OtherSeq", |record| record.asset_seq = 4),
        (10, "screws: a transfer from nobody with a wrong number", "OtherSeq", |record| {
            (record.transfer.act, record.asset_seq) = (Act::Transfer, 4);
        }),
        (7, "screws: more issued than is outstanding", "OtherOutcome", |record| record.transfer.quantity = 101),
        (9, "screws: more redeemed than there can be", "OtherOutcome", |record| record.transfer.quantity = u128::MAX),
        (7, "screws: some were there before the first issue", "OtherOutcome", |record| record.transfer.quantity = 99),
        (6, "screws: the first record is an issue", "OtherOutcome", |record| {
            (record.transfer.act, record.transfer.quantity) = (Act::Issue, 1);
        }),
        (6, "screws: the first record amends", "Link", |record| record.transfer.act = Act::Amend),
        (6, "screws: the first record has a link", "Link", |record| record.prev_leaf = 2),
        (9, "screws: a redeem whose other link is wrong", "OtherLeaf", |record| record.prev_leaf_to = 6),
    ];
    for case in cases {
        bad(vectors, all, &[10, 9, 7, 6], case);
    }
    let anna: [(u64, &str, &str, Change); 8] = [
        (8, "Anna: a transfer between others", "OtherChain", |record| record.transfer.from = STRANGER),
        (8, "Anna: a number too high", "OtherSeq", |record| record.asset_seq = 2),
        (8, "Anna: less sent", "OtherOutcome", |record| record.transfer.quantity = 29),
        (7, "Anna: less issued", "OtherOutcome", |record| record.transfer.quantity = 99),
        (7, "Anna: more issued", "OtherOutcome", |record| record.transfer.quantity = 101),
        (7, "Anna: the first record has a link", "Link", |record| record.prev_leaf_to = 6),
        (8, "Anna: no link", "Link", |record| record.prev_leaf = NO_LEAF),
        (7, "Anna: redeemed to her", "OtherChain", |record| record.transfer.act = Act::Redeem),
    ];
    for case in anna {
        bad(vectors, key_of_screws(ANNA), &[8, 7], case);
    }
    let bert: [(u64, &str, &str, Change); 3] = [
        (9, "Bert: a register", "OtherChain", |record| record.transfer.act = Act::Register),
        (8, "Bert: more sent to him than he had", "OtherOutcome", |record| record.transfer.quantity = 31),
        (9, "Bert: a link on the wrong side", "OtherLeaf", |record| (record.prev_leaf, record.prev_leaf_to) = (7, 8)),
    ];
    for case in bert {
        bad(vectors, key_of_screws(BERT), &[9, 8], case);
    }
    let full = Story::new().state(key_of_screws(BERT), |state| state[32..48].fill(0xff));
    let full = full.certificate(key_of_screws(BERT), &[9, 8]);
    vectors.bad("Bert: had more before than there can be", "Custody.Undo.OtherOutcome", input("3 nodes", &full));
}

const STRANGER: PartyId = PartyId::from_bytes([0xee; 16]);
