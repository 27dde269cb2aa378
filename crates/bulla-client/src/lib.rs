//! The HTTP API as a caller sees it: wire types and an async client that verifies what it is told
#![doc = include_str!("../DESIGN.md")]
