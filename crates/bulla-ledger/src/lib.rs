//! The rules of the ledger: what a transfer is, whether it may happen, the frozen bytes of a record
#![doc = include_str!("../DESIGN.md")]
