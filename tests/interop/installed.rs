//! The packages of others, where `.ci/run` installs them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A verifier that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verifier {
    /// The package `sigstore` of PyPI.
    Python,
    /// The package `@sigstore/verify` of npm.
    JavaScript,
}

impl Verifier {
    /// What it says of entries under a trusted root, a line for each; `None`, saying so, where it is not installed.
    pub fn judge(self, trusted_root: &Path, entries: &Path) -> Option<String> {
        let script = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name);
        let (mut command, package) = match self {
            Verifier::Python => {
                let python = directory().join("python/bin/python");
                let mut command = Command::new(&python);
                command.arg("-B").arg(script("verify_entries.py"));
                (command, directory().join("python/bin/sigstore"))
            }
            Verifier::JavaScript => {
                let modules = directory().join("node/node_modules");
                let mut command = Command::new("node");
                command.arg(script("verify_entries.js")).arg(&modules);
                (command, modules.join("@sigstore/verify/package.json"))
            }
        };
        if !package.exists() {
            println!("skipped: {self:?} has no sigstore in {}; .ci/run installs it", directory().display());
            return None;
        }
        let output = command.arg(trusted_root).arg(entries).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        Some(String::from_utf8(output.stdout).unwrap())
    }
}

/// `BULLA_INTEROP`, or `target/interop` in the repository.
fn directory() -> PathBuf {
    let known = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop");
    std::env::var_os("BULLA_INTEROP").map_or_else(known, PathBuf::from)
}
