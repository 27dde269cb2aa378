//! Files with keys: never overwritten, private ones for their owner alone, durable when written.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::KeyFilesError;

/// Who may read a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Access {
    /// Its owner: 0600.
    Private,
    /// Everybody: 0644.
    Public,
}

/// Makes a directory for its owner alone, with those above it, unless it is there.
pub(super) fn make_directory(path: &Path) -> Result<(), KeyFilesError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("make directory", path))
}

/// Makes a file that is not there yet.
pub(super) fn write_new(path: &Path, bytes: &[u8], access: Access) -> Result<(), KeyFilesError> {
    let mode = match access {
        Access::Private => 0o600,
        Access::Public => 0o644,
    };
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyFilesError::Exists { path: path.to_owned() });
        }
        opened => opened.map_err(failed("make", path))?,
    };
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("write", path))
}

/// Makes the names of the files in a directory survive a power cut.
pub(super) fn sync_directory(path: &Path) -> Result<(), KeyFilesError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(failed("fsync", path))
}

/// Reads a file that should be there; `advice` says what to do when it is not.
pub(super) fn read(path: &Path, advice: &'static str) -> Result<Vec<u8>, KeyFilesError> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(KeyFilesError::Missing { path: path.to_owned(), advice })
        }
        read => read.map_err(failed("read", path)),
    }
}

/// As [`read`], for a file of text.
pub(super) fn read_text(path: &Path, advice: &'static str) -> Result<String, KeyFilesError> {
    String::from_utf8(read(path, advice)?).map_err(|_| KeyFilesError::Wrong {
        path: path.to_owned(),
        what: "is not text".to_owned(),
        advice,
    })
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyFilesError {
    move |source| KeyFilesError::Io { action, path: path.to_owned(), source }
}
