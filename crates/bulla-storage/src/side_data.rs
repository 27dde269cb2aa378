//! What belongs to a block and is not in its file, as it travels between peers.

use std::sync::Arc;

use bulla_ledger::Payload;
use bulla_sealing::{Attestation, SignedNote};

use crate::error::StorageError;
use crate::ledger::Ledger;
use crate::manifest::ManifestRow;
use crate::rows::{Of, Rows, borrowed};
use crate::seal_rows::read_seal;

/// Payloads with their leaf indexes, and the seal of a block or the attestations to it so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SideData {
    pub(crate) payloads: Vec<(u64, Payload)>,
    /// Records whose payloads were erased, with the notices that say so.
    pub(crate) erased: Vec<(u64, u64)>,
    pub(crate) seal: Option<SignedNote>,
    pub(crate) attestations: Vec<Attestation>,
}

impl SideData {
    /// Of a stored block. Sealing is as it is now, not as it was when the block was stored: whoever replays the log
    /// from there meets attestations that are counted already, which is harmless.
    pub(crate) fn of(ledger: &Ledger, height: u64) -> Result<Self, StorageError> {
        // Recording goes on while payloads are read.
        let (rows, seal, attestations) = {
            let state = ledger.state();
            let waiting = state.seals.waiting.get(&height);
            let attestations = waiting
                .map(|waiting| waiting.attested.values().chain(waiting.other_roots.values()).cloned().collect())
                .unwrap_or_default();
            (Arc::clone(&state.snapshot), state.seals.notes.get(&height).cloned(), attestations)
        };
        let rows = &*rows;
        let row = ManifestRow::read(rows, height)?
            .ok_or_else(|| rows.corrupt_row(Of::Manifest, &height.to_be_bytes(), "it is missing"))?;
        let range = (
            std::ops::Bound::Included(row.first_leaf.to_be_bytes().to_vec()),
            std::ops::Bound::Excluded(row.end_leaf.to_be_bytes().to_vec()),
        );
        let erased = rows
            .range(Of::Erased, borrowed(&range), usize::MAX)?
            .into_iter()
            .map(|(key, value)| match (key.as_slice().try_into(), value.as_slice().try_into()) {
                (Ok(target), Ok(notice)) => Ok((u64::from_be_bytes(target), u64::from_be_bytes(notice))),
                _ => Err(rows.corrupt_row(Of::Erased, &key, "it is no leaf index")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        // The row of an erased one may still be there, empty.
        let is_erased =
            |key: &[u8]| erased.binary_search_by(|(target, _)| target.to_be_bytes().as_slice().cmp(key)).is_ok();
        let payloads = rows
            .range(Of::Payloads, borrowed(&range), usize::MAX)?
            .into_iter()
            .filter(|(key, _)| !is_erased(key))
            .map(|(key, value)| match (key.as_slice().try_into(), value.split_first_chunk()) {
                (Ok(leaf_index), Some((salt, bytes))) => {
                    Ok((u64::from_be_bytes(leaf_index), Payload { salt: *salt, bytes: bytes.to_vec() }))
                }
                _ => Err(rows.corrupt_row(Of::Payloads, &key, "it is no payload")),
            })
            .collect::<Result<_, _>>()?;
        let seal = match seal {
            Some(note) => Some(note),
            None => read_seal(rows, height)?,
        };
        Ok(Self { payloads, erased, seal, attestations })
    }

    /// As version 2 it says in the end also, before its checksum: `u32 n, n x { u64 leaf index | u64 leaf index of the
    /// notice }`. Version 1 is written where nothing was erased.
    ///
    /// `version 1 | u32 n, n x { u64 leaf index | bytes of salt and payload } | bytes of the note, none when not
    /// sealed | u32 n, n x { bytes of an attestation } | crc32c`, where bytes are `u32 length | bytes`, big-endian.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![if self.erased.is_empty() { VERSION } else { VERSION_ERASED }];
        out.extend_from_slice(&(self.payloads.len() as u32).to_be_bytes());
        for (leaf_index, payload) in &self.payloads {
            out.extend_from_slice(&leaf_index.to_be_bytes());
            put(&mut out, &[&payload.salt, payload.bytes.as_slice()].concat());
        }
        put(&mut out, self.seal.as_ref().map(ToString::to_string).unwrap_or_default().as_bytes());
        out.extend_from_slice(&(self.attestations.len() as u32).to_be_bytes());
        for attestation in &self.attestations {
            put(&mut out, &attestation.encode());
        }
        if !self.erased.is_empty() {
            out.extend_from_slice(&(self.erased.len() as u32).to_be_bytes());
        }
        for (target, notice) in &self.erased {
            out.extend_from_slice(&target.to_be_bytes());
            out.extend_from_slice(&notice.to_be_bytes());
        }
        let sum = crc32c::crc32c(&out);
        out.extend_from_slice(&sum.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk()?;
        if u32::from_be_bytes(*sum) != crc32c::crc32c(body) {
            return None;
        }
        let (version @ &(VERSION | VERSION_ERASED), mut rest) = body.split_first()? else {
            return None;
        };
        let mut side = Self::default();
        for _ in 0..take_u32(&mut rest)? {
            let (leaf_index, after) = rest.split_first_chunk()?;
            rest = after;
            let (salt, bytes) = take(&mut rest)?.split_first_chunk()?;
            side.payloads.push((u64::from_be_bytes(*leaf_index), Payload { salt: *salt, bytes: bytes.to_vec() }));
        }
        let note = take(&mut rest)?;
        if !note.is_empty() {
            side.seal = Some(SignedNote::parse(note).ok()?);
        }
        for _ in 0..take_u32(&mut rest)? {
            side.attestations.push(Attestation::decode(take(&mut rest)?).ok()?);
        }
        if *version == VERSION_ERASED {
            for _ in 0..take_u32(&mut rest)? {
                let (target, after) = rest.split_first_chunk()?;
                let (notice, after) = after.split_first_chunk()?;
                rest = after;
                side.erased.push((u64::from_be_bytes(*target), u64::from_be_bytes(*notice)));
            }
        }
        rest.is_empty().then_some(side)
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).expect("payloads and notes are far below 4 GiB").to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_u32(rest)? as usize;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_be_bytes(*number))
}

const VERSION: u8 = 1;
const VERSION_ERASED: u8 = 2;
