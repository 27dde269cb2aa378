//! The proofs: Merkle log, headers, checkpoints, cosignatures, receipts and their verification
#![doc = include_str!("../DESIGN.md")]
