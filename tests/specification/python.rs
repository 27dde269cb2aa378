//! The verifier that was written from the specification alone, in another language.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::judge::piece;
use crate::path;
use crate::vectors::{files, kept};

/// Runs `verifier.py`; `None`, saying so, where there is no Python with `cryptography`.
pub fn verifier(arguments: &[&str]) -> Option<Output> {
    let python = || Command::new("python3");
    let there = python().args(["-c", "import cryptography"]).output().is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: there is no python3 with the package cryptography");
        return None;
    }
    let script = path("crates/bulla-sealing/verifier.py");
    Some(python().arg("-B").arg(script).args(arguments).output().unwrap())
}

/// Fails with what Python says unless it judges all cases of these files as they say.
#[track_caller]
pub fn must_agree(files: &[&str], cases: usize) {
    let Some(output) = verifier(&[&["--vectors"], files].concat()) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{failed}");
    assert!(said.ends_with(&format!("{cases} as expected, 0 not\n")), "{said}");
}

#[test]
fn every_vector_is_judged_alike_by_the_verifier_in_python() {
    let files = files();
    let count = |file: &String| -> usize {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        file["cases"].as_array().unwrap().len()
    };
    let cases = files.iter().map(count).sum();
    must_agree(&files.iter().map(String::as_str).collect::<Vec<_>>(), cases);
}

/// Writes what the command takes, and returns its exit code and first line.
fn command(folder: &Path, proof: &[u8], policy: &str) -> Option<(Option<i32>, String)> {
    let [proof_file, policy_file] = ["proof", "policy"].map(|name| folder.join(name));
    std::fs::write(&proof_file, proof).unwrap();
    std::fs::write(&policy_file, policy).unwrap();
    let output = verifier(&[proof_file.to_str().unwrap(), policy_file.to_str().unwrap()])?;
    let said = String::from_utf8(output.stdout).unwrap();
    Some((output.status.code(), said.lines().next().unwrap_or_default().to_owned()))
}

#[test]
fn the_command_says_what_it_found_and_exits_as_the_specification_says() {
    let folder = TempDir::new().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (name, field) in [("receipts", "receipt"), ("state-proofs", "proof"), ("certificates", "certificate")] {
        let file = kept(name);
        // The command is not asked about an asset.
        for case in file["cases"].as_array().unwrap().iter().filter(|case| case.get("asset").is_none()) {
            let (exit, said) = match (case["error"].as_str(), case["cannot_verify"].as_bool()) {
                (Some(error), Some(true)) => (2, format!("cannot verify {error}")),
                (Some(error), _) => (1, format!("invalid {error}")),
                (None, _) => (0, "verified".to_owned()),
            };
            // Once for each thing that can be said is enough: the cases themselves are judged in one go. What does not
            // begin as a proof does is taken for a receipt.
            let of_this_sort = !said.contains("UnknownFormat") && !said.contains("TooLong");
            if !of_this_sort || !seen.insert(said.split('.').next().unwrap().to_owned()) {
                continue;
            }
            let policy = file["policies"][case["policy"].as_str().unwrap()].as_str().unwrap();
            let Some(found) = command(folder.path(), &piece(case, field), policy) else { return };
            assert_eq!(found, (Some(exit), said), "{name}: {}", case["name"]);
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    let without_a_policy = command(folder.path(), b"", "quorum everybody\n").unwrap();
    assert_eq!(without_a_policy, (Some(2), String::new()));
}
