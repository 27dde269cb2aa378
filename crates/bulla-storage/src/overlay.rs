//! A database file that is never written: what the database would write is kept in memory, and read from there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use redb::{Builder, Database, StorageBackend};

use crate::contain::contain;
use crate::error::StorageError;
use crate::newer_commit::flags_for_newer_commit;

/// Opens the database at `path` as a node does, whole, but without a change to its file. One that was not closed is repaired in memory, which redb's
/// own read-only opening refuses to do.
pub(crate) fn open_over(path: &Path) -> Result<Database, StorageError> {
    let file = File::open(path).map_err(StorageError::io("open", path))?;
    let newer_commit = flags_for_newer_commit(&file, path)?;
    let overlay = Overlay::over(file).map_err(StorageError::io("read", path))?;
    if overlay.changed().bytes == 0 {
        return Err(StorageError::corrupt(path.display().to_string(), "the file is empty"));
    }
    if let Some((at, flags)) = newer_commit {
        overlay.write(at, &[flags]).map_err(StorageError::io("read", path))?;
    }
    contain(path, || {
        let mut builder = Builder::new();
        builder.set_check_integrity_on_open(true);
        builder.create_with_backend(overlay).map_err(StorageError::database(path))
    })
}

/// Pages of a file, and in front of them those that were written since it was opened.
#[derive(Debug)]
struct Overlay {
    file: File,
    changed: Mutex<Changed>,
}

#[derive(Debug)]
struct Changed {
    /// Length of the database.
    bytes: u64,
    /// How much of the file still counts: less than its length once the database was cut shorter.
    file_bytes: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

impl Overlay {
    fn over(file: File) -> io::Result<Overlay> {
        let bytes = file.metadata()?.len();
        Ok(Overlay { file, changed: Mutex::new(Changed { bytes, file_bytes: bytes, pages: BTreeMap::new() }) })
    }

    fn changed(&self) -> MutexGuard<'_, Changed> {
        self.changed.lock().expect("no panic while pages are copied")
    }
}

impl Changed {
    fn read(&self, file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > self.bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let in_file = (self.file_bytes.saturating_sub(offset) as usize).min(out.len());
        file.read_exact_at(&mut out[..in_file], offset)?;
        out[in_file..].fill(0);
        let end = offset + out.len() as u64;
        for (number, page) in self.pages.range(offset / PAGE as u64..end.div_ceil(PAGE as u64)) {
            let start = number * PAGE as u64;
            let (from, to) = (start.max(offset), (start + PAGE as u64).min(end));
            let part = &page[(from - start) as usize..(to - start) as usize];
            out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(part);
        }
        Ok(())
    }

    fn write(&mut self, file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while written < data.len() {
            let at = offset + written as u64;
            let (number, within) = (at / PAGE as u64, (at % PAGE as u64) as usize);
            let length = (PAGE - within).min(data.len() - written);
            let mut page = Box::new([0; PAGE]);
            let start = number * PAGE as u64;
            let known = (self.bytes.saturating_sub(start) as usize).min(PAGE);
            self.read(file, start, &mut page[..known])?;
            page[within..within + length].copy_from_slice(&data[written..written + length]);
            self.pages.insert(number, page);
            written += length;
        }
        self.bytes = self.bytes.max(offset + data.len() as u64);
        Ok(())
    }

    fn set_len(&mut self, bytes: u64) {
        if bytes < self.bytes {
            self.file_bytes = self.file_bytes.min(bytes);
            self.pages.split_off(&bytes.div_ceil(PAGE as u64));
            if let Some(last) = self.pages.get_mut(&(bytes / PAGE as u64)) {
                last[(bytes % PAGE as u64) as usize..].fill(0);
            }
        }
        self.bytes = bytes;
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.changed().bytes)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.changed().read(&self.file, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.changed().set_len(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.changed().write(&self.file, offset, data)
    }
}

const PAGE: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    /// An overlay over a file of `bytes` times `a`.
    fn over(bytes: usize) -> (tempfile::NamedTempFile, Overlay) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'a'; bytes]).unwrap();
        let overlay = Overlay::over(File::open(file.path()).unwrap()).unwrap();
        (file, overlay)
    }

    fn all(overlay: &Overlay) -> Vec<u8> {
        let mut bytes = vec![b'?'; overlay.len().unwrap() as usize];
        overlay.read(0, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read_back_and_the_file_stays_as_it_was() {
        let (file, overlay) = over(3 * PAGE + 5);
        let mut expected = vec![b'a'; 3 * PAGE + 5];
        for (offset, data) in [(0, "first"), (PAGE - 2, "across"), (3 * PAGE, "end and beyond"), (PAGE, "again")] {
            overlay.write(offset as u64, data.as_bytes()).unwrap();
            expected.resize(expected.len().max(offset + data.len()), 0);
            expected[offset..offset + data.len()].copy_from_slice(data.as_bytes());
            assert!(all(&overlay) == expected, "{data}");
        }
        assert!(std::fs::read(file.path()).unwrap() == vec![b'a'; 3 * PAGE + 5]);
    }

    #[test]
    fn what_was_cut_off_comes_back_as_zeros() {
        let (_file, overlay) = over(2 * PAGE);
        overlay.write(10, b"kept").unwrap();
        overlay.set_len(12).unwrap();
        overlay.set_len(2 * PAGE as u64).unwrap();
        let mut expected = vec![0; 2 * PAGE];
        expected[..12].copy_from_slice(b"aaaaaaaaaake");
        assert!(all(&overlay) == expected);
        let past = overlay.read(2 * PAGE as u64 - 1, &mut [0; 2]).unwrap_err();
        assert_eq!(past.kind(), io::ErrorKind::UnexpectedEof);
    }
}
