//! The replies of an authority: one file for each checkpoint that was stamped, as the authority sent it.
//!
//! A file is written under another name, made durable and renamed, so a crash leaves it whole or absent. It stays as
//! long as the directory does: evidence is not tidied away.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use bulla_client::Timestamp;

/// The files of a directory, which is made with the first of them.
#[derive(Default)]
pub(super) struct Kept {
    directory: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Of the checkpoints that were stamped.
    sizes: BTreeSet<u64>,
    /// When the newest was, POSIX seconds.
    newest_time_s: u64,
}

impl Kept {
    /// The timestamps in a directory; none if there is no such directory.
    pub(super) fn open(directory: &Path) -> io::Result<Kept> {
        let kept = Kept { directory: directory.to_owned(), known: Mutex::default() };
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(kept),
            entries => entries?,
        };
        let mut sizes = BTreeSet::new();
        for entry in entries {
            sizes.extend(entry?.file_name().to_str().and_then(size_of));
        }
        let mut newest_time_s = 0;
        if let Some(newest) = sizes.last() {
            let reply = fs::read(kept.file(*newest))?;
            // One that was damaged is told when somebody asks for it. Here it is only as if it were very old.
            newest_time_s = Timestamp::parse(&reply).map_or(0, |timestamp| timestamp.time_s);
        }
        *kept.known() = Known { sizes, newest_time_s };
        Ok(kept)
    }

    /// Keeps the reply for the checkpoint of this size, durably.
    pub(super) fn keep(&self, size: u64, reply: &[u8], timestamp: &Timestamp) -> io::Result<()> {
        if self.known().sizes.is_empty() {
            fs::create_dir_all(&self.directory)?;
            let parent = self.directory.parent().expect("a directory in the data directory");
            File::open(parent)?.sync_all()?;
        }
        let path = self.file(size);
        let partial = path.with_extension("partial");
        let mut file = File::create(&partial)?;
        file.write_all(reply)?;
        file.sync_all()?;
        fs::rename(&partial, &path)?;
        File::open(&self.directory)?.sync_all()?;
        let mut known = self.known();
        known.sizes.insert(size);
        if known.sizes.last() == Some(&size) {
            known.newest_time_s = timestamp.time_s;
        }
        Ok(())
    }

    /// The reply for the checkpoint of this size.
    pub(super) fn read(&self, size: u64) -> io::Result<Option<Vec<u8>>> {
        let known = self.known().sizes.contains(&size);
        known.then(|| fs::read(self.file(size))).transpose()
    }

    /// The first size from `from` on.
    pub(super) fn first_from(&self, from: u64) -> Option<u64> {
        self.known().sizes.range(from..).next().copied()
    }

    /// The newest size, and when that was stamped, POSIX seconds.
    pub(super) fn newest(&self) -> Option<(u64, u64)> {
        let known = self.known();
        known.sizes.last().map(|size| (*size, known.newest_time_s))
    }

    fn file(&self, size: u64) -> PathBuf {
        self.directory.join(format!("{size}{EXTENSION}"))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no panic while the sizes are held")
    }
}

/// The size that a file is for, by its name. What is partial, or somebody else's, has none.
fn size_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    digits.parse().ok().filter(|size: &u64| size.to_string() == digits)
}

const EXTENSION: &str = ".tsr";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_are_whole_are_known_after_a_crash() {
        let data = tempfile::tempdir().unwrap();
        let directory = data.path().join("timestamps");
        assert_eq!(Kept::open(&directory).unwrap().newest(), None);
        assert!(!directory.exists(), "a server that asks nobody makes no directory");
        fs::create_dir(&directory).unwrap();
        for name in ["7.tsr", "12.tsr", "20.partial", "020.tsr", "+21.tsr", "22.tsr.old", "notes"] {
            fs::write(directory.join(name), name).unwrap();
        }
        let kept = Kept::open(&directory).unwrap();
        assert_eq!(kept.newest(), Some((12, 0)));
        assert_eq!([0, 7, 8, 13].map(|from| kept.first_from(from)), [Some(7), Some(7), Some(12), None]);
        assert_eq!(kept.read(7).unwrap().unwrap(), b"7.tsr");
        assert_eq!(kept.read(20).unwrap(), None);
    }
}
