//! An erased payload is no longer told at once, and after shredding it is in no byte of the directory.

use std::fs;
use std::path::Path;

use bulla_ledger::{RecordId, Rejection, Transfer};
use bulla_sealing::Policy;
use bulla_storage::{Answer, Batch, Item, LogOp, ReceiptAnswer, ReplayPoint, StorageError};

use crate::node::{
    Node, asset_id, attestation, class_id, identities, opening_items, party_id, plain, record_id, with_payload,
};

const SECRET: &str = r#"{"name":"the patient's name"}"#;
const SALT: u8 = 0xE5;

/// Leaf 4 of block 0 has the secret.
fn items() -> Vec<Item> {
    let mut items = opening_items();
    items[3] = with_payload(Transfer::register(record_id(4), asset_id(1), class_id(1), party_id(1)), SECRET, SALT);
    items
}

fn erase(number: u8) -> Item {
    with_payload(Transfer::erase(record_id(number), record_id(4)), r#"{"reason":"asked for"}"#, 9)
}

/// How many files of a directory hold the payload, and how many its salt.
fn files_with_secret(directory: &Path) -> (usize, usize) {
    let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let (mut payload, mut salt) = (0, 0);
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let bytes = fs::read(path).unwrap();
            payload += usize::from(holds(&bytes, SECRET.as_bytes()));
            salt += usize::from(holds(&bytes, &[SALT; 32]));
        }
    }
    (payload, salt)
}

fn shred(node: &Node) {
    let due = node.ledger().shred_due().unwrap().expect("a shred is due");
    assert!(node.ledger().shred(due).unwrap(), "nobody reads what was before");
    assert_eq!(node.ledger().shred_due().unwrap(), None);
}

#[test]
fn a_payload_is_nowhere_in_the_directory_after_its_erasure_was_stored_and_shredded() {
    let mut node = Node::new(1);
    node.apply(1_000, items());
    let first = node.close_and_store(2_000);
    assert_eq!(files_with_secret(node.home.path()), (1, 1));
    let Answer::Recorded { leaf_index, .. } = node.apply(3_000, vec![erase(8)])[0] else { panic!("not erased") };
    assert_eq!(node.ledger().payload(4).unwrap(), None, "nobody is told from now on");
    assert_eq!(node.ledger().erased_by(4).unwrap(), Some(leaf_index));
    assert_eq!(node.ledger().shred_due().unwrap(), None, "the notice is not stored yet");
    node.close_and_store(4_000);

    // Due, and still so after a restart.
    node.reopen();
    assert_eq!(node.ledger().shred_due().unwrap(), Some(1));
    assert_eq!(node.ledger().payload(4).unwrap(), None);
    assert!(files_with_secret(node.home.path()).0 > 0, "removing alone leaves bytes behind");
    shred(&node);
    assert_eq!(files_with_secret(node.home.path()), (0, 0));
    node.reopen();
    assert_eq!(files_with_secret(node.home.path()), (0, 0));
    assert_eq!(node.ledger().payload(leaf_index).unwrap().unwrap().bytes, br#"{"reason":"asked for"}"#);

    // The record stays, and everything about it can be proven.
    assert_eq!(node.ledger().verify_all(&mut |_| {}).unwrap().blocks, 2);
    node.ledger().attest(0, &attestation(1, first.checkpoint())).unwrap();
    let ReceiptAnswer::Ready(receipt) = node.ledger().receipt(4, true).unwrap() else { panic!("no receipt") };
    let policy = Policy::from_config(&node.identity.genesis).unwrap();
    assert_eq!(receipt.verify(&policy).unwrap().payload, None);
}

#[test]
fn a_payload_erased_while_its_table_is_open_is_never_written_to_the_ledger() {
    let node = Node::new(1);
    node.apply(1_000, items());
    node.apply(1_500, vec![erase(8)]);
    node.close_and_store(2_000);
    assert_eq!(files_with_secret(node.home.path()), (0, 0));
    assert_eq!(node.ledger().payload(4).unwrap(), None);
    shred(&node);
    node.ledger().verify_all(&mut |_| {}).unwrap();
}

#[test]
fn nothing_is_shredded_while_somebody_reads_what_was_before() {
    let node = Node::new(1);
    node.apply(1_000, items());
    node.close_and_store(2_000);
    let mut tried = None;
    node.ledger()
        .verify_all(&mut |_| {
            if tried.is_none() {
                node.apply(3_000, vec![erase(8)]);
                node.close_and_store(4_000);
                tried = Some(node.ledger().shred(1).unwrap());
            }
        })
        .unwrap();
    assert_eq!(tried, Some(false));
    shred(&node);
    assert_eq!(files_with_secret(node.home.path()), (0, 0));
}

#[test]
fn a_retry_of_an_erased_record_is_known_by_all_but_its_payload() {
    let node = Node::new(1);
    node.apply(1_000, items());
    node.close_and_store(2_000);
    let transfer = items()[3].transfer;
    let again = with_payload(transfer, SECRET, 3);
    let other = with_payload(transfer, r#"{"name":"another"}"#, 4);
    let different = Answer::Rejected { rejection: Rejection::ExistsWithDifferentContent(bulla_ledger::Field::Payload) };
    let before = node.apply(3_000, vec![again.clone(), other.clone()]);
    assert!(matches!(before[0], Answer::Recorded { leaf_index: 4, repeated: true, .. }));
    assert_eq!(before[1], different);
    for stage in ["open", "closed", "stored", "shredded"] {
        match stage {
            "open" => drop(node.apply(4_000, vec![erase(8)])),
            "closed" => drop(node.close(5_000)),
            "stored" => node.ledger().store(&node.ledger().closed_tables()[0]).unwrap(),
            _ => shred(&node),
        }
        let elsewhere = plain(Transfer { asset_id: asset_id(2), ..transfer });
        let answers = node.apply(6_000, vec![again.clone(), other.clone(), plain(transfer), elsewhere]);
        for answer in &answers[..3] {
            assert!(matches!(answer, Answer::Recorded { leaf_index: 4, repeated: true, .. }), "{stage}: {answer:?}");
        }
        let rejection = Rejection::ExistsWithDifferentContent(bulla_ledger::Field::Asset);
        assert_eq!(answers[3], Answer::Rejected { rejection }, "{stage}");
    }
}

#[test]
fn what_was_erased_does_not_come_into_the_log_again() {
    let node = Node::new(1);
    node.apply(1_000, items());
    let again = with_payload(items()[3].transfer, SECRET, 3);
    let note = with_payload(Transfer::amend(record_id(9), asset_id(1), [0; 32]), "{}", 2);
    let mut batch = Batch { atomic: false, items: vec![again.clone(), note.clone()] };
    node.ledger().drop_erased(&mut batch).unwrap();
    assert_eq!(batch.items, [again.clone(), note.clone()], "nothing is erased yet");
    node.apply(2_000, vec![erase(8)]);
    node.ledger().drop_erased(&mut batch).unwrap();
    assert_eq!(batch.items, [plain(again.transfer), note]);

    // One that was on its way already asks for another shred.
    node.close_and_store(3_000);
    shred(&node);
    node.apply(4_000, vec![again]);
    node.close_and_store(5_000);
    assert_eq!(node.ledger().shred_due().unwrap(), Some(1));
}

#[test]
fn erasures_are_refused_where_there_is_nothing_to_erase() {
    let node = Node::new(1);
    node.apply(1_000, items());
    let erase_of = |number, target: RecordId| plain(Transfer::erase(record_id(number), target));
    let answers = node.apply(
        2_000,
        vec![
            erase_of(20, record_id(99)),
            erase_of(21, record_id(6)),
            erase_of(22, record_id(5)),
            erase_of(23, record_id(4)),
            erase_of(24, record_id(4)),
            erase_of(23, record_id(4)),
        ],
    );
    let refused: Vec<Option<Rejection>> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Rejected { rejection } => Some(*rejection),
            Answer::Recorded { .. } => None,
        })
        .collect();
    use Rejection::{AlreadyErased, NothingToErase, UnknownRecord};
    let expected = [Some(UnknownRecord), Some(UnknownRecord), Some(NothingToErase), None, Some(AlreadyErased), None];
    assert_eq!(refused, expected);
    assert!(matches!(answers[5], Answer::Recorded { repeated: true, .. }));
}

#[test]
fn a_node_that_was_away_destroys_its_copy_when_it_takes_the_blocks_of_others() {
    let [leader, follower] = [0, 1].map(|place| Node::of(identities(2).remove(place)));
    for node in [&leader, &follower] {
        node.apply(1_000, items());
        node.close_and_store(2_000);
    }
    assert_eq!(files_with_secret(follower.home.path()), (1, 1));
    leader.apply(3_000, vec![erase(8)]);
    leader.close_and_store(4_000);
    shred(&leader);
    let fetched = follower.ledger().lacking(1).unwrap();
    for height in fetched.sides {
        follower.ledger().stage_side(height, &leader.ledger().side_data(height).unwrap()).unwrap();
    }
    let mut staged = follower.ledger().stage(1).unwrap();
    staged.write(0, &leader.ledger().read_block(1, 0, usize::MAX >> 1).unwrap()).unwrap();
    staged.finish().unwrap();
    let replay = ReplayPoint { replay_from: vec![1], raft_term: 1, raft_index: 1 };
    follower.ledger().adopt(1, replay).unwrap();
    assert_eq!(follower.ledger().payload(4).unwrap(), None);
    shred(&follower);
    assert_eq!(files_with_secret(follower.home.path()), (0, 0));
    follower.ledger().verify_all(&mut |_| {}).unwrap();
}

#[test]
fn a_new_node_takes_blocks_without_what_was_erased_but_not_for_a_place_before_the_notice() {
    let leader = Node::of(identities(2).remove(0));
    leader.apply(1_000, items());
    leader.close_and_store(2_000);
    leader.apply(3_000, vec![erase(8)]);
    leader.close_and_store(4_000);
    for (upto, taken) in [(0, false), (1, true)] {
        let follower = Node::of(identities(2).remove(1));
        for height in 0..=upto {
            follower.ledger().stage_side(height, &leader.ledger().side_data(height).unwrap()).unwrap();
            let mut staged = follower.ledger().stage(height).unwrap();
            staged.write(0, &leader.ledger().read_block(height, 0, usize::MAX >> 1).unwrap()).unwrap();
            staged.finish().unwrap();
        }
        let replay = ReplayPoint { replay_from: vec![1], raft_term: 1, raft_index: upto };
        match follower.ledger().adopt(upto, replay) {
            Ok(()) => assert!(taken),
            Err(StorageError::BadBlock { height: 0, reason }) => assert!(!taken && reason.contains("no notice")),
            Err(other) => panic!("{other}"),
        }
        assert_eq!(files_with_secret(follower.home.path()), (0, 0));
    }
}

#[test]
fn entries_that_were_purged_or_cut_off_are_nowhere_in_the_log_after_it_is_shredded() {
    let node = Node::new(1);
    let log = node.store().raft_log();
    let entry = |index: u64, text: &str| LogOp::Append { index, entry: format!("{index}: {text}").into_bytes().into() };
    for index in 1..40 {
        log.commit(&[entry(index, if index < 30 { SECRET } else { "kept" })]).unwrap();
    }
    log.commit(&[LogOp::TruncateFrom(38), entry(38, SECRET)]).unwrap();
    log.commit(&[LogOp::TruncateFrom(38), entry(38, "kept"), entry(39, "kept")]).unwrap();
    log.commit(&[LogOp::PurgeTo { index: 29, log_id: vec![29] }]).unwrap();
    assert_eq!(files_with_secret(node.home.path()).0, 1);
    log.shred().unwrap();
    assert_eq!(files_with_secret(node.home.path()).0, 0);
    let kept = log.read(30..40, usize::MAX).unwrap();
    assert_eq!(kept.iter().map(|(index, _)| *index).collect::<Vec<_>>(), (30..40).collect::<Vec<_>>());
    assert!(kept.iter().all(|(index, bytes)| *bytes == format!("{index}: kept").into_bytes()));
}
