//! The source tree as text: every file that people write, and which of them are tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One file that people write.
pub struct SourceFile {
    /// From the root of the repository, with `/`.
    pub path: String,
    pub text: String,
    /// Whether all of it is compiled for tests only.
    pub test: bool,
}

impl SourceFile {
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The directory of the crate or package: `crates/bulla-node`, `tests`, `benches`.
    pub fn package(&self) -> &str {
        let depth = if self.path.starts_with("crates/") { 2 } else { 1 };
        match self.path.match_indices('/').nth(depth - 1) {
            Some((end, _)) => &self.path[..end],
            None => &self.path,
        }
    }

    /// What runs outside tests. House style puts the tests of a file last.
    pub fn production(&self) -> &str {
        if self.test { "" } else { self.text.split_once(TEST_MODULE).map_or(&self.text, |p| p.0) }
    }

    /// What runs in tests only.
    pub fn tests(&self) -> &str {
        if self.test { &self.text } else { self.text.split_once(TEST_MODULE).map_or("", |p| p.1) }
    }
}

const TEST_MODULE: &str = "\n#[cfg(test)]\nmod tests {";

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").into()
}

/// A file that must be there.
pub fn read(path: &str) -> String {
    let full = root().join(path);
    fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

pub fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// Every Rust, Markdown and TOML file of the packages and of the root, sorted by path.
pub fn files() -> Vec<SourceFile> {
    let mut paths = Vec::new();
    for package in ["crates", "tests", "benches"] {
        collect(package, &mut paths);
    }
    paths.extend(["CHANGELOG.md", "Cargo.toml", "README.md", "cluster.toml"].map(str::to_owned));
    paths.retain(|path| exists(path));
    paths.sort();
    let texts: Vec<(String, String)> = paths.into_iter().map(|path| (path.clone(), read(&path))).collect();
    let test_modules: BTreeSet<String> = texts.iter().flat_map(|(path, text)| test_modules_of(path, text)).collect();
    let is_test = |path: &str| {
        let stem = path.trim_end_matches(".rs");
        path.starts_with("tests/")
            || path.contains("/tests/")
            || test_modules.iter().any(|module| {
                stem.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    };
    let file = |(path, text): (String, String)| SourceFile { test: is_test(&path), path, text };
    texts.into_iter().map(file).collect()
}

/// Every Rust file of [`files`].
pub fn rust_files() -> Vec<SourceFile> {
    files().into_iter().filter(SourceFile::is_rust).collect()
}

/// The directories of the packages under `crates/`, sorted.
pub fn crates() -> Vec<String> {
    let manifests = entries("crates").into_iter().map(|name| format!("crates/{name}"));
    manifests.filter(|path| exists(&format!("{path}/Cargo.toml"))).collect()
}

/// The names in a directory, sorted; none that is hidden.
pub fn entries(directory: &str) -> Vec<String> {
    let read = fs::read_dir(root().join(directory));
    let read = read.unwrap_or_else(|error| panic!("{directory}: {error}"));
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.expect("a directory can be listed").file_name().into_string().ok();
    let mut names: Vec<String> = read.filter_map(name).filter(|n| !n.starts_with('.')).collect();
    names.sort();
    names
}

fn collect(directory: &str, paths: &mut Vec<String>) {
    for name in entries(directory) {
        let path = format!("{directory}/{name}");
        if root().join(&path).is_dir() {
            if name != "target" {
                collect(&path, paths);
            }
        } else if [".rs", ".md", ".toml"].iter().any(|end| name.ends_with(end)) {
            paths.push(path);
        }
    }
}

/// The modules, as paths without `.rs`, that `path` declares for tests only.
fn test_modules_of(path: &str, text: &str) -> Vec<String> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let inside = match name {
        "lib.rs" | "main.rs" | "mod.rs" => directory.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    let mut modules = Vec::new();
    let mut lines = text.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let declared = lines.peek().and_then(|next| next.strip_suffix(';'));
        let name = declared.and_then(|declared| declared.rsplit_once("mod "));
        if let ("#[cfg(test)]", Some((_, name))) = (line, name) {
            modules.push(format!("{inside}/{name}"));
        }
    }
    modules
}

#[test]
fn a_module_declared_for_tests_is_known_as_one() {
    let text = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\npub(crate) mod c;\n";
    assert_eq!(test_modules_of("x/src/lib.rs", text), ["x/src/b", "x/src/c"]);
    assert_eq!(test_modules_of("x/src/d.rs", text), ["x/src/d/b", "x/src/d/c"]);
}
