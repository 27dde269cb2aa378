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
    /// The leaf it refers to: a registration refers to the definition of its class, an erase notice to the record whose
    /// payload was destroyed, an incident that closes another one to that. [`NO_LEAF`] for every other act.
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
        put(&mut leaf, EVENT_TIME_US, &transfer.event_time_us.to_be_bytes());
        put(&mut leaf, PAYLOAD_COMMIT, &transfer.payload_commit.unwrap_or_default());
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

    /// The record whose payload this one erases.
    pub fn erases(&self) -> Option<u64> {
        (self.transfer.act == Act::Erase).then_some(self.ref_leaf)
    }

    /// Whether this opens an incident.
    pub fn opens_incident(&self) -> bool {
        self.transfer.act == Act::Incident && self.ref_leaf == NO_LEAF
    }

    /// The record of the incident that this one closes.
    pub fn closes_incident(&self) -> Option<u64> {
        (self.transfer.act == Act::Incident && self.ref_leaf != NO_LEAF).then_some(self.ref_leaf)
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
        return Err(DecodeError::WrongLength { expected: Record::LEN, actual: leaf.len() });
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ClassId;
    use expect_test::expect_file;
    use proptest::prelude::*;
    use std::fmt::Write;

    const fn id(byte: u8) -> [u8; 16] {
        [byte; 16]
    }

    /// Every act, and every shape an act can have.
    pub(crate) fn one_of_each_act() -> [(&'static str, Transfer); 16] {
        let record = RecordId::from_bytes(id(0x99));
        let asset = AssetId::from_bytes(id(0xA5));
        let class = ClassId::from_bytes(id(0xC1));
        let [from, to] = [PartyId::from_bytes(id(0xF0)), PartyId::from_bytes(id(0x70))];
        let quantity = 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10;
        let happened_us = 0x0006_0A2B_3C4D_5E6F;
        [
            ("register", Transfer::register(record, asset, class, to)),
            ("register quantity", Transfer::register_quantity(record, asset, class)),
            ("issue", Transfer::issue(record, asset, to, quantity)),
            ("transfer", Transfer::transfer(record, asset, from, to).happened_at(happened_us)),
            ("transfer custody", Transfer::custody(record, asset, from, to)),
            ("transfer title", Transfer::title(record, asset, from, to)),
            ("transfer quantity", Transfer::send(record, asset, from, to, quantity)),
            ("retire", Transfer::retire(record, asset, from)),
            ("redeem", Transfer::redeem(record, asset, from, quantity)),
            ("amend", Transfer::amend(record, asset, [0xDD; 32])),
            ("amend quantity", Transfer::amend_quantity(record, asset, [0xDD; 32])),
            ("incident", Transfer::incident(record, [0xDD; 32])),
            ("incident closed", Transfer::close_incident(record, RecordId::from_bytes(id(0x1C)), [0xDD; 32])),
            ("erase", Transfer::erase(record, RecordId::from_bytes(id(0xE5)))),
            ("enroll", Transfer::enroll(record, to)),
            ("define", Transfer::define(record, class, true, 38)),
        ]
    }

    /// Sixteen bytes a line.
    pub(crate) fn dump(title: &str, bytes: &[u8]) -> String {
        let mut text = format!("{title}\n");
        for (line, bytes) in bytes.chunks(16).enumerate() {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            writeln!(text, "{:3}  {}", 16 * line, hex.join(" ")).unwrap();
        }
        text + "\n"
    }

    /// Any request at all, sensible or not.
    pub(crate) fn transfers() -> impl Strategy<Value = Transfer> {
        let ids = any::<[[u8; 16]; 4]>();
        let flags = any::<[bool; 3]>();
        (ids, any::<u128>(), any::<u64>(), 0..Act::ALL.len(), flags, any::<Option<[u8; 32]>>()).prop_map(
            |([record, asset, from, to], quantity, event_time_us, act, flags, payload_commit)| {
                let [quantity_asset, moves_title, moves_custody] = flags;
                Transfer {
                    record_id: RecordId::from_bytes(record),
                    asset_id: AssetId::from_bytes(asset),
                    from: PartyId::from_bytes(from),
                    to: PartyId::from_bytes(to),
                    quantity,
                    event_time_us,
                    act: Act::ALL[act],
                    quantity_asset,
                    moves_title,
                    moves_custody,
                    payload_commit,
                }
            },
        )
    }

    fn records() -> impl Strategy<Value = Record> {
        (transfers(), any::<[u64; 6]>()).prop_map(
            |(transfer, [leaf_index, asset_seq, prev_leaf, prev_leaf_to, ref_leaf, time_us])| Record {
                leaf_index,
                transfer,
                asset_seq,
                prev_leaf,
                prev_leaf_to,
                ref_leaf,
                time_us,
            },
        )
    }

    fn placed(transfer: Transfer) -> Record {
        Record {
            leaf_index: 0x1111_1111_1111_1111,
            transfer,
            asset_seq: 0x2222_2222_2222_2222,
            prev_leaf: 0x3333_3333_3333_3333,
            prev_leaf_to: 0x4444_4444_4444_4444,
            ref_leaf: NO_LEAF,
            time_us: 0x5555_5555_5555_5555,
        }
    }

    #[test]
    fn leaves_have_these_bytes_for_ever() {
        let dumps = one_of_each_act().map(|(title, transfer)| dump(title, &placed(transfer).encode()));
        expect_file!["../golden/leaves.txt"].assert_eq(&dumps.concat());
    }

    #[test]
    fn what_is_newer_is_told_apart_from_what_is_wrong() {
        let [.., (_, define)] = one_of_each_act();
        let leaf = placed(define).encode();
        let with = |offset: usize, byte: u8| {
            let mut leaf = leaf;
            leaf[offset] = byte;
            Record::decode(&leaf).unwrap_err()
        };
        for (error, cannot_verify) in [
            (with(0, b'b'), true),
            (with(2, 0), true),
            (with(3, 2), true),
            (with(4, 0x10), true),
            (with(4, 0x06), true),
            (with(5, 0x12), false),
            (with(6, 1), false),
            (with(7, 1), false),
            (with(175, 1), false),
            (Record::decode(&leaf[..175]).unwrap_err(), false),
            (Record::decode(&[&leaf[..], &[0]].concat()).unwrap_err(), false),
            (Record::decode(b"").unwrap_err(), false),
        ] {
            assert_eq!(error.cannot_verify(), cannot_verify, "{error}");
        }
    }

    #[test]
    fn a_longer_leaf_of_a_newer_kind_is_newer_not_wrong() {
        let header = [&b"BUL\x01\x10\0\0\0"[..], &[0; 288]].concat();
        assert_eq!(leaf_kind(&header), Ok(0x10));
        assert_eq!(Record::decode(&header), Err(DecodeError::UnknownKind(0x10)));
    }

    #[test]
    fn a_record_leads_back_along_the_chain_it_is_asked_for() {
        let nobody = PartyId::NIL;
        let [from, to, other] = [0xF0, 0x70, 0x0E].map(|byte| PartyId::from_bytes(id(byte)));
        let mut table = String::new();
        for (title, transfer) in one_of_each_act() {
            let record = Record { prev_leaf: 3, prev_leaf_to: 4, ..placed(transfer) };
            let [from, to, nobody, other] = [from, to, nobody, other]
                .map(|party| record.previous(party).map_or("-".into(), |leaf_index| leaf_index.to_string()));
            let line = format!("from {from}  to {to}  nobody {nobody}  other {other}");
            writeln!(table, "{title:18} {line}").unwrap();
        }
        expect_test::expect![[r#"
            register           from 3  to 3  nobody 3  other 3
            register quantity  from -  to -  nobody 3  other -
            issue              from -  to 4  nobody 3  other -
            transfer           from 3  to 3  nobody 3  other 3
            transfer custody   from 3  to 3  nobody 3  other 3
            transfer title     from 3  to 3  nobody 3  other 3
            transfer quantity  from 3  to 4  nobody -  other -
            retire             from 3  to 3  nobody 3  other 3
            redeem             from 3  to -  nobody 4  other -
            amend              from 3  to 3  nobody 3  other 3
            amend quantity     from -  to -  nobody 3  other -
            incident           from 3  to 3  nobody 3  other 3
            incident closed    from 3  to 3  nobody 3  other 3
            erase              from 3  to 3  nobody 3  other 3
            enroll             from 3  to 3  nobody 3  other 3
            define             from -  to -  nobody -  other -
        "#]]
        .assert_eq(&table);
    }

    proptest! {
        #[test]
        fn every_record_is_read_back_as_it_was(record in records()) {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }

        #[test]
        fn accepted_leaves_are_written_back_as_they_were(
            mut leaf in any::<[u8; 176]>(),
            prefix in proptest::bool::weighted(0.9),
            act in 0..Act::ALL.len(),
            flags in 0..0x20u8,
            reserved_zero in proptest::bool::weighted(0.9),
            short in proptest::option::weighted(0.1, 0..176usize),
        ) {
            if prefix {
                leaf[..6].copy_from_slice(&[b'B', b'U', b'L', 1, Act::ALL[act].code(), flags]);
            }
            if reserved_zero {
                leaf[6..8].fill(0);
            }
            let leaf = &leaf[..short.unwrap_or(176)];
            if let Ok(record) = Record::decode(leaf) {
                prop_assert_eq!(&record.encode()[..], leaf);
            }
        }

        #[test]
        fn a_flipped_bit_is_noticed_or_changes_the_record(record in records(), bit in 0..176 * 8usize) {
            let mut leaf = record.encode();
            leaf[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(Record::decode(&leaf), Ok(record));
        }
    }
}
