//! The bit that names the last commit of a database: when it is wrong, nothing is forgotten.

use std::fs;

use bulla_storage::LogOp;

use crate::node::Node;

const LOG: &str = "raft.redb";
/// Where redb's flags stand in a file, and the one that names the commit that counts.
const FLAGS: usize = 9;
const NAMES_SLOT_1: u8 = 1;
const SLOTS: [usize; 2] = [64, 192];
const PAGE: usize = 4096;

/// A node that voted twice and was killed, and its log as it was then.
fn killed() -> (Node, Vec<u8>) {
    let node = Node::new(1);
    for term in [1, 2] {
        node.store().raft_log().commit(&[LogOp::Vote(vec![term])]).unwrap();
    }
    let log = fs::read(node.file(LOG)).unwrap();
    (node, log)
}

/// The vote that is found in a log with these bytes.
fn vote(mut node: Node, log: &[u8]) -> Option<Vec<u8>> {
    node.reopen_after(|node| fs::write(node.file(LOG), log).unwrap()).unwrap();
    node.store().raft_log().state().unwrap().vote
}

#[test]
fn a_flag_that_flips_forgets_no_vote() {
    let (node, mut log) = killed();
    log[FLAGS] ^= NAMES_SLOT_1;
    assert_eq!(vote(node, &log), Some(vec![2]));
}

#[test]
fn a_commit_that_a_power_cut_tore_before_it_counted_never_was() {
    let (node, mut log) = killed();
    let newer = SLOTS[usize::from(log[FLAGS] & NAMES_SLOT_1)];
    let root = u64::from_le_bytes(log[newer + 8..newer + 16].try_into().unwrap());
    let page = PAGE * (1 + (root & 0xf_ffff) as usize);
    log[page..page + PAGE].fill(0);
    log[FLAGS] ^= NAMES_SLOT_1;
    assert_eq!(vote(node, &log), Some(vec![1]));
}

#[test]
fn damage_of_the_commit_that_counts_is_no_reason_to_take_the_one_before() {
    for at in 0..128 {
        let (mut node, mut log) = killed();
        let newer = SLOTS[usize::from(log[FLAGS] & NAMES_SLOT_1)];
        log[newer + at] ^= 0x20;
        let opened = node.reopen_after(|node| fs::write(node.file(LOG), &log).unwrap());
        assert!(opened.is_err(), "byte {at} of the slot");
    }
}
