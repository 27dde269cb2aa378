//! A scrub finds every kind of damage, says how it is mended, and what was mended is as it was.

use std::fs;

use bulla_ledger::{PartyId, RecordId, Transfer};
use bulla_storage::{Batch, Finding, LogOp, Remedy, ScrubStep, StorageError, tamper};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::forged::{forge, rewrite_row, write_raw};
use crate::node::{Node, asset_id, attestation, identities, opening_items, party_id, plain, record_id, with_payload};

const VOTERS: u8 = 2;
const BLOCKS: u64 = 6;

/// Made to a closed directory.
type Change<'a> = &'a dyn Fn(&Node);

fn id(kind: u64, number: u64) -> [u8; 16] {
    (u128::from(kind) << 64 | u128::from(number)).to_be_bytes()
}

/// A voter with a ledger of every kind of row: payloads, refusals, a complete tile, seals up to the last block but one.
fn node(voter: usize) -> Node {
    let node = Node::of(identities(VOTERS).remove(voter));
    for height in 0..BLOCKS {
        match height {
            0 => drop(node.apply(1_000, opening_items())),
            1 => {
                let enroll = |number| {
                    plain(Transfer::enroll(RecordId::from_bytes(id(1, number)), PartyId::from_bytes(id(2, number))))
                };
                let batch = Batch { atomic: true, items: (0..300).map(enroll).collect() };
                node.ledger().apply_requests(2_000, &[batch]).unwrap();
            }
            _ => {
                let (from, to) = if height.is_multiple_of(2) { (2, 1) } else { (1, 2) };
                let number = 20 + height as u8;
                let transfer = Transfer::transfer(record_id(number), asset_id(1), party_id(from), party_id(to));
                node.apply(3_000 + height, vec![with_payload(transfer, r#"{"note":"moved"}"#, number)]);
            }
        }
        let closed = node.close_and_store(10_000 + height);
        (1..=VOTERS).for_each(|voter| drop(node.ledger().attest(height, &attestation(voter, closed.checkpoint()))));
    }
    node
}

/// A whole pass, with `mend` called as soon as something is found.
fn scrub(node: &Node, mut mend: impl FnMut(&Finding)) -> Vec<Finding> {
    let mut scrub = node.store().scrub();
    let mut found = Vec::new();
    while let Some(ScrubStep { findings, .. }) = scrub.step(node.store()) {
        findings.iter().for_each(&mut mend);
        found.extend(findings);
    }
    found
}

/// What the remedy of a finding says, with what a peer has.
fn mend(node: &Node, peer: &Node, finding: &Finding) -> Result<(), StorageError> {
    match &finding.remedy {
        Remedy::Fetch { height } => {
            let mut staged = node.ledger().stage(*height)?;
            staged.write(0, &peer.ledger().read_block(*height, 0, usize::MAX)?)?;
            staged.finish()?;
            node.ledger().replace_block(*height)
        }
        Remedy::Side { height, rows } => {
            node.ledger().mend_from_side(*height, rows, &peer.ledger().side_data(*height)?)
        }
        Remedy::Rewrite(fixes) => node.ledger().rewrite(fixes),
        other => panic!("{other:?} is not done here: {finding:?}"),
    }
}

/// What is found is mended with what the peer has, and then nothing is wrong any more.
fn mended(node: &mut Node, peer: &Node, case: &str) -> Vec<Finding> {
    let found = scrub(node, |finding| mend(node, peer, finding).unwrap_or_else(|error| panic!("{case}: {error}")));
    assert!(!found.is_empty(), "{case} was not found");
    assert_eq!(scrub(node, |_| {}), [], "{case}: after {found:?}");
    node.reopen();
    node.ledger().verify_all(&mut |_| {}).unwrap_or_else(|error| panic!("{case}: {error}"));
    for height in 0..BLOCKS {
        assert_eq!(file(node, height), file(peer, height), "{case}: block {height}");
    }
    found
}

fn path(height: u64) -> String {
    format!("blocks/{height:010}.block")
}

fn file(node: &Node, height: u64) -> Vec<u8> {
    fs::read(node.file(&path(height))).unwrap()
}

/// The rows of a table, as they are on disk. The directory must be closed.
fn raw_rows(node: &Node, table: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let definition: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(table);
    let database = Database::open(node.file("ledger.redb")).unwrap();
    let read = database.begin_read().unwrap();
    let rows = read.open_table(definition).unwrap();
    rows.iter()
        .unwrap()
        .map(|row| row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())).unwrap())
        .collect()
}

#[test]
fn a_sound_directory_has_no_findings_and_all_of_it_is_read() {
    let mut node = node(0);
    assert_eq!(scrub(&node, |_| {}), []);
    node.reopen();
    assert_eq!(scrub(&node, |_| {}), []);
    let mut scrub = node.store().scrub();
    while scrub.step(node.store()).is_some() {}
    let blocks: usize = (0..BLOCKS).map(|height| file(&node, height).len()).sum();
    assert!(scrub.bytes_done() > blocks as u64 && scrub.bytes_total() > blocks as u64);
    assert_eq!(scrub.step(node.store()).map(|step| step.bytes), None);
}

#[test]
fn what_is_recorded_stored_and_sealed_during_a_pass_is_no_finding() {
    let node = node(0);
    let mut scrub = node.store().scrub();
    let mut height = BLOCKS;
    while let Some(step) = scrub.step(node.store()) {
        assert_eq!(step.findings, []);
        if height < BLOCKS + 20 {
            let party = PartyId::from_bytes(id(3, height));
            node.apply(50_000 + height, vec![plain(Transfer::enroll(RecordId::from_bytes(id(4, height)), party))]);
            let closed = node.close_and_store(50_000 + height);
            (1..=VOTERS).for_each(|voter| drop(node.ledger().attest(height, &attestation(voter, closed.checkpoint()))));
            height += 1;
        }
    }
}

#[test]
fn every_changed_byte_of_a_block_file_is_found_and_mended_from_a_peer() {
    let (node, peer) = (node(0), node(1));
    let good = file(&peer, 2);
    for at in (0..good.len()).step_by(11) {
        let mut bad = good.clone();
        bad[at] ^= 0x20;
        fs::write(node.file(&path(2)), &bad).unwrap();
        let found = scrub(&node, |finding| mend(&node, &peer, finding).unwrap());
        assert!(
            matches!(&found[..], [Finding { height: Some(2), remedy: Remedy::Fetch { height: 2 }, .. }]),
            "{found:?}"
        );
        assert_eq!(file(&node, 2), good, "byte {at}");
    }
    assert_eq!(scrub(&node, |_| {}), []);
}

#[test]
fn a_block_file_cut_short_grown_emptied_or_gone_is_found_and_mended() {
    let (mut node, peer) = (node(0), node(1));
    let good = file(&peer, 1);
    for bad in [&good[..good.len() / 2], &[], &[good.as_slice(), &[0]].concat()] {
        fs::write(node.file(&path(1)), bad).unwrap();
        mended(&mut node, &peer, "a file of another length");
    }
    fs::remove_file(node.file(&path(1))).unwrap();
    mended(&mut node, &peer, "a missing file");
}

#[test]
fn a_block_replaced_with_every_checksum_in_order_is_found_and_mended() {
    let (mut node, peer) = (node(0), node(1));
    let change = |leaf: &mut [u8]| *leaf.last_mut().unwrap() ^= 1;
    // Sealed ones, and the last one, that is not.
    for height in [0, 1, BLOCKS - 1] {
        fs::write(node.file(&path(height)), forge(&file(&peer, height), 0, change)).unwrap();
        mended(&mut node, &peer, "a forged leaf");
    }
    let record = RecordId::from_bytes(id(1, 7));
    node.reopen_after(|node| drop(tamper::change_record(node.home.path(), record, party_id(9)).unwrap())).unwrap();
    let found = mended(&mut node, &peer, "a forged record, block, manifest and subtrees");
    assert_eq!(found[0].remedy, Remedy::Fetch { height: 1 });
    node.reopen_after(|node| drop(tamper::swap_blocks(node.home.path(), 0, 1).unwrap())).unwrap();
    mended(&mut node, &peer, "two blocks that changed places");
}

#[test]
fn a_row_that_is_damaged_removed_changed_or_added_is_found_and_mended() {
    let (mut node, peer) = (node(0), node(1));
    let tables =
        ["manifest", "block_of_leaf", "block_of_table", "subtrees", "priors", "parties", "classes", "holdings"];
    for table in tables {
        let mut rows = Vec::new();
        node.reopen_after(|node| rows = raw_rows(node, table)).unwrap();
        let (key, stored) = rows[0].clone();
        let mut flipped = stored.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let mut other_key = key.clone();
        *other_key.last_mut().unwrap() ^= 0x55;
        let mut changed = stored[..stored.len() - 4].to_vec();
        if let Some(byte) = changed.last_mut() {
            *byte ^= 1;
        }
        let cases: [(&str, Change<'_>); 4] = [
            ("damaged", &|node| write_raw(node, table, &key, Some(&flipped))),
            ("removed", &|node| write_raw(node, table, &key, None)),
            ("changed", &|node| rewrite_row(node, table, &key, Some(&changed))),
            ("added", &|node| rewrite_row(node, table, &other_key, Some(&stored[..stored.len() - 4]))),
        ];
        for (case, change) in cases {
            // A holding has no value that could change.
            if (table, case) == ("holdings", "changed") {
                continue;
            }
            node.reopen_after(change).unwrap_or_else(|error| panic!("{table} {case}: {error}"));
            let found = mended(&mut node, &peer, &format!("{table} {case}"));
            // A manifest row that names another file could be right: the peer's file tells.
            let by_peer = (table, case) == ("manifest", "changed");
            assert!(
                by_peer || found.iter().all(|finding| matches!(finding.remedy, Remedy::Rewrite(_))),
                "{table} {case}: {found:?}"
            );
            let mut after = Vec::new();
            node.reopen_after(|node| after = raw_rows(node, table)).unwrap();
            assert!(after == rows, "{table} {case}: the rows are those they were");
        }
    }
}

#[test]
fn a_seal_that_is_damaged_gone_or_of_another_block_comes_back_from_a_peer() {
    let (mut node, peer) = (node(0), node(1));
    let mut rows = Vec::new();
    node.reopen_after(|node| rows = raw_rows(node, "seals")).unwrap();
    let (key, stored) = rows[1].clone();
    let mut flipped = stored.clone();
    flipped[30] ^= 1;
    let of_another = &rows[2].1[..rows[2].1.len() - 4];
    let cases: [(&str, Change<'_>); 3] = [
        ("damaged", &|node| write_raw(node, "seals", &key, Some(&flipped))),
        ("removed", &|node| write_raw(node, "seals", &key, None)),
        ("that of another", &|node| rewrite_row(node, "seals", &key, Some(of_another))),
    ];
    for (case, change) in cases {
        node.reopen_after(change).unwrap();
        let found = mended(&mut node, &peer, case);
        assert!(matches!(&found[..], [Finding { remedy: Remedy::Side { height: 1, .. }, .. }]), "{case}: {found:?}");
        let mut after = Vec::new();
        node.reopen_after(|node| after = raw_rows(node, "seals")).unwrap();
        assert!(after == rows, "{case}");
    }
}

#[test]
fn a_payload_that_its_record_does_not_commit_to_comes_back_from_a_peer() {
    let (mut node, peer) = (node(0), node(1));
    let mut rows = Vec::new();
    node.reopen_after(|node| rows = raw_rows(node, "payloads")).unwrap();
    let (key, stored) = rows[1].clone();
    let mut changed = stored[..stored.len() - 4].to_vec();
    changed[40] ^= 1;
    let mut flipped = stored.clone();
    flipped[40] ^= 1;
    node.reopen_after(|node| rewrite_row(node, "payloads", &key, Some(&changed))).unwrap();
    mended(&mut node, &peer, "another payload");
    node.reopen_after(|node| write_raw(node, "payloads", &key, Some(&flipped))).unwrap();
    mended(&mut node, &peer, "a damaged payload");
    let leaf_of_no_payload = 1_u64.to_be_bytes();
    node.reopen_after(|node| rewrite_row(node, "payloads", &leaf_of_no_payload, Some(&changed))).unwrap();
    mended(&mut node, &peer, "a payload that nothing commits to");
    let mut after = Vec::new();
    node.reopen_after(|node| after = raw_rows(node, "payloads")).unwrap();
    assert!(after == rows);
}

#[test]
fn a_peer_that_sends_something_else_is_refused_and_the_damage_stays_found() {
    let (node, peer, other) = (node(0), node(1), Node::of(identities(VOTERS).remove(1)));
    other.apply(1_001, opening_items());
    other.close_and_store(10_000);
    let mut bad = file(&peer, 0);
    bad[400] ^= 1;
    fs::write(node.file(&path(0)), &bad).unwrap();
    let offer = |bytes: &[u8]| {
        let mut staged = node.ledger().stage(0).unwrap();
        staged.write(0, bytes).unwrap();
        staged.finish().unwrap();
        node.ledger().replace_block(0)
    };
    let change = |leaf: &mut [u8]| leaf[50] ^= 1;
    for wrong in [&bad, &file(&other, 0), &file(&peer, 1), &forge(&file(&peer, 0), 3, change), &Vec::new()] {
        let refused = offer(wrong);
        assert!(matches!(refused, Err(StorageError::BadBlock { height: 0, .. })), "{refused:?}");
        assert_eq!(file(&node, 0), bad);
        assert!(!node.ledger().is_staged(0));
    }
    let found = scrub(&node, |_| {});
    assert!(matches!(&found[..], [Finding { remedy: Remedy::Fetch { height: 0 }, .. }]), "{found:?}");
    offer(&file(&peer, 0)).unwrap();
    assert_eq!(scrub(&node, |_| {}), []);
}

#[test]
fn damaged_files_are_kept_as_evidence_each_once_and_not_without_end() {
    let (node, peer) = (node(0), node(1));
    let good = file(&peer, 0);
    for at in (100..140).chain(100..140) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(node.file(&path(0)), &bad).unwrap();
        scrub(&node, |finding| mend(&node, &peer, finding).unwrap());
    }
    let kept: Vec<_> = fs::read_dir(node.file("damaged")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 16);
    assert!(kept.iter().all(|path| fs::read(path).unwrap() != good));
}

#[test]
fn while_a_block_is_damaged_the_others_are_still_scrubbed() {
    let (node, peer) = (node(0), node(1));
    for height in [1, 3] {
        let mut bad = file(&peer, height);
        bad[200] ^= 1;
        fs::write(node.file(&path(height)), &bad).unwrap();
    }
    let found = scrub(&node, |_| {});
    let heights: Vec<_> = found.iter().map(|finding| finding.height).collect();
    assert_eq!(heights, [Some(1), Some(3)], "{found:?}");
}

#[test]
fn a_damaged_entry_of_the_log_is_told_from_one_that_is_superfluous() {
    let mut node = node(0);
    let appended: Vec<_> = (1..=20).map(|index| LogOp::Append { index, entry: vec![index as u8; 50].into() }).collect();
    node.store().raft_log().commit(&appended).unwrap();
    // The last stored block was closed by entry 5.
    for (index, expected) in [(1, Remedy::Purge), (3, Remedy::Purge), (9, Remedy::Rebuild)] {
        let mut good = Vec::new();
        node.reopen_after(|node| good = fs::read(node.file("raft.redb")).unwrap()).unwrap();
        let damage = |node: &Node| {
            let definition: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("entries");
            let database = Database::open(node.file("raft.redb")).unwrap();
            let write = database.begin_write().unwrap();
            write.open_table(definition).unwrap().insert(index, &b"something else"[..]).unwrap();
            write.commit().unwrap();
        };
        match node.reopen_after(damage) {
            Ok(()) => {
                let found = scrub(&node, |_| {});
                assert_eq!(
                    found.iter().map(|finding| &finding.remedy).collect::<Vec<_>>(),
                    [&expected],
                    "entry {index}"
                );
            }
            // The first entry is looked at when the node opens.
            Err(error) => assert!(matches!(error, StorageError::Corrupt { .. }) && index == 1, "{error:?}"),
        }
        node.reopen_after(|node| fs::write(node.file("raft.redb"), &good).unwrap()).unwrap();
    }
}

#[test]
fn what_no_program_should_put_right_is_for_the_operator() {
    let node = node(0);
    let line = node.ledger().checkpoint_from_disk(0).unwrap();
    node.store().guard().record(0, line.size, bulla_sealing::Hash([9; 32])).unwrap();
    let key = node.file("identity/node.key");
    let good = fs::read(&key).unwrap();
    fs::write(&key, &good[1..]).unwrap();
    let found = scrub(&node, |_| {});
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|finding| finding.remedy == Remedy::Operator), "{found:?}");
}
