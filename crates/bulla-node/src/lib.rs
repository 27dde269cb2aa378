//! A bulla node in your process: open, submit, read, prove, watch, shut down
#![doc = include_str!("../DESIGN.md")]

pub mod config;
