//! The promise: a file is imported once, however often and however rudely it is imported.

mod books;
mod importer;
mod interrupted;
mod moves;
mod sample;
mod snipe_it;
mod token_transfers;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");
