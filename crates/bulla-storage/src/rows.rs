//! Rows in redb: every value with a checksum that also covers where it belongs.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use redb::{
    AccessGuard, Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table,
    TableDefinition, TableHandle, WriteTransaction,
};

use crate::contain::contain;
use crate::error::StorageError;

/// The tables of `ledger.redb`. Keys are big-endian, so that their order is the order of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Field name -> what is so of the whole ledger as of the last stored block.
    Meta,
    /// Height -> a stored block: see `manifest.rs`.
    Manifest,
    /// First leaf -> height.
    BlockOfLeaf,
    /// Table id -> height.
    BlockOfTable,
    /// Level, index -> root of the perfect subtree of 2^level leaves; levels 8, 16 and 24.
    Subtrees,
    /// Record id -> what became of its first request.
    Priors,
    /// Asset id -> asset.
    Assets,
    /// Asset id, party id -> position.
    Positions,
    /// Party id -> party.
    Parties,
    /// Class id -> class.
    Classes,
    /// Party id, asset id -> nothing: the party may have to do with the asset.
    Holdings,
    /// Leaf index -> salt and payload.
    Payloads,
    /// Leaf index of a record whose payload was erased -> leaf index of the notice that says so.
    Erased,
    /// Leaf index of a record that opened an incident -> leaf index of the one that closed it, or all bits set.
    Incidents,
    /// Height -> the signed checkpoint that seals the block.
    Seals,
    /// Height, 0 or 1, node name -> attestation to a block not sealed yet; 1 when it is to another root.
    Attestations,
}

/// Keys and values.
pub(crate) type Bytes = &'static [u8];

/// A row as read.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

type Read<'a> = Result<(AccessGuard<'a, Bytes>, AccessGuard<'a, Bytes>), redb::StorageError>;

/// Tables that can be read: those of a snapshot, or those of a transaction being written.
pub(crate) trait Rows {
    /// How redb calls such a table.
    type Table: ReadableTable<Bytes, Bytes>;

    fn table(&self, of: Of) -> &Self::Table;

    /// The database file, for errors.
    fn path(&self) -> &Path;

    fn get(&self, of: Of, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        contain(self.path(), || match self.table(of).get(key).map_err(StorageError::database(self.path()))? {
            Some(value) => Ok(Some(self.checked(of, key, value.value())?)),
            None => Ok(None),
        })
    }

    /// The first `limit` rows between two keys.
    fn range(&self, of: Of, range: (Bound<&[u8]>, Bound<&[u8]>), limit: usize) -> Result<Vec<Row>, StorageError> {
        contain(self.path(), || {
            let rows = self.table(of).range::<&[u8]>(range).map_err(StorageError::database(self.path()))?;
            rows.take(limit).map(|row| self.checked_row(of, row)).collect()
        })
    }

    /// Every row, in the order of the keys.
    fn each(&self, of: Of, mut take: impl FnMut(&[u8], &[u8]) -> Result<(), StorageError>) -> Result<(), StorageError> {
        contain(self.path(), || {
            for row in self.table(of).range::<&[u8]>(..).map_err(StorageError::database(self.path()))? {
                let (key, value) = self.checked_row(of, row)?;
                take(&key, &value)?;
            }
            Ok(())
        })
    }

    /// The last row at or below `key`.
    fn at_or_below(&self, of: Of, key: &[u8]) -> Result<Option<Row>, StorageError> {
        contain(self.path(), || {
            let mut rows = self.table(of).range::<&[u8]>(..=key).map_err(StorageError::database(self.path()))?;
            rows.next_back().map(|row| self.checked_row(of, row)).transpose()
        })
    }

    /// Number of rows.
    fn len(&self, of: Of) -> Result<u64, StorageError> {
        contain(self.path(), || self.table(of).len().map_err(StorageError::database(self.path())))
    }

    /// A row as its bytes are, checksum and all.
    fn raw(&self, of: Of, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        contain(self.path(), || {
            let value = self.table(of).get(key).map_err(StorageError::database(self.path()))?;
            Ok(value.map(|value| value.value().to_vec()))
        })
    }

    /// The first `limit` rows between two keys, as their bytes are.
    fn raw_range(&self, of: Of, range: (Bound<&[u8]>, Bound<&[u8]>), limit: usize) -> Result<Vec<Row>, StorageError> {
        contain(self.path(), || {
            let rows = self.table(of).range::<&[u8]>(range).map_err(StorageError::database(self.path()))?;
            let raw = |row: Read<'_>| {
                let (key, value) = row.map_err(StorageError::database(self.path()))?;
                Ok((key.value().to_vec(), value.value().to_vec()))
            };
            rows.take(limit).map(raw).collect()
        })
    }

    fn checked_row(&self, of: Of, row: Read<'_>) -> Result<Row, StorageError> {
        let (key, value) = row.map_err(StorageError::database(self.path()))?;
        Ok((key.value().to_vec(), self.checked(of, key.value(), value.value())?))
    }

    fn checked(&self, of: Of, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, StorageError> {
        match unsummed(of, key, stored) {
            Some(value) => Ok(value.to_vec()),
            None => Err(self.corrupt_row(of, key, "its value does not match its checksum")),
        }
    }

    fn corrupt_row(&self, of: Of, key: &[u8], detail: &str) -> StorageError {
        let what = format!("row {} of table {} in {}", hex(key), of.name(), self.path().display());
        StorageError::corrupt(what, detail)
    }
}

/// The rows as of the last stored block. Cheap to share, but it pins pages: take a newer one when there is one.
pub(crate) struct Snapshot {
    path: PathBuf,
    tables: Vec<ReadOnlyTable<Bytes, Bytes>>,
}

impl Snapshot {
    pub(crate) fn take(database: &Database, path: &Path) -> Result<Self, StorageError> {
        contain(path, || {
            let read = database.begin_read().map_err(StorageError::database(path))?;
            let tables: Result<_, _> = Of::ALL.iter().map(|of| read.open_table(of.definition())).collect();
            Ok(Self { path: path.to_owned(), tables: tables.map_err(StorageError::database(path))? })
        })
    }
}

/// The tables that are not there.
pub(crate) fn lacking(database: &Database, path: &Path) -> Result<Vec<Of>, StorageError> {
    contain(path, || {
        let read = database.begin_read().map_err(StorageError::database(path))?;
        let tables = read.list_tables().map_err(StorageError::database(path))?;
        let names: BTreeSet<String> = tables.map(|table| table.name().to_owned()).collect();
        Ok(Of::ALL.into_iter().filter(|of| !names.contains(of.name())).collect())
    })
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Rows for Snapshot {
    type Table = ReadOnlyTable<Bytes, Bytes>;

    fn table(&self, of: Of) -> &Self::Table {
        &self.tables[of as usize]
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// The rows while they are being changed.
pub(crate) struct Changes<'t> {
    path: &'t Path,
    tables: Vec<Table<'t, Bytes, Bytes>>,
}

impl<'t> Changes<'t> {
    /// Runs `change` in one transaction, durable when this returns.
    pub(crate) fn commit<T>(
        database: &Database,
        path: &Path,
        change: impl FnOnce(&mut Changes<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let failed = || StorageError::database(path);
        let mut transaction = database.begin_write().map_err(failed())?;
        transaction.set_durability(Durability::Immediate).map_err(StorageError::database(path))?;
        // Else opening after a crash would walk the whole file. It implies two-phase commit.
        transaction.set_quick_repair(true);
        let changed = change(&mut Changes::open(&transaction, path)?)?;
        transaction.commit().map_err(StorageError::database(path))?;
        Ok(changed)
    }

    /// Runs `change` in a transaction that never comes about.
    pub(crate) fn rehearse<T>(
        database: &Database,
        path: &Path,
        change: impl FnOnce(&mut Changes<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let transaction = database.begin_write().map_err(StorageError::database(path))?;
        let changed = change(&mut Changes::open(&transaction, path)?)?;
        transaction.abort().map_err(StorageError::database(path))?;
        Ok(changed)
    }

    /// Opens every table, making those that are not there.
    fn open(transaction: &'t WriteTransaction, path: &'t Path) -> Result<Self, StorageError> {
        let tables = Of::ALL
            .iter()
            .map(|of| transaction.open_table(of.definition()))
            .collect::<Result<_, _>>()
            .map_err(StorageError::database(path))?;
        Ok(Self { path, tables })
    }

    pub(crate) fn put(&mut self, of: Of, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        let stored = summed(of, key, value);
        let table = &mut self.tables[of as usize];
        table.insert(key, stored.as_slice()).map_err(StorageError::database(self.path))?;
        Ok(())
    }

    pub(crate) fn remove(&mut self, of: Of, key: &[u8]) -> Result<(), StorageError> {
        self.tables[of as usize].remove(key).map_err(StorageError::database(self.path))?;
        Ok(())
    }
}

impl<'t> Rows for Changes<'t> {
    type Table = Table<'t, Bytes, Bytes>;

    fn table(&self, of: Of) -> &Self::Table {
        &self.tables[of as usize]
    }

    fn path(&self) -> &Path {
        self.path
    }
}

impl Of {
    pub(crate) const ALL: [Self; 16] = [
        Self::Meta,
        Self::Manifest,
        Self::BlockOfLeaf,
        Self::BlockOfTable,
        Self::Subtrees,
        Self::Priors,
        Self::Assets,
        Self::Positions,
        Self::Parties,
        Self::Classes,
        Self::Holdings,
        Self::Payloads,
        Self::Erased,
        Self::Incidents,
        Self::Seals,
        Self::Attestations,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Manifest => "manifest",
            Self::BlockOfLeaf => "block_of_leaf",
            Self::BlockOfTable => "block_of_table",
            Self::Subtrees => "subtrees",
            Self::Priors => "priors",
            Self::Assets => "assets",
            Self::Positions => "positions",
            Self::Parties => "parties",
            Self::Classes => "classes",
            Self::Holdings => "holdings",
            Self::Payloads => "payloads",
            Self::Erased => "erased",
            Self::Incidents => "incidents",
            Self::Seals => "seals",
            Self::Attestations => "attestations",
        }
    }

    const fn definition(self) -> TableDefinition<'static, Bytes, Bytes> {
        TableDefinition::new(self.name())
    }
}

/// The keys that begin with `prefix` and come after `prefix || after`.
pub(crate) fn after(prefix: &[u8], after: Option<&[u8]>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let start = match after {
        Some(after) => Bound::Excluded([prefix, after].concat()),
        None => Bound::Included(prefix.to_vec()),
    };
    // The first key that no longer begins with the prefix.
    let mut end = prefix.to_vec();
    while end.last() == Some(&0xff) {
        end.pop();
    }
    match end.last_mut() {
        Some(last) => {
            *last += 1;
            (start, Bound::Excluded(end))
        }
        None => (start, Bound::Unbounded),
    }
}

/// Borrows the keys of a range.
pub(crate) fn borrowed(range: &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (range.0.as_ref().map(Vec::as_slice), range.1.as_ref().map(Vec::as_slice))
}

/// What is stored for a value: the value and its checksum.
pub(crate) fn summed(of: Of, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(value.len() + 4);
    stored.extend_from_slice(value);
    stored.extend_from_slice(&checksum(of, key, value));
    stored
}

/// The value in what is stored; `None` when its checksum does not fit.
pub(crate) fn unsummed<'a>(of: Of, key: &[u8], stored: &'a [u8]) -> Option<&'a [u8]> {
    let (value, sum) = stored.split_last_chunk()?;
    (*sum == checksum(of, key, value)).then_some(value)
}

fn checksum(of: Of, key: &[u8], value: &[u8]) -> [u8; 4] {
    let sum = crc32c::crc32c(of.name().as_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(sum, key), value).to_be_bytes()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// `table()` indexes by the number of the variant.
const _: () = {
    let mut at = 0;
    while at < Of::ALL.len() {
        assert!(Of::ALL[at] as usize == at);
        at += 1;
    }
};
