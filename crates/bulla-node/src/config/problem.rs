//! What is wrong with a `cluster.toml`, on which line, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is wrong, naming the setting and its value.
    pub what: String,
    /// What the operator should do.
    pub remedy: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}; name the file with --config, or begin with a copy of the cluster.toml that comes with bulla", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The file can be read but not followed. Nothing of it is in force.
    #[error("{}", list(path.as_deref(), problems))]
    Refused {
        /// The file, when the text came from one.
        path: Option<PathBuf>,
        /// At least one, in the order of the file.
        problems: Vec<Problem>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}; {}", self.line, self.what, self.remedy)
    }
}

fn list(path: Option<&Path>, problems: &[Problem]) -> String {
    let file = path.unwrap_or(Path::new("cluster.toml")).display();
    let mut text = format!("{file} is refused:");
    for problem in problems {
        text.push_str(&format!("\n  {problem}"));
    }
    text
}
