//! What the rules find wrong with a file that could be read.

use super::Problem;
use super::lines::Lines;

pub(super) struct Findings {
    lines: Lines,
    problems: Vec<Problem>,
}

impl Findings {
    pub fn new(lines: Lines) -> Self {
        Findings { lines, problems: Vec::new() }
    }

    /// Adds a problem on the line of the first of `paths` that the file has.
    pub fn add(&mut self, paths: &[&str], what: String, remedy: impl Into<String>) {
        let line = self.lines.first_of(paths);
        self.problems.push(Problem { line, what, remedy: remedy.into() });
    }

    pub fn line(&self, path: &str) -> usize {
        self.lines.first_of(&[path])
    }

    /// `whole` when nothing was found.
    pub fn unless_any<T>(self, whole: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() { Ok(whole) } else { Err(self.problems) }
    }
}
