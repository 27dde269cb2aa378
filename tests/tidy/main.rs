//! The promise that the source tree is what its documents say it is.
//!
//! Nothing here runs bulla. Each test reads the tree as text and names every place that breaks its
//! claim, with what to do about it.

mod ci;
mod decisions;
mod layout;
mod manifests;
mod map;
mod pure;
mod settings;
mod sources;
mod tree;
mod words;

/// Fails and lists `violations`, unless there are none.
#[track_caller]
fn assert_none(violations: &[String], remedy: &str) {
    assert!(violations.is_empty(), "{} in the tree; {remedy}:\n  {}\n", violations.len(), violations.join("\n  "));
}
