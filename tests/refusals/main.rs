//! The promise: what cannot go well is refused at the start, says what to do, and changes nothing.

mod configuration;
mod disk;
mod identity;
mod keys;
mod peers;
mod refused;
mod tls;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");
