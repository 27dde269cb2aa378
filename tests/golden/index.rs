//! The README's table: every kind of leaf has its bytes in a file, and every file is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bulla_ledger::{Act, leaf_kind};
use bulla_sealing::{KIND_CONFIG, KIND_HEADER};

use crate::golden;
use crate::hex_text::parse;

/// One line of the table.
struct Row {
    what: String,
    kind: String,
    files: Vec<PathBuf>,
}

fn table() -> Vec<Row> {
    let readme = fs::read_to_string(golden("README.md")).unwrap();
    let lines = readme.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [what, kind, files] = cells[..] else { panic!("three cells: {line}") };
        let links = files.split("](").skip(1).map(|link| link.split_once(')').expect("a link").0);
        Row { what: what.to_owned(), kind: kind.to_owned(), files: links.map(golden).collect() }
    };
    lines.skip(1).map(row).collect()
}

#[test]
fn every_kind_of_leaf_has_its_bytes_in_the_file_that_the_readme_names() {
    let acts = Act::ALL.map(|act| (act.name(), act.code()));
    let table = table();
    for (name, kind) in acts.into_iter().chain([("header", KIND_HEADER), ("config", KIND_CONFIG)]) {
        let row = table.iter().find(|row| row.what == name && row.kind == format!("{kind:02X}"));
        let row = row.unwrap_or_else(|| panic!("tests/golden/README.md has no line for {name}, kind {kind:02X}"));
        let holds_it = row.files.iter().any(|file| {
            let dumps = parse(&fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
            dumps.iter().any(|(title, leaf)| title == name && leaf_kind(leaf) == Ok(kind))
        });
        assert!(holds_it, "no file that tests/golden/README.md names for {name} has a leaf of kind {kind:02X}");
    }
}

#[test]
fn every_golden_file_is_named_in_the_readme_and_there() {
    let named: BTreeSet<PathBuf> =
        table().into_iter().flat_map(|row| row.files).map(|file| file.canonicalize().expect("it is there")).collect();
    let golden_folders =
        ["", "data-directory-v1", "../../crates/bulla-ledger/golden", "../../crates/bulla-sealing/tests/golden"];
    for file in golden_folders.into_iter().flat_map(|folder| files_of(&golden(folder))) {
        assert!(named.contains(&file), "tests/golden/README.md does not name {}", file.display());
    }
}

/// The files right in a folder that are neither code nor documents.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().canonicalize().unwrap());
    let is_kept = |path: &PathBuf| {
        path.is_file() && !["rs", "md"].map(|end| path.extension() == Some(end.as_ref())).contains(&true)
    };
    paths.filter(is_kept).collect()
}
