//! The block file: one record table for ever, in one immutable file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bulla_sealing::{Hash, leaf_hash};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::block_layout::{Layout, PRELUDE_LEN, Prelude, TRAILER_LEN, Trailer, layout};
use crate::directory::{partial, publish, remove_file};
use crate::error::StorageError;
use crate::leaves::{LENGTH_BYTES, Leaves};
use crate::manifest::ManifestRow;
use crate::refused::Refused;

/// What a block file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) ledger_id: Uuid,
    pub(crate) height: u64,
    pub(crate) first_leaf: u64,
    /// The last one is the header.
    pub(crate) leaves: Leaves,
    pub(crate) refused: Vec<Refused>,
}

/// A file's length and SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSum {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
}

/// What a block is written from.
pub(crate) struct BlockParts<'a> {
    pub(crate) ledger_id: Uuid,
    pub(crate) height: u64,
    pub(crate) first_leaf: u64,
    pub(crate) leaves: &'a Leaves,
    pub(crate) refused: &'a [Refused],
}

impl BlockParts<'_> {
    /// Writes the file, durably, under its final name.
    pub(crate) fn write(&self, path: &Path) -> Result<FileSum, StorageError> {
        let ends: Vec<u8> = self.leaves.ends.iter().flat_map(|end| end.to_be_bytes()).collect();
        let hashes: Vec<u8> = self.leaves.hashes.iter().flat_map(|hash| hash.0).collect();
        let refused: Vec<u8> = self.refused.iter().flat_map(Refused::encode).collect();
        let sections = [&self.leaves.bytes, &ends, &hashes, &refused];
        let sum = {
            let mut writer = Writer::create(path)?;
            writer.write(&self.prelude().encode())?;
            for section in sections {
                writer.write(section)?;
            }
            let trailer = Trailer {
                leaves_len: self.leaves.bytes.len() as u64,
                sums: sections.map(|section| crc32c::crc32c(section)),
                file_len: writer.at + TRAILER_LEN as u64,
            };
            writer.write(&trailer.encode())?;
            writer.finish()?
        };
        publish(&partial(path), path)?;
        Ok(sum)
    }

    fn prelude(&self) -> Prelude {
        Prelude {
            leaf_count: u32::try_from(self.leaves.len()).expect("a table closes long before 2^32 leaves"),
            refused_count: u32::try_from(self.refused.len()).expect("a table closes long before 2^32 refusals"),
            ledger_id: self.ledger_id,
            height: self.height,
            first_leaf: self.first_leaf,
        }
    }
}

/// A block file open for reading single leaves. Any thread may read.
#[derive(Debug)]
pub(crate) struct BlockFile {
    path: PathBuf,
    file: File,
    prelude: Prelude,
    trailer: Trailer,
    /// Whether its ends were held against the manifest.
    is_as_stored: AtomicBool,
}

impl BlockFile {
    pub(crate) fn open(path: &Path) -> Result<Self, StorageError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => StorageError::corrupt(path.display().to_string(), "the file is missing"),
            _ => StorageError::io("open", path)(error),
        })?;
        let file_len = file.metadata().map_err(StorageError::io("read", path))?.len();
        let corrupt = |detail: &str| StorageError::corrupt(path.display().to_string(), detail);
        if file_len < (PRELUDE_LEN + TRAILER_LEN) as u64 {
            return Err(corrupt("it is too short to be a block"));
        }
        let mut prelude = [0; PRELUDE_LEN];
        file.read_exact_at(&mut prelude, 0).map_err(StorageError::io("read", path))?;
        let mut trailer = [0; TRAILER_LEN];
        file.read_exact_at(&mut trailer, file_len - TRAILER_LEN as u64).map_err(StorageError::io("read", path))?;
        let prelude = Prelude::decode(&prelude, path)?;
        let trailer = Trailer::decode(&trailer).ok_or_else(|| corrupt("its trailer does not check"))?;
        if trailer.file_len != file_len || layout(&prelude, &trailer).is_none_or(|layout| layout.end != file_len) {
            return Err(corrupt("it was cut short or grew"));
        }
        Ok(Self { path: path.to_owned(), file, prelude, trailer, is_as_stored: AtomicBool::new(false) })
    }

    pub(crate) fn height(&self) -> u64 {
        self.prelude.height
    }

    pub(crate) fn ledger_id(&self) -> Uuid {
        self.prelude.ledger_id
    }

    pub(crate) fn first_leaf(&self) -> u64 {
        self.prelude.first_leaf
    }

    /// The leaf after this block's last one.
    pub(crate) fn end_leaf(&self) -> u64 {
        self.prelude.first_leaf + u64::from(self.prelude.leaf_count)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.trailer.file_len
    }

    pub(crate) fn is_as_stored(&self) -> bool {
        self.is_as_stored.load(Ordering::Relaxed)
    }

    /// Holds length, place and header hash against the manifest: enough to tell another file, not every change.
    pub(crate) fn check(&self, row: &ManifestRow) -> Result<(), StorageError> {
        let ends = (self.bytes(), self.first_leaf(), self.end_leaf());
        if ends != (row.file.bytes, row.first_leaf, row.end_leaf) {
            return Err(self.corrupt("it is not the block that the manifest names"));
        }
        if self.hashes(row.end_leaf - 1, row.end_leaf)? != [row.header_hash] {
            return Err(self.corrupt("its header is not the one that the manifest names"));
        }
        self.is_as_stored.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Up to `len_max` raw bytes at `offset`; none at the end.
    pub(crate) fn piece(&self, offset: u64, len_max: usize) -> Result<Vec<u8>, StorageError> {
        let len = self.bytes().saturating_sub(offset).min(len_max as u64);
        self.read(offset, len as usize)
    }

    /// A leaf that this block must hold, checked against its hash: one that was proven.
    pub(crate) fn leaf(&self, leaf_index: u64, hash: Hash) -> Result<Vec<u8>, StorageError> {
        let place = leaf_index.checked_sub(self.prelude.first_leaf);
        let place = place
            .filter(|place| *place < u64::from(self.prelude.leaf_count))
            .ok_or_else(|| self.corrupt(&format!("it does not hold leaf {leaf_index}")))?;
        let layout = self.layout();
        let (start, end) = match place {
            0 => (0, self.end_of(0)?),
            _ => (self.end_of(place - 1)?, self.end_of(place)?),
        };
        let damaged = || self.corrupt(&format!("leaf {leaf_index} does not match its hash"));
        if end > self.trailer.leaves_len || end < start + LENGTH_BYTES as u64 {
            return Err(damaged());
        }
        let stored = self.read(layout.leaves + start, (end - start) as usize)?;
        let (length, leaf) = stored.split_at(LENGTH_BYTES);
        match usize::from(u16::from_be_bytes([length[0], length[1]])) == leaf.len() && leaf_hash(leaf) == hash {
            true => Ok(leaf.to_vec()),
            false => Err(damaged()),
        }
    }

    /// Leaf hashes of this block, as stored: what is proven with them must be verified.
    pub(crate) fn hashes(&self, start: u64, end: u64) -> Result<Vec<Hash>, StorageError> {
        assert!(self.first_leaf() <= start && start <= end && end <= self.end_leaf());
        let at = self.layout().hashes + 32 * (start - self.first_leaf());
        let bytes = self.read(at, 32 * (end - start) as usize)?;
        Ok(bytes.chunks_exact(32).map(|hash| Hash(hash.try_into().expect("32 bytes"))).collect())
    }

    /// Everything in the file, with every checksum and every leaf hash checked.
    pub(crate) fn read_all(&self) -> Result<(Block, FileSum), StorageError> {
        let bytes = self.read(0, self.bytes() as usize)?;
        let sum = FileSum { bytes: self.bytes(), sha256: Sha256::digest(&bytes).into() };
        let layout = self.layout();
        let section = |start: u64, end: u64| &bytes[start as usize..end as usize];
        let sections = [
            section(layout.leaves, layout.ends),
            section(layout.ends, layout.hashes),
            section(layout.hashes, layout.refused),
            section(layout.refused, layout.trailer),
        ];
        for ((section, sum), name) in sections.iter().zip(self.trailer.sums).zip(SECTIONS) {
            if crc32c::crc32c(section) != sum {
                return Err(self.corrupt(&format!("its {name} do not match their checksum")));
            }
        }
        let leaves = self.parse_leaves(sections[0])?;
        let ends: Vec<u8> = leaves.ends.iter().flat_map(|end| end.to_be_bytes()).collect();
        let hashes: Vec<u8> = leaves.hashes.iter().flat_map(|hash| hash.0).collect();
        if ends != sections[1] || hashes != sections[2] {
            return Err(self.corrupt("its leaves do not match their hashes"));
        }
        let refused = sections[3]
            .chunks_exact(Refused::LEN)
            .map(Refused::decode)
            .collect::<Option<_>>()
            .ok_or_else(|| self.corrupt("a refused request does not decode"))?;
        let Prelude { ledger_id, height, first_leaf, .. } = self.prelude;
        Ok((Block { ledger_id, height, first_leaf, leaves, refused }, sum))
    }

    fn parse_leaves(&self, mut section: &[u8]) -> Result<Leaves, StorageError> {
        let mut leaves = Leaves::default();
        let damaged = || self.corrupt("its leaves are not a sequence of lengths and leaves");
        while let Some((length, rest)) = section.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes(*length));
            let (leaf, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
            leaves.push(leaf);
            section = rest;
        }
        match section.is_empty() && leaves.len() == u64::from(self.prelude.leaf_count) {
            true => Ok(leaves),
            false => Err(damaged()),
        }
    }

    fn end_of(&self, place: u64) -> Result<u64, StorageError> {
        let bytes = self.read(self.layout().ends + 4 * place, 4)?;
        Ok(u64::from(u32::from_be_bytes(bytes.try_into().expect("4 bytes"))))
    }

    fn layout(&self) -> Layout {
        layout(&self.prelude, &self.trailer).expect("checked when opened")
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, StorageError> {
        let mut bytes = vec![0; len];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            // It was whole when it was opened.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(self.corrupt("it was cut short")),
            Err(error) => Err(StorageError::io("read", &self.path)(error)),
        }
    }

    fn corrupt(&self, detail: &str) -> StorageError {
        StorageError::corrupt(self.path.display().to_string(), detail)
    }
}

/// Writes in pieces, each made durable before the next: one big flush would stall the Raft log beside it.
struct Writer<'a> {
    path: &'a Path,
    file: File,
    sha: Sha256,
    at: u64,
    unsynced: usize,
}

impl<'a> Writer<'a> {
    fn create(path: &'a Path) -> Result<Self, StorageError> {
        let partial = partial(path);
        remove_file(&partial)?;
        let file = File::create_new(&partial).map_err(StorageError::io("create", &partial))?;
        Ok(Self { path, file, sha: Sha256::new(), at: 0, unsynced: 0 })
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), StorageError> {
        self.sha.update(bytes);
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.unsynced));
            self.file.write_all_at(piece, self.at).map_err(StorageError::io("write", self.path))?;
            self.at += piece.len() as u64;
            self.unsynced += piece.len();
            if self.unsynced == PIECE_BYTES {
                self.file.sync_data().map_err(StorageError::io("fsync", self.path))?;
                self.unsynced = 0;
            }
            bytes = rest;
        }
        Ok(())
    }

    fn finish(self) -> Result<FileSum, StorageError> {
        self.file.sync_all().map_err(StorageError::io("fsync", self.path))?;
        Ok(FileSum { bytes: self.at, sha256: self.sha.finalize().into() })
    }
}

const SECTIONS: [&str; 4] = ["leaves", "offsets", "hashes", "refused requests"];
const PIECE_BYTES: usize = 8 << 20;
