//! The bytes of log ids, votes, memberships and entries, on disk and between peers.
//!
//! bincode writes the envelopes, in its legacy configuration (fixed-width little-endian integers)
//! and behind a version byte, and only what is thrown away once its block is sealed: nothing here
//! is hashed or signed. openraft's own types never meet the encoder, so that its next version can
//! change them without changing what is on disk.

use std::collections::{BTreeMap, BTreeSet};

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};
use bytes::{BufMut, Bytes, BytesMut};
use openraft::impls::{EmptyNode, leader_id_std};
use openraft::vote::RaftLeaderId;

use crate::types::{Command, Entry, LogId, Membership, Payload, StoredMembership, Vote};

/// The version byte in front of everything that this module writes.
const VERSION: u8 = 1;

/// The longest message that is decoded, in bytes: more than one entry can ever need.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Bytes that are not what their reader expects: another version, another program, or damage.
#[derive(Debug, Clone, thiserror::Error)]
#[error("malformed {what}: {why}")]
pub struct WireError {
    what: &'static str,
    why: String,
}

impl WireError {
    pub(crate) fn new(what: &'static str, why: impl ToString) -> Self {
        WireError { what, why: why.to_string() }
    }
}

impl From<WireError> for std::io::Error {
    fn from(error: WireError) -> Self {
        std::io::Error::new(std::io::ErrorKind::InvalidData, error)
    }
}

type Legacy = Configuration<LittleEndian, Fixint, Limit<MESSAGE_BYTES_MAX>>;

fn config() -> Legacy {
    bincode::config::legacy().with_limit::<MESSAGE_BYTES_MAX>()
}

/// Writes `value` behind the version byte.
pub(crate) fn encode(value: &impl Encode) -> Bytes {
    let mut out = BytesMut::with_capacity(64);
    encode_into(value, &mut out);
    out.freeze()
}

fn encode_into(value: &impl Encode, out: &mut BytesMut) {
    out.put_u8(VERSION);
    let mut writer = std::mem::take(out).writer();
    bincode::encode_into_std_write(value, &mut writer, config()).expect("memory takes every write");
    *out = writer.into_inner();
}

/// Reads exactly one value behind its version byte: bytes left over are an error.
pub(crate) fn decode<T: Decode<()>>(what: &'static str, bytes: &[u8]) -> Result<T, WireError> {
    let (value, rest) = decode_prefix(what, bytes)?;
    if rest.is_empty() { Ok(value) } else { Err(WireError::new(what, format!("{} bytes left over", rest.len()))) }
}

/// Reads one value behind its version byte and returns what follows it.
pub(crate) fn decode_prefix<'a, T: Decode<()>>(
    what: &'static str,
    bytes: &'a [u8],
) -> Result<(T, &'a [u8]), WireError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => {
            let (value, used) =
                bincode::decode_from_slice(body, config()).map_err(|error| WireError::new(what, error))?;
            Ok((value, &body[used..]))
        }
        Some((version, _)) => Err(WireError::new(what, format!("version {version} is not known here"))),
        None => Err(WireError::new(what, "no bytes")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct WireLogId {
    term: u64,
    index: u64,
}

impl From<&LogId> for WireLogId {
    fn from(log_id: &LogId) -> Self {
        WireLogId { term: *log_id.leader_id, index: log_id.index }
    }
}

impl From<WireLogId> for LogId {
    fn from(wire: WireLogId) -> Self {
        log_id(wire.term, wire.index)
    }
}

/// The id of the entry at `index`, proposed by the leader of `term`: in standard Raft the term alone tells who that was.
pub(crate) fn log_id(term: u64, index: u64) -> LogId {
    LogId { leader_id: leader_id_std::LeaderId::<u64, u64>::new(term, 0).to_committed(), index }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct WireVote {
    term: u64,
    node_id: u64,
    committed: bool,
}

impl From<&Vote> for WireVote {
    fn from(vote: &Vote) -> Self {
        WireVote { term: vote.leader_id.term, node_id: vote.leader_id.voted_for, committed: vote.committed }
    }
}

impl From<WireVote> for Vote {
    fn from(wire: WireVote) -> Self {
        if wire.committed { Vote::new_committed(wire.term, wire.node_id) } else { Vote::new(wire.term, wire.node_id) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct WireMembership {
    configs: Vec<Vec<u64>>,
    nodes: Vec<u64>,
}

impl From<&Membership> for WireMembership {
    fn from(membership: &Membership) -> Self {
        WireMembership {
            configs: membership.get_joint_config().iter().map(|voters| voters.iter().copied().collect()).collect(),
            nodes: membership.nodes().map(|(node_id, _)| *node_id).collect(),
        }
    }
}

impl TryFrom<WireMembership> for Membership {
    type Error = WireError;

    fn try_from(wire: WireMembership) -> Result<Self, WireError> {
        let voters = wire.configs.iter().map(|voters| voters.iter().copied().collect::<BTreeSet<u64>>());
        let nodes: BTreeMap<u64, EmptyNode> = wire.nodes.iter().map(|node_id| (*node_id, EmptyNode {})).collect();
        let membership = match wire.configs.is_empty() {
            true => Membership::default(),
            false => Membership::new(voters.collect(), nodes).map_err(|error| WireError::new("membership", error))?,
        };
        // One membership has one form: each member once, in order.
        match WireMembership::from(&membership) == wire {
            true => Ok(membership),
            false => Err(WireError::new("membership", "its members are not in order")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct WireStoredMembership {
    log_id: Option<WireLogId>,
    membership: WireMembership,
}

impl From<&StoredMembership> for WireStoredMembership {
    fn from(stored: &StoredMembership) -> Self {
        WireStoredMembership {
            log_id: stored.log_id().as_ref().map(WireLogId::from),
            membership: stored.membership().into(),
        }
    }
}

impl TryFrom<WireStoredMembership> for StoredMembership {
    type Error = WireError;

    fn try_from(wire: WireStoredMembership) -> Result<Self, WireError> {
        Ok(StoredMembership::new(wire.log_id.map(LogId::from), wire.membership.try_into()?))
    }
}

#[derive(Encode, Decode)]
enum WirePayload {
    Blank,
    /// The command's bytes follow the head, as they are.
    Command,
    Membership(WireMembership),
}

#[derive(Encode, Decode)]
struct WireEntryHead {
    log_id: WireLogId,
    payload: WirePayload,
}

/// The bytes of one entry: a short head, then the command as the leader laid it out.
pub(crate) fn encode_entry(entry: &Entry) -> Bytes {
    let (payload, command): (WirePayload, &[u8]) = match &entry.payload {
        Payload::Blank => (WirePayload::Blank, &[]),
        Payload::Normal(command) => (WirePayload::Command, &command.0),
        Payload::Membership(membership) => (WirePayload::Membership(membership.into()), &[]),
    };
    let mut out = BytesMut::with_capacity(32 + command.len());
    encode_into(&WireEntryHead { log_id: (&entry.log_id).into(), payload }, &mut out);
    out.put_slice(command);
    out.freeze()
}

/// Reads what [`encode_entry`] wrote; the command shares `bytes`.
pub(crate) fn decode_entry(bytes: Bytes) -> Result<Entry, WireError> {
    const WHAT: &str = "log entry";
    let (head, rest): (WireEntryHead, &[u8]) = decode_prefix(WHAT, &bytes)?;
    let payload = match head.payload {
        WirePayload::Command => Payload::Normal(Command(bytes.slice_ref(rest))),
        _ if !rest.is_empty() => return Err(WireError::new(WHAT, "bytes left over")),
        WirePayload::Blank => Payload::Blank,
        WirePayload::Membership(membership) => Payload::Membership(membership.try_into()?),
    };
    Ok(Entry { log_id: head.log_id.into(), payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_entry_reads_back_as_it_was_written() {
        let membership = Membership::new_with_defaults(vec![BTreeSet::from([1, 2, 3])], [4]);
        let payloads = [
            Payload::Blank,
            Payload::Normal(Command(Bytes::from_static(b"as it was laid out"))),
            Payload::Normal(Command(Bytes::new())),
            Payload::Membership(membership),
        ];
        for payload in payloads {
            let entry = Entry { log_id: log_id(7, 42), payload };
            let read = decode_entry(encode_entry(&entry)).unwrap();
            assert_eq!(read, entry);
        }
    }

    #[test]
    fn another_version_bytes_left_over_and_cut_off_bytes_are_refused() {
        let vote = encode(&WireVote::from(&Vote::new_committed(3, 2)));
        assert_eq!(Vote::from(decode::<WireVote>("vote", &vote).unwrap()), Vote::new_committed(3, 2));
        let mut longer = vote.to_vec();
        longer.push(0);
        assert!(decode::<WireVote>("vote", &longer).unwrap_err().to_string().contains("1 bytes left over"));
        assert!(decode::<WireVote>("vote", &vote[..vote.len() - 1]).is_err());
        let mut newer = vote.to_vec();
        newer[0] = 2;
        assert!(decode::<WireVote>("vote", &newer).unwrap_err().to_string().contains("version 2"));
        assert!(decode::<WireVote>("vote", &[]).is_err());
    }
}
