//! A bulla node on HTTP, the peer transport over TLS, and the program bulla.
#![doc = include_str!("../DESIGN.md")]

pub mod http;
pub mod keygen;
pub mod peer;

mod cli;
mod demo;
mod drill;
mod import;
mod sample;
mod scratch;
mod timestamped;
mod witness;
mod witnessed;

pub use cli::main;
