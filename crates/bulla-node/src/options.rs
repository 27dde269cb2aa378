//! What a node is opened with.

use std::path::PathBuf;

use bulla_consensus::{Clock, NodeId, Settings};
use bulla_storage::StoreOptions;

use crate::config::{ClusterConfig, LimitsSection, RaftSection, ScrubSection, SealSection, StorageSection};

/// A member of the cluster, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id, never used again for another server.
    pub node_id: NodeId,
    /// Its name, under which it signs.
    pub name: String,
}

/// What a node is opened with: where its data is, who the members are, and the limits.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The data directory; its identity must have been made before (but see [`NodeOptions::single`]).
    pub data_dir: PathBuf,
    /// This node's id.
    pub node_id: NodeId,
    /// All voters, this node among them.
    pub members: Vec<Member>,
    /// Where clients reach the members, as far as the configuration says so: URLs by node id. Nothing depends on them.
    pub urls: Vec<(NodeId, String)>,
    /// When tables close.
    pub seal: SealSection,
    /// What one client may ask at once.
    pub limits: LimitsSection,
    /// Times and sizes of Raft.
    pub raft: RaftSection,
    /// Caches.
    pub storage: StorageSection,
    /// How fast and how often everything stored is read again.
    pub scrub: ScrubSection,
}

impl NodeOptions {
    /// A ledger with one server, node 1, named `node-1`; its identity is made on first use.
    pub fn single(data_dir: impl Into<PathBuf>) -> NodeOptions {
        NodeOptions {
            data_dir: data_dir.into(),
            node_id: 1,
            members: vec![Member { node_id: 1, name: "node-1".into() }],
            urls: Vec::new(),
            seal: SealSection::default(),
            limits: LimitsSection::default(),
            raft: RaftSection::default(),
            storage: StorageSection::default(),
            scrub: ScrubSection::default(),
        }
    }

    /// Node `node_id` of the cluster that `config` describes; `None` when it names no such node.
    pub fn of_cluster(config: &ClusterConfig, node_id: NodeId) -> Option<NodeOptions> {
        let node = config.nodes.iter().find(|node| node.id == node_id)?;
        // An address that means every interface of its own machine means nothing to others.
        let reachable = config.nodes.iter().filter(|node| !node.http.is_unspecified());
        Some(NodeOptions {
            data_dir: node.data.clone(),
            node_id,
            members: config.nodes.iter().map(|node| Member { node_id: node.id, name: node.name.clone() }).collect(),
            urls: reachable.map(|node| (node.id, format!("http://{}", node.http))).collect(),
            seal: config.seal.clone(),
            limits: config.limits.clone(),
            raft: config.raft.clone(),
            storage: config.storage.clone(),
            scrub: config.scrub.clone(),
        })
    }

    /// What the configuration says to consensus.
    pub(crate) fn settings(&self, clock: Clock) -> Settings {
        Settings {
            node_id: self.node_id,
            voters: self.members.iter().map(|member| (member.node_id, member.name.clone())).collect(),
            table_records_max: u64::from(self.seal.records_max),
            table_bytes_max: u64::from(self.seal.bytes_max),
            table_age_ms_max: u64::from(self.seal.age_ms_max),
            batch_records_max: self.limits.batch_records_max as usize,
            batch_bytes_max: self.limits.batch_bytes_max as usize,
            queue_bytes_max: self.limits.queue_bytes_max as usize,
            submit_ms_max: u64::from(self.limits.request_ms_max),
            heartbeat_ms: u64::from(self.raft.heartbeat_ms),
            election_ms_min: u64::from(self.raft.election_ms_min),
            election_ms_max: u64::from(self.raft.election_ms_max),
            entry_bytes_max: self.raft.entry_bytes_max as usize,
            in_flight_entries_max: self.raft.in_flight_entries_max as usize,
            append_entries_max: u64::from(self.raft.append_entries_max),
            append_bytes_max: self.raft.append_bytes_max as usize,
            lag_entries_max: self.raft.lag_entries_max,
            snapshot_ms_max: u64::from(self.raft.snapshot_ms_max),
            entry_cache_bytes: self.storage.entry_cache_bytes as usize,
            erase_ms_max: self.storage.erase_ms_max,
            scrub_bytes_per_s: self.scrub.bytes_per_s_max,
            scrub_pause_ms: u64::from(self.scrub.pause_ms),
            clock,
        }
    }

    /// What the configuration says to the store.
    pub(crate) fn store_options(&self) -> StoreOptions {
        StoreOptions {
            ledger_cache_bytes: self.storage.ledger_cache_bytes as usize,
            log_cache_bytes: self.storage.log_cache_bytes as usize,
            disk_reserve_bytes: self.storage.disk_reserve_bytes,
            ..StoreOptions::default()
        }
    }
}
