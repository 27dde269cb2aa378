//! What CI runs is what the README tells people to run.

use std::fs;

use crate::tree::{read, root};

#[test]
fn ci_runs_the_test_command_of_the_readme_as_it_stands() {
    let commands = commands(&read("README.md"));
    let tests: Vec<&String> = commands.iter().filter(|line| line.starts_with("cargo test")).collect();
    assert!(!tests.is_empty(), "the README has no `cargo test` line in a ```sh block");
    let script = read(".ci/run");
    for command in tests {
        let runs_it = script.lines().any(|line| line.trim() == command);
        assert!(runs_it, ".ci/run does not run `{command}` as the README types it");
    }
}

#[test]
fn ci_stops_at_the_first_failure_and_can_be_run() {
    let script = read(".ci/run");
    assert!(script.starts_with("#!/usr/bin/env bash\n"));
    assert!(script.contains("\nset -euo pipefail\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(root().join(".ci/run")).expect("read above").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, ".ci/run is not executable");
    }
}

/// The lines of the shell blocks of a Markdown file, without comments and prompts.
fn commands(markdown: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut in_shell = false;
    for line in markdown.lines().map(str::trim) {
        if let Some(language) = line.strip_prefix("```") {
            in_shell = ["sh", "bash", "console", "shell"].contains(&language);
        } else if in_shell {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let command = line.split_once(" #").map_or(line, |(command, _)| command).trim();
            commands.push(command.to_owned());
        }
    }
    commands
}

#[test]
fn commands_are_found_in_shell_blocks_only() {
    let text = "cargo test a\n```sh\ncargo test b   # slow\n```\n```rust\ncargo test c\n```\n";
    assert_eq!(commands(text), ["cargo test b"]);
}
