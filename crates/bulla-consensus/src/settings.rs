//! The times and sizes of agreement.

use std::sync::Arc;

use crate::transport::NodeId;

/// Gives the time as POSIX microseconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What consensus is started with. The caller has made sure that the values go together.
#[derive(Clone)]
pub struct Settings {
    /// This node's id.
    pub node_id: NodeId,
    /// The ids and names of all voters, this node among them.
    pub voters: Vec<(NodeId, String)>,
    /// A table closes when it has this many records.
    pub table_records_max: u64,
    /// A table closes when it has this many bytes.
    pub table_bytes_max: u64,
    /// A table closes when its first leaf is this many milliseconds old.
    pub table_age_ms_max: u64,
    /// The most requests in one batch.
    pub batch_records_max: usize,
    /// The most bytes in one batch, payloads included.
    pub batch_bytes_max: usize,
    /// The most bytes that wait to be recorded.
    pub queue_bytes_max: usize,
    /// How long a submission is tried before it is given up, in milliseconds.
    pub submit_ms_max: u64,
    /// Milliseconds between heartbeats.
    pub heartbeat_ms: u64,
    /// The shortest election time, in milliseconds.
    pub election_ms_min: u64,
    /// The longest election time, in milliseconds.
    pub election_ms_max: u64,
    /// Waiting batches are gathered into one entry up to this many bytes.
    pub entry_bytes_max: usize,
    /// Entries proposed and not answered yet.
    pub in_flight_entries_max: usize,
    /// Entries in one message to a peer.
    pub append_entries_max: u64,
    /// Bytes of entries in one message to a peer.
    pub append_bytes_max: usize,
    /// Entries that are kept for slow followers beyond the last stored block; one further behind pulls blocks.
    pub lag_entries_max: u64,
    /// How long a follower may take to pull the blocks of a snapshot, in milliseconds.
    pub snapshot_ms_max: u64,
    /// Bytes of recent entries that are kept in memory.
    pub entry_cache_bytes: usize,
    /// How long the bytes of an erased payload may stay on a disk, milliseconds from when its notice is stored.
    pub erase_ms_max: u64,
    /// How fast the scrubber reads, bytes a second; 0 when it is off.
    pub scrub_bytes_per_s: u64,
    /// How long the scrubber rests before each pass, in milliseconds.
    pub scrub_pause_ms: u64,
    /// The node's clock.
    pub clock: Clock,
}

impl Settings {
    pub(crate) fn raft_config(&self) -> openraft::Config {
        openraft::Config {
            cluster_name: "bulla".into(),
            heartbeat_interval: self.heartbeat_ms,
            election_timeout_min: self.election_ms_min,
            election_timeout_max: self.election_ms_max,
            install_snapshot_timeout: self.snapshot_ms_max,
            max_payload_entries: self.append_entries_max,
            max_append_entries: Some(self.append_entries_max),
            replication_lag_threshold: self.lag_entries_max,
            // Snapshots are taken whenever a block is stored: see the sealer.
            snapshot_policy: openraft::SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: self.lag_entries_max,
            purge_batch_size: 16,
            api_channel_size: Some(256),
            enable_pre_vote: Some(true),
            // A restarted leader stands for election like everybody else.
            enable_leader_restore: Some(false),
            allow_log_reversion: Some(false),
            ..openraft::Config::default()
        }
    }
}
