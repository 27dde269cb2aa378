//! The shape of every source file: what it opens with, how long it is, what it is called.

use crate::assert_none;
use crate::tree::{SourceFile, crates, read, rust_files};

/// Most files stay under this many lines ...
const LINES_USUAL: usize = 300;
/// ... all of them under this many ...
const LINES_MAX: usize = 600;
/// ... and at most one in so many is longer than usual.
const ONE_IN: usize = 10;

#[test]
fn every_file_opens_with_one_sentence_of_what_it_is() {
    let files = rust_files();
    let wrong = files.iter().filter(|file| sentence(file).is_none());
    let violations: Vec<String> = wrong.map(first_line).collect();
    assert_none(&violations, "begin the file with `//! ` and a sentence that ends in a full stop");
}

#[test]
fn no_file_is_too_long_to_read() {
    let files = rust_files();
    let length = |file: &SourceFile| file.text.lines().count();
    let name = |file: &&SourceFile| format!("{}: {} lines", file.path, length(file));

    let far_too_long = files.iter().filter(|file| length(file) > LINES_MAX);
    assert_none(&far_too_long.map(|file| name(&file)).collect::<Vec<_>>(), "split the file");

    let longer: Vec<&SourceFile> = files.iter().filter(|file| length(file) > LINES_USUAL).collect();
    let violations: Vec<String> = longer.iter().map(name).collect();
    if longer.len() * ONE_IN > files.len() {
        assert_none(&violations, "most files hold one idea in 300 lines: split some of these");
    }
}

#[test]
fn no_file_is_a_drawer_for_odds_and_ends() {
    let drawers = ["common", "helper", "helpers", "misc", "stuff", "util", "utils"];
    let is_drawer = |path: &str| {
        let mut parts = path.trim_end_matches(".rs").split('/');
        parts.any(|part| drawers.contains(&part))
    };
    let files = rust_files().into_iter().map(|file| file.path);
    let violations: Vec<String> = files.filter(|path| is_drawer(path)).collect();
    assert_none(&violations, "name the file for the one idea in it");
}

#[test]
fn every_crate_shows_its_design_to_a_stranger() {
    let mut violations = Vec::new();
    for package in crates() {
        let lib = read(&format!("{package}/src/lib.rs"));
        let design = read(&format!("{package}/DESIGN.md"));
        let lower = design.to_lowercase();
        for (there, what) in [
            (lib.contains("#![doc = include_str!(\"../DESIGN.md\")]"), "is not shown by lib.rs"),
            (lower.contains("**invariant"), "does not name its **invariant**"),
            (lower.contains("refuses to know"), "does not say what the crate refuses to know"),
            (design.contains("```text"), "has no picture in ```text"),
        ] {
            if !there {
                violations.push(format!("{package}/DESIGN.md {what}"));
            }
        }
    }
    assert_none(&violations, "a crate opens with a picture, its invariant, what it leaves alone");
}

/// The sentence that a file opens with: the first of its first paragraph, on one line.
pub fn sentence(file: &SourceFile) -> Option<String> {
    let lines = file.text.lines().map_while(|line| line.strip_prefix("//! "));
    let paragraph = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    let first = match paragraph.find(". ") {
        Some(end) => &paragraph[..=end],
        None => paragraph.as_str(),
    };
    let begins = first.starts_with(|c: char| c.is_alphanumeric() || "`[*".contains(c));
    (begins && first.ends_with(['.', '?', '!', ':'])).then(|| first.to_owned())
}

fn first_line(file: &SourceFile) -> String {
    format!("{}: {}", file.path, file.text.lines().next().unwrap_or("(empty)"))
}

#[test]
fn a_sentence_may_run_over_lines_and_ends_at_its_full_stop() {
    let check = |text: &str| sentence(&SourceFile { path: "a.rs".into(), text: text.into(), test: false });
    assert_eq!(check("//! One. Two.\n").as_deref(), Some("One."));
    assert_eq!(check("//! One\n//! two.\n//!\n//! Three.\n").as_deref(), Some("One two."));
    assert_eq!(check("//! No end\n"), None);
    assert_eq!(check("use a;\n//! Late.\n"), None);
    assert_eq!(check(""), None);
}
