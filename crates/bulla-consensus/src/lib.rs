//! Agreement: openraft adapters, group commit, and the sealing of tables by every voter
#![doc = include_str!("../DESIGN.md")]
