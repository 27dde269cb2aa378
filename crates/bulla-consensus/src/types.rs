//! The types that openraft is told to use; nothing of them is ever written to disk as openraft has it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use openraft::impls::{EmptyNode, TokioRuntime, leader_id_std};

use crate::response::Response;
use crate::transport::NodeId;

openraft::declare_raft_types!(
    /// Standard Raft (one leader a term), with commands that are bytes laid out once at the door.
    pub TypeConfig:
        D = Command,
        R = Response,
        NodeId = NodeId,
        Node = EmptyNode,
        Term = u64,
        LeaderId = leader_id_std::LeaderId<u64, NodeId>,
        AsyncRuntime = TokioRuntime,
);

/// One command of the ledger as it travels in a Raft entry: see [`crate::command`] for the bytes.
///
/// Cloning it copies a pointer. The log, replication and apply all share the bytes that the
/// leader laid out.
#[derive(Clone, PartialEq, Eq)]
pub struct Command(pub Bytes);

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command of {} bytes", self.0.len())
    }
}

/// What a snapshot is: the promise of all blocks up to a height. The bytes are pulled by whoever
/// lacks them, so a snapshot costs nothing to take and never stands in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotManifest {
    /// The height of the last block that the snapshot holds.
    pub upto_height: u64,
    /// What the store keeps beside that block: the log id of its Close entry and the membership.
    pub replay_from: Arc<[u8]>,
}

pub(crate) type LogId = openraft::alias::LogIdOf<TypeConfig>;
pub(crate) type Vote = openraft::alias::VoteOf<TypeConfig>;
pub(crate) type Entry = openraft::alias::EntryOf<TypeConfig>;
pub(crate) type Payload = openraft::EntryPayload<Command, NodeId, EmptyNode>;
pub(crate) type Membership = openraft::Membership<NodeId, EmptyNode>;
pub(crate) type StoredMembership = openraft::alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;
pub(crate) type Snapshot = openraft::alias::SnapshotOf<TypeConfig, SnapshotManifest>;
