//! The record: a line of the ledger for ever, in 176 bytes.

use crate::bytes::{at, exactly, put, zero};
use crate::flags::{self, Flags};
use crate::{Act, AssetId, DecodeError, NO_LEAF, PartyId, RecordId, Transfer};

/// An accepted request in its place in the log.
///
/// ```text
/// offset 0     4    5     6        8          16        32       48        56        64           72
///        BUL 1│kind│flags│reserved│leaf_index│record_id│asset_id│asset_seq│prev_leaf│prev_leaf_to│
///       72       80   96  112      128     136           144            176
///       ref_leaf│from│to │quantity│time_us│event_time_us│payload_commit│
/// ```
///
/// Integers are big-endian, ids in network order, the reserved bytes zero, and the flags those of a
/// [`Transfer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its own index in the log.
    pub leaf_index: u64,
    /// What was asked for, and happened.
    pub transfer: Transfer,
    /// Its number in the chain of its asset (of a quantity asset: of the `from` position), from 0.
    pub asset_seq: u64,
    /// The record before it in that chain; [`NO_LEAF`] for the first.
    pub prev_leaf: u64,
    /// The record before it in the chain of the `to` position; [`NO_LEAF`] for the first, and where
    /// there is no such chain.
    pub prev_leaf_to: u64,
    /// The leaf it refers to: a registration refers to the definition of its class. [`NO_LEAF`] for
    /// every other act.
    pub ref_leaf: u64,
    /// When it was recorded, POSIX microseconds. Never decreases along the log.
    pub time_us: u64,
}

const MAGIC: usize = 0;
const VERSION: usize = 3;
const KIND: usize = 4;
const FLAGS: usize = 5;
const RESERVED: usize = 6;
const LEAF_INDEX: usize = 8;
const RECORD_ID: usize = 16;
const ASSET_ID: usize = 32;
const ASSET_SEQ: usize = 48;
const PREV_LEAF: usize = 56;
const PREV_LEAF_TO: usize = 64;
const REF_LEAF: usize = 72;
const FROM: usize = 80;
const TO: usize = 96;
const QUANTITY: usize = 112;
const TIME_US: usize = 128;
const EVENT_TIME_US: usize = 136;
const PAYLOAD_COMMIT: usize = 144;
const _: () = assert!(PAYLOAD_COMMIT + 32 == Record::LEN);

const BUL: [u8; 3] = *b"BUL";
const V1: u8 = 1;

impl Record {
    /// Bytes of a record leaf.
    pub const LEN: usize = 176;

    /// The leaf's 176 bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let transfer = &self.transfer;
        let mut leaf = [0; Self::LEN];
        put(&mut leaf, MAGIC, &BUL);
        put(&mut leaf, VERSION, &[V1]);
        put(&mut leaf, KIND, &[transfer.act.code()]);
        put(&mut leaf, FLAGS, &[flags::encode(transfer)]);
        put(&mut leaf, LEAF_INDEX, &self.leaf_index.to_be_bytes());
        put(&mut leaf, RECORD_ID, transfer.record_id.as_bytes());
        put(&mut leaf, ASSET_ID, transfer.asset_id.as_bytes());
        put(&mut leaf, ASSET_SEQ, &self.asset_seq.to_be_bytes());
        put(&mut leaf, PREV_LEAF, &self.prev_leaf.to_be_bytes());
        put(&mut leaf, PREV_LEAF_TO, &self.prev_leaf_to.to_be_bytes());
        put(&mut leaf, REF_LEAF, &self.ref_leaf.to_be_bytes());
        put(&mut leaf, FROM, transfer.from.as_bytes());
        put(&mut leaf, TO, transfer.to.as_bytes());
        put(&mut leaf, QUANTITY, &transfer.quantity.to_be_bytes());
        put(&mut leaf, TIME_US, &self.time_us.to_be_bytes());
        put(
            &mut leaf,
            EVENT_TIME_US,
            &transfer.event_time_us.to_be_bytes(),
        );
        put(
            &mut leaf,
            PAYLOAD_COMMIT,
            &transfer.payload_commit.unwrap_or_default(),
        );
        leaf
    }

    /// Reads a leaf. What it returns encodes to the same bytes again.
    ///
    /// # Errors
    /// One that [`DecodeError::cannot_verify`] when the leaf is of a magic, version or kind that is
    /// not a record's as this release knows it, whatever its length; any other when it is invalid.
    pub fn decode(leaf: &[u8]) -> Result<Self, DecodeError> {
        let kind = leaf_kind(leaf)?;
        let act = Act::from_code(kind).ok_or(DecodeError::UnknownKind(kind))?;
        let leaf: &[u8; Self::LEN] = exactly(leaf)?;
        zero(leaf, RESERVED..LEAF_INDEX)?;
        let [flags] = at(leaf, FLAGS);
        let flags = Flags::decode(flags, at(leaf, PAYLOAD_COMMIT))?;
        Ok(Self {
            leaf_index: u64::from_be_bytes(at(leaf, LEAF_INDEX)),
            transfer: Transfer {
                record_id: RecordId::from_bytes(at(leaf, RECORD_ID)),
                asset_id: AssetId::from_bytes(at(leaf, ASSET_ID)),
                from: PartyId::from_bytes(at(leaf, FROM)),
                to: PartyId::from_bytes(at(leaf, TO)),
                quantity: u128::from_be_bytes(at(leaf, QUANTITY)),
                event_time_us: u64::from_be_bytes(at(leaf, EVENT_TIME_US)),
                act,
                quantity_asset: flags.quantity_asset,
                moves_title: flags.moves_title,
                moves_custody: flags.moves_custody,
                payload_commit: flags.payload_commit,
            },
            asset_seq: u64::from_be_bytes(at(leaf, ASSET_SEQ)),
            prev_leaf: u64::from_be_bytes(at(leaf, PREV_LEAF)),
            prev_leaf_to: u64::from_be_bytes(at(leaf, PREV_LEAF_TO)),
            ref_leaf: u64::from_be_bytes(at(leaf, REF_LEAF)),
            time_us: u64::from_be_bytes(at(leaf, TIME_US)),
        })
    }

    /// The leaf before this one in the chain that it belongs to. A unique asset has one chain,
    /// whichever `party` is asked for; a quantity asset has one for each position, and that of
    /// [`PartyId::NIL`] is the asset's own. `None` at the start of a chain, and for a party whose
    /// position this record does not touch.
    pub fn previous(&self, party: PartyId) -> Option<u64> {
        let [from, to] = self.transfer.positions_touched();
        let leaf_index = if !self.transfer.quantity_asset || from == Some(party) {
            self.prev_leaf
        } else if to == Some(party) {
            self.prev_leaf_to
        } else {
            NO_LEAF
        };
        (leaf_index != NO_LEAF).then_some(leaf_index)
    }
}

/// The kind byte of any leaf of the log, be it a record, a header or something newer.
///
/// # Errors
/// When it does not begin as leaves of this version do, or is shorter than that beginning.
pub fn leaf_kind(leaf: &[u8]) -> Result<u8, DecodeError> {
    let Some(prefix) = leaf.first_chunk::<LEAF_INDEX>() else {
        return Err(DecodeError::WrongLength {
            expected: Record::LEN,
            actual: leaf.len(),
        });
    };
    if at(prefix, MAGIC) != BUL {
        return Err(DecodeError::UnknownMagic);
    }
    let [version] = at(prefix, VERSION);
    if version != V1 {
        return Err(DecodeError::UnknownVersion(version));
    }
    let [kind] = at(prefix, KIND);
    Ok(kind)
}
