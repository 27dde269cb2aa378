//! The specification as text: its sections and the tables in them.

use std::fs;

use crate::path;

/// The lines of the section with this heading, without the sections inside it.
///
/// # Panics
/// When there is none.
pub fn section(heading: &str) -> String {
    let page = fs::read_to_string(path("crates/bulla-sealing/SPEC.md")).unwrap();
    let start = page.find(&format!("# {heading}")).unwrap_or_else(|| panic!("SPEC.md has no section {heading}"));
    let lines = page[start..].lines().skip(1).take_while(|line| !line.starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The tables of a section, each as rows of cells, without their first rows.
pub fn tables(heading: &str) -> Vec<Vec<Vec<String>>> {
    let section = section(heading);
    let lines: Vec<&str> = section.lines().collect();
    let runs = lines.split(|line| !line.starts_with('|')).filter(|run| !run.is_empty());
    runs.map(|run| run[2..].iter().map(|line| cells(line)).collect()).collect()
}

/// What stands between backquotes.
pub fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}
