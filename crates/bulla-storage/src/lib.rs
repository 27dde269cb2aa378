//! The data directory: Raft log, record tables, blocks, indexes and guard file, on redb and block files
#![doc = include_str!("../DESIGN.md")]
