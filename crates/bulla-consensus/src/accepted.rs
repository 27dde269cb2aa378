//! What the decoders of this crate accept, written again: a door for tests that feed them anything.
//!
//! Each function gives `None` for bytes that are refused, and else the bytes that the encoder makes of what was read.

use bytes::Bytes;

use crate::command::{self, Content};
use crate::message::{self, Request};
use crate::replay::ReplayFrom;
use crate::wire;

/// An entry of the Raft log.
pub fn log_entry(bytes: &[u8]) -> Option<Vec<u8>> {
    let entry = wire::decode_entry(Bytes::copy_from_slice(bytes)).ok()?;
    Some(wire::encode_entry(&entry).to_vec())
}

/// A command of the ledger.
pub fn command(bytes: &[u8]) -> Option<Vec<u8>> {
    let command = match command::read(&Bytes::copy_from_slice(bytes)).ok()? {
        Content::Requests { time_us, batches } => command::requests(time_us, batches.iter()),
        Content::Close { height, closed_us } => command::close(height, closed_us),
        Content::Attest { height, attestation } => command::attest(height, &attestation),
    };
    Some(command.0.to_vec())
}

/// What a server asks another, with the entries if it brings some.
pub fn peer_request(bytes: &[u8]) -> Option<Vec<u8>> {
    let (request, rest) = message::read_request(&Bytes::copy_from_slice(bytes)).ok()?;
    let mut again = wire::encode(&request).to_vec();
    match request {
        Request::Append { entries, .. } => {
            for entry in message::entries(entries, rest).ok()? {
                let entry = wire::encode_entry(&entry);
                again.extend_from_slice(&(entry.len() as u32).to_be_bytes());
                again.extend_from_slice(&entry);
            }
        }
        _ => again.extend_from_slice(&rest),
    }
    Some(again)
}

/// What a server answers another.
pub fn peer_reply(bytes: &[u8]) -> Option<Vec<u8>> {
    let (reply, rest) = message::read_reply(&Bytes::copy_from_slice(bytes)).ok()?;
    Some([&wire::encode(&reply)[..], &rest].concat())
}

/// Where a server goes on from.
pub fn replay_point(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(ReplayFrom::decode(bytes).ok()?.encode())
}
