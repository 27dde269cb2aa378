//! Shredding: bytes that a database no longer speaks of are overwritten in its file.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use redb::{Database, Durability, TableDefinition, WriteTransaction};

use crate::directory::remove_file;
use crate::error::StorageError;

/// Overwrites every page of the file that holds nothing any more.
///
/// redb never changes a page in its place: it writes another one and, once nobody reads the old one, takes it for free.
/// What stood there stays until the page is used again. So the free pages are used up here, each for one row that fills
/// it to the last byte; only when there is none left does the file grow, and that is how the end is known. Then the rows
/// go again, and their pages are free as before.
///
/// Others may write meanwhile: whatever they free was not free before, and so holds nothing that was to be shredded. They
/// may not read what was so before the bytes were removed, because those pages are not free then.
pub(crate) fn overwrite_free_pages(database: &dyn DatabaseOf, path: &Path) -> Result<(), StorageError> {
    // What a change leaves behind is free after the next one, or the one after that.
    for _ in 0..2 {
        database.with(&mut |database| forget_filling(database, path))?;
    }
    let before = length(path)?;
    let (mut next, mut grown) = (0, false);
    while !grown {
        database.with(&mut |database| {
            commit(database, path, |transaction| {
                let mut filling = transaction.open_table(FILLING).map_err(failed(path))?;
                let end = next + ROWS_AT_ONCE;
                while next < end && !grown {
                    filling.insert(next, FILLER.as_slice()).map_err(failed(path))?;
                    next += 1;
                    grown = length(path)? > before;
                }
                Ok(())
            })
        })?;
    }
    // With each change redb gives back a part of what is free at the end of the file.
    for _ in 0..CHANGES_TO_SHRINK {
        database.with(&mut |database| forget_filling(database, path))?;
    }
    Ok(())
}

/// A database that may be exchanged for another one between two transactions.
pub(crate) trait DatabaseOf {
    /// Hands the database of now to `change`.
    fn with(&self, change: &mut dyn FnMut(&Database) -> Result<(), StorageError>) -> Result<(), StorageError>;
}

impl DatabaseOf for Database {
    fn with(&self, change: &mut dyn FnMut(&Database) -> Result<(), StorageError>) -> Result<(), StorageError> {
        change(self)
    }
}

/// Overwrites a file and removes it.
pub(crate) fn destroy(path: &Path) -> Result<(), StorageError> {
    let file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(StorageError::io("open", path))?,
    };
    let mut left = file.metadata().map_err(StorageError::io("measure", path))?.len();
    let mut out = &file;
    while left > 0 {
        let piece = left.min(FILLER.len() as u64);
        out.write_all(&FILLER[..piece as usize]).map_err(StorageError::io("write", path))?;
        left -= piece;
    }
    file.sync_all().map_err(StorageError::io("fsync", path))?;
    remove_file(path)
}

fn forget_filling(database: &Database, path: &Path) -> Result<(), StorageError> {
    commit(database, path, |transaction| transaction.delete_table(FILLING).map(drop).map_err(failed(path)))
}

fn commit(
    database: &Database,
    path: &Path,
    change: impl FnOnce(&WriteTransaction) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let mut transaction = database.begin_write().map_err(StorageError::database(path))?;
    transaction.set_durability(Durability::Immediate).map_err(StorageError::database(path))?;
    transaction.set_quick_repair(true);
    change(&transaction)?;
    transaction.commit().map_err(StorageError::database(path))
}

fn failed<E: Into<redb::Error>>(path: &Path) -> impl FnOnce(E) -> StorageError + use<'_, E> {
    StorageError::database(path)
}

fn length(path: &Path) -> Result<u64, StorageError> {
    Ok(fs::metadata(path).map_err(StorageError::io("measure", path))?.len())
}

/// After so many, the file is about as long as before.
const CHANGES_TO_SHRINK: u32 = 4;
/// Rows that are written in one transaction: others wait for it.
const ROWS_AT_ONCE: u64 = 1_024;
/// A page of redb, less what it says about its one row: kind and number of rows 4, end of the value 4, key 8.
const FILLER: [u8; 4_096 - 16] = [0; 4_096 - 16];
const FILLING: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("filling");

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use redb::{ReadableDatabase, ReadableTable};

    use super::*;

    const ROWS: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("rows");

    fn secret(row: u64) -> Vec<u8> {
        // Some rows share a page, some fill one, some take several.
        let length = [40, 200, 4_000, 9_000, 64_000][row as usize % 5];
        format!("<secret {row:06}>").into_bytes().repeat(length / 15)
    }

    /// The rows whose bytes stand somewhere in the file.
    fn found(path: &Path) -> Vec<u64> {
        let bytes = fs::read(path).unwrap();
        let marks = bytes.windows(15).filter(|window| window.starts_with(b"<secret ") && window.ends_with(b">"));
        let rows = marks.map(|mark| (std::str::from_utf8(&mark[8..14]).unwrap().parse().unwrap(), ()));
        rows.collect::<BTreeMap<_, _>>().into_keys().collect()
    }

    #[test]
    fn what_was_removed_is_nowhere_in_the_file_and_what_stays_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.redb");
        let database = Database::create(&path).unwrap();
        for first in (0..200).step_by(10) {
            commit(&database, &path, |transaction| {
                let mut rows = transaction.open_table(ROWS).unwrap();
                for row in first..first + 10 {
                    rows.insert(row, secret(row).as_slice()).unwrap();
                }
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(found(&path), (0..200).collect::<Vec<u64>>());

        for row in (0..200).filter(|row| row % 3 != 0) {
            commit(&database, &path, |transaction| {
                transaction.open_table(ROWS).unwrap().remove(row).unwrap();
                Ok(())
            })
            .unwrap();
        }
        let kept: Vec<u64> = (0..200).step_by(3).collect();
        assert!(found(&path).len() > kept.len(), "removing alone leaves bytes behind");
        overwrite_free_pages(&database, &path).unwrap();
        assert_eq!(found(&path), kept);

        let length_once = length(&path).unwrap();
        for _ in 0..3 {
            overwrite_free_pages(&database, &path).unwrap();
        }
        assert!(length(&path).unwrap() <= 2 * length_once, "the file does not grow with every time");
        let read = database.begin_read().unwrap();
        let rows = read.open_table(ROWS).unwrap();
        let rows: Vec<(u64, Vec<u8>)> = rows
            .iter()
            .unwrap()
            .map(|row| row.map(|(key, value)| (key.value(), value.value().to_vec())).unwrap())
            .collect();
        assert_eq!(rows, kept.iter().map(|row| (*row, secret(*row))).collect::<Vec<_>>());
    }
}
