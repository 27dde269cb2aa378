//! The header leaf: the last leaf of a block, which says what the block is.

use uuid::Uuid;

use crate::cursor::Cursor;
use crate::derive::table_id;
use crate::hash::{EMPTY_ROOT, Hash, leaf_hash};
use crate::leaf::{DecodeError, KIND_HEADER, Prefix, exact_length, rule};

/// The header of a block. Every voter and every auditor recomputes each field.
///
/// ```text
/// first_leaf                          leaf_index
///     │                                   │
///     ● ● ● ● ● ● ● ● ● ● ● ● ● ● ● ● ● ● ■   the log up to and including ■ is the checkpoint
///     └─────────── records_root ────────┘       of size leaf_index + 1
/// ■ ────────────── log_root ────────────┘       (from leaf 0)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The ledger.
    pub ledger_id: Uuid,
    /// The record table that this block seals; see [`table_id`].
    pub table_id: Uuid,
    /// Place of this header in the log: `first_leaf + record_count`.
    pub leaf_index: u64,
    /// Number of blocks before this one.
    pub height: u64,
    /// Place of the block's first record in the log; 0 for block 0.
    pub first_leaf: u64,
    /// Number of records, 0 for a heartbeat block.
    pub record_count: u64,
    /// When the table opened, POSIX microseconds.
    pub opened_us: u64,
    /// When the table closed, POSIX microseconds; not before `opened_us`.
    pub closed_us: u64,
    /// Raft term of the committed Close entry.
    pub raft_term: u64,
    /// Raft index of the committed Close entry.
    pub raft_index: u64,
    /// Root over the block's own records: the table's digest.
    pub records_root: Hash,
    /// Root of the log up to, not including, this header.
    pub log_root: Hash,
    /// Root of the [`StateMap`](crate::StateMap) after this block; zero while it is empty.
    pub state_root: Hash,
    /// Leaf hash of the previous header leaf, zero for block 0.
    pub prev_header: Hash,
    /// Leaf hash of the config leaf in force.
    pub config: Hash,
}

impl Header {
    /// Bytes of a header leaf.
    pub const LEN: usize = 296;

    /// The leaf.
    ///
    /// # Panics
    /// When the header breaks a rule that [`Header::decode`] checks: a header is signed for ever,
    /// so a wrong one must not be made.
    pub fn encode(&self) -> [u8; Header::LEN] {
        if let Err(error) = self.check() {
            panic!("a wrong header was about to be encoded: {error}");
        }
        let mut bytes = Vec::with_capacity(Header::LEN);
        bytes.extend_from_slice(&Prefix::bytes(KIND_HEADER, FLAG_STATE_ROOT));
        bytes.extend_from_slice(self.ledger_id.as_bytes());
        bytes.extend_from_slice(self.table_id.as_bytes());
        for number in [
            self.leaf_index,
            self.height,
            self.first_leaf,
            self.record_count,
            self.opened_us,
            self.closed_us,
            self.raft_term,
            self.raft_index,
        ] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for hash in [&self.records_root, &self.log_root, &self.state_root, &self.prev_header, &self.config, &RESERVED] {
            bytes.extend_from_slice(&hash.0);
        }
        bytes.try_into().expect("the fields add up to LEN")
    }

    /// The inverse of [`Header::encode`].
    ///
    /// # Errors
    /// When the bytes are of an unknown format or break a rule that the header alone decides.
    /// Whether its roots, times and links fit the log is for those who have the log.
    pub fn decode(leaf: &[u8]) -> Result<Header, DecodeError> {
        Prefix::expect(leaf, KIND_HEADER, FLAG_STATE_ROOT)?;
        exact_length(leaf, Header::LEN)?;
        let mut cursor = Cursor::new(&leaf[Prefix::BYTES..]);
        let header = Header {
            ledger_id: cursor.uuid()?,
            table_id: cursor.uuid()?,
            leaf_index: cursor.u64()?,
            height: cursor.u64()?,
            first_leaf: cursor.u64()?,
            record_count: cursor.u64()?,
            opened_us: cursor.u64()?,
            closed_us: cursor.u64()?,
            raft_term: cursor.u64()?,
            raft_index: cursor.u64()?,
            records_root: cursor.hash()?,
            log_root: cursor.hash()?,
            state_root: cursor.hash()?,
            prev_header: cursor.hash()?,
            config: cursor.hash()?,
        };
        rule(cursor.hash()? == RESERVED, "reserved", "is zero")?;
        cursor.finish()?;
        header.check()?;
        Ok(header)
    }

    /// Hash of this header as a leaf: the next block's `prev_header`.
    ///
    /// # Panics
    /// As [`Header::encode`].
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.encode())
    }

    /// Number of leaves of the log that ends with this header: the size of its checkpoint.
    pub fn log_size(&self) -> u64 {
        self.leaf_index + 1
    }

    /// Whether the leaf is one of this block's records.
    pub fn covers(&self, leaf_index: u64) -> bool {
        (self.first_leaf..self.leaf_index).contains(&leaf_index)
    }

    fn check(&self) -> Result<(), DecodeError> {
        let genesis = self.height == 0;
        let table = table_id(self.ledger_id, self.height, &self.prev_header);
        let end = self.first_leaf.checked_add(self.record_count);
        rule(self.table_id == table, "table_id", "is derived from ledger, height and prev_header")?;
        rule(end == Some(self.leaf_index) && self.leaf_index < u64::MAX, "leaf_index", "is first_leaf + record_count")?;
        rule((self.first_leaf == 0) == genesis, "first_leaf", "is 0 in block 0 and only there")?;
        rule(self.first_leaf >= self.height, "height", "counts blocks of one leaf or more")?;
        rule(self.opened_us <= self.closed_us, "closed_us", "is not before opened_us")?;
        rule(
            self.record_count > 0 || self.records_root == EMPTY_ROOT,
            "records_root",
            "is the empty root in a block without records",
        )?;
        rule(!genesis || self.log_root == self.records_root, "log_root", "is records_root in block 0")?;
        rule((self.prev_header == Hash::ZERO) == genesis, "prev_header", "is zero in block 0 and only there")
    }
}

/// Says that a state root is there. Every header has one.
const FLAG_STATE_ROOT: u8 = 0b1;
const RESERVED: Hash = Hash::ZERO;
