//! The promise: what was written once is read for ever.

mod acts;
mod bytes;
mod data_directory;
mod hex_text;
mod index;

use std::path::{Path, PathBuf};

/// The files of this folder.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}
