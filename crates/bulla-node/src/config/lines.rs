//! The line on which each setting of a file stands.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// From a setting's path, such as `seal.records_max` or `node[1].peer`, to its line.
pub(super) struct Lines {
    by_path: BTreeMap<String, usize>,
}

impl Lines {
    pub fn of(text: &str, root: &DeTable<'_>) -> Self {
        let mut lines = Lines { by_path: BTreeMap::new() };
        lines.add_table(text, "", root);
        lines
    }

    /// The line of the first of `paths` that the file has, or else of the section it would be in.
    pub fn first_of(&self, paths: &[&str]) -> usize {
        let written = paths.iter().find_map(|path| self.by_path.get(*path));
        let section = || {
            let (section, _) = paths.first()?.rsplit_once('.')?;
            self.by_path.get(section)
        };
        written.or_else(section).copied().unwrap_or(1)
    }

    fn add_table(&mut self, text: &str, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = format!("{prefix}{}", key.get_ref());
            self.by_path.insert(path.clone(), line_of(text, &key.span()));
            self.add_inside(text, &path, value);
        }
    }

    fn add_inside(&mut self, text: &str, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(text, &format!("{path}."), table),
            DeValue::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    let path = format!("{path}[{place}]");
                    self.by_path.insert(path.clone(), line_of(text, &item.span()));
                    self.add_inside(text, &path, item);
                }
            }
            _ => {}
        }
    }
}

/// The line, from 1, on which `span` begins.
pub(super) fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(span.start);
    1 + before.filter(|byte| **byte == b'\n').count()
}
