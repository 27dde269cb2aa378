//! The guard file: every tree that this node ever signed, so that it never signs another one in its place.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Mutex;

use bulla_sealing::Hash;

use crate::agreed::{AgreedTree, TooFew};
use crate::directory::sync_dir;
use crate::error::StorageError;
use crate::guard_corrections::{Correction, Corrections};

/// Why a tree must not be signed, or could not be written down.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Another root was signed at this height or size.
    #[error(
        "this node signed root {signed} of size {signed_size} at height {height} and must not sign root {asked} of size {asked_size} there; this directory or its peers were rolled back"
    )]
    OtherRoot {
        /// The height.
        height: u64,
        /// The size signed then.
        signed_size: u64,
        /// The root signed then.
        signed: Hash,
        /// The size asked for now.
        asked_size: u64,
        /// The root asked for now.
        asked: Hash,
    },
    /// A higher block was signed, and this one was not; or the tree did not grow.
    #[error(
        "this node signed height {signed_height} of size {signed_size} and must not sign height {height} of size {size} after it; attest in order of height"
    )]
    Shrinks {
        /// The highest height signed.
        signed_height: u64,
        /// Its tree size.
        signed_size: u64,
        /// The height asked for now.
        height: u64,
        /// The tree size asked for now.
        size: u64,
    },
    /// Something was signed above all that the peers have.
    #[error(
        "this node signed height {height}, and its peers have no such block; they were rolled back, or this directory is not of their ledger"
    )]
    Ahead {
        /// The height.
        height: u64,
    },
    /// Too few have signed the tree that is to be signed in the place of another.
    #[error("what this node signed at height {height} is not corrected yet")]
    TooFew {
        /// The height.
        height: u64,
        /// How many are needed.
        #[source]
        source: TooFew,
    },
    /// A correction was asked for where none is due.
    #[error("what this node signed at height {height} is not corrected: {why}")]
    NoCorrection {
        /// The height.
        height: u64,
        /// What forbids it.
        why: &'static str,
    },
    /// The guard file failed. Nothing may be signed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The guard file.
///
/// ```text
/// |<-  20 ->| |<- 20 ->| |<-   64   ->| |<-    8    ->|
///  height      size       root, hex      crc32c, hex    spaces, newline: 128 bytes a line
/// ```
/// 128 divides the size of a sector, so a power cut leaves the last line whole, absent, cut short or zero, never
/// changed: a line of full length that does not check was changed by something else.
/// Heights and sizes grow from line to line, so a height is found by halving; nothing is kept in memory.
///
/// A line is never changed. Where this node was outvoted, a second file says which tree it signs in the place of the one
/// it signed: see [`Guard::correct`].
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    file: Mutex<Lines>,
}

#[derive(Debug)]
struct Lines {
    file: File,
    count: u64,
    last: Option<Line>,
    corrections: Corrections,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    height: u64,
    size: u64,
    root: Hash,
}

/// What this node signed at a height, as it stands after corrections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignedTree {
    pub(crate) height: u64,
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Guard {
    pub(crate) fn open(path: &Path) -> Result<Self, StorageError> {
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(StorageError::io("open", path))?;
        if is_new {
            sync_dir(path.parent().expect("a file of the data directory has a parent"))?;
        }
        let bytes = file.metadata().map_err(StorageError::io("read", path))?.len();
        let corrections = Corrections::open(path)?;
        let mut lines = Lines { file, count: bytes / LINE_LEN, last: None, corrections };
        lines.cut_torn_tail(path, bytes)?;
        lines.last = match lines.count {
            0 => None,
            count => Some(lines.read(path, count - 1)?),
        };
        Ok(Self { path: path.to_owned(), file: Mutex::new(lines) })
    }

    /// Writes down, durably, that this node is about to sign the tree of `size` and `root` as the end of block `height`.
    /// A tree that was written down before is fine. Call it in order of height.
    ///
    /// # Errors
    /// [`GuardError`]: then the tree must not be signed.
    pub fn record(&self, height: u64, size: u64, root: Hash) -> Result<(), GuardError> {
        let asked = Line { height, size, root };
        let mut lines = self.file.lock().expect("no panic while the guard is held");
        match lines.last.map(|last| lines.as_corrected(last)) {
            Some(last) if height <= last.height => lines.allow_again(&self.path, asked, last),
            Some(last) if size <= last.size => Err(shrinks(asked, last)),
            _ => Ok(lines.append(&self.path, asked)?),
        }
    }

    /// Writes down, durably, that this node signs `agreed` in the place of what it signed at that height: it was outvoted,
    /// and has been rebuilt. Both trees stay on record. The same correction again is fine.
    ///
    /// `sealed` is how far this node ever knew the ledger to be sealed: up to there nothing is signed anew, whoever else
    /// has. A height is corrected once.
    ///
    /// # Errors
    /// [`GuardError`]: then the tree must not be signed.
    pub fn correct(&self, agreed: &AgreedTree, sealed: Option<u64>) -> Result<(), GuardError> {
        let (height, size, root) = (agreed.height(), agreed.size(), agreed.root());
        let refused = |why| Err(GuardError::NoCorrection { height, why });
        let mut lines = self.file.lock().expect("no panic while the guard is held");
        let Some(signed) = lines.find(&self.path, height)? else {
            return refused("nothing was signed there");
        };
        if lines.as_corrected(signed) == (Line { height, size, root }) {
            return Ok(());
        }
        if sealed.is_some_and(|sealed| height <= sealed) {
            return refused("the block is sealed");
        }
        if lines.corrections.get(height).is_some() {
            return refused("it was corrected before");
        }
        let (signed_size, signed) = (signed.size, signed.root);
        tracing::warn!(height, %signed, agreed = %root, "signs another root than before: most servers did");
        Ok(lines.corrections.append(Correction { height, signed_size, signed, size, root })?)
    }

    /// What was signed, highest first, as it stands after corrections, until `stop` says so.
    pub(crate) fn newest_until(
        &self,
        mut stop: impl FnMut(SignedTree) -> Result<bool, GuardError>,
    ) -> Result<(), GuardError> {
        let lines = self.file.lock().expect("no panic while the guard is held");
        for number in (0..lines.count).rev() {
            let Line { height, size, root } = lines.as_corrected(lines.read(&self.path, number)?);
            if stop(SignedTree { height, size, root })? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads every line.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when one does not check, they are out of order, or a correction is of something else.
    pub fn verify(&self) -> Result<u64, StorageError> {
        let lines = self.file.lock().expect("no panic while the guard is held");
        let mut before: Option<Line> = None;
        for number in 0..lines.count {
            let line = lines.read(&self.path, number)?;
            if before.is_some_and(|before| line.height <= before.height || line.size <= before.size) {
                return Err(corrupt(&self.path, number, "it is not above the line before it"));
            }
            before = Some(line);
        }
        for correction in lines.corrections.iter() {
            let signed = lines.find(&self.path, correction.height)?;
            if signed.map(|line| (line.size, line.root)) != Some((correction.signed_size, correction.signed)) {
                let what = format!("the correction of height {}", correction.height);
                return Err(StorageError::corrupt(what, "it is not of what was signed there"));
            }
        }
        Ok(lines.count)
    }
}

impl Lines {
    fn cut_torn_tail(&mut self, path: &Path, bytes: u64) -> Result<(), StorageError> {
        while self.count > 0 && self.bytes(path, self.count - 1)? == [0; LINE_LEN as usize] {
            self.count -= 1;
        }
        if self.count * LINE_LEN != bytes {
            tracing::info!(path = %path.display(), "cut the torn last line of the guard file");
            self.file.set_len(self.count * LINE_LEN).map_err(StorageError::io("truncate", path))?;
            self.file.sync_all().map_err(StorageError::io("fsync", path))?;
        }
        Ok(())
    }

    fn allow_again(&self, path: &Path, asked: Line, last: Line) -> Result<(), GuardError> {
        match self.find(path, asked.height)?.map(|signed| self.as_corrected(signed)) {
            Some(signed) if signed == asked => Ok(()),
            Some(signed) => Err(GuardError::OtherRoot {
                height: asked.height,
                signed_size: signed.size,
                signed: signed.root,
                asked_size: asked.size,
                asked: asked.root,
            }),
            None => Err(shrinks(asked, last)),
        }
    }

    fn as_corrected(&self, signed: Line) -> Line {
        match self.corrections.get(signed.height) {
            Some(Correction { height, size, root, .. }) => Line { height: *height, size: *size, root: *root },
            None => signed,
        }
    }

    /// What was signed at a height first, whatever was corrected since.
    fn find(&self, path: &Path, height: u64) -> Result<Option<Line>, StorageError> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let line = self.read(path, middle)?;
            match line.height.cmp(&height) {
                std::cmp::Ordering::Equal => return Ok(Some(line)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    fn append(&mut self, path: &Path, line: Line) -> Result<(), StorageError> {
        let at = self.count * LINE_LEN;
        self.file.write_all_at(&line.encode(), at).map_err(StorageError::io("write", path))?;
        self.file.sync_data().map_err(StorageError::io("fsync", path))?;
        self.count += 1;
        self.last = Some(line);
        Ok(())
    }

    fn read(&self, path: &Path, number: u64) -> Result<Line, StorageError> {
        Line::decode(&self.bytes(path, number)?).ok_or_else(|| corrupt(path, number, "it does not match its checksum"))
    }

    fn bytes(&self, path: &Path, number: u64) -> Result<[u8; LINE_LEN as usize], StorageError> {
        let mut bytes = [0; LINE_LEN as usize];
        self.file.read_exact_at(&mut bytes, number * LINE_LEN).map_err(StorageError::io("read", path))?;
        Ok(bytes)
    }
}

impl Line {
    fn encode(&self) -> [u8; LINE_LEN as usize] {
        let body = format!("{:020} {:020} {}", self.height, self.size, self.root);
        let line = format!("{body} {:08x}", crc32c::crc32c(body.as_bytes()));
        let line = format!("{line:<127}\n");
        line.into_bytes().try_into().expect("a guard line has one length")
    }

    /// `None` unless these are exactly the bytes that `encode` makes.
    fn decode(bytes: &[u8; LINE_LEN as usize]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut fields = text.split_ascii_whitespace();
        let height = fields.next()?.parse().ok()?;
        let size = fields.next()?.parse().ok()?;
        let root = Hash::from_str(fields.next()?).ok()?;
        let line = Self { height, size, root };
        (line.encode() == *bytes).then_some(line)
    }
}

fn shrinks(asked: Line, last: Line) -> GuardError {
    GuardError::Shrinks { signed_height: last.height, signed_size: last.size, height: asked.height, size: asked.size }
}

fn corrupt(path: &Path, number: u64, detail: &str) -> StorageError {
    StorageError::corrupt(format!("line {} of {}", number + 1, path.display()), detail)
}

pub(crate) const LINE_LEN: u64 = 128;
const _: () = assert!(512 % LINE_LEN == 0 && LINE_LEN > 20 + 1 + 20 + 1 + 64 + 1 + 8);

#[cfg(test)]
mod tests {
    use super::*;

    fn root(byte: u8) -> Hash {
        Hash([byte; 32])
    }

    fn guard_of(heights: &[u64]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("guard.log");
        let guard = Guard::open(&path).unwrap();
        for &height in heights {
            guard.record(height, height * 10 + 10, root(height as u8)).unwrap();
        }
        (dir, path)
    }

    #[test]
    fn the_same_tree_may_be_signed_again_after_reopening() {
        let (_dir, path) = guard_of(&[0, 1, 2, 3, 7]);
        let guard = Guard::open(&path).unwrap();
        for height in [0, 1, 2, 3, 7] {
            guard.record(height, height * 10 + 10, root(height as u8)).unwrap();
        }
        assert_eq!(guard.verify().unwrap(), 5);
    }

    #[test]
    fn a_second_root_or_size_is_refused_at_every_height() {
        let (_dir, path) = guard_of(&[0, 1, 2, 3]);
        let guard = Guard::open(&path).unwrap();
        for height in 0..4 {
            let size = height * 10 + 10;
            assert!(matches!(guard.record(height, size, root(99)), Err(GuardError::OtherRoot { .. })));
            assert!(matches!(guard.record(height, size + 1, root(height as u8)), Err(GuardError::OtherRoot { .. })));
        }
    }

    #[test]
    fn a_tree_that_does_not_grow_is_refused() {
        let (_dir, path) = guard_of(&[0, 5]);
        let guard = Guard::open(&path).unwrap();
        assert!(matches!(guard.record(6, 60, root(6)), Err(GuardError::Shrinks { .. })));
        assert!(matches!(guard.record(3, 40, root(3)), Err(GuardError::Shrinks { .. })));
    }

    /// The tree of `byte` at `height`, signed by two of three voters.
    fn agreed(height: u64, size: u64, byte: u8) -> AgreedTree {
        use bulla_sealing::{Checkpoint, ConfigLeaf, ConfigNode, SigningKey, cosign};
        let key = |seed: u8| SigningKey::from_bytes(&[seed; 32]);
        let name = |seed: u8| format!("node-{seed}");
        let node = |seed| ConfigNode { name: name(seed), public_key: key(seed).verifying_key().to_bytes() };
        let nodes = (1..=3).map(node).collect();
        let config = ConfigLeaf::genesis("ledger.example", key(200).verifying_key().to_bytes(), nodes).unwrap();
        let checkpoint = Checkpoint { origin: "ledger.example".into(), size, root: root(byte) };
        let signed = [1, 2].map(|seed| cosign(&key(seed), &name(seed), &checkpoint, 1_000));
        AgreedTree::new(&config, height, &checkpoint, &signed).unwrap()
    }

    #[test]
    fn what_was_signed_is_corrected_once_and_stays_so_after_reopening() {
        let (_dir, path) = guard_of(&[0, 1, 2, 3]);
        let guard = Guard::open(&path).unwrap();
        guard.correct(&agreed(2, 29, 77), Some(1)).unwrap();
        guard.correct(&agreed(2, 29, 77), Some(1)).unwrap();
        guard.correct(&agreed(3, 39, 78), Some(1)).unwrap();
        for guard in [guard, Guard::open(&path).unwrap()] {
            guard.record(2, 29, root(77)).unwrap();
            guard.record(3, 39, root(78)).unwrap();
            assert!(matches!(guard.record(2, 30, root(2)), Err(GuardError::OtherRoot { .. })));
            assert!(matches!(guard.correct(&agreed(2, 30, 79), Some(1)), Err(GuardError::NoCorrection { .. })));
            assert_eq!(guard.verify().unwrap(), 4);
        }
        Guard::open(&path).unwrap().record(4, 40, root(4)).unwrap();
    }

    #[test]
    fn what_is_sealed_or_was_never_signed_is_not_corrected() {
        let (_dir, path) = guard_of(&[0, 1, 2]);
        let guard = Guard::open(&path).unwrap();
        assert!(matches!(guard.correct(&agreed(2, 30, 77), Some(2)), Err(GuardError::NoCorrection { .. })));
        assert!(matches!(guard.correct(&agreed(5, 60, 77), Some(1)), Err(GuardError::NoCorrection { .. })));
        assert!(matches!(guard.record(2, 30, root(77)), Err(GuardError::OtherRoot { .. })));
    }

    #[test]
    fn every_flipped_bit_of_a_correction_is_noticed_and_a_torn_one_never_happened() {
        let (_dir, path) = guard_of(&[0, 1, 2]);
        Guard::open(&path).unwrap().correct(&agreed(2, 30, 77), None).unwrap();
        let corrections = path.with_file_name("guard.corrections");
        let good = std::fs::read(&corrections).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&corrections, &bad).unwrap();
            let noticed = Guard::open(&path).and_then(|guard| guard.verify());
            assert!(matches!(noticed, Err(StorageError::Corrupt { .. })), "byte {at}");
        }
        for torn in [&good[..1], &good[..255], &[0; 256][..]] {
            std::fs::write(&corrections, torn).unwrap();
            let guard = Guard::open(&path).unwrap();
            guard.record(2, 30, root(2)).unwrap();
            guard.verify().unwrap();
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (_dir, path) = guard_of(&[0, 1, 2]);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let noticed = Guard::open(&path).and_then(|guard| guard.verify());
            assert!(matches!(noticed, Err(StorageError::Corrupt { .. })), "byte {at}");
        }
    }

    #[test]
    fn a_torn_last_line_was_never_signed_and_is_cut() {
        let (_dir, path) = guard_of(&[0, 1]);
        let good = std::fs::read(&path).unwrap();
        for tail in [&good[..1], &good[..127], &[0; 128][..]] {
            std::fs::write(&path, [&good, tail].concat()).unwrap();
            let guard = Guard::open(&path).unwrap();
            guard.record(2, 30, root(2)).unwrap();
            assert_eq!(guard.verify().unwrap(), 3);
        }
    }
}
