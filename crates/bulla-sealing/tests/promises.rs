//! Accept promises: whose word they are, that nothing about them can be changed, and what proves one broken.

mod small_ledger;

use bulla_sealing::*;
use expect_test::{expect, expect_file};
use small_ledger::*;
use uuid::Uuid;

/// What alpha promises of leaf 6, which is in block 1 of the small ledger.
fn promise() -> Promise {
    let leaves = leaves();
    let table_id = Header::decode(&leaves[8]).unwrap().table_id;
    let time_ms = TIME_S * 1_000 + 7;
    Promise { origin: ORIGIN.into(), leaf_index: 6, leaf_hash: leaf_hash(&leaves[6]), table_id, time_ms }
}

fn signed(promise: &Promise) -> String {
    sign_promise(&node_key("alpha"), "alpha", promise).to_string()
}

fn verified(promise: &Promise) -> VerifiedPromise {
    verify_promise(signed(promise).as_bytes(), &policy()).unwrap()
}

#[test]
fn every_node_of_the_policy_may_promise_and_the_words_say_who_did() {
    for name in NAMES {
        let text = sign_promise(&node_key(name), name, &promise()).to_string();
        let verified = verify_promise(text.as_bytes(), &policy()).unwrap();
        assert_eq!((verified.node_name.as_str(), &verified.promise), (name, &promise()));
        assert_eq!(promise().to_string().parse(), Ok(promise()));
    }
    expect![[r#"
        A node promised that the record is in the ledger. This is no receipt.
        promised   by alpha at 2023-11-14T22:13:20.007Z
        record     leaf 6 of the log
        hash       cb5360230f8475f8e5d1b9ac3ec56f807e766c3511782e017d34b11efe309744
        table      0cd3d796-9358-8f25-9183-f3aacf527cc5
        log        ledger.example/tools
    "#]]
    .assert_eq(&verified(&promise()).to_string());
}

/// These bytes must verify for ever.
#[test]
fn a_promise_kept_in_a_file_still_verifies() {
    expect_file!["golden/promise"].assert_eq(&signed(&promise()));
    let kept_policy = Policy::parse(include_str!("golden/policy")).unwrap();
    assert!(verify_promise(include_bytes!("golden/promise"), &kept_policy).is_ok());
}

#[test]
fn every_changed_bit_of_a_promise_is_refused() {
    let text = signed(&promise()).into_bytes();
    for place in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.clone();
            changed[place] ^= 1 << bit;
            assert!(verify_promise(&changed, &policy()).is_err(), "bit {bit} of byte {place}");
        }
    }
}

#[test]
fn a_promise_cut_short_or_with_more_in_it_is_refused() {
    let text = signed(&promise()).into_bytes();
    for place in 0..text.len() {
        assert!(verify_promise(&text[..place], &policy()).is_err(), "{place} bytes");
        let mut doubled = text.clone();
        doubled.insert(place, text[place]);
        assert!(verify_promise(&doubled, &policy()).is_err(), "byte {place} twice");
    }
}

/// The error of a promise whose text was changed before it was signed.
fn error_of(from: &str, to: &str) -> PromiseError {
    let text = promise().to_string().replacen(from, to, 1);
    assert_ne!(text, promise().to_string(), "{from:?} is in the text");
    verify_promise(signed_text(text, "alpha").to_string().as_bytes(), &policy()).unwrap_err()
}

/// Any text under a signature of type 01 by the key of this name.
fn signed_text(text: String, name: &str) -> SignedNote {
    use ed25519_dalek::Signer;
    let signature = node_key(name).sign(text.as_bytes()).to_bytes().to_vec();
    let line = NoteSignature { name: name.into(), key_id: node(name).promise_key().key_id(), signature };
    SignedNote { text, signatures: vec![line] }
}

#[test]
fn each_rule_of_a_promise_has_its_own_error() {
    use MalformedPromise::*;
    let malformed = [
        ("bulla-accept/v1", "bulla-accept/v2", UnknownFormat),
        ("bulla-accept/v1", ORIGIN, UnknownFormat),
        ("origin ", "origin", Origin),
        (ORIGIN, "a+b", Origin),
        ("leaf 6", "leaf 06", Leaf),
        ("leaf 6", "leaf +6", Leaf),
        ("leaf 6", "leaf 18446744073709551616", Leaf),
        ("=\n", "\n", Hash),
        ("=\n", "=\nmore\n", Lines),
        ("table 0c", "table 0C", Table),
        ("table ", "table {", Table),
        ("time ", "time -", Time),
        ("leaf 6\n", "", Lines),
    ];
    for (from, to, error) in malformed {
        assert_eq!(error_of(from, to), PromiseError::Malformed(error), "{from:?} -> {to:?}");
    }
    let found = "ledger.example/other".to_owned();
    assert_eq!(error_of(ORIGIN, &found), PromiseError::UnknownOrigin { expected: ORIGIN.into(), found });

    let judge = |note: &SignedNote| verify_promise(note.to_string().as_bytes(), &policy()).unwrap_err();
    let good = sign_promise(&node_key("alpha"), "alpha", &promise());
    let mut twice = good.clone();
    twice.signatures.push(signed_text(good.text.clone(), "beta").signatures.remove(0));
    assert_eq!(judge(&twice), PromiseError::NotOneSignature { count: 2 });
    let stranger = sign_promise(&node_key("delta"), "delta", &promise());
    assert_eq!(judge(&stranger), PromiseError::UnknownSigner { name: "delta".into() });
    let borrowed_name = sign_promise(&node_key("delta"), "alpha", &promise());
    assert_eq!(judge(&borrowed_name), PromiseError::UnknownSigner { name: "alpha".into() });
    let mut other = good.clone();
    other.text = other.text.replace("leaf 6", "leaf 7");
    assert_eq!(judge(&other), PromiseError::BadSignature { name: "alpha".into() });
    let long = SignedNote { text: "x".repeat(PROMISE_BYTES_MAX) + "\n", ..good };
    assert_eq!(judge(&long), PromiseError::Malformed(TooLong));
    let unsigned = verify_promise(promise().to_string().as_bytes(), &policy());
    assert_eq!(unsigned.unwrap_err(), PromiseError::Malformed(Note(MalformedNote::NoEmptyLine)));
}

#[test]
fn only_nodes_promise_neither_the_log_nor_a_witness() {
    let witness = vec![node("walter")];
    let config = config();
    let policy = Policy::new(ORIGIN, config.ledger_id, config.log_key, config.nodes, witness).unwrap();
    let log = sign_promise(&log_key(), ORIGIN, &promise()).to_string();
    let witness = sign_promise(&node_key("walter"), "walter", &promise()).to_string();
    for text in [log, witness] {
        assert!(matches!(verify_promise(text.as_bytes(), &policy), Err(PromiseError::UnknownSigner { .. })));
    }
}

#[test]
fn a_promise_is_never_taken_for_a_seal_and_no_part_of_a_seal_for_a_promise() {
    let note = sign_promise(&node_key("alpha"), "alpha", &promise());
    assert!(note.text.parse::<Checkpoint>().is_err());
    assert!(Receipt::parse(note.to_string().as_bytes()).is_err());
    assert!(StateProof::parse(note.to_string().as_bytes()).is_err());

    // Not even in a log whose name is the first line of promises.
    let name = "bulla-accept/v1";
    let checkpoint = Checkpoint { origin: name.into(), size: 6, root: promise().leaf_hash };
    assert_eq!(checkpoint.to_string().parse::<Promise>(), Err(MalformedPromise::Lines));
    assert!(promise().to_string().parse::<Checkpoint>().is_err());

    // The line of a promise does not count as a cosignature: it has another key id, another length and other words.
    let seal = seal(&checkpoint_of_block_1());
    let mut lacking = seal.clone();
    lacking.signatures.retain(|line| line.name != "alpha");
    lacking.signatures.extend(signed_text(lacking.text.clone(), "alpha").signatures);
    assert_eq!(policy().verify(&lacking), Err(SealError::NodesMissing { names: vec!["alpha".into()] }));

    // And a cosignature is no promise, under whichever key id it is put.
    let cosigned = seal.signatures.iter().find(|line| line.name == "alpha").unwrap();
    for key_id in [cosigned.key_id, node("alpha").promise_key().key_id()] {
        for signature in [&cosigned.signature[..], &cosigned.signature[8..]] {
            let line = NoteSignature { name: "alpha".into(), key_id, signature: signature.to_vec() };
            for text in [seal.text.clone(), promise().to_string()] {
                let note = SignedNote { text, signatures: vec![line.clone()] };
                assert!(verify_promise(note.to_string().as_bytes(), &policy()).is_err());
            }
        }
    }
    assert_ne!(node("alpha").promise_key().key_id(), node("alpha").verifier_key().key_id());
}

fn checkpoint_of_block_1() -> Checkpoint {
    checkpoint(&leaves()[..9])
}

/// What a receipt of `leaf_index`, in the block with the header at `header_leaf`, says to the promise.
fn fate(promise: &Promise, leaf_index: u64, header_leaf: u64) -> Fate {
    let receipt = receipt(&leaves(), leaf_index, header_leaf, false).verify(&policy()).unwrap();
    verified(promise).held_against(&receipt)
}

#[test]
fn a_receipt_of_the_promised_record_keeps_the_promise() {
    assert_eq!(fate(&promise(), 6, 8), Fate::Kept);
}

#[test]
fn a_receipt_breaks_a_promise_that_it_excludes_and_says_how() {
    let honest = promise();
    let leaves = leaves();
    let [table_0, table_1] = [4, 8].map(|leaf: usize| Header::decode(&leaves[leaf]).unwrap().table_id);
    let other_hash = Promise { leaf_hash: leaf_hash(b"x"), ..honest.clone() };
    let found = leaf_hash(&leaves[6]);
    assert_eq!(fate(&other_hash, 6, 8), Fate::Broken(Breach::OtherLeaf { found }));

    let other_table = Promise { table_id: Uuid::nil(), ..honest.clone() };
    assert_eq!(fate(&other_table, 6, 8), Fate::Broken(Breach::OtherTable { found: table_1 }));
    // A neighbour's receipt shows the block, and so does that of another block of the promised table's name.
    assert_eq!(fate(&other_table, 5, 8), Fate::Broken(Breach::OtherTable { found: table_1 }));
    let earlier_table = Promise { table_id: table_0, ..honest.clone() };
    let breach = Breach::NotInTable { first_leaf: 0, last_leaf: 4 };
    assert_eq!(fate(&earlier_table, 2, 4), Fate::Broken(breach));

    let header_place = Promise { leaf_index: 8, ..other_hash.clone() };
    let found = leaf_hash(&leaves[8]);
    assert_eq!(fate(&header_place, 5, 8), Fate::Broken(Breach::OtherLeaf { found }));

    // The same record as it would be at leaf 7, and the leaf of place 6 said to be in place 7.
    let mut as_leaf_7 = record(6, true);
    as_leaf_7[15] = 7;
    for leaf in [as_leaf_7, record(6, true)] {
        let moved = Promise { leaf_index: 7, leaf_hash: leaf_hash(&leaf), ..honest.clone() };
        assert_eq!(fate(&moved, 6, 8), Fate::Broken(Breach::Elsewhere { leaf_index: 6 }));
    }
}

#[test]
fn what_says_nothing_about_the_promised_place_neither_keeps_nor_breaks_it() {
    let honest = promise();
    assert_eq!(fate(&honest, 5, 8), Fate::NotComparable);
    assert_eq!(fate(&honest, 2, 4), Fate::NotComparable);
    let header = Header::decode(&leaves()[8]).unwrap();
    assert_eq!(verified(&honest).broken_by_block(&header), None);
    assert_eq!(verified(&honest).broken_by_leaf(5, &leaves()[5]), None);
}
