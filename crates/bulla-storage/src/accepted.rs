//! What the decoders of this crate accept, written again: a door for tests that feed them anything.
//!
//! Each function gives `None` for bytes that are refused, and else the bytes that the encoder makes of what was read.

use std::fs;
use std::path::Path;

use crate::block_file::{BlockFile, BlockParts};
use crate::guard::Guard;
use crate::refused::Refused;
use crate::side_data::SideData;

/// What belongs to a block and is not in its file.
pub fn side_data(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(SideData::decode(bytes)?.encode())
}

/// A refused request.
pub fn refused(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Refused::decode(bytes)?.encode().to_vec())
}

/// A block file, which is left where it is; it is written again at `again`.
///
/// # Panics
/// When that file cannot be written.
pub fn block_file(path: &Path, again: &Path) -> Option<Vec<u8>> {
    let (block, _) = BlockFile::open(path).and_then(|file| file.read_all()).ok()?;
    let parts = BlockParts {
        ledger_id: block.ledger_id,
        height: block.height,
        first_leaf: block.first_leaf,
        leaves: &block.leaves,
        refused: &block.refused,
    };
    parts.write(again).expect("it can be written");
    Some(fs::read(again).expect("it was just written"))
}

/// A guard file, which loses what a power cut could have torn at its end.
///
/// # Panics
/// When the file cannot be read.
pub fn guard_file(path: &Path) -> Option<Vec<u8>> {
    Guard::open(path).and_then(|guard| guard.verify()).ok()?;
    Some(fs::read(path).expect("it was just verified"))
}
