//! The promise: whoever changes, hides or takes back anything that was sealed is found by `bulla verify`, and named.

mod files;
#[path = "../mirror/http.rs"]
mod http;
mod ledger;
mod liar;
mod servers;
mod single;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");
