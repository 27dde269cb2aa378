//! The Raft log: what was committed is there after a restart, in order, and checked.

use bulla_storage::{LogOp, LogState};
use bytes::Bytes;

use crate::node::Node;

fn entry(index: u64) -> LogOp {
    LogOp::Append { index, entry: bytes(index) }
}

fn bytes(index: u64) -> Bytes {
    Bytes::from(vec![index as u8; 100])
}

/// A log with entries 1 to 9.
fn log() -> Node {
    let node = Node::new(1);
    let ops: Vec<LogOp> = (1..10).map(entry).collect();
    node.store().raft_log().commit(&ops).unwrap();
    node
}

fn read(node: &Node, range: std::ops::Range<u64>, bytes_max: usize) -> Vec<u64> {
    let entries = node.store().raft_log().read(range, bytes_max).unwrap();
    for (index, entry) in &entries {
        assert_eq!(*entry, bytes(*index));
    }
    entries.into_iter().map(|(index, _)| index).collect()
}

#[test]
fn a_new_log_is_empty() {
    let mut node = Node::new(1);
    assert_eq!(node.store().raft_log().state().unwrap(), LogState::default());
    node.reopen();
    assert_eq!(node.store().raft_log().state().unwrap(), LogState::default());
    assert_eq!(read(&node, 0..u64::MAX, usize::MAX), []);
}

#[test]
fn everything_committed_is_there_after_a_restart() {
    let mut node = log();
    let ops = [LogOp::Vote(b"vote".into()), LogOp::Committed(b"7".into()), LogOp::Vote(b"vote 2".into())];
    node.store().raft_log().commit(&ops).unwrap();
    node.reopen();
    let state = node.store().raft_log().state().unwrap();
    assert_eq!(state.vote.as_deref(), Some(&b"vote 2"[..]));
    assert_eq!(state.committed.as_deref(), Some(&b"7"[..]));
    assert_eq!((state.first, state.last, state.purged), (Some(1), Some(9), None));
    assert_eq!(read(&node, 0..100, usize::MAX), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn truncating_and_appending_in_one_commit_leaves_the_new_tail() {
    let node = log();
    node.store().raft_log().commit(&[LogOp::TruncateFrom(6), entry(6), entry(7)]).unwrap();
    assert_eq!(read(&node, 5..100, usize::MAX), [5, 6, 7]);
}

#[test]
fn purging_removes_the_front_and_remembers_where() {
    let mut node = log();
    node.store().raft_log().commit(&[LogOp::PurgeTo { index: 4, log_id: b"t1 i4".into() }]).unwrap();
    node.reopen();
    let state = node.store().raft_log().state().unwrap();
    assert_eq!((state.first, state.purged.as_deref()), (Some(5), Some(&b"t1 i4"[..])));
    assert_eq!(read(&node, 0..7, usize::MAX), [5, 6]);
    let all = LogOp::PurgeTo { index: 20, log_id: b"t2 i20".into() };
    node.store().raft_log().commit(&[all, entry(21)]).unwrap();
    assert_eq!(read(&node, 0..100, usize::MAX), [21]);
}

#[test]
fn a_read_stops_at_its_bytes_but_brings_at_least_one_entry() {
    let node = log();
    assert_eq!(read(&node, 3..9, 250), [3, 4]);
    assert_eq!(read(&node, 3..9, 300), [3, 4, 5]);
    assert_eq!(read(&node, 3..9, 0), [3]);
    assert_eq!(read(&node, 9..9, usize::MAX), []);
    assert_eq!(read(&node, 10..20, usize::MAX), []);
}

#[test]
#[should_panic(expected = "does not follow")]
fn a_hole_is_a_bug_of_the_caller() {
    let node = log();
    let _ = node.store().raft_log().commit(&[entry(11)]);
}
