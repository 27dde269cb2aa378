//! Words that must not be written: other trades' jargon, and promises to do it later.

use crate::assert_none;
use crate::tree::{SourceFile, files, rust_files};

/// Whether `line` has `word` with neither a letter, a digit nor an underscore beside it.
pub fn has_word(line: &str, word: &str) -> bool {
    let beside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + word.len()..]);
        !beside(before.chars().next_back()) && !beside(after.chars().next())
    })
}

/// The lines of `text` that are not comments, with their numbers from 1.
pub fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().zip(1..).map(|(line, number)| (number, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// These name what is forbidden: this folder, and the glossary's line that says so.
const THIS: &str = "tests/tidy/";
const GLOSSARY_LINE: &str = "Never: token, wallet, mint, smart contract, tx.";

#[test]
fn nothing_is_left_to_do() {
    let words = ["TODO", "FIXME", "XXX", "HACK", "todo!", "unimplemented!", "dbg!"];
    let mut violations = Vec::new();
    for file in files() {
        for word in words {
            // The macros end in their `!`, so what follows them does not matter.
            violations.extend(places(&file, |line| has_word(line, word)));
        }
    }
    assert_none(&violations, "do it now, or write down in crates/decisions/ why not");
}

#[test]
fn the_glossary_forbids_words_of_other_trades() {
    let words = ["wallet", "wallets", "mint", "mints", "minted", "minting"];
    let phrases = ["smart contract", " tx "];
    let mut violations = Vec::new();
    for file in files().into_iter().filter(|file| file.path.starts_with("crates/")) {
        violations.extend(places(&file, |line| {
            let line = line.to_lowercase();
            words.iter().any(|word| has_word(&line, word)) || phrases.iter().any(|phrase| line.contains(phrase))
        }));
    }
    assert_none(&violations, "use the words of the glossary in crates/README.md");
}

#[test]
fn the_core_speaks_of_assets_and_never_of_tokens() {
    let core = ["crates/bulla-ledger", "crates/bulla-sealing"];
    let mut violations = Vec::new();
    for file in files().into_iter().filter(|file| core.contains(&file.package())) {
        violations.extend(places(&file, |line| {
            let line = line.to_lowercase();
            has_word(&line, "token") || has_word(&line, "tokens")
        }));
    }
    assert_none(&violations, "write asset, quantity or receipt, whichever is meant");
}

#[test]
fn no_test_waits_by_sleeping() {
    let mut violations = Vec::new();
    for file in rust_files().iter().filter(|file| !file.path.starts_with(THIS)) {
        let sleeps = file.tests().lines().any(|line| line.contains("thread::sleep"));
        violations.extend(sleeps.then(|| file.path.clone()));
    }
    assert_none(&violations, "wait for the event itself, with a limit");
}

/// Where `file` has a line that `is_wrong`.
fn places(file: &SourceFile, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    if file.path.starts_with(THIS) {
        return Vec::new();
    }
    let lines = file.text.lines().zip(1..);
    let lines = lines.filter(|(line, _)| !line.starts_with(GLOSSARY_LINE) && is_wrong(line));
    lines.map(|(line, number)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

#[test]
fn a_word_is_found_whole_and_not_inside_another() {
    assert!(has_word("let x = rand::random();", "rand"));
    assert!(has_word("TODO: more", "TODO"));
    assert!(has_word("dbg!(x)", "dbg!"));
    assert!(!has_word("operand and branded", "rand"));
    assert!(!has_word("peppermint, mint_green", "mint"));
    assert!(has_word("peppermint or mint", "mint"));
}
