//! The Raft log: entries and vote, each change durable before it is acknowledged, each read checked.

use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use redb::{Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition};

use crate::contain::contain;
use crate::directory::FORMAT_VERSION;
use crate::error::StorageError;
use crate::shred::overwrite_free_pages;
use crate::store::expect_stamp;

/// A change of the log. A slice of them is one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogOp {
    /// Adds the entry after the last one. The first entry of an empty log may have any index.
    Append {
        /// Its Raft log index.
        index: u64,
        /// Its bytes.
        entry: Bytes,
    },
    /// Removes the entry at this index and all after it.
    TruncateFrom(u64),
    /// Removes the entry at `index` and all before it.
    PurgeTo {
        /// Raft log index.
        index: u64,
        /// Its whole log id, opaque.
        log_id: Vec<u8>,
    },
    /// Replaces the vote.
    Vote(Vec<u8>),
    /// Replaces the committed log id.
    Committed(Vec<u8>),
}

/// What the log holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogState {
    /// The last vote written.
    pub vote: Option<Vec<u8>>,
    /// The last committed log id written.
    pub committed: Option<Vec<u8>>,
    /// The log id of the last purge.
    pub purged: Option<Vec<u8>>,
    /// Index of the first entry.
    pub first: Option<u64>,
    /// Index of the last entry.
    pub last: Option<u64>,
}

/// The log of one Raft group, in a database of its own: one big commit of the ledger must not delay a small one here.
///
/// Every stored value is its CRC-32C and then its bytes; the sum covers the key too, so that a value
/// in the wrong place does not check.
#[derive(Debug)]
pub struct RaftLog {
    path: PathBuf,
    database: Database,
}

impl RaftLog {
    /// The log in an open database, if it is this node's and its ends check.
    pub(crate) fn new(path: &Path, database: Database, stamp: &[u8]) -> Result<Self, StorageError> {
        let log = Self { path: path.to_owned(), database };
        let field = |name| contain(path, || log.field(&log.begin_read()?, name));
        let format = field(FORMAT)?.and_then(|format| format.try_into().ok());
        match format.map(u32::from_be_bytes) {
            Some(FORMAT_VERSION) => {}
            Some(found) => {
                return Err(StorageError::FormatVersion { path: path.to_owned(), found, supported: FORMAT_VERSION });
            }
            None => return Err(log.corrupt("it has no format version".into())),
        }
        expect_stamp(path, field(STAMP)?.as_deref(), stamp)?;
        log.state()?;
        Ok(log)
    }

    /// Makes the tables of a new log.
    pub(crate) fn initialize(database: &Database, path: &Path, stamp: &[u8]) -> Result<(), StorageError> {
        write(database, path, |entries, fields| {
            entries.first()?;
            fields.insert(FORMAT, summed(FORMAT.as_bytes(), &FORMAT_VERSION.to_be_bytes()).as_slice())?;
            fields.insert(STAMP, summed(STAMP.as_bytes(), stamp).as_slice())?;
            Ok(())
        })
    }

    /// What the log holds.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the vote, a log id, or the first or last entry does not check.
    pub fn state(&self) -> Result<LogState, StorageError> {
        contain(&self.path, || self.read_state())
    }

    fn read_state(&self) -> Result<LogState, StorageError> {
        let read = self.begin_read()?;
        let entries = read.open_table(ENTRIES).map_err(self.failed())?;
        let mut state = LogState {
            vote: self.field(&read, VOTE)?,
            committed: self.field(&read, COMMITTED)?,
            purged: self.field(&read, PURGED)?,
            ..LogState::default()
        };
        if let Some((index, value)) = entries.first().map_err(self.failed())? {
            self.check(&index.value().to_be_bytes(), value.value())?;
            state.first = Some(index.value());
        }
        if let Some((index, value)) = entries.last().map_err(self.failed())? {
            self.check(&index.value().to_be_bytes(), value.value())?;
            state.last = Some(index.value());
        }
        Ok(state)
    }

    /// Makes all of `ops`, in order, durable at once. Blocks its thread until the disk has them.
    ///
    /// # Errors
    /// Then none of them took place, and nothing more may be written: stop the node.
    ///
    /// # Panics
    /// When an appended entry does not follow the last one: a hole in the log would be a bug of the caller.
    pub fn commit(&self, ops: &[LogOp]) -> Result<(), StorageError> {
        write(&self.database, &self.path, |entries, fields| ops.iter().try_for_each(|op| apply(op, entries, fields)))
    }

    /// The entries of `range` that exist, in order, up to `bytes_max` but at least one.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when one does not check, or one is missing between others.
    pub fn read(&self, range: Range<u64>, bytes_max: usize) -> Result<Vec<(u64, Vec<u8>)>, StorageError> {
        contain(&self.path, || self.read_entries(range, bytes_max))
    }

    fn read_entries(&self, range: Range<u64>, bytes_max: usize) -> Result<Vec<(u64, Vec<u8>)>, StorageError> {
        let read = self.begin_read()?;
        let entries = read.open_table(ENTRIES).map_err(self.failed())?;
        let mut found: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut bytes = 0;
        if range.is_empty() {
            return Ok(found);
        }
        for row in entries.range(range).map_err(self.failed())? {
            let (index, value) = row.map_err(self.failed())?;
            let index = index.value();
            let entry = self.check(&index.to_be_bytes(), value.value())?;
            if let Some((before, _)) = found.last() {
                if before + 1 != index {
                    return Err(self.corrupt(format!("entry {} is missing", before + 1)));
                }
                if bytes + entry.len() > bytes_max {
                    break;
                }
            }
            bytes += entry.len();
            found.push((index, entry.to_vec()));
        }
        Ok(found)
    }

    /// The indexes of the first and the last entry, whatever is in them.
    pub(crate) fn bounds(&self) -> Result<Option<(u64, u64)>, StorageError> {
        contain(&self.path, || {
            let entries = self.begin_read()?.open_table(ENTRIES).map_err(self.failed())?;
            let first = entries.first().map_err(self.failed())?.map(|(index, _)| index.value());
            let last = entries.last().map_err(self.failed())?.map(|(index, _)| index.value());
            Ok(first.zip(last))
        })
    }

    /// Reads everything that there is one of: vote, log ids, and whose log it is.
    pub(crate) fn check_fields(&self) -> Result<(), StorageError> {
        contain(&self.path, || {
            let read = self.begin_read()?;
            [FORMAT, STAMP, VOTE, COMMITTED, PURGED].iter().try_for_each(|name| self.field(&read, name).map(drop))
        })
    }

    /// Overwrites everything in the file that is no longer part of the log.
    ///
    /// # Errors
    /// As [`RaftLog::commit`]. What is not done is done again by the next call.
    pub fn shred(&self) -> Result<(), StorageError> {
        // Each entry is written again as it is. So it comes to stand on a page of its own time: one that entries were
        // removed from may still have their last bytes behind those that stayed.
        write(&self.database, &self.path, |entries, _fields| {
            let kept: Vec<u64> =
                entries.iter()?.map(|row| row.map(|(index, _)| index.value())).collect::<Result<_, _>>()?;
            for index in kept {
                let entry = entries.get(index)?.map(|entry| entry.value().to_vec());
                if let Some(entry) = entry {
                    entries.insert(index, entry.as_slice())?;
                }
            }
            Ok(())
        })?;
        overwrite_free_pages(&self.database, &self.path)
    }

    fn field(&self, read: &ReadTransaction, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let fields = read.open_table(FIELDS).map_err(self.failed())?;
        match fields.get(name).map_err(self.failed())? {
            Some(value) => Ok(Some(self.check(name.as_bytes(), value.value())?.to_vec())),
            None => Ok(None),
        }
    }

    fn begin_read(&self) -> Result<ReadTransaction, StorageError> {
        self.database.begin_read().map_err(self.failed())
    }

    fn check<'a>(&self, key: &[u8], value: &'a [u8]) -> Result<&'a [u8], StorageError> {
        match value.split_first_chunk() {
            Some((sum, bytes)) if *sum == checksum(key, bytes) => Ok(bytes),
            _ => Err(self.corrupt(format!("the value of key {key:02x?} does not match its checksum"))),
        }
    }

    fn failed<E: Into<redb::Error>>(&self) -> impl FnOnce(E) -> StorageError + use<'_, E> {
        StorageError::database(&self.path)
    }

    fn corrupt(&self, detail: String) -> StorageError {
        StorageError::corrupt(self.path.display().to_string(), detail)
    }
}

type Entries<'t> = Table<'t, u64, &'static [u8]>;
type Fields<'t> = Table<'t, &'static str, &'static [u8]>;

fn write(
    database: &Database,
    path: &Path,
    change: impl FnOnce(&mut Entries<'_>, &mut Fields<'_>) -> Result<(), redb::Error>,
) -> Result<(), StorageError> {
    let mut transaction = database.begin_write().map_err(StorageError::database(path))?;
    transaction.set_durability(Durability::Immediate).map_err(StorageError::database(path))?;
    // One-phase commit may fall back to the transaction before, silently, if a bit flips in a crash. That would be a
    // forgotten vote.
    transaction.set_two_phase_commit(true);
    {
        let mut entries = transaction.open_table(ENTRIES).map_err(StorageError::database(path))?;
        let mut fields = transaction.open_table(FIELDS).map_err(StorageError::database(path))?;
        change(&mut entries, &mut fields).map_err(StorageError::database(path))?;
    }
    transaction.commit().map_err(StorageError::database(path))
}

fn apply(op: &LogOp, entries: &mut Entries<'_>, fields: &mut Fields<'_>) -> Result<(), redb::Error> {
    match op {
        LogOp::Append { index, entry } => {
            let last = entries.last()?.map(|(last, _)| last.value());
            assert!(last.is_none_or(|last| last + 1 == *index), "entry {index} does not follow entry {last:?}");
            entries.insert(index, summed(&index.to_be_bytes(), entry).as_slice())?;
        }
        LogOp::TruncateFrom(index) => entries.retain_in::<u64, _>(index.., |_, _| false)?,
        LogOp::PurgeTo { index, log_id } => {
            entries.retain_in::<u64, _>(..=index, |_, _| false)?;
            fields.insert(PURGED, summed(PURGED.as_bytes(), log_id).as_slice())?;
        }
        LogOp::Vote(vote) => {
            fields.insert(VOTE, summed(VOTE.as_bytes(), vote).as_slice())?;
        }
        LogOp::Committed(log_id) => {
            fields.insert(COMMITTED, summed(COMMITTED.as_bytes(), log_id).as_slice())?;
        }
    }
    Ok(())
}

/// Lets `edit` change the first entry that it wants to, and makes its checksum fit; the index of that entry. For drills.
pub(crate) fn rewrite_entry(
    database: &Database,
    path: &Path,
    mut edit: impl FnMut(&mut Vec<u8>) -> Option<()>,
) -> Result<Option<u64>, StorageError> {
    let mut rewritten = None;
    write(database, path, |entries, _fields| {
        for row in entries.iter()? {
            let (index, value) = row?;
            let mut entry = value.value()[SUM_LEN..].to_vec();
            if edit(&mut entry).is_some() {
                rewritten = Some((index.value(), entry));
                break;
            }
        }
        if let Some((index, entry)) = &rewritten {
            entries.insert(index, summed(&index.to_be_bytes(), entry).as_slice())?;
        }
        Ok(())
    })?;
    Ok(rewritten.map(|(index, _)| index))
}

fn summed(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    [&checksum(key, bytes), bytes].concat()
}

fn checksum(key: &[u8], bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c_append(crc32c::crc32c(key), bytes).to_be_bytes()
}

/// Bytes of the checksum before each value.
const SUM_LEN: usize = 4;
const ENTRIES: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("entries");
const FIELDS: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("fields");
const FORMAT: &str = "format";
const STAMP: &str = "node";
const VOTE: &str = "vote";
const COMMITTED: &str = "committed";
const PURGED: &str = "purged";
