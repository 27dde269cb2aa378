//! What servers say to each other: openraft's calls, requests passed on to the leader, and blocks.
//!
//! ```text
//! request    version | bincode of Head | entries: u32 length + entry, ... (AppendEntries only)
//! answer     version | bincode of Reply | bytes of a block's piece (Piece only)
//! ```

use bincode::{Decode, Encode};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, TransferLeaderRequest, VoteRequest, VoteResponse};

use crate::types::{LogId, SnapshotManifest, SnapshotMeta, TypeConfig, Vote};
use crate::wire::{self, WireError, WireLogId, WireStoredMembership, WireVote};

/// Which file of a block a piece is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Part {
    /// The block file: header, records, leaf hashes.
    Block,
    /// What is kept beside it: payloads, seal, attestations.
    Side,
}

/// A request of one server to another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Request {
    Append {
        vote: WireVote,
        prev_log_id: Option<WireLogId>,
        leader_commit: Option<WireLogId>,
        entries: u32,
    },
    Vote {
        vote: WireVote,
        last_log_id: Option<WireLogId>,
        leadership_transfer: bool,
        pre: bool,
    },
    TransferLeader {
        from: WireVote,
        to: u64,
        last_log_id: Option<WireLogId>,
    },
    Snapshot {
        vote: WireVote,
        last_log_id: Option<WireLogId>,
        membership: WireStoredMembership,
        upto_height: u64,
        replay_from: Vec<u8>,
    },
    Length {
        height: u64,
        part: Part,
    },
    Piece {
        height: u64,
        part: Part,
        offset: u64,
        length: u32,
    },
    /// A command to propose on the caller's behalf: a batch of requests, or an attestation.
    Propose {
        command: Vec<u8>,
    },
    /// What the leader knows of its followers.
    Members,
    /// A server that rebuilds its ledger asks for the last stored block, and says what had happened to it.
    Rebuild {
        since_us: u64,
        /// The table that it was outvoted on, with the root that it had computed; `None` when its ledger was damaged.
        outvoted: Option<(u64, [u8; 32])>,
        what: String,
    },
}

/// An answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Reply {
    Append(AppendReply),
    Vote {
        vote: WireVote,
        granted: bool,
        last_log_id: Option<WireLogId>,
    },
    Done,
    Snapshot {
        vote: WireVote,
    },
    Length(u64),
    Piece,
    Answers(Vec<Vec<crate::answer_wire::WireAnswer>>),
    NotLeader {
        leader: Option<u64>,
    },
    /// More waits to be recorded than the leader is willing to hold.
    Overloaded,
    /// The leader's disk is nearly full.
    DiskFull,
    Members(Vec<crate::status::MemberProgress>),
    /// The peer could not do it; the text is for people.
    Failed(String),
    /// The last block that the peer has stored, and where its log goes on from there.
    Manifest {
        upto_height: u64,
        replay_from: Vec<u8>,
    },
}

/// openraft's answer to AppendEntries.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum AppendReply {
    Success,
    PartialSuccess(Option<WireLogId>),
    Conflict,
    HigherVote(WireVote),
}

/// Lays out an AppendEntries request; each entry's bytes are copied once, into the message.
pub(crate) fn append(rpc: &AppendEntriesRequest<TypeConfig>) -> Bytes {
    let head = wire::encode(&Request::Append {
        vote: (&rpc.vote).into(),
        prev_log_id: rpc.prev_log_id.as_ref().map(WireLogId::from),
        leader_commit: rpc.leader_commit.as_ref().map(WireLogId::from),
        entries: rpc.entries.len() as u32,
    });
    if rpc.entries.is_empty() {
        return head;
    }
    let entries: Vec<Bytes> = rpc.entries.iter().map(wire::encode_entry).collect();
    let mut out = BytesMut::with_capacity(head.len() + entries.iter().map(|entry| 4 + entry.len()).sum::<usize>());
    out.put_slice(&head);
    for entry in entries {
        out.put_u32(entry.len() as u32);
        out.put_slice(&entry);
    }
    out.freeze()
}

/// Reads the entries that follow an AppendEntries head; they share `rest`.
pub(crate) fn entries(count: u32, mut rest: Bytes) -> Result<Vec<crate::types::Entry>, WireError> {
    let cut_off = || WireError::new("append request", "cut off");
    let mut entries = Vec::with_capacity(count.min(1 << 16) as usize);
    for _ in 0..count {
        let length = rest.try_get_u32().map_err(|_| cut_off())? as usize;
        if rest.len() < length {
            return Err(cut_off());
        }
        entries.push(wire::decode_entry(rest.split_to(length))?);
    }
    if rest.is_empty() { Ok(entries) } else { Err(WireError::new("append request", "bytes left over")) }
}

/// Reads a request and the bytes that follow its head.
pub(crate) fn read_request(bytes: &Bytes) -> Result<(Request, Bytes), WireError> {
    let (request, rest) = wire::decode_prefix("peer request", bytes)?;
    Ok((request, bytes.slice_ref(rest)))
}

/// Reads an answer and the bytes that follow it.
pub(crate) fn read_reply(bytes: &Bytes) -> Result<(Reply, Bytes), WireError> {
    let (reply, rest) = wire::decode_prefix("peer answer", bytes)?;
    Ok((reply, bytes.slice_ref(rest)))
}

/// Lays out a piece of a block file.
pub(crate) fn piece(bytes: &[u8]) -> Bytes {
    let head = wire::encode(&Reply::Piece);
    let mut out = BytesMut::with_capacity(head.len() + bytes.len());
    out.put_slice(&head);
    out.put_slice(bytes);
    out.freeze()
}

impl Request {
    pub(crate) fn vote(rpc: &VoteRequest<TypeConfig>, pre: bool) -> Request {
        Request::Vote {
            vote: (&rpc.vote).into(),
            last_log_id: rpc.last_log_id.as_ref().map(WireLogId::from),
            leadership_transfer: rpc.leadership_transfer,
            pre,
        }
    }

    pub(crate) fn transfer_leader(rpc: &TransferLeaderRequest<TypeConfig>) -> Request {
        Request::TransferLeader {
            from: rpc.from_leader().into(),
            to: *rpc.to_node_id(),
            last_log_id: rpc.last_log_id().map(WireLogId::from),
        }
    }

    pub(crate) fn snapshot(vote: &Vote, meta: &SnapshotMeta, manifest: &SnapshotManifest) -> Request {
        Request::Snapshot {
            vote: vote.into(),
            last_log_id: meta.last_log_id.as_ref().map(WireLogId::from),
            membership: (&meta.last_membership).into(),
            upto_height: manifest.upto_height,
            replay_from: manifest.replay_from.to_vec(),
        }
    }
}

impl Reply {
    pub(crate) fn vote(response: &VoteResponse<TypeConfig>) -> Reply {
        Reply::Vote {
            vote: (&response.vote).into(),
            granted: response.vote_granted,
            last_log_id: response.last_log_id.as_ref().map(WireLogId::from),
        }
    }
}

impl From<AppendEntriesResponse<TypeConfig>> for AppendReply {
    fn from(response: AppendEntriesResponse<TypeConfig>) -> Self {
        match response {
            AppendEntriesResponse::Success => AppendReply::Success,
            AppendEntriesResponse::PartialSuccess(log_id) => {
                AppendReply::PartialSuccess(log_id.as_ref().map(WireLogId::from))
            }
            AppendEntriesResponse::Conflict => AppendReply::Conflict,
            AppendEntriesResponse::HigherVote(vote) => AppendReply::HigherVote((&vote).into()),
        }
    }
}

impl From<AppendReply> for AppendEntriesResponse<TypeConfig> {
    fn from(reply: AppendReply) -> Self {
        match reply {
            AppendReply::Success => AppendEntriesResponse::Success,
            AppendReply::PartialSuccess(log_id) => AppendEntriesResponse::PartialSuccess(log_id.map(LogId::from)),
            AppendReply::Conflict => AppendEntriesResponse::Conflict,
            AppendReply::HigherVote(vote) => AppendEntriesResponse::HigherVote(vote.into()),
        }
    }
}
