//! The map in `crates/README.md`: every crate, directory and file, with its one line.
//!
//! The lines are the sentences that the files open with, so the map cannot tell another story. To
//! draw it anew: `UPDATE_MAP=1 cargo test -p bulla-tests --test tidy map`.

use std::collections::BTreeMap;
use std::fs;

use crate::sources::sentence;
use crate::tree::{SourceFile, crates, entries, read, root, rust_files};

const README: &str = "crates/README.md";
const BEGIN: &str = "<!-- the map: drawn by tests/tidy, do not edit -->\n";
const END: &str = "<!-- end of the map -->\n";

#[test]
fn the_map_names_everything_there_is_and_nothing_else() {
    let readme = read(README);
    let (before, rest) = readme.split_once(BEGIN).expect("crates/README.md marks where the map is");
    let (drawn, after) = rest.split_once(END).expect("crates/README.md marks where the map ends");
    let expected = map();
    if std::env::var_os("UPDATE_MAP").is_some() {
        let readme = format!("{before}{BEGIN}{expected}{END}{after}");
        fs::write(root().join(README), readme).expect("the map can be written");
        return;
    }
    let missing = expected.lines().filter(|line| !drawn.contains(line));
    let outdated = drawn.lines().filter(|line| !expected.contains(line));
    let changes: Vec<String> =
        missing.map(|line| format!("+ {line}")).chain(outdated.map(|line| format!("- {line}"))).collect();
    assert!(
        drawn == expected,
        "the map is not the territory; draw it anew with\n  UPDATE_MAP=1 cargo test -p \
         bulla-tests --test tidy map\n{}\n",
        changes.join("\n")
    );
}

#[test]
fn every_directory_beside_the_crates_is_named() {
    let readme = read(README);
    for name in entries("crates") {
        if !root().join("crates").join(&name).is_dir() {
            continue;
        }
        let named = readme.contains(&format!("{name}/")) || readme.contains(&format!("`{name}`"));
        assert!(named, "crates/README.md does not name {name}");
    }
}

fn map() -> String {
    let files = rust_files();
    let mut map = String::new();
    for package in crates() {
        let name = package.trim_start_matches("crates/");
        map.push_str(&format!("\n### [`{name}`]({name}/DESIGN.md)\n\n"));
        let inside = files.iter().filter(|file| file.package() == package);
        let sentences: BTreeMap<&str, String> =
            inside.map(|file| (&file.path[package.len() + 1..], line(file))).collect();
        let mut entries = BTreeMap::new();
        for (path, line) in &sentences {
            if directory_of_module(path, &sentences).is_none() {
                let (_, file) = split(path);
                let entry = format!("{}- [`{file}`]({name}/{path}) {line}\n", indent(path));
                entries.insert(sort_key(path), entry);
            }
            for (end, _) in path.match_indices('/') {
                let directory = &path[..end];
                let key = sort_key(&format!("{directory}/"));
                entries.insert(key, directory_entry(name, directory, &sentences));
            }
        }
        map.extend(entries.into_values());
    }
    map.push('\n');
    map
}

fn line(file: &SourceFile) -> String {
    let line = sentence(file).unwrap_or_else(|| "(opens with no sentence)".to_owned());
    // Rustdoc's links lead nowhere here.
    line.replace("[`", "`").replace("`]", "`")
}

/// A directory and the module of its name share one line.
fn directory_entry(package: &str, path: &str, sentences: &BTreeMap<&str, String>) -> String {
    let (_, name) = split(path);
    let is_module = |file: &&&str| directory_of_module(file, sentences) == Some(path);
    let line = match (path, sentences.keys().find(is_module)) {
        (_, Some(file)) => {
            let names = match split(file) {
                (_, "mod.rs") => format!("`{name}/mod.rs`"),
                (_, beside) => format!("`{beside}`, `{name}/`"),
            };
            format!("[{names}]({package}/{file}) {}", sentences[file])
        }
        ("src", None) => "`src/` The crate itself.".to_owned(),
        ("tests", None) => "`tests/` Tests that see of it what everybody sees.".to_owned(),
        ("examples", None) => "`examples/` Programs that show how it is used.".to_owned(),
        (_, None) => format!("`{name}/`"),
    };
    format!("{}- {line}\n", indent(path))
}

/// `src/config` for `src/config.rs` if there is such a directory, and for `src/config/mod.rs`.
fn directory_of_module<'p>(path: &'p str, sentences: &BTreeMap<&str, String>) -> Option<&'p str> {
    let directory = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs"))?;
    let inside = |other: &&str| other.strip_prefix(directory).is_some_and(|r| r.starts_with('/'));
    sentences.keys().any(inside).then_some(directory)
}

/// `lib.rs` and `main.rs` come first in their directory, and directories after all files.
fn sort_key(path: &str) -> String {
    let (directory, file) = split(path);
    let directory: String = directory.split_inclusive('/').map(|part| format!("~{part}")).collect();
    match file {
        "lib.rs" => format!("{directory} 1"),
        "main.rs" => format!("{directory} 2"),
        _ => format!("{directory}{file}"),
    }
}

/// The directory with its `/`, and the file.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |end| end + 1))
}

fn indent(path: &str) -> String {
    "  ".repeat(path.matches('/').count())
}
