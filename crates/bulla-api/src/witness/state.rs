//! What a witness remembers: of each log the last checkpoint that it cosigned, under its own signature.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bulla_sealing::{Checkpoint, SignedNote, VerifierKey};
use sha2::{Digest, Sha256};

/// Why a witness cannot do its work. It then cosigns nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WitnessError {
    #[error("the state directory {} is in use by another process; stop that one first", path.display())]
    InUse { path: PathBuf },
    #[error(
        "{} is not what this witness wrote with this key; put back the right file or the right --key: without it, \
         the witness could cosign two different logs",
        path.display()
    )]
    NotOurs { path: PathBuf },
    #[error("two policies are for {origin:?}; give one for each log")]
    SameLog { origin: String },
    #[error("cannot {action} {}; check the disk and the permissions", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The directory, taken for this process.
///
/// ```text
/// <state>/lock
/// <state>/<SHA-256 of the origin>.checkpoint     a signed note: the checkpoint, with the witness's one line
/// ```
pub(super) struct StateDirectory {
    path: PathBuf,
    key: VerifierKey,
    /// The lock goes when the file is dropped, or the process dies.
    _lock: File,
}

impl StateDirectory {
    /// Takes the directory, which is made if it is not there.
    pub(super) fn open(path: &Path, key: VerifierKey) -> Result<StateDirectory, WitnessError> {
        fs::create_dir_all(path).map_err(failed("make", path))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(failed("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(StateDirectory { path: path.to_owned(), key, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(WitnessError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(failed("lock", &lock_path)(error)),
        }
    }

    /// The checkpoint of a log that was cosigned last, if the file is as this key signed it.
    pub(super) fn load(&self, origin: &str) -> Result<Option<Checkpoint>, WitnessError> {
        let path = self.file(origin);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(failed("read", &path))?,
        };
        let ours = SignedNote::parse(&bytes).ok().filter(|note| matches!(self.key.cosigned(note), Ok(Some(_))));
        let checkpoint: Option<Checkpoint> = ours.and_then(|note| note.text.parse().ok());
        match checkpoint.filter(|checkpoint| checkpoint.origin == origin) {
            Some(checkpoint) => Ok(Some(checkpoint)),
            None => Err(WitnessError::NotOurs { path }),
        }
    }

    /// Makes a cosigned checkpoint the last one of its log; once this returns, a power cut changes nothing about that.
    pub(super) fn store(&self, origin: &str, cosigned: &SignedNote) -> Result<(), WitnessError> {
        let path = self.file(origin);
        let partial = path.with_extension("partial");
        let mut file = File::create(&partial).map_err(failed("make", &partial))?;
        let written = file.write_all(cosigned.to_string().as_bytes()).and_then(|()| file.sync_all());
        written.map_err(failed("write", &partial))?;
        fs::rename(&partial, &path).map_err(failed("rename", &partial))?;
        let synced = File::open(&self.path).and_then(|directory| directory.sync_all());
        synced.map_err(failed("fsync", &self.path))
    }

    fn file(&self, origin: &str) -> PathBuf {
        let name: String = Sha256::digest(origin).iter().map(|byte| format!("{byte:02x}")).collect();
        self.path.join(format!("{name}.checkpoint"))
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WitnessError {
    move |source| WitnessError::Io { action, path: path.to_owned(), source }
}
