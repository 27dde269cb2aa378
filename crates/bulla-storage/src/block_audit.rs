//! Block files as an auditor reads them: without the node's lock, keys or databases, and down to the byte that is wrong.

use std::fs;
use std::iter;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;

use bulla_sealing::{Hash, Run, leaf_hash};
use uuid::Uuid;

use crate::block_layout::{Layout, PRELUDE_LEN, Prelude, TRAILER_LEN, Trailer, layout};
use crate::directory::{Directory, list};
use crate::error::StorageError;
use crate::leaves::LENGTH_BYTES;
use crate::refused::Refused;

/// The block files of a data directory, or of a copy of its `blocks` directory alone. Nothing is opened for writing.
#[derive(Debug, Clone)]
pub struct BlockFiles {
    directory: PathBuf,
    blocks: u64,
}

/// What one block file holds.
#[derive(Debug, Clone)]
pub struct AuditedBlock {
    /// The ledger that the file says it is of.
    pub ledger_id: Uuid,
    /// Height of the block, from its file.
    pub height: u64,
    /// Its first leaf.
    pub first_leaf: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    bytes: Vec<u8>,
    /// Where the leaves end in it.
    leaves_end: usize,
    records: Run,
    header_hash: Hash,
}

impl BlockFiles {
    /// Finds the block files. A server that runs may add to them meanwhile, which is not noticed.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when one is missing in between; [`StorageError::Unknown`] when there is none.
    pub fn open(dir: &Path) -> Result<Self, StorageError> {
        let inside = Directory::new(dir).blocks();
        let directory = if inside.is_dir() { inside } else { dir.to_owned() };
        let mut blocks = 0;
        for path in list(&directory)?.iter().filter(|path| path.extension().is_some_and(|end| end == "block")) {
            let expected = name(&directory, blocks);
            if *path != expected {
                let missing = format!("{} is missing", expected.display());
                return Err(StorageError::corrupt(directory.display().to_string(), missing));
            }
            blocks += 1;
        }
        match blocks {
            0 => Err(StorageError::unknown(format!("block files in {}", directory.display()))),
            _ => Ok(Self { directory, blocks }),
        }
    }

    /// The file of a block.
    pub fn path(&self, height: u64) -> PathBuf {
        name(&self.directory, height)
    }

    /// How many there are. Heights are 0 up to this.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Reads a block, with every checksum checked. Its leaves are hashed again if any of them is `hash_from` or later;
    /// if not, the hashes are those that the file has, except the header's.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] names the part, the leaf if it is one, and the byte.
    pub fn read(&self, height: u64, hash_from: u64) -> Result<AuditedBlock, StorageError> {
        let block = read(&self.path(height), hash_from)?;
        match block.height == height {
            true => Ok(block),
            false => Err(StorageError::corrupt(
                self.path(height).display().to_string(),
                format!("bytes 32 to 39 say that it is block {}", block.height),
            )),
        }
    }
}

impl AuditedBlock {
    /// Its leaves, the header last.
    pub fn leaves(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[PRELUDE_LEN..self.leaves_end];
        iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
            let (leaf, after) = after.split_at(u16::from_be_bytes(*length).into());
            rest = after;
            Some(leaf)
        })
    }

    /// Where a leaf begins in the file (bytes), its length before it.
    pub fn byte_of(&self, leaf_index: u64) -> u64 {
        let before = self.leaves().take(leaf_index.saturating_sub(self.first_leaf) as usize);
        (PRELUDE_LEN + before.map(|leaf| LENGTH_BYTES + leaf.len()).sum::<usize>()) as u64
    }

    /// All of its leaves but the header, hashed.
    pub fn records(&self) -> &Run {
        &self.records
    }

    /// The leaf hash of the header.
    pub fn header_hash(&self) -> Hash {
        self.header_hash
    }
}

/// Reads `0..count` on as many threads as there are processors, and hands all to `each` in their order on this thread.
/// Every thread holds one at a time.
///
/// # Errors
/// The first of `each`; nothing is read after it.
pub fn read_ahead<T: Send, E>(
    count: u64,
    read: impl Fn(u64) -> T + Sync,
    mut each: impl FnMut(u64, T) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).clamp(1, THREADS_MAX) as u64;
    thread::scope(|scope| {
        let read = &read;
        let of_thread = |first: u64| {
            // Nothing waits in it: a thread goes on when what it read was taken.
            let (give, take) = sync_channel(0);
            scope.spawn(move || {
                let mut numbers = (first..count).step_by(threads as usize);
                numbers.all(|number| give.send(read(number)).is_ok())
            });
            take
        };
        let taken: Vec<_> = (0..threads).map(of_thread).collect();
        (0..count).try_for_each(|number| {
            let read = taken[(number % threads) as usize].recv().expect("the thread reads all of its numbers");
            each(number, read)
        })
    })
}

/// What exactly is wrong with a block file, if the reason lies in its bytes alone.
pub(crate) fn damage(path: &Path) -> Option<StorageError> {
    read(path, 0).err()
}

fn read(path: &Path, hash_from: u64) -> Result<AuditedBlock, StorageError> {
    let corrupt = |detail: String| StorageError::corrupt(path.display().to_string(), detail);
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => corrupt("the file is missing".into()),
        _ => StorageError::io("read", path)(error),
    })?;
    let ends_at = bytes.len().checked_sub(TRAILER_LEN).filter(|at| *at >= PRELUDE_LEN);
    let ends_at = ends_at.ok_or_else(|| corrupt(format!("it has {} bytes, too few for a block", bytes.len())))?;
    let prelude = bytes.first_chunk::<PRELUDE_LEN>().expect("it is long enough");
    let prelude = Prelude::decode(prelude, path).map_err(|error| match error {
        StorageError::Corrupt { .. } => corrupt(format!("bytes 0 to {}, its prelude, do not check", PRELUDE_LEN - 1)),
        other => other,
    })?;
    let trailer = Trailer::decode(bytes.last_chunk().expect("it is long enough"))
        .ok_or_else(|| corrupt(format!("bytes {ends_at} to {}, its trailer, do not check", bytes.len() - 1)))?;
    let file_bytes = bytes.len() as u64;
    let layout = layout(&prelude, &trailer).filter(|layout| layout.end == file_bytes && trailer.file_len == file_bytes);
    let layout = layout.ok_or_else(|| {
        corrupt(format!("it has {file_bytes} bytes and should have {}: it was cut short or grew", trailer.file_len))
    })?;
    let sections = Sections::of(&bytes, &layout);
    let damaged = sections.damaged(&trailer);
    let end_leaf = prelude.first_leaf + u64::from(prelude.leaf_count);
    let hashed = if end_leaf > hash_from || damaged.is_some() { 0 } else { end_leaf.saturating_sub(1) };
    let wrong = sections.first_wrong_leaf(&layout, prelude.first_leaf, hashed);
    if let Some(what) = wrong.or_else(|| damaged.map(|section| section.describe(&layout))) {
        return Err(corrupt(what));
    }
    let hashes: Vec<Hash> = sections.hashes().collect();
    let (header_hash, records) = hashes.split_last().ok_or_else(|| corrupt("it has no leaves".into()))?;
    let Prelude { ledger_id, height, first_leaf, .. } = prelude;
    let (records, header_hash, leaves_end) = (Run::new(first_leaf, records), *header_hash, layout.ends as usize);
    Ok(AuditedBlock { ledger_id, height, first_leaf, file_bytes, bytes, leaves_end, records, header_hash })
}

/// The parts of a block file between prelude and trailer.
struct Sections<'a> {
    leaves: &'a [u8],
    ends: &'a [u8],
    hashes: &'a [u8],
    refused: &'a [u8],
}

/// Which of them does not match its checksum.
enum Section {
    Leaves,
    Ends,
    Hashes,
    Refused,
}

impl<'a> Sections<'a> {
    fn of(bytes: &'a [u8], layout: &Layout) -> Self {
        let section = |start: u64, end: u64| &bytes[start as usize..end as usize];
        Self {
            leaves: section(layout.leaves, layout.ends),
            ends: section(layout.ends, layout.hashes),
            hashes: section(layout.hashes, layout.refused),
            refused: section(layout.refused, layout.trailer),
        }
    }

    fn damaged(&self, trailer: &Trailer) -> Option<Section> {
        let sections = [
            (Section::Leaves, self.leaves),
            (Section::Ends, self.ends),
            (Section::Hashes, self.hashes),
            (Section::Refused, self.refused),
        ];
        let mut sections = sections.into_iter().zip(trailer.sums);
        let wrong = sections.find(|((_, bytes), sum)| crc32c::crc32c(bytes) != *sum);
        let undecodable = || self.refused.chunks_exact(Refused::LEN).any(|one| Refused::decode(one).is_none());
        wrong.map(|((section, _), _)| section).or_else(|| undecodable().then_some(Section::Refused))
    }

    fn hashes(&self) -> impl Iterator<Item = Hash> {
        self.hashes.chunks_exact(32).map(|hash| Hash(hash.try_into().expect("32 bytes")))
    }

    /// The first leaf that does not have the length that the file states for it, or from `hashed` on the hash.
    fn first_wrong_leaf(&self, layout: &Layout, first_leaf: u64, hashed: u64) -> Option<String> {
        let mut start = 0;
        let ends = self.ends.chunks_exact(4).map(|end| u32::from_be_bytes(end.try_into().expect("4 bytes")) as usize);
        for (place, (end, hash)) in (0_u64..).zip(ends.zip(self.hashes())) {
            let (leaf_index, at) = (first_leaf + place, layout.leaves + start as u64);
            let stored = self.leaves.get(start..).and_then(|rest| {
                let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
                rest.get(..u16::from_be_bytes(*length).into())
            });
            let Some(leaf) = stored.filter(|leaf| start + LENGTH_BYTES + leaf.len() == end) else {
                let says = layout.ends + 4 * place;
                return Some(format!(
                    "leaf {leaf_index} has another length at byte {at} than its end at byte {says} says"
                ));
            };
            if leaf_index >= hashed && leaf_hash(leaf) != hash {
                let says = layout.hashes + 32 * place;
                return Some(format!("leaf {leaf_index} at byte {at} does not have the hash at byte {says}"));
            }
            start = end;
        }
        let left = self.leaves.len() - start;
        (left > 0).then(|| format!("{left} bytes at byte {} belong to no leaf", layout.leaves + start as u64))
    }
}

impl Section {
    /// For damage that no single leaf shows.
    fn describe(&self, layout: &Layout) -> String {
        let (name, start, end) = match self {
            Section::Leaves => ("leaves", layout.leaves, layout.ends),
            Section::Ends => ("offsets", layout.ends, layout.hashes),
            Section::Hashes => ("hashes", layout.hashes, layout.refused),
            Section::Refused => ("refused requests", layout.refused, layout.trailer),
        };
        format!("bytes {start} to {}, its {name}, do not match their checksum", end.saturating_sub(1))
    }
}

fn name(directory: &Path, height: u64) -> PathBuf {
    directory.join(format!("{height:010}.block"))
}

/// Beyond this many the disk is slower than the hashing.
const THREADS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_ahead_comes_in_order_and_the_first_error_ends_it() {
        let mut seen = Vec::new();
        let done: Result<(), ()> = read_ahead(
            100,
            |number| number * 3,
            |number, read| {
                seen.push((number, read));
                Ok(())
            },
        );
        assert_eq!((done, seen), (Ok(()), (0..100).map(|number| (number, number * 3)).collect()));
        let ended = read_ahead(1_000_000, |number| number, |number, _| if number == 7 { Err(number) } else { Ok(()) });
        assert_eq!(ended, Err(7));
    }
}
