//! The promise: witnesses cosign what only grows, and a verifier can ask for them.

mod cluster;
mod http;
mod log;
mod process;
mod spec;
