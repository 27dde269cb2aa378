//! The core is pure: its functions are functions of their arguments.

use crate::assert_none;
use crate::tree::{SourceFile, rust_files};
use crate::words::{code_lines, has_word};

/// Where the rules and the proofs are.
const CORE: [&str; 2] = ["crates/bulla-ledger", "crates/bulla-sealing"];

/// What brings in a clock, chance, an order that changes, or the world outside.
const IMPURE: [&str; 17] = [
    "HashMap",
    "HashSet",
    "Instant",
    "OsRng",
    "RandomState",
    "SystemTime",
    "async",
    "getrandom",
    "rand",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "thread_rng",
    "tokio",
];

/// `uuid`'s constructors that ask a clock or chance.
const UUID_FROM_NOWHERE: [&str; 3] = ["new_v4", "now_v6", "now_v7"];

#[test]
fn the_core_knows_no_clock_no_chance_no_disk_and_no_network() {
    let words = IMPURE.iter().chain(&UUID_FROM_NOWHERE);
    let mut violations = Vec::new();
    for file in rust_files().iter().filter(|file| CORE.contains(&file.package())) {
        for word in words.clone() {
            violations.extend(uses(file, word));
        }
    }
    assert_none(&violations, "let the caller pass it in as data");
}

/// The lines on which code outside tests has `word`.
fn uses(file: &SourceFile, word: &str) -> Vec<String> {
    let lines = code_lines(file.production());
    let lines = lines.filter(|(_, line)| has_word(line, word));
    lines.map(|(number, _)| format!("{}:{number}: {word}", file.path)).collect()
}
