//! The rules for numbers: each within its bounds, and none that makes another one impossible.

use super::findings::Findings;
use super::{ClusterFile, LimitsSection, RaftSection, SealSection};

/// One request with the largest payload, its salt and the lengths between them.
const LARGEST_REQUEST_BYTES: u64 = 65_536 + 256;
/// What a leaf of 176 bytes has more than a request of 128.
const LEAF_MORE_BYTES: u64 = 48;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Holds every number of `file` against its bounds and against the others.
pub(super) fn check(file: &ClusterFile, findings: &mut Findings) {
    bounds(file, findings);
    together(file, findings);
}

#[rustfmt::skip]
fn bounds(file: &ClusterFile, findings: &mut Findings) {
    let ClusterFile { seal, limits, raft, storage, scrub, .. } = file;
    let records = u64::from(SealSection::RECORDS_MAX);
    let batch = u64::from(LimitsSection::BATCH_RECORDS_MAX);
    let bounds: [(&str, u64, u64, u64); 28] = [
        // setting                      value                              from                   to
        ("seal.records_max",            seal.records_max.into(),           1,                     records),
        ("seal.bytes_max",              seal.bytes_max.into(),             LARGEST_REQUEST_BYTES, GIB),
        ("seal.age_ms_max",             seal.age_ms_max.into(),            1,                     DAY_MS),
        ("limits.batch_records_max",    limits.batch_records_max.into(),   1,                     batch),
        ("limits.batch_bytes_max",      limits.batch_bytes_max.into(),     LARGEST_REQUEST_BYTES, 16 * MIB),
        ("limits.body_bytes_max",       limits.body_bytes_max.into(),      LARGEST_REQUEST_BYTES, GIB),
        ("limits.queue_bytes_max",      limits.queue_bytes_max,            LARGEST_REQUEST_BYTES, TIB),
        ("limits.connections_max",      limits.connections_max.into(),     1,                     1_000_000),
        ("limits.header_ms_max",        limits.header_ms_max.into(),       1,                     HOUR_MS),
        ("limits.body_ms_max",          limits.body_ms_max.into(),         1,                     HOUR_MS),
        ("limits.request_ms_max",       limits.request_ms_max.into(),      1,                     HOUR_MS),
        ("limits.wait_sealed_ms_max",   limits.wait_sealed_ms_max.into(),  1,                     HOUR_MS),
        ("raft.heartbeat_ms",           raft.heartbeat_ms.into(),          1,                     HOUR_MS),
        ("raft.election_ms_min",        raft.election_ms_min.into(),       3,                     HOUR_MS),
        ("raft.election_ms_max",        raft.election_ms_max.into(),       4,                     HOUR_MS),
        ("raft.entry_bytes_max",        raft.entry_bytes_max.into(),       LARGEST_REQUEST_BYTES, 16 * MIB),
        ("raft.in_flight_entries_max",  raft.in_flight_entries_max.into(), 1,                     256),
        ("raft.append_entries_max",     raft.append_entries_max.into(),    1,                     4_096),
        ("raft.append_bytes_max",       raft.append_bytes_max.into(),      LARGEST_REQUEST_BYTES, 64 * MIB),
        ("raft.lag_entries_max",        raft.lag_entries_max,              1,                     1_000_000_000),
        ("raft.snapshot_ms_max",        raft.snapshot_ms_max.into(),       1_000,                 DAY_MS),
        ("storage.ledger_cache_bytes",  storage.ledger_cache_bytes,        MIB,                   TIB),
        ("storage.log_cache_bytes",     storage.log_cache_bytes,           MIB,                   TIB),
        ("storage.entry_cache_bytes",   storage.entry_cache_bytes,         MIB,                   TIB),
        ("storage.disk_reserve_bytes",  storage.disk_reserve_bytes,        MIB,                   1024 * TIB),
        ("storage.erase_ms_max",        storage.erase_ms_max,              1_000,                 30 * DAY_MS),
        ("scrub.bytes_per_s_max",       scrub.bytes_per_s_max,             0,                     TIB),
        ("scrub.pause_ms",              scrub.pause_ms.into(),             1,                     30 * DAY_MS),
    ];
    for (path, value, from, to) in bounds {
        if !(from..=to).contains(&value) {
            findings.add(&[path], format!("{path} is {value}"), format!("choose {from} to {to}"));
        }
    }
}

/// What must fit into what, and why.
fn together(file: &ClusterFile, findings: &mut Findings) {
    let ClusterFile { seal, limits, raft, storage, .. } = file;
    let batch_records = ("limits.batch_records_max", limits.batch_records_max.into());
    let batch_bytes = ("limits.batch_bytes_max", limits.batch_bytes_max.into());
    let table_records = ("seal.records_max", seal.records_max.into());
    let table_bytes = ("seal.bytes_max", seal.bytes_max.into());
    let body_bytes = ("limits.body_bytes_max", limits.body_bytes_max.into());
    let queue_bytes = ("limits.queue_bytes_max", limits.queue_bytes_max);
    let entry_bytes = ("raft.entry_bytes_max", raft.entry_bytes_max.into());
    let append_bytes = ("raft.append_bytes_max", raft.append_bytes_max.into());
    let cache_bytes = ("storage.entry_cache_bytes", storage.entry_cache_bytes);
    let reserve_bytes = ("storage.disk_reserve_bytes", storage.disk_reserve_bytes);

    fit(batch_records, table_records, "a batch is recorded in one table", findings);
    fit(batch_bytes, entry_bytes, "a batch travels in one Raft entry", findings);
    fit(batch_bytes, body_bytes, "a batch arrives in one request body", findings);
    fit(entry_bytes, append_bytes, "an entry travels in one message", findings);
    fit(entry_bytes, queue_bytes, "an entry is gathered from what waits", findings);
    fit(append_bytes, cache_bytes, "a message is sent from the cache", findings);
    fit(table_bytes, reserve_bytes, "what is recorded must still find room as a block", findings);
    batch_fits_table(seal, limits, findings);
    elections(raft, findings);
}

fn fit(less: (&str, u64), more: (&str, u64), why: &str, findings: &mut Findings) {
    let ((less, less_value), (more, more_value)) = (less, more);
    if less_value > more_value {
        findings.add(
            &[less, more],
            format!("{less} is {less_value}, {more} only {more_value}; {why}"),
            "lower the one or raise the other",
        );
    }
}

/// A record is larger than the request for it.
fn batch_fits_table(seal: &SealSection, limits: &LimitsSection, findings: &mut Findings) {
    let more_bytes = u64::from(limits.batch_records_max) * LEAF_MORE_BYTES;
    let batch_bytes = u64::from(limits.batch_bytes_max) + more_bytes;
    if batch_bytes > seal.bytes_max.into() {
        findings.add(
            &["seal.bytes_max", "limits.batch_bytes_max", "limits.batch_records_max"],
            format!(
                "seal.bytes_max is {}, but the records of the largest batch take {batch_bytes} \
                 bytes; a batch is recorded in one table",
                seal.bytes_max
            ),
            "raise it, or lower the limits of a batch",
        );
    }
}

fn elections(raft: &RaftSection, findings: &mut Findings) {
    let RaftSection { heartbeat_ms, election_ms_min, election_ms_max, .. } = raft;
    if election_ms_min >= election_ms_max {
        findings.add(
            &["raft.election_ms_min", "raft.election_ms_max"],
            format!("election_ms_min is {election_ms_min}, election_ms_max {election_ms_max}"),
            "leave room between the two, best double: servers that wait equally long stand for \
             election at once and nobody wins",
        );
    }
    if u64::from(*heartbeat_ms) * 3 > u64::from(*election_ms_min) {
        findings.add(
            &["raft.heartbeat_ms", "raft.election_ms_min"],
            format!("heartbeat_ms is {heartbeat_ms}, election_ms_min only {election_ms_min}"),
            "let three heartbeats fit into election_ms_min, or one lost packet unseats the leader",
        );
    }
}
