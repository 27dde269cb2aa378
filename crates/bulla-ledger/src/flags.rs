//! The flag byte of requests and records, and the commitment whose presence it tells.

use crate::{DecodeError, Transfer};

const PAYLOAD_COMMIT: u8 = 1 << 0;
const QUANTITY_ASSET: u8 = 1 << 1;
const MOVES_TITLE: u8 = 1 << 2;
const MOVES_CUSTODY: u8 = 1 << 3;
const KNOWN: u8 = PAYLOAD_COMMIT | QUANTITY_ASSET | MOVES_TITLE | MOVES_CUSTODY;

/// What the flag byte and the 32 bytes of `payload_commit` say together.
pub(crate) struct Flags {
    pub(crate) quantity_asset: bool,
    pub(crate) moves_title: bool,
    pub(crate) moves_custody: bool,
    pub(crate) payload_commit: Option<[u8; 32]>,
}

impl Flags {
    pub(crate) fn decode(flags: u8, payload_commit: [u8; 32]) -> Result<Self, DecodeError> {
        if flags & !KNOWN != 0 {
            return Err(DecodeError::UnknownFlag(flags));
        }
        let committed = flags & PAYLOAD_COMMIT != 0;
        if !committed && payload_commit != [0; 32] {
            return Err(DecodeError::UnflaggedPayloadCommit);
        }
        Ok(Self {
            quantity_asset: flags & QUANTITY_ASSET != 0,
            moves_title: flags & MOVES_TITLE != 0,
            moves_custody: flags & MOVES_CUSTODY != 0,
            payload_commit: committed.then_some(payload_commit),
        })
    }
}

/// The flag byte of a request and of its record.
pub(crate) fn encode(transfer: &Transfer) -> u8 {
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    bit(transfer.payload_commit.is_some(), PAYLOAD_COMMIT)
        | bit(transfer.quantity_asset, QUANTITY_ASSET)
        | bit(transfer.moves_title, MOVES_TITLE)
        | bit(transfer.moves_custody, MOVES_CUSTODY)
}
