//! Reads: rows, records and their history, tables and blocks.

use bulla_ledger::{Asset, AssetId, Class, ClassId, Party, PartyId, Payload, Position, Record, RecordId, Rejection, Transfer};
use bulla_sealing::{Header, SignedNote};
use uuid::Uuid;

use crate::error::StorageError;
use crate::ledger::Ledger;

/// Something that a party owns, holds or has units of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The asset.
    pub asset: Asset,
    /// The party's units of it, for a quantity asset.
    pub position: Option<Position>,
}

/// What a record id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It was recorded.
    Recorded(Record),
    /// It was refused for good.
    Refused {
        /// What was asked.
        transfer: Transfer,
        /// Why not.
        rejection: Rejection,
        /// When, POSIX microseconds.
        time_us: u64,
    },
}

/// What a record id stands for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView {
    /// The record, or the refusal.
    pub entry: Entry,
    /// Height of the table that holds it.
    pub height: u64,
    /// That table's id.
    pub table_id: Uuid,
    /// Whether that table is sealed.
    pub sealed: bool,
}

/// Where a table is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableState {
    /// It takes records.
    Open,
    /// It waits for attestations.
    Closed,
    /// It is a block that every voter signed.
    Sealed,
}

/// A record table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableView {
    /// Its height.
    pub height: u64,
    /// Its id.
    pub table_id: Uuid,
    /// Where it is in its life.
    pub state: TableState,
    /// Its first leaf.
    pub first_leaf: u64,
    /// Leaves in it, not counting the header.
    pub records: u64,
    /// When it was opened, POSIX microseconds.
    pub opened_us: u64,
    /// Its header, once it is closed.
    pub header: Option<Header>,
    /// The voters that have not attested yet; empty while it is open.
    pub waiting_for: Vec<String>,
}

/// A stored block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockView {
    /// Its header.
    pub header: Header,
    /// The checkpoint that ends with it, once sealed.
    pub note: Option<SignedNote>,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// Length of its file.
    pub bytes: u64,
}

impl Ledger {
    /// An asset as it is now, recorded but not necessarily sealed.
    pub fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, StorageError> {
        todo!("{asset_id}")
    }

    /// A party's units of a quantity asset; the nil party's are what is outstanding.
    pub fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, StorageError> {
        todo!("{asset_id} {party_id}")
    }

    /// A party.
    pub fn party(&self, party_id: PartyId) -> Result<Option<Party>, StorageError> {
        todo!("{party_id}")
    }

    /// An asset class.
    pub fn class(&self, class_id: ClassId) -> Result<Option<Class>, StorageError> {
        todo!("{class_id}")
    }

    /// Assets in the order of their ids, after `after`.
    pub fn assets(&self, after: Option<AssetId>, limit: usize) -> Result<Vec<Asset>, StorageError> {
        todo!("{after:?} {limit}")
    }

    /// Parties in the order of their ids, after `after`.
    pub fn parties(&self, after: Option<PartyId>, limit: usize) -> Result<Vec<Party>, StorageError> {
        todo!("{after:?} {limit}")
    }

    /// Classes in the order of their ids, after `after`.
    pub fn classes(&self, after: Option<ClassId>, limit: usize) -> Result<Vec<Class>, StorageError> {
        todo!("{after:?} {limit}")
    }

    /// Who has units of a quantity asset, in the order of party ids, after `after`; the nil party's position is not listed.
    pub fn positions_of_asset(&self, asset_id: AssetId, after: Option<PartyId>, limit: usize) -> Result<Vec<Position>, StorageError> {
        todo!("{asset_id} {after:?} {limit}")
    }

    /// What a party owns, holds or has units of, in the order of asset ids, after `after`.
    pub fn holdings(&self, party_id: PartyId, after: Option<AssetId>, limit: usize) -> Result<Vec<Holding>, StorageError> {
        todo!("{party_id} {after:?} {limit}")
    }

    /// The records of an asset, newest first, below leaf `before`. For a quantity asset: of `party`'s position, or
    /// without `party` of the asset's own chain (registration, issues, redemptions, amendments).
    pub fn history(&self, asset_id: AssetId, party: Option<PartyId>, before: Option<u64>, limit: usize) -> Result<Vec<Record>, StorageError> {
        todo!("{asset_id} {party:?} {before:?} {limit}")
    }

    /// What a record id stands for.
    pub fn record(&self, record_id: RecordId) -> Result<Option<RecordView>, StorageError> {
        todo!("{record_id}")
    }

    /// The record at a leaf; `None` past the end and for leaves that are no records.
    pub fn record_at(&self, leaf_index: u64) -> Result<Option<Record>, StorageError> {
        todo!("{leaf_index}")
    }

    /// The bytes of a leaf, checked against its hash.
    pub fn leaf(&self, leaf_index: u64) -> Result<Option<Vec<u8>>, StorageError> {
        todo!("{leaf_index}")
    }

    /// The payload of a record, unless it had none or it was erased.
    pub fn payload(&self, leaf_index: u64) -> Result<Option<Payload>, StorageError> {
        todo!("{leaf_index}")
    }

    /// A table by its height.
    pub fn table(&self, height: u64) -> Result<Option<TableView>, StorageError> {
        todo!("{height}")
    }

    /// A table by its id.
    pub fn table_by_id(&self, table_id: Uuid) -> Result<Option<TableView>, StorageError> {
        todo!("{table_id}")
    }

    /// A stored block.
    pub fn block(&self, height: u64) -> Result<Option<BlockView>, StorageError> {
        todo!("{height}")
    }

    /// The checkpoint of the highest sealed block.
    pub fn checkpoint(&self) -> Result<Option<SignedNote>, StorageError> {
        todo!()
    }

    /// Leaves recorded so far, headers included.
    pub fn size(&self) -> u64 {
        todo!()
    }
}
