//! Fuzzing of every decoder: what each must hold to, seeds for it, and a loop that is the same every time.
//!
//! A target takes any bytes. It must return, soon and without a panic; what it accepts must be written again as the same
//! bytes, so that nothing has two forms. `tests/fuzz` runs them all.

mod corpus;
mod mutate;
mod targets;

pub use corpus::{directory, inputs, keep, seeds};
pub use mutate::Mutator;
pub use targets::{TARGETS, Target};
