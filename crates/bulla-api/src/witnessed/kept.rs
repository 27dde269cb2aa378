//! The cosignatures of one witness, in the order of their sizes, in a file of lines of one length.
//!
//! ```text
//! | size u64 | time_s u64 | signature 64 | zero 4 | crc32c u32 |     88 bytes, big-endian
//! ```
//! A line is appended with an fsync, so a crash leaves the last one whole, absent or torn; a torn one is cut off when
//! the file is opened. Sizes grow, so one is found by halving and nothing is kept in memory.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

use bulla_sealing::{NoteSignature, VerifierKey};

pub(super) struct Kept(Mutex<Lines>);

struct Lines {
    file: File,
    count: u64,
    last_size: Option<u64>,
}

struct Line {
    size: u64,
    /// The time, big-endian, and the signature: what a signature line carries.
    signature: [u8; SIGNATURE_BYTES],
}

impl Kept {
    /// Opens the file, which is made if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Kept> {
        let directory = path.parent().expect("a file in the data directory");
        create_dir_all(directory)?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        File::open(directory)?.sync_all()?;
        let bytes = file.metadata()?.len();
        let mut lines = Lines { file, count: bytes / LINE_BYTES, last_size: None };
        lines.count -= u64::from(lines.count > 0 && lines.read(lines.count - 1).is_err());
        if lines.count * LINE_BYTES != bytes {
            lines.file.set_len(lines.count * LINE_BYTES)?;
            lines.file.sync_all()?;
        }
        if lines.count > 0 {
            lines.last_size = Some(lines.read(lines.count - 1)?.size);
        }
        Ok(Kept(Mutex::new(lines)))
    }

    /// Keeps the cosignature of a checkpoint of this size, durably. One of a size that is not above all others is
    /// kept already, or came too late to be found.
    pub(super) fn keep(&self, size: u64, line: &NoteSignature) -> io::Result<()> {
        let mut lines = self.lines();
        let Ok(signature) = line.signature.as_slice().try_into() else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no cosignature/v1"));
        };
        if lines.last_size.is_some_and(|last| size <= last) {
            return Ok(());
        }
        let at = lines.count * LINE_BYTES;
        lines.file.write_all_at(&Line { size, signature }.encode(), at)?;
        lines.file.sync_data()?;
        lines.count += 1;
        lines.last_size = Some(size);
        Ok(())
    }

    /// The newest size that is kept.
    pub(super) fn last_size(&self) -> Option<u64> {
        self.lines().last_size
    }

    /// The first size from `from` on that is kept.
    pub(super) fn first_from(&self, from: u64) -> io::Result<Option<u64>> {
        Ok(self.lines().find(from)?.map(|line| line.size))
    }

    /// The signature line of the witness with this key for a checkpoint of this size.
    pub(super) fn line(&self, key: &VerifierKey, size: u64) -> io::Result<Option<NoteSignature>> {
        let found = self.lines().find(size)?.filter(|line| line.size == size);
        Ok(found.map(|line| NoteSignature {
            name: key.name.clone(),
            key_id: key.key_id(),
            signature: line.signature.to_vec(),
        }))
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.0.lock().expect("no panic while the file is held")
    }
}

impl Lines {
    /// The first line from this size on.
    fn find(&self, from: u64) -> io::Result<Option<Line>> {
        if self.last_size.is_none_or(|last| last < from) {
            return Ok(None);
        }
        let (mut low, mut high) = (0, self.count - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.read(middle)?.size < from {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        self.read(low).map(Some)
    }

    fn read(&self, number: u64) -> io::Result<Line> {
        let mut bytes = [0; LINE_BYTES as usize];
        self.file.read_exact_at(&mut bytes, number * LINE_BYTES)?;
        let size = u64::from_be_bytes(*bytes.first_chunk().expect("a line holds a size"));
        let signature = bytes[8..8 + SIGNATURE_BYTES].try_into().expect("a line holds a signature");
        let line = Line { size, signature };
        match line.encode() == bytes {
            true => Ok(line),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, format!("line {} is damaged", number + 1))),
        }
    }
}

impl Line {
    fn encode(&self) -> [u8; LINE_BYTES as usize] {
        let mut bytes = [0; LINE_BYTES as usize];
        bytes[..8].copy_from_slice(&self.size.to_be_bytes());
        bytes[8..8 + SIGNATURE_BYTES].copy_from_slice(&self.signature);
        let checksum = crc32c::crc32c(&bytes[..84]);
        bytes[84..].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }
}

const SIGNATURE_BYTES: usize = 72;
const LINE_BYTES: u64 = 88;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(byte: u8) -> NoteSignature {
        NoteSignature { name: "w".into(), key_id: 1, signature: vec![byte; SIGNATURE_BYTES] }
    }

    fn kept_of(sizes: &[u64]) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witnessed/key");
        let kept = Kept::open(&path).unwrap();
        for &size in sizes {
            kept.keep(size, &line(size as u8)).unwrap();
        }
        (directory, path)
    }

    #[test]
    fn what_is_kept_is_found_again_by_its_size() {
        let sizes = [3, 4, 9, 20, 21, 50];
        let (_directory, path) = kept_of(&sizes);
        let kept = Kept::open(&path).unwrap();
        for from in 0..60 {
            let first = sizes.into_iter().find(|size| *size >= from);
            assert_eq!(kept.first_from(from).unwrap(), first, "from {from}");
        }
        kept.keep(20, &line(99)).unwrap();
        assert_eq!((kept.last_size(), kept.lines().count), (Some(50), 6));
        assert_eq!(kept.lines().find(20).unwrap().unwrap().signature, [20; SIGNATURE_BYTES]);
    }

    #[test]
    fn a_torn_last_line_is_cut_and_a_damaged_one_is_an_error() {
        let (_directory, path) = kept_of(&[1, 2, 3]);
        let good = std::fs::read(&path).unwrap();
        for tail in [&good[..1], &good[..87], &[0; 88][..]] {
            std::fs::write(&path, [&good, tail].concat()).unwrap();
            let kept = Kept::open(&path).unwrap();
            assert_eq!(kept.last_size(), Some(3));
            assert_eq!(std::fs::read(&path).unwrap(), good);
        }
        let mut bad = good.clone();
        bad[88 + 20] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert!(Kept::open(&path).unwrap().first_from(2).is_err());
    }
}
