//! A small story with every act on assets in it, the same each time: who gets the desk, the laptop and the cable.

use bulla_ledger::{Act, ClassId, Payload, RecordId, Transfer};
use bulla_node::{Answer, Item};
use bulla_sealing::{ConfigLeaf, ConfigNode, SigningKey};
use bulla_storage::Identity;
use bulla_tests::embedded::{asset, party, plain};
use uuid::Uuid;

const DESK: u64 = 1;
const LAPTOP: u64 = 2;
const CABLE: u64 = 3;

/// What happens first: everything comes into being, and one request is refused for good.
pub fn first_items() -> Vec<Item> {
    vec![
        plain(Transfer::enroll(id(1), party(1))),
        plain(Transfer::enroll(id(2), party(2))),
        plain(Transfer::enroll(id(3), party(3))),
        plain(Transfer::define(id(4), class(1), false, 0)),
        plain(Transfer::define(id(5), class(2), true, 2)),
        with_payload(Transfer::register(id(6), asset(DESK), class(1), party(1)), r#"{"name":"desk"}"#),
        plain(Transfer::register(id(7), asset(LAPTOP), class(1), party(1))),
        plain(Transfer::register_quantity(id(8), asset(CABLE), class(2))),
        plain(Transfer::issue(id(9), asset(CABLE), party(1), 100_000)),
        plain(Transfer::transfer(id(10), asset(DESK), party(2), party(3))),
    ]
}

/// What happens then: everything moves, and some of it ends.
pub fn next_items() -> Vec<Item> {
    let handed_over = Transfer::transfer(id(11), asset(DESK), party(1), party(2));
    vec![
        plain(handed_over.happened_at(1_700_000_000_000_000)),
        plain(Transfer::custody(id(12), asset(DESK), party(2), party(3))),
        plain(Transfer::title(id(13), asset(LAPTOP), party(1), party(2))),
        plain(Transfer::send(id(14), asset(CABLE), party(1), party(2), 30_050)),
        plain(Transfer::redeem(id(15), asset(CABLE), party(2), 50)),
        with_payload(Transfer::amend(id(16), asset(DESK), [0; 32]), r#"{"colour":"oak"}"#),
        with_payload(Transfer::amend_quantity(id(17), asset(CABLE), [0; 32]), r#"{"metres":true}"#),
        plain(Transfer::retire(id(18), asset(LAPTOP), party(2))),
        plain(Transfer::send(id(19), asset(CABLE), party(3), party(1), 1)),
    ]
}

/// What happens last.
pub fn last_items() -> Vec<Item> {
    vec![
        plain(Transfer::send(id(20), asset(CABLE), party(2), party(3), 10_000)),
        plain(Transfer::custody(id(21), asset(DESK), party(3), party(1))),
        plain(Transfer::transfer(id(22), asset(LAPTOP), party(2), party(1))),
    ]
}

/// Where everything is in the end, in words.
pub fn in_the_end(ledger: &bulla_node::Ledger) -> String {
    let mut text = String::new();
    let who = |id| match (1..=3).find(|number| party(*number) == id) {
        Some(number) => format!("party {number}"),
        None => "nobody".to_owned(),
    };
    for (name, number) in [("desk", DESK), ("laptop", LAPTOP)] {
        let row = ledger.asset(asset(number)).unwrap().unwrap();
        let (owner, holder) = (who(row.owner), who(row.holder));
        let retired = if row.retired { ", retired" } else { "" };
        text += &format!("{name}: {owner} owns it, {holder} holds it{retired}, touched {} times since\n", row.seq);
    }
    for number in 0..=3 {
        let of = if number == 0 { bulla_ledger::PartyId::NIL } else { party(number) };
        let position = ledger.position(asset(CABLE), of).unwrap().unwrap();
        text += &format!("cable: {} with {}, touched {} times since\n", position.available, who(of), position.seq);
    }
    text
}

/// An answer in words: all of it but whether it was given before.
pub fn answer_text(answer: &Answer) -> String {
    match answer {
        Answer::Recorded { leaf_index, height, table_id, time_us, repeated: _ } => {
            format!("recorded as leaf {leaf_index} at {time_us} in table {table_id} of height {height}")
        }
        Answer::Rejected { rejection } => format!("refused with {} {}", rejection.code(), rejection.name()),
    }
}

/// All nodes of a ledger, with keys that everybody knows.
pub fn identities(nodes: u8) -> Vec<Identity> {
    let log_key = SigningKey::from_bytes(&[200; 32]);
    let public = |key: &SigningKey| key.verifying_key().to_bytes();
    let name = |seed| format!("node-{seed}");
    let nodes = 1..=nodes;
    let members =
        nodes.clone().map(|seed| ConfigNode { name: name(seed), public_key: public(&node_key(seed)) }).collect();
    let genesis = ConfigLeaf::genesis("ledger.example/golden", public(&log_key), members).unwrap();
    let identity = |seed: u8| Identity {
        node_id: seed.into(),
        node_name: name(seed),
        instance_id: Uuid::from_bytes([seed; 16]),
        genesis: genesis.clone(),
        node_key: node_key(seed),
        log_key: log_key.clone(),
    };
    nodes.map(identity).collect()
}

/// The key of node number `seed`.
pub fn node_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn with_payload(transfer: Transfer, text: &str) -> Item {
    let payload = Payload { salt: [0x5A; 32], bytes: text.as_bytes().to_vec() };
    Item { transfer: transfer.with_payload(&payload), payload: Some(payload) }
}

fn id(number: u64) -> RecordId {
    bulla_tests::embedded::record_id(0, number)
}

fn class(number: u64) -> ClassId {
    ClassId(Uuid::from_u64_pair(3, number))
}

#[test]
fn every_act_on_parties_classes_and_assets_is_in_the_story() {
    let items = [first_items(), next_items(), last_items()].concat();
    // Incidents and erasures came after the story was written down for ever; their leaves are kept by themselves.
    for act in Act::ALL.into_iter().filter(|act| ![Act::Incident, Act::Erase].contains(act)) {
        assert!(items.iter().any(|item| item.transfer.act == act), "{}", act.name());
    }
}
