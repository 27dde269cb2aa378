//! A temporary directory that goes with the cluster in it, unless somebody may want to look into it.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Removed when dropped.
pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// A new one, for this user alone: it will hold keys.
    pub(super) fn new(purpose: &str) -> io::Result<Directory> {
        let name = format!("bulla-{}-{}", purpose.replace(' ', "-"), uuid::Uuid::new_v4().simple());
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Directory { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it where it is.
    pub(super) fn keep(self) -> PathBuf {
        let path = self.path.clone();
        std::mem::forget(self);
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is in the place for things that are removed sooner or later.
        let _ = fs::remove_dir_all(&self.path);
    }
}
