//! What a command prints: words for people, or JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

/// Where the results of a command go: standard output, in one of two forms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    json: bool,
}

impl Printer {
    /// JSON if asked for.
    pub(crate) fn new(json: bool) -> Printer {
        Printer { json }
    }

    /// Whether JSON was asked for.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Prints a result: `value` as one JSON document, or else the words.
    pub(crate) fn show(&self, value: &impl Serialize, words: impl FnOnce() -> String) {
        if self.json {
            print(&serde_json::to_string(value).expect("results can be written as JSON"));
        } else {
            print(&words());
        }
    }

    /// Prints a result that people were told already, for programs only.
    pub(crate) fn show_json(&self, value: &impl Serialize) {
        if self.json {
            self.show(value, String::new);
        }
    }
}

/// Prints a line, or several. A reader who has seen enough (`bulla asset list | head`) is no error.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    let _ = out.flush();
}

/// Rows of text with their columns below each other, the header first.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = std::iter::once(header.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// `1 record`, `2 records`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) if noun.ends_with('s') => format!("{number} {noun}es"),
        (_, None) => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["a".to_owned(), "b".to_owned()], ["Zoë Ångström".to_owned(), String::new()]];
        assert_eq!(table(["WHO", "WHAT"], rows), "WHO           WHAT\na             b\nZoë Ångström\n");
    }

    #[test]
    fn nouns_follow_their_number() {
        let said = [count(1, "party"), count(2, "party"), count(0, "record"), count(3, "class")];
        assert_eq!(said, ["1 party", "2 parties", "0 records", "3 classes"]);
    }
}
