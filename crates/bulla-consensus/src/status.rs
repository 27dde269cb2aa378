//! How the cluster is: who leads, who is behind, and for whom sealing waits.

use bincode::{Decode, Encode};
use bulla_storage::WaitingTable;

use crate::transport::NodeId;

/// The cluster as this node sees it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterStatus {
    /// This node.
    pub node_id: NodeId,
    /// The first transaction server (Raft's leader): one that answers, and reaches a majority of the servers.
    pub leader: Option<NodeId>,
    /// Raft's term.
    pub term: u64,
    /// Every member, in the order of ids.
    pub members: Vec<MemberStatus>,
    /// Leaves in the log as applied here, headers included.
    pub recorded_size: u64,
    /// The height of the last sealed block.
    pub sealed_height: Option<u64>,
    /// The tables that are closed and wait to be sealed, oldest first, each with the names of those it waits for.
    pub unsealed: Vec<WaitingTable>,
    /// Why this node takes no part, if so. It then knows nothing of the others.
    pub quarantine: Option<QuarantineStatus>,
}

/// Why a node takes no part, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineStatus {
    /// Why, for people.
    pub reason: String,
    /// Since when, POSIX microseconds.
    pub since_us: u64,
    /// What has to happen next, as a noun phrase for people.
    pub waits_for: String,
}

/// One member of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// Its id.
    pub node_id: NodeId,
    /// Its name, under which it signs.
    pub name: String,
    /// What it is to Raft.
    pub role: Role,
    /// What the leader knows of it; `None` while there is no leader to ask.
    pub progress: Option<MemberProgress>,
}

/// What a member is to Raft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The first transaction server.
    Leader,
    /// Another transaction server.
    Follower,
}

/// What the leader knows of a member.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MemberProgress {
    /// The member.
    pub node_id: NodeId,
    /// The index of the last log entry that is durable there and the same as the leader's.
    pub matched_index: Option<u64>,
    /// Entries that the leader has and it lacks.
    pub lag_entries: u64,
    /// Milliseconds since it last answered the leader; `None` when it never did in this term.
    pub heard_ms: Option<u64>,
    /// Whether it answered within the longest election time.
    pub reachable: bool,
}

/// Whether a leader that says this of the members can record.
pub(crate) fn reaches_majority(members: &[MemberProgress]) -> bool {
    2 * members.iter().filter(|member| member.reachable).count() > members.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(reachable: &[bool]) -> Vec<MemberProgress> {
        let member = |(node_id, reachable): (u64, &bool)| MemberProgress {
            node_id,
            matched_index: None,
            lag_entries: 0,
            heard_ms: None,
            reachable: *reachable,
        };
        (1..).zip(reachable).map(member).collect()
    }

    #[test]
    fn a_leader_leads_while_more_than_half_of_the_servers_hear_it() {
        assert!(reaches_majority(&members(&[true])));
        assert!(reaches_majority(&members(&[true, true, false])));
        assert!(!reaches_majority(&members(&[true, false, false])));
        assert!(!reaches_majority(&[]));
    }
}
