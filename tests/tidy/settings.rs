//! A setting that nobody reads is a promise that nobody keeps.

use toml::Table;

use crate::assert_none;
use crate::tree::{read, rust_files};

/// Where settings are read from the file and checked, which is not yet following them.
const PARSER: &str = "crates/bulla-node/src/config";

/// Has one value only, so there is nothing to follow: see decision 12.
const FIXED: [&str; 1] = ["require"];

#[test]
fn every_setting_of_cluster_toml_is_followed_by_some_code() {
    let file: Table = read("cluster.toml").parse().expect("cluster.toml is TOML");
    let sections = file.iter().filter_map(|(name, section)| Some((name, section.as_table()?)));
    let settings = sections.flat_map(|(section, settings)| settings.keys().map(move |key| (section, key)));

    let files = rust_files();
    let code: Vec<&str> = files
        .iter()
        .filter(|file| file.path.starts_with("crates/") && !file.path.starts_with(PARSER))
        .map(|file| file.production())
        .collect();
    let is_followed = |key: &str| code.iter().any(|text| reads_field(text, key));
    let ignored = settings.filter(|(_, key)| !FIXED.contains(&key.as_str()) && !is_followed(key));
    let ignored: Vec<String> = ignored.map(|(section, key)| format!("[{section}] {key}")).collect();
    assert_none(&ignored, "let the code follow it, or take it out of cluster.toml");
}

/// Whether `text` has `.key` with the name ending there.
fn reads_field(text: &str, key: &str) -> bool {
    let field = format!(".{key}");
    text.match_indices(&field).any(|(start, _)| {
        let after = text[start + field.len()..].chars().next();
        !after.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '(')
    })
}
