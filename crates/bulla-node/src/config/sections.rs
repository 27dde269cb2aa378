//! The settings, section by section, with their defaults.
//!
//! A name ends in its unit and then its bound. `_bytes_max` is a number of bytes, `_ms_max` of
//! milliseconds.

use serde::{Deserialize, Serialize};

/// `[ledger]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerSection {
    /// The name under which clients pin the ledger's checkpoints: a URL without its scheme, which
    /// nobody else uses. `None`: `bulla/` and the id of the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// `[seal]`: a record table closes when it reaches the first of three limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SealSection {
    /// Records, 1 to [`SealSection::RECORDS_MAX`]. A multiple of 256, less one, makes a block with
    /// its header fill whole tiles.
    pub records_max: u32,
    /// Bytes of records and payloads.
    pub bytes_max: u32,
    /// Milliseconds since the table was opened. An empty table does not close.
    pub age_ms_max: u32,
    /// Who must attest before a block is sealed.
    pub require: Require,
}

/// Who must attest before a block is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Require {
    /// Every transaction server: what this ledger means by *sealed*.
    AllVoters,
}

/// `[limits]`: what a node takes on for its clients; more is refused, not queued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    /// Transfers in one batch, 1 to [`LimitsSection::BATCH_RECORDS_MAX`].
    pub batch_records_max: u32,
    /// Bytes of the requests, salts and payloads of one batch, as a Raft entry carries them.
    pub batch_bytes_max: u32,
    /// Bytes of the body of one HTTP request.
    pub body_bytes_max: u32,
    /// Bytes of all requests that wait to be proposed; past it a node answers 429.
    pub queue_bytes_max: u64,
    /// Client connections at once.
    pub connections_max: u32,
    /// Milliseconds for a client to send the head of a request.
    pub header_ms_max: u32,
    /// Milliseconds for a client to send the body of a request.
    pub body_ms_max: u32,
    /// Milliseconds for a node to answer a request that does not wait for sealing.
    pub request_ms_max: u32,
    /// Milliseconds that a request may wait for its block to be sealed; then the answer is 202.
    pub wait_sealed_ms_max: u32,
}

/// `[raft]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RaftSection {
    /// Milliseconds between two heartbeats of the leader.
    pub heartbeat_ms: u32,
    /// Milliseconds: a follower that heard no leader for a random time between these two stands
    /// for election. At least five times the slowest fsync.
    pub election_ms_min: u32,
    /// Milliseconds.
    pub election_ms_max: u32,
    /// Bytes of the requests that group commit gathers into one entry, its frame not counted.
    pub entry_bytes_max: u32,
    /// Entries proposed and not yet applied, at once.
    pub in_flight_entries_max: u32,
    /// Entries in one message to a follower.
    pub append_entries_max: u32,
    /// Bytes of entries in one message to a follower.
    pub append_bytes_max: u32,
    /// Entries that a follower may lack before it is fed blocks in place of entries.
    pub lag_entries_max: u64,
    /// Milliseconds for a follower to take in the blocks that it lacks.
    pub snapshot_ms_max: u32,
}

/// `[storage]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageSection {
    /// Bytes of memory for pages of `ledger.redb`.
    pub ledger_cache_bytes: u64,
    /// Bytes of memory for pages of `raft.redb`.
    pub log_cache_bytes: u64,
    /// Bytes of memory for the newest entries, to replicate and apply without reading the disk.
    pub entry_cache_bytes: u64,
    /// Bytes of disk kept free: with less, writes are refused (507) and reads go on.
    pub disk_reserve_bytes: u64,
    /// How long the bytes of an erased payload may stay on the disk, milliseconds from when its notice is stored.
    pub erase_ms_max: u64,
}

/// `[peer]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeerSection {
    /// Whether peers talk without TLS. Loopback addresses only.
    pub insecure: bool,
}

/// `[scrub]`: everything that is stored is read again and again, and what is damaged is put right from the peers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScrubSection {
    /// Bytes read in a second; 0 turns it off.
    pub bytes_per_s_max: u64,
    /// Milliseconds of rest before each pass.
    pub pause_ms: u32,
}

impl SealSection {
    /// The most records of one table: 4,096 tiles of 256 leaves, the last of them the header.
    pub const RECORDS_MAX: u32 = 1_048_575;
}

impl LimitsSection {
    /// The most transfers of one batch: as many requests of 128 bytes as an entry of 1 MiB holds
    /// beside its frame.
    pub const BATCH_RECORDS_MAX: u32 = 8_190;
}

impl Default for SealSection {
    fn default() -> Self {
        SealSection { records_max: 65_535, bytes_max: 33_554_432, age_ms_max: 1_000, require: Require::AllVoters }
    }
}

impl Default for LimitsSection {
    fn default() -> Self {
        LimitsSection {
            batch_records_max: Self::BATCH_RECORDS_MAX,
            batch_bytes_max: 1_048_320,
            body_bytes_max: 8_388_608,
            queue_bytes_max: 67_108_864,
            connections_max: 4_096,
            header_ms_max: 5_000,
            body_ms_max: 15_000,
            request_ms_max: 10_000,
            wait_sealed_ms_max: 30_000,
        }
    }
}

impl Default for RaftSection {
    fn default() -> Self {
        RaftSection {
            heartbeat_ms: 200,
            election_ms_min: 1_000,
            election_ms_max: 2_000,
            entry_bytes_max: 1_048_320,
            in_flight_entries_max: 4,
            append_entries_max: 64,
            append_bytes_max: 4_194_304,
            lag_entries_max: 64,
            snapshot_ms_max: 600_000,
        }
    }
}

impl Default for ScrubSection {
    fn default() -> Self {
        ScrubSection { bytes_per_s_max: 8_388_608, pause_ms: 3_600_000 }
    }
}

impl Default for StorageSection {
    fn default() -> Self {
        StorageSection {
            ledger_cache_bytes: 268_435_456,
            log_cache_bytes: 67_108_864,
            entry_cache_bytes: 67_108_864,
            disk_reserve_bytes: 268_435_456,
            erase_ms_max: 3_600_000,
        }
    }
}
