//! What a caller reads of the machinery: tables, blocks and the cluster.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Digest, ScrubView, Time};

/// How far a record table has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TableStage {
    /// Records arrive.
    Open,
    /// Its content is fixed; servers have yet to sign.
    Closed,
    /// Every server signed: it is a block.
    Sealed,
}

/// A record table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableView {
    /// Its id, derived from its height and the block before.
    pub table_id: Uuid,
    /// Its height, from 0.
    pub height: u64,
    /// How far it has come.
    pub stage: TableStage,
    /// Its first leaf.
    pub first_leaf: u64,
    /// How many records it has.
    pub records: u64,
    /// When it was opened.
    pub opened: Time,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Time>,
    /// The servers that have not signed it yet.
    pub waiting_for: Vec<String>,
}

/// A closed record table with the header that fixes it; sealed once its checkpoint is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockView {
    /// Its height, from 0.
    pub height: u64,
    /// The record table that it seals.
    pub table_id: Uuid,
    /// The leaf of its header, which is its last leaf.
    pub leaf_index: u64,
    /// Its first leaf.
    pub first_leaf: u64,
    /// How many records it has.
    pub record_count: u64,
    /// When its table was opened.
    pub opened: Time,
    /// When its table was closed.
    pub closed: Time,
    /// The Raft term of the entry that closed it.
    pub raft_term: u64,
    /// The Raft index of the entry that closed it.
    pub raft_index: u64,
    /// The Merkle root over its own records.
    pub records_root: Digest,
    /// The Merkle root of the whole log before this header.
    pub log_root: Digest,
    /// The root of the state map after this block: who holds what.
    pub state_root: Digest,
    /// The leaf hash of the header before.
    pub prev_header: Digest,
    /// The leaf hash of the config leaf in force.
    pub config: Digest,
    /// The leaf hash of this header.
    pub header_hash: Digest,
    /// SHA-256 of the block file on the answering server.
    pub file_sha256: Digest,
    /// Bytes of the block file.
    pub file_bytes: u64,
    /// The signed checkpoint that seals it, verbatim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// A cluster as one of its servers sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClusterView {
    /// The ledger.
    pub ledger_id: Uuid,
    /// What its checkpoints begin with.
    pub origin: String,
    /// The server that answers.
    pub node_id: u64,
    /// The leader, when one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<u64>,
    /// The Raft term.
    pub term: u64,
    /// Leaves that the server has applied.
    pub recorded_size: u64,
    /// Height of the newest sealed block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_height: Option<u64>,
    /// The servers.
    pub members: Vec<MemberView>,
    /// Closed tables that are not sealed, oldest first.
    pub unsealed: Vec<UnsealedView>,
    /// What the answering server's scrubber has done and found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrub: Option<ScrubView>,
    /// Why the answering server takes no part and answers no reads, if so. It knows nothing of the others then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<QuarantineView>,
    /// The witnesses that the answering server asks to cosign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<WitnessView>,
    /// The authority that the answering server asks for timestamps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamps: Option<TimestampingView>,
}

/// Why a server takes no part, and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineView {
    /// Why, for people.
    pub reason: String,
    /// Since when.
    pub since: Time,
    /// What has to happen next, for people.
    pub waits_for: String,
}

/// A root that a server signed for a table and the answering server did not compute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OtherRootView {
    /// The server.
    pub name: String,
    /// The root that it signed.
    pub root: Digest,
}

/// How far the timestamps of one server have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimestampingView {
    /// Where the authority is asked.
    pub url: String,
    /// Leaves of the newest checkpoint that it stamped for this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamped_size: Option<u64>,
    /// When that was, as the authority says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamped: Option<Time>,
    /// Why there was no timestamp when it was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A seal and the timestamp that one server has for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimestampView {
    /// Leaves of the checkpoint.
    pub size: u64,
    /// When the authority says that it saw the hash of the seal.
    pub time: Time,
    /// The seal, which is what was stamped: a signed note, byte for byte.
    pub seal: String,
    /// The authority's reply, a DER TimeStampResp (RFC 3161), in base64.
    pub reply: String,
}

/// How far a witness has come, as one server knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WitnessView {
    /// The name that it signs with.
    pub name: String,
    /// Where it is asked.
    pub url: String,
    /// Leaves of the newest checkpoint that it cosigned for this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosigned_size: Option<u64>,
    /// Leaves that are sealed, and that it has not cosigned.
    pub lag_leaves: u64,
    /// Why it did not cosign when it was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One server of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    /// Its Raft id, never used again for another.
    pub node_id: u64,
    /// Its name.
    pub name: String,
    /// Where its HTTP API is, as the configuration of the server that answers has it; absent when it has no address that
    /// others could use. Whoever is there is believed for its signatures only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is to Raft.
    pub role: Role,
    /// The newest height that it has signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested_height: Option<u64>,
    /// What the leader knows of it; absent while there is no leader to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
}

/// What a server of a cluster is to Raft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The first transaction server.
    Leader,
    /// Another transaction server.
    Follower,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Leader => "leader",
            Role::Follower => "follower",
        })
    }
}

/// How far a server of a cluster is behind its leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressView {
    /// Whether it answered within the longest election time.
    pub reachable: bool,
    /// The Raft index up to which its log is durable and the same as the leader's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched_index: Option<u64>,
    /// Raft entries that the leader has and it lacks.
    pub lag_entries: u64,
    /// Milliseconds since it last answered the leader, if it did in this term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_ms: Option<u64>,
}

/// A closed table that still lacks signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnsealedView {
    /// Its height.
    pub height: u64,
    /// Its id.
    pub table_id: Uuid,
    /// When it was closed.
    pub closed: Time,
    /// The servers that have not signed it.
    pub waiting_for: Vec<String>,
    /// The servers that signed another root for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_roots: Vec<OtherRootView>,
}
