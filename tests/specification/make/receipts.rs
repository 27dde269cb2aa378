//! Receipts of every shape that must verify; those that must not are in the file beside.

use bulla_sealing::{Policy, Quorum, Receipt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Vectors, receipts_refused};
use crate::forgery::{
    Forgery, HEADERS, ORIGIN, TIME_S, WITNESS, cosignature, genesis, log_key, nodes, public, witness, witness_key,
};

pub fn file() -> Value {
    let about = "A receipt under a policy. `words` is what SPEC.md 7.1 says after the first line.";
    let mut vectors = Vectors::new("receipts", about, policies());
    for node_count in [1, 3, 5] {
        for (height, header) in HEADERS.into_iter().enumerate() {
            for last in &HEADERS[height..] {
                // Block 2 has no records.
                if header != 9 {
                    let place = header - 2;
                    let name = format!("{node_count} nodes, leaf {place}, header {header}, size {}", last + 1);
                    let text = Forgery::new(node_count).of(place, header, last + 1).text();
                    vectors.good(&name, input(&policy_name(node_count), &text));
                }
            }
        }
    }
    for place in [1, 2, 3, 5, 7, 10, 11, 12, 13, 14, 15, 17] {
        let header = *HEADERS.iter().find(|header| **header > place).unwrap();
        let text = Forgery::new(3).of(place, header, 19).payload(false).text();
        vectors.good(&format!("leaf {place} of 19, without its payload"), input("3 nodes", &text));
    }
    let empty_payload = Forgery::new(3).payload(false).text();
    vectors.good("a payload that was not asked for", input("3 nodes", &empty_payload));
    with_strangers_and_witnesses(&mut vectors);
    receipts_refused::add(&mut vectors);
    vectors.file()
}

pub fn input(policy: &str, receipt: &str) -> Value {
    json!({ "policy": policy, "receipt": receipt })
}

pub fn policy_name(node_count: u8) -> String {
    if node_count == 1 { "1 node".into() } else { format!("{node_count} nodes") }
}

/// The policies that receipts and seals are judged by.
pub fn policies() -> Value {
    let policy = |origin: &str, ledger_id: Uuid, node_count, witnesses| {
        Policy::new(origin, ledger_id, public(&log_key()), nodes(node_count), witnesses).unwrap().to_text()
    };
    let ledger_id = |node_count| genesis(node_count).ledger_id;
    let mut backwards = nodes(3);
    backwards.reverse();
    let backwards = Policy::new(ORIGIN, ledger_id(3), public(&log_key()), backwards, vec![]).unwrap().to_text();
    let demanding = Quorum::Witness(WITNESS.into());
    let policy_3 = Policy::new(ORIGIN, ledger_id(3), public(&log_key()), nodes(3), vec![witness()]).unwrap();
    json!({
        "3 nodes, and the witness must sign": policy_3.demanding(demanding).unwrap().to_text(),
        "1 node": policy(ORIGIN, ledger_id(1), 1, vec![]),
        "3 nodes": policy(ORIGIN, ledger_id(3), 3, vec![]),
        "5 nodes": policy(ORIGIN, ledger_id(5), 5, vec![]),
        "3 nodes and a witness": policy(ORIGIN, ledger_id(3), 3, vec![witness()]),
        "3 nodes, listed backwards": backwards,
        "2 of the 3 nodes": policy(ORIGIN, ledger_id(3), 2, vec![]),
        "another origin": policy("ledger.example/other", ledger_id(3), 3, vec![]),
        "another ledger": policy(ORIGIN, Uuid::from_u128(1), 3, vec![]),
    })
}

/// The receipt with a line of the witness and one of a stranger.
pub fn witnessed() -> Receipt {
    let forgery = Forgery::new(3);
    let mut receipt = forgery.receipt();
    let checkpoint = forgery.checkpoint();
    receipt.checkpoint.signatures.push(cosignature(&witness_key(), WITNESS, &checkpoint, TIME_S + 60));
    receipt.checkpoint.signatures.push(cosignature(&witness_key(), "stranger", &checkpoint, TIME_S + 61));
    receipt
}

fn with_strangers_and_witnesses(vectors: &mut Vectors) {
    let text = witnessed().to_text().unwrap();
    vectors.good("a witness signed, and a stranger", input("3 nodes and a witness", &text));
    vectors.good("two strangers signed", input("3 nodes", &text));
    vectors.good("a witness that must sign did", input("3 nodes, and the witness must sign", &text));
    let text = Forgery::new(3).text();
    let error = "Seal.WitnessesMissing";
    vectors.bad("a witness that must sign did not", error, input("3 nodes, and the witness must sign", &text));
    vectors.good("a witness did not sign", input("3 nodes and a witness", &text));
    vectors.good("a policy with its nodes in another order", input("3 nodes, listed backwards", &text));
    vectors.good("a node that the policy does not ask for", input("2 of the 3 nodes", &text));

    let mut receipt = Forgery::new(3).receipt();
    receipt.checkpoint.signatures.reverse();
    vectors.good("signature lines in another order", input("3 nodes", &receipt.to_text().unwrap()));
    let mut stranger = receipt.checkpoint.signatures[0].clone();
    stranger.key_id ^= 1;
    stranger.signature = vec![0];
    receipt.checkpoint.signatures.push(stranger);
    vectors.good("a stranger with the name of a node", input("3 nodes", &receipt.to_text().unwrap()));
    let mut receipt = Forgery::new(3).receipt();
    let mut stranger = receipt.checkpoint.signatures[1].clone();
    stranger.name = format!("{}{}", "x".repeat(300), '\u{7f}');
    receipt.checkpoint.signatures.push(stranger);
    vectors.good("a stranger with a name that no key may have", input("3 nodes", &receipt.to_text().unwrap()));
}
