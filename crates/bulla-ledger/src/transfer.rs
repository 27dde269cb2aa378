//! The request: one thing that somebody wants recorded, in 128 bytes.

use crate::bytes::{at, exactly, put, zero};
use crate::flags::{self, Flags};
use crate::{AssetId, ClassId, DecodeError, PartyId, RecordId};

/// What a request does. The number is the kind byte of its record, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Act {
    /// An asset enters the ledger.
    Register = 0x01,
    /// Units of a quantity asset come into being.
    Issue = 0x02,
    /// A unique asset, or units of a quantity asset, pass from one party to another.
    Transfer = 0x03,
    /// A unique asset leaves the ledger.
    Retire = 0x04,
    /// Units of a quantity asset cease to be.
    Redeem = 0x05,
    /// Something is said about an asset; nothing moves.
    Amend = 0x0D,
    /// Something went wrong with a server's copy, or was put right.
    Incident = 0x12,
    /// The payload of a record was destroyed.
    Erase = 0x20,
    /// A party becomes known.
    Enroll = 0x30,
    /// An asset class becomes known.
    Define = 0x31,
}

impl Act {
    /// Every act, in order of its kind byte.
    pub const ALL: [Self; 10] = [
        Self::Register,
        Self::Issue,
        Self::Transfer,
        Self::Retire,
        Self::Redeem,
        Self::Amend,
        Self::Incident,
        Self::Erase,
        Self::Enroll,
        Self::Define,
    ];

    /// The kind byte.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The act with this kind byte; `None` for a kind that is not built, or is no record.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x01 => Self::Register,
            0x02 => Self::Issue,
            0x03 => Self::Transfer,
            0x04 => Self::Retire,
            0x05 => Self::Redeem,
            0x0D => Self::Amend,
            0x12 => Self::Incident,
            0x20 => Self::Erase,
            0x30 => Self::Enroll,
            0x31 => Self::Define,
            _ => return None,
        })
    }

    /// One lower-case word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Issue => "issue",
            Self::Transfer => "transfer",
            Self::Retire => "retire",
            Self::Redeem => "redeem",
            Self::Amend => "amend",
            Self::Incident => "incident",
            Self::Erase => "erase",
            Self::Enroll => "enroll",
            Self::Define => "define",
        }
    }
}

/// A request, as a client sends it and a Raft entry carries it.
///
/// ```text
/// offset 0         16        32     48   64        80          88  89    90       96            128
///        record_id│ asset_id│ from │ to │quantity │event time │act│flags│reserved│payload_commit│
/// ```
///
/// Integers are big-endian, ids in network order, the reserved bytes zero. The flags: bit 0 a
/// `payload_commit` is given (else it is zero), bit 1 quantity asset, bit 2 moves title, bit 3
/// moves custody.
///
/// ```
/// use bulla_ledger::{AssetId, PartyId, RecordId, Transfer};
///
/// let [record, desk, anna, bert] = [[9; 16], [1; 16], [2; 16], [3; 16]];
/// let transfer = Transfer::transfer(
///     RecordId::from_bytes(record),
///     AssetId::from_bytes(desk),
///     PartyId::from_bytes(anna),
///     PartyId::from_bytes(bert),
/// );
/// assert_eq!(Transfer::decode(&transfer.encode()), Ok(transfer));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// The client's id of this request.
    pub record_id: RecordId,
    /// The asset. For [`Act::Define`] it carries the class, for [`Act::Erase`] and for an [`Act::Incident`] that closes
    /// another one the id of the record that it is about; nil for [`Act::Enroll`] and for an incident that opens.
    pub asset_id: AssetId,
    /// The giver. For [`Act::Register`] it carries the asset's class; nil where nobody gives.
    pub from: PartyId,
    /// The receiver, or the party that is enrolled; nil where nobody receives.
    pub to: PartyId,
    /// Units that come, move or go; 1 for a unique asset; for [`Act::Define`] the scale, 0 to 38
    /// decimal digits; 0 for everything else.
    pub quantity: u128,
    /// When it happened in the world, POSIX microseconds, as the client says; 0 = when recorded.
    pub event_time_us: u64,
    /// What is done.
    pub act: Act,
    /// About a quantity asset or class, not a unique one.
    pub quantity_asset: bool,
    /// Ownership moves. Transfers only; units always move with title and custody.
    pub moves_title: bool,
    /// Possession moves. Transfers only.
    pub moves_custody: bool,
    /// Commits to the payload; see [`crate::commit`].
    pub payload_commit: Option<[u8; 32]>,
}

const RECORD_ID: usize = 0;
const ASSET_ID: usize = 16;
const FROM: usize = 32;
const TO: usize = 48;
const QUANTITY: usize = 64;
const EVENT_TIME_US: usize = 80;
const ACT: usize = 88;
const FLAGS: usize = 89;
const RESERVED: usize = 90;
const PAYLOAD_COMMIT: usize = 96;
const _: () = assert!(PAYLOAD_COMMIT + 32 == Transfer::LEN);

impl Transfer {
    /// Bytes of an encoded request.
    pub const LEN: usize = 128;

    /// The 128 bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(&mut bytes, RECORD_ID, self.record_id.as_bytes());
        put(&mut bytes, ASSET_ID, self.asset_id.as_bytes());
        put(&mut bytes, FROM, self.from.as_bytes());
        put(&mut bytes, TO, self.to.as_bytes());
        put(&mut bytes, QUANTITY, &self.quantity.to_be_bytes());
        put(&mut bytes, EVENT_TIME_US, &self.event_time_us.to_be_bytes());
        put(&mut bytes, ACT, &[self.act.code()]);
        put(&mut bytes, FLAGS, &[flags::encode(self)]);
        put(&mut bytes, PAYLOAD_COMMIT, &self.payload_commit.unwrap_or_default());
        bytes
    }

    /// Reads a request. What it returns encodes to the same bytes again, but need not make sense:
    /// that is for [`crate::check_form`].
    ///
    /// # Errors
    /// [`DecodeError::UnknownKind`] for an act that this release does not know; otherwise the bytes
    /// are not a request at all.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes: &[u8; Self::LEN] = exactly(bytes)?;
        let [kind] = at(bytes, ACT);
        let act = Act::from_code(kind).ok_or(DecodeError::UnknownKind(kind))?;
        zero(bytes, RESERVED..PAYLOAD_COMMIT)?;
        let [flags] = at(bytes, FLAGS);
        let flags = Flags::decode(flags, at(bytes, PAYLOAD_COMMIT))?;
        Ok(Self {
            record_id: RecordId::from_bytes(at(bytes, RECORD_ID)),
            asset_id: AssetId::from_bytes(at(bytes, ASSET_ID)),
            from: PartyId::from_bytes(at(bytes, FROM)),
            to: PartyId::from_bytes(at(bytes, TO)),
            quantity: u128::from_be_bytes(at(bytes, QUANTITY)),
            event_time_us: u64::from_be_bytes(at(bytes, EVENT_TIME_US)),
            act,
            quantity_asset: flags.quantity_asset,
            moves_title: flags.moves_title,
            moves_custody: flags.moves_custody,
            payload_commit: flags.payload_commit,
        })
    }

    /// The class that a registration or a definition names; `None` for every other act.
    pub fn class_id(&self) -> Option<ClassId> {
        match self.act {
            Act::Register => Some(ClassId(self.from.0)),
            Act::Define => Some(ClassId(self.asset_id.0)),
            _ => None,
        }
    }

    /// The asset that this is about; `None` for acts that are about none.
    pub fn asset(&self) -> Option<AssetId> {
        match self.act {
            Act::Enroll | Act::Define | Act::Incident | Act::Erase => None,
            _ => Some(self.asset_id),
        }
    }

    /// The record that this is about: the one whose payload is erased, the incident that is closed; `None` for every
    /// other act, and for an incident that opens.
    pub fn subject(&self) -> Option<RecordId> {
        match self.act {
            Act::Erase | Act::Incident => Some(RecordId(self.asset_id.0)).filter(|subject| !subject.is_nil()),
            _ => None,
        }
    }

    /// The parties whose positions a record of this request touches: `from` position, `to`
    /// position. [`PartyId::NIL`] is the asset's own position, where units come from and go to.
    /// Nothing but acts on quantity assets touches positions.
    pub fn positions_touched(&self) -> [Option<PartyId>; 2] {
        if !self.quantity_asset {
            return [None, None];
        }
        match self.act {
            Act::Register | Act::Amend => [Some(PartyId::NIL), None],
            Act::Issue | Act::Transfer | Act::Redeem => [Some(self.from), Some(self.to)],
            Act::Retire | Act::Enroll | Act::Define | Act::Incident | Act::Erase => [None, None],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{dump, one_of_each_act, transfers};
    use expect_test::expect_file;
    use proptest::prelude::*;

    #[test]
    fn requests_have_these_bytes_for_ever() {
        let dumps = one_of_each_act().map(|(title, transfer)| dump(title, &transfer.encode()));
        expect_file!["../golden/requests.txt"].assert_eq(&dumps.concat());
    }

    #[test]
    fn every_act_has_its_own_kind_byte_and_no_other_byte_is_an_act() {
        let acts: Vec<Act> = (0..=u8::MAX).filter_map(Act::from_code).collect();
        assert_eq!(acts, Act::ALL);
        assert!((0..=u8::MAX).all(|code| Act::from_code(code).is_none_or(|a| a.code() == code)));
    }

    #[test]
    fn what_is_not_a_request_is_refused_for_its_own_reason() {
        let request = Transfer::enroll(RecordId::from_bytes([9; 16]), PartyId::from_bytes([1; 16]));
        let with = |offset: usize, byte: u8| {
            let mut bytes = request.encode();
            bytes[offset] = byte;
            Transfer::decode(&bytes)
        };
        let bytes = request.encode();
        let wrong_length = |actual| Err(DecodeError::WrongLength { expected: 128, actual });
        assert_eq!(Transfer::decode(&bytes[..127]), wrong_length(127));
        assert_eq!(Transfer::decode(&[&bytes[..], &[0]].concat()), wrong_length(129));
        assert_eq!(Transfer::decode(&[]), wrong_length(0));
        for kind in [0x00, 0x06, 0x0E, 0x10, 0x11, 0x13, 0x21, 0x32, 0xFF] {
            let error = with(88, kind).unwrap_err();
            assert_eq!(error, DecodeError::UnknownKind(kind));
            assert!(error.cannot_verify());
        }
        for offset in 90..96 {
            assert_eq!(with(offset, 1), Err(DecodeError::ReservedNotZero { offset }));
        }
        for flags in [0x10, 0x20, 0x40, 0x80] {
            assert_eq!(with(89, flags), Err(DecodeError::UnknownFlag(flags)));
        }
        assert_eq!(with(127, 1), Err(DecodeError::UnflaggedPayloadCommit));
    }

    #[test]
    fn a_commitment_of_zeros_is_not_the_same_as_none() {
        let request = Transfer::enroll(RecordId::from_bytes([9; 16]), PartyId::from_bytes([1; 16]));
        let committed = Transfer { payload_commit: Some([0; 32]), ..request };
        assert_ne!(request.encode(), committed.encode());
        assert_eq!(Transfer::decode(&committed.encode()), Ok(committed));
    }

    proptest! {
        #[test]
        fn every_request_is_read_back_as_it_was(transfer in transfers()) {
            prop_assert_eq!(Transfer::decode(&transfer.encode()), Ok(transfer));
        }

        #[test]
        fn accepted_bytes_are_written_back_as_they_were(
            mut bytes in any::<[u8; 128]>(),
            act in proptest::option::weighted(0.9, 0..Act::ALL.len()),
            flags in any::<u8>(),
            reserved_zero in proptest::bool::weighted(0.9),
            short in proptest::option::weighted(0.1, 0..128usize),
        ) {
            if let Some(act) = act {
                bytes[ACT] = Act::ALL[act].code();
                bytes[FLAGS] = flags & 0x1F;
            }
            if reserved_zero {
                bytes[RESERVED..PAYLOAD_COMMIT].fill(0);
            }
            let bytes = &bytes[..short.unwrap_or(128)];
            if let Ok(transfer) = Transfer::decode(bytes) {
                prop_assert_eq!(&transfer.encode()[..], bytes);
            }
        }
    }
}
