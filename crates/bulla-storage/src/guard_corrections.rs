//! Corrections of the guard: trees that this node signed, was outvoted on, and then signed anew.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bulla_sealing::Hash;

use crate::directory::sync_dir;
use crate::error::StorageError;

/// The file `guard.corrections` beside the guard file: append-only like it, and nothing is ever taken out of either.
///
/// ```text
/// |<-  20 ->| |<- 20 ->| |<- 64 ->| |<- 20 ->| |<- 64 ->| |<- 8 ->|
///  height      size and root signed  size and root agreed  crc32c     spaces, newline: 256 bytes a line
/// ```
/// A file of its own, so that heights go on growing in the guard file and are found there by halving. Without this file
/// the guard refuses more, never less. There are few lines, so all of them are kept in memory.
#[derive(Debug)]
pub(crate) struct Corrections {
    path: PathBuf,
    file: Option<File>,
    lines: BTreeMap<u64, Correction>,
}

/// One tree in the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Correction {
    pub(crate) height: u64,
    pub(crate) signed_size: u64,
    pub(crate) signed: Hash,
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Corrections {
    /// Of the guard file at `guard`. Cuts a last line that a power cut left incomplete: it was never acted upon.
    pub(crate) fn open(guard: &Path) -> Result<Self, StorageError> {
        let path = guard.with_file_name("guard.corrections");
        let mut corrections = Self { path, file: None, lines: BTreeMap::new() };
        if corrections.path.exists() {
            corrections.read()?;
        }
        Ok(corrections)
    }

    fn read(&mut self) -> Result<(), StorageError> {
        let file = self.open_file()?;
        let mut bytes = std::fs::read(&self.path).map_err(StorageError::io("read", &self.path))?;
        let length = bytes.len();
        bytes.truncate(length - length % LINE_LEN);
        while bytes.ends_with(&[0; LINE_LEN]) {
            bytes.truncate(bytes.len() - LINE_LEN);
        }
        if bytes.len() != length {
            file.set_len(bytes.len() as u64).map_err(StorageError::io("truncate", &self.path))?;
            file.sync_all().map_err(StorageError::io("fsync", &self.path))?;
        }
        for (number, line) in bytes.chunks_exact(LINE_LEN).enumerate() {
            let what = || format!("line {} of {}", number + 1, self.path.display());
            let correction = Correction::decode(line)
                .ok_or_else(|| StorageError::corrupt(what(), "it does not match its checksum"))?;
            if self.lines.insert(correction.height, correction).is_some() {
                return Err(StorageError::corrupt(what(), "its height was corrected before"));
            }
        }
        self.file = Some(file);
        Ok(())
    }

    fn open_file(&self) -> Result<File, StorageError> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&self.path);
        file.map_err(StorageError::io("open", &self.path))
    }

    pub(crate) fn get(&self, height: u64) -> Option<&Correction> {
        self.lines.get(&height)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Correction> {
        self.lines.values()
    }

    /// Writes a correction down durably. Its height must have none.
    pub(crate) fn append(&mut self, correction: Correction) -> Result<(), StorageError> {
        if self.file.is_none() {
            self.file = Some(self.open_file()?);
            sync_dir(self.path.parent().expect("a file of the data directory has a parent"))?;
        }
        let file = self.file.as_ref().expect("just opened");
        let at = (self.lines.len() * LINE_LEN) as u64;
        file.write_all_at(&correction.encode(), at).map_err(StorageError::io("write", &self.path))?;
        file.sync_data().map_err(StorageError::io("fsync", &self.path))?;
        let before = self.lines.insert(correction.height, correction);
        assert!(before.is_none(), "height {} was corrected before", correction.height);
        Ok(())
    }
}

impl Correction {
    fn encode(&self) -> [u8; LINE_LEN] {
        let Self { height, signed_size, signed, size, root } = self;
        let body = format!("{height:020} {signed_size:020} {signed} {size:020} {root}");
        let line = format!("{body} {:08x}", crc32c::crc32c(body.as_bytes()));
        let line = format!("{line:<255}\n");
        line.into_bytes().try_into().expect("a line of a correction has one length")
    }

    /// `None` unless these are exactly the bytes that `encode` makes.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = std::str::from_utf8(bytes).ok()?.split_ascii_whitespace();
        let number = |fields: &mut std::str::SplitAsciiWhitespace<'_>| fields.next()?.parse().ok();
        let (height, signed_size) = (number(&mut fields)?, number(&mut fields)?);
        let signed = Hash::from_str(fields.next()?).ok()?;
        let size = number(&mut fields)?;
        let root = Hash::from_str(fields.next()?).ok()?;
        let correction = Self { height, signed_size, signed, size, root };
        (correction.encode() == bytes).then_some(correction)
    }
}

const LINE_LEN: usize = 256;
// As in the guard file: a line lies in one sector.
const _: () = assert!(512 % LINE_LEN == 0 && LINE_LEN > 3 * 21 + 2 * 65 + 8);
