//! Which of the two commits in a database file counts: the newer one, if all of it is there.
//!
//! redb keeps the last two commits, and one bit says which of them is the last. Nothing covers that bit with a
//! checksum: if it flips while the node is down, redb would open the commit before, and a vote would be forgotten. So a
//! newer commit beside the one that the bit names is tried first. It may also be one that a power cut stopped just
//! before the bit was set; nobody was told of it then, and it may stand if it is whole.
//!
//! ```text
//!   0 │ magic 9 │ flags 1: bit 0 names the slot, bit 1 asks for recovery, bit 2 forbids to try the other slot │ ...
//!  64 │ slot 0, 128 bytes, its commit id u64 at 104, XXH3-128 of the rest at 112 (little-endian)
//! 192 │ slot 1
//! ```
//! The source is `header.rs` of redb 4.5.0, the one release that is used. Without bit 2 redb takes the slot with the
//! higher id if the checksums of that slot and of every page below it are right, else the other.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use twox_hash::XxHash3_128;

use crate::error::StorageError;

/// Lets redb choose the newer commit, where the file names the older one. Nothing may have the file open.
pub(crate) fn prefer_newer_commit(path: &Path) -> Result<(), StorageError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(StorageError::io("open", path))?;
    let Some((at, flags)) = flags_for_newer_commit(&file, path)? else {
        return Ok(());
    };
    tracing::warn!(path = %path.display(), "the file names an older commit than it holds; trying the newer one");
    file.write_all_at(&[flags], at).map_err(StorageError::io("write", path))?;
    file.sync_data().map_err(StorageError::io("fsync", path))
}

/// The byte, and where it belongs, that lets redb choose the newer commit; `None` when the file names it already.
pub(crate) fn flags_for_newer_commit(file: &File, path: &Path) -> Result<Option<(u64, u8)>, StorageError> {
    let flags = read_header(file, path)?.and_then(|header| flags_to_write(&header));
    Ok(flags.map(|flags| (FLAGS as u64, flags)))
}

/// `None` when the file is too short to have one; redb says so better.
fn read_header(file: &File, path: &Path) -> Result<Option<[u8; HEADER_LEN]>, StorageError> {
    if file.metadata().map_err(StorageError::io("read", path))?.len() < HEADER_LEN as u64 {
        return Ok(None);
    }
    let mut header = [0; HEADER_LEN];
    file.read_exact_at(&mut header, 0).map_err(StorageError::io("read", path))?;
    Ok(Some(header))
}

/// `None` when the flags may stay.
fn flags_to_write(header: &[u8; HEADER_LEN]) -> Option<u8> {
    let flags = header[FLAGS];
    let id = |slot: u8| {
        let at = SLOTS[usize::from(slot)] + COMMIT_ID;
        u64::from_le_bytes(header[at..at + 8].try_into().expect("8 bytes"))
    };
    let named = flags & NAMES_SLOT_1;
    let names_older = header.starts_with(MAGIC) && flags & FIXED != 0 && id(1 - named) > id(named);
    (names_older && checks(header, SLOTS[usize::from(named)])).then_some((flags & !FIXED) | RECOVER)
}

/// Whether a slot is what was written. One that is not may have any id: if it is the one that counts, redb says so.
fn checks(header: &[u8; HEADER_LEN], slot: usize) -> bool {
    let (body, sum) = header[slot..slot + SLOT_LEN].split_last_chunk().expect("a slot is longer than its checksum");
    u128::from_le_bytes(*sum) == XxHash3_128::oneshot(body)
}

const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
const FLAGS: usize = MAGIC.len();
const NAMES_SLOT_1: u8 = 1;
const RECOVER: u8 = 2;
const FIXED: u8 = 4;
const SLOTS: [usize; 2] = [64, 192];
const SLOT_LEN: usize = 128;
const COMMIT_ID: usize = 104;
const HEADER_LEN: usize = 320;
