//! The promise: the specification alone is enough to write a verifier, and what it says is so.
//!
//! `crates/bulla-sealing/SPEC.md` is read as text and held against the code; the vectors in
//! `tests/golden/vectors` are judged by this project's verifier and by `verifier.py`, which was written from that page.

mod changed;
mod errors;
mod forgery;
mod judge;
mod judge_states;
mod layouts;
mod limits;
mod make;
mod page;
mod python;
mod state_errors;
mod story;
mod vectors;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").join(name)
}
