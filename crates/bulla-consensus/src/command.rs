//! The commands of the replicated ledger: record requests, close the open table, attest to a table.
//!
//! ```text
//! requests   version | head: time, batches, payloads | request 128 bytes | request 128 bytes | ...
//! close      version | head: height, closed_us
//! attest     version | head: height, node name, size, root, time, signature
//! ```
//!
//! The requests stand at the end, in the frozen layout of the ledger, so that they are never
//! encoded again on their way from the door to the log and from the log to the table.

use bincode::{Decode, Encode};
use bulla_ledger::{Payload, Transfer};
use bulla_sealing::{Attestation, Hash};
use bulla_storage::{Batch, Item};
use bytes::{BufMut, Bytes, BytesMut};

use crate::types::Command;
use crate::wire::{self, WireError};

/// What a [`Command`]'s bytes say.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Record these batches, at the time at which the leader proposed them.
    Requests { time_us: u64, batches: Vec<Batch> },
    /// Close the table of this height, if it is the open one.
    Close { height: u64, closed_us: u64 },
    /// A voter's word that it has stored the table of this height and computed this root for it.
    Attest { height: u64, attestation: Attestation },
}

#[derive(Encode, Decode)]
enum Head {
    Requests { time_us: u64, batches: Vec<BatchHead>, payloads: Vec<ItemPayload> },
    Close { height: u64, closed_us: u64 },
    Attest { height: u64, node_name: String, size: u64, root: [u8; 32], time_s: u64, signature: [u8; 64] },
}

#[derive(Encode, Decode)]
struct BatchHead {
    atomic: bool,
    items: u32,
}

#[derive(Encode, Decode)]
struct ItemPayload {
    /// Which of the requests, counted over all batches from 0.
    item: u32,
    salt: [u8; 32],
    bytes: Vec<u8>,
}

const WHAT: &str = "command";

/// Lays out the command that records `batches`.
pub(crate) fn requests<'a>(time_us: u64, batches: impl Iterator<Item = &'a Batch> + Clone) -> Command {
    let items = || batches.clone().flat_map(|batch| &batch.items);
    let payloads = items().enumerate().filter_map(|(item, request)| {
        let payload = request.payload.as_ref()?;
        Some(ItemPayload { item: item as u32, salt: payload.salt, bytes: payload.bytes.clone() })
    });
    let head = Head::Requests {
        time_us,
        batches: batches
            .clone()
            .map(|batch| BatchHead { atomic: batch.atomic, items: batch.items.len() as u32 })
            .collect(),
        payloads: payloads.collect(),
    };
    let head = wire::encode(&head);
    let mut out = BytesMut::with_capacity(head.len() + items().count() * Transfer::LEN);
    out.put_slice(&head);
    items().for_each(|item| out.put_slice(&item.transfer.encode()));
    Command(out.freeze())
}

/// Lays out the command that closes the table of `height`.
pub(crate) fn close(height: u64, closed_us: u64) -> Command {
    Command(wire::encode(&Head::Close { height, closed_us }))
}

/// Lays out the command that carries a voter's attestation.
pub(crate) fn attest(height: u64, attestation: &Attestation) -> Command {
    Command(wire::encode(&Head::Attest {
        height,
        node_name: attestation.node_name.clone(),
        size: attestation.size,
        root: attestation.root.0,
        time_s: attestation.time_s,
        signature: attestation.signature,
    }))
}

/// Reads a command. Every node that reads the same bytes gets the same content or the same error.
pub(crate) fn read(bytes: &Bytes) -> Result<Content, WireError> {
    let (head, rest) = wire::decode_prefix(WHAT, bytes)?;
    match head {
        Head::Requests { time_us, batches, payloads } => {
            Ok(Content::Requests { time_us, batches: read_batches(&batches, payloads, rest)? })
        }
        _ if !rest.is_empty() => Err(WireError::new(WHAT, "bytes left over")),
        Head::Close { height, closed_us } => Ok(Content::Close { height, closed_us }),
        Head::Attest { height, node_name, size, root, time_s, signature } => {
            let attestation = Attestation { node_name, size, root: Hash(root), time_s, signature };
            Ok(Content::Attest { height, attestation })
        }
    }
}

fn read_batches(heads: &[BatchHead], payloads: Vec<ItemPayload>, requests: &[u8]) -> Result<Vec<Batch>, WireError> {
    let promised: u64 = heads.iter().map(|head| u64::from(head.items)).sum();
    if requests.len() as u64 != promised * Transfer::LEN as u64 {
        return Err(WireError::new(WHAT, format!("{promised} requests promised, {} bytes follow", requests.len())));
    }
    let mut payloads = payloads.into_iter().peekable();
    let mut requests = requests.chunks_exact(Transfer::LEN).zip(0u32..);
    let mut batches = Vec::with_capacity(heads.len());
    for head in heads {
        let mut items = Vec::with_capacity(head.items as usize);
        for (request, number) in requests.by_ref().take(head.items as usize) {
            let transfer = Transfer::decode(request).map_err(|error| WireError::new(WHAT, error))?;
            let payload = payloads.next_if(|payload| payload.item == number);
            let payload = payload.map(|payload| Payload { salt: payload.salt, bytes: payload.bytes });
            items.push(Item { transfer, payload });
        }
        batches.push(Batch { atomic: head.atomic, items });
    }
    match payloads.next() {
        None => Ok(batches),
        Some(payload) => Err(WireError::new(WHAT, format!("a payload for request {} out of order", payload.item))),
    }
}

#[cfg(test)]
mod tests {
    use bulla_ledger::{PartyId, RecordId};
    use uuid::Uuid;

    use super::*;

    fn enroll(number: u128, payload: Option<&str>) -> Item {
        let payload = payload.map(|text| Payload { salt: [9; 32], bytes: text.as_bytes().to_vec() });
        let mut transfer = Transfer::enroll(RecordId(Uuid::from_u128(number)), PartyId(Uuid::from_u128(number + 1)));
        transfer.payload_commit = payload.as_ref().map(Payload::commit);
        Item { transfer, payload }
    }

    #[test]
    fn requests_read_back_in_their_batches_with_their_payloads() {
        let batches = vec![
            Batch { atomic: true, items: vec![enroll(1, None), enroll(3, Some("{\"name\":\"stores\"}"))] },
            Batch { atomic: false, items: vec![] },
            Batch { atomic: false, items: vec![enroll(5, Some("{}"))] },
        ];
        let command = requests(77, batches.iter());
        let Content::Requests { time_us, batches: read } = read(&command.0).unwrap() else { panic!("not requests") };
        assert_eq!(time_us, 77);
        assert_eq!(read, batches);
    }

    #[test]
    fn a_command_cut_off_at_any_byte_is_refused_and_never_misread() {
        let command =
            requests(77, [Batch { atomic: false, items: vec![enroll(1, Some("{}")), enroll(3, None)] }].iter());
        for length in 0..command.0.len() {
            assert!(read(&command.0.slice(..length)).is_err(), "cut off after {length} bytes");
        }
    }

    #[test]
    fn attestations_and_closes_read_back_as_they_were_written() {
        let attestation =
            Attestation { node_name: "north".into(), size: 9, root: Hash([7; 32]), time_s: 5, signature: [3; 64] };
        let Content::Attest { height: 4, attestation: read_back } = read(&attest(4, &attestation).0).unwrap() else {
            panic!("not an attestation of height 4")
        };
        assert_eq!(read_back, attestation);
        assert!(matches!(read(&close(8, 99).0).unwrap(), Content::Close { height: 8, closed_us: 99 }));
    }
}
