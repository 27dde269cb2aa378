//! The bit-flip sweep: what becomes of a data directory when one bit of one of its files is another.
//!
//! ```text
//!   a directory, made once ──▶ one bit flipped ──▶ opened, verified, read to the last row ──▶ verdict
//!                                     │                                                        │
//!                                     └── what that byte is for ──▶ the reason, if harmless ◀──┘
//! ```

mod directory;
mod flip;
mod redb_file;
mod sample;
mod tally;

pub use directory::{State, copy};
pub use flip::{Bench, Flip, Original, Outcome};
pub use redb_file::{Place, places};
pub use sample::{every_bit, sample};
pub use tally::{Tally, sweep};
