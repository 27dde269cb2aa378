//! Routes that read: each file one subject.

pub(crate) mod assets;
pub(crate) mod blocks;
pub(crate) mod cluster;
pub(crate) mod incidents;
pub(crate) mod parties;
pub(crate) mod proofs;
pub(crate) mod records;
pub(crate) mod tiles;
pub(crate) mod timestamps;
