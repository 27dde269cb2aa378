//! Containment of redb's reads: some damaged pages make it panic, and that is damage, not a bug of ours.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::error::StorageError;

/// Runs a read of the database at `path`; a panic in it becomes [`StorageError::Corrupt`].
///
/// `read` must call nothing but redb and checks of what it returned, so that no bug of ours is taken for damage.
pub(crate) fn contain<T>(path: &Path, read: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read,
        Err(_) => Err(StorageError::corrupt(path.display().to_string(), "its pages cannot be read")),
    }
}
