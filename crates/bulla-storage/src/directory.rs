//! The layout of a data directory, its lock, and the file operations that survive a power cut.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::StorageError;

/// The one format version that this release reads and writes.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// What the name of a file that is not complete ends with.
pub(crate) const PARTIAL: &str = "partial";

const LOCK: &str = "lock";

/// Names of the things in a data directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn identity(&self) -> PathBuf {
        self.root.join("identity")
    }

    pub(crate) fn raft_log(&self) -> PathBuf {
        self.root.join("raft.redb")
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.root.join("ledger.redb")
    }

    pub(crate) fn guard(&self) -> PathBuf {
        self.root.join("guard.log")
    }

    /// The mark of a directory whose ledger is not to be believed.
    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// The databases of ledgers that were not to be believed.
    pub(crate) fn databases_set_aside(&self) -> Result<Vec<PathBuf>, StorageError> {
        let aside = self.set_aside();
        if !aside.exists() {
            return Ok(Vec::new());
        }
        let inside = list(&aside)?.into_iter().filter(|path| path.is_dir()).map(|path| list(&path));
        let paths = inside.collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
        Ok(paths.filter(|path| path.extension().is_some_and(|extension| extension == "redb")).collect())
    }

    /// Where what was damaged is kept, a directory for each quarantine.
    pub(crate) fn set_aside(&self) -> PathBuf {
        self.root.join("set-aside")
    }

    pub(crate) fn blocks(&self) -> PathBuf {
        self.root.join("blocks")
    }

    pub(crate) fn block(&self, height: u64) -> PathBuf {
        self.blocks().join(format!("{height:010}.block"))
    }

    /// Where damaged block files are kept after they were replaced.
    pub(crate) fn damaged(&self) -> PathBuf {
        self.root.join("damaged")
    }

    /// Where blocks of peers arrive.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    pub(crate) fn incoming_block(&self, height: u64) -> PathBuf {
        self.incoming().join(format!("{height:010}.block"))
    }

    pub(crate) fn incoming_side(&self, height: u64) -> PathBuf {
        self.incoming().join(format!("{height:010}.side"))
    }

    /// Takes the directory for this process. The lock goes when the file is dropped, or the process dies.
    pub(crate) fn lock(&self) -> Result<File, StorageError> {
        let path = self.root.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StorageError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse { path: self.root.clone() }),
            Err(TryLockError::Error(error)) => Err(StorageError::io("lock", &path)(error)),
        }
    }
}

impl Directory {
    /// Makes sure that no other process changes the directory, without changing it: what nobody uses need not have a
    /// lock file. Others may look at it meanwhile; no node can take it until the file is dropped.
    pub(crate) fn share(&self) -> Result<Option<File>, StorageError> {
        let path = self.root.join(LOCK);
        if !path.exists() {
            return Ok(None);
        }
        let file = File::open(&path).map_err(StorageError::io("open", &path))?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse { path: self.root.clone() }),
            Err(TryLockError::Error(error)) => Err(StorageError::io("lock", &path)(error)),
        }
    }
}

/// The path of the incomplete form of `path`.
pub(crate) fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(PARTIAL);
    PathBuf::from(name)
}

/// Makes a directory and its name durable; fine when it exists.
pub(crate) fn make_dir(path: &Path) -> Result<(), StorageError> {
    fs::create_dir_all(path).map_err(StorageError::io("create", path))?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), StorageError> {
    let dir = File::open(path).map_err(StorageError::io("open", path))?;
    dir.sync_all().map_err(StorageError::io("fsync", path))
}

/// Gives a file its final name, durably.
pub(crate) fn publish(partial: &Path, path: &Path) -> Result<(), StorageError> {
    fs::rename(partial, path).map_err(StorageError::io("rename", partial))?;
    sync_dir(path.parent().expect("a file of the data directory has a parent"))
}

/// Writes a new file that only its owner may read, durably except for its name.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(StorageError::io("create", path))?;
    file.write_all(bytes).map_err(StorageError::io("write", path))?;
    file.sync_all().map_err(StorageError::io("fsync", path))
}

/// The height of the block that a file in `blocks` or `incoming` is named for.
pub(crate) fn height_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".block")?.parse().ok()
}

/// Moves a file into another directory of this data directory, under the name it has, durably; fine when there is none.
pub(crate) fn move_into(path: &Path, directory: &Path) -> Result<(), StorageError> {
    let name = path.file_name().expect("a file has a name");
    match fs::rename(path, directory.join(name)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StorageError::io("rename", path)(error)),
        Ok(()) => {
            sync_dir(directory)?;
            sync_dir(path.parent().expect("a file of the data directory has a parent"))
        }
    }
}

/// Removes a file; fine when there is none.
pub(crate) fn remove_file(path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StorageError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// The names in a directory, sorted.
pub(crate) fn list(path: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let entries = fs::read_dir(path).map_err(StorageError::io("list", path))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(StorageError::io("list", path))?;
    paths.sort();
    Ok(paths)
}
