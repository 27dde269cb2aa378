//! The program as a shell sees it: exit codes, and sentences that say what to do.

use std::path::Path;
use std::process::{Command, Output};

use expect_test::{Expect, expect};

/// Runs the program in `directory`, without the settings of whoever runs the test.
fn bulla(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bulla"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("BULLA_URL")
        .env_remove("BULLA_POLICY")
        .env("TMPDIR", directory)
        .output()
        .unwrap()
}

/// The exit code, what was printed, and what was complained about.
fn check(directory: &Path, arguments: &[&str], expected: &Expect) {
    let output = bulla(directory, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap();
    expected.assert_eq(&format!("exit {code}\n{}{}", text(&output.stdout), text(&output.stderr)));
}

const SERVERS: &str = "
    [[node]]
    id = 1
    name = \"north\"
    http = \"127.0.0.1:17611\"
    peer = \"127.0.0.1:17711\"
    data = \"north\"
";

#[test]
fn wrong_usage_exits_2_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&["nonsense"][..], &["transfer", "tag:A"], &["init"], &["party", "add", "x", "--payload", "[]"]] {
        let output = bulla(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty());
    }
}

#[test]
fn settings_of_the_environment_are_followed_and_never_shown_as_usage() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bulla"));
        let command = command.args(arguments).current_dir(directory.path());
        let output = command.env("BULLA_URL", "nowhere,http://127.0.0.1:1").env("BULLA_POLICY", "none").output();
        String::from_utf8(output.unwrap().stderr).unwrap()
    };
    assert!(run(&["cluster", "status"]).contains("\"nowhere\" is no URL"));
    assert!(run(&["receipt", "verify", "receipt"]).contains("cannot read the policy none"));
    assert!(run(&["asset", "show"]).contains("Usage: bulla asset show <ASSET>"));
    // Whoever does not know how to go on gets the help.
    assert!(run(&[]).contains("Exit codes:"));
}

#[test]
fn a_cluster_that_does_not_answer_exits_3() {
    let directory = tempfile::tempdir().unwrap();
    // Nobody serves on port 1.
    let arguments = ["party", "list", "--url", "http://127.0.0.1:1"];
    let output = bulla(directory.path(), &arguments);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is the cluster running"));
    // A program that asked for JSON gets it, whatever happened.
    let output = bulla(directory.path(), &[&arguments[..], &["--json"]].concat());
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((error["exit"].as_u64(), error["code"].as_str()), (Some(3), None));
    assert!(error["error"].as_str().unwrap().contains("is the cluster running") && output.stdout.is_empty());
}

#[test]
fn what_cannot_be_right_is_refused_before_any_server_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    check(
        directory.path(),
        &["party", "list", "--url", "https://127.0.0.1:1"],
        &expect![[r#"
        exit 2
        bulla: "https://127.0.0.1:1" is no URL of a server: those begin with http://, such as http://127.0.0.1:7601
    "#]],
    );
    check(
        directory.path(),
        &["asset", "amend", "tag:A"],
        &expect![[r#"
        exit 2
        bulla: an amendment says something: give it with --payload JSON
    "#]],
    );
    check(
        directory.path(),
        &["redeem", "gold", "--from", "ada", "--quantity", "-5"],
        &expect![[r#"
        exit 2
        error: invalid value '-5' for '--quantity <QUANTITY>': a quantity is decimal digits with at most one point inside, such as 12 or 12.5

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn a_server_without_an_identity_says_what_to_run() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("cluster.toml"), SERVERS).unwrap();
    check(
        directory.path(),
        &["serve", "--node", "north"],
        &expect![[r#"
        exit 2
        bulla: north holds no identity of a server; run `bulla keygen` once for the whole cluster, then `bulla init --config cluster.toml --node 1`
    "#]],
    );
    check(
        directory.path(),
        &["serve", "--node", "2"],
        &expect![[r#"
        exit 2
        bulla: the configuration has no node 2; it has 1 (north)
    "#]],
    );
}

#[test]
fn keys_are_made_once_and_installed_once() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("cluster.toml"), SERVERS).unwrap();
    assert_eq!(bulla(directory.path(), &["keygen"]).status.code(), Some(0));
    check(
        directory.path(),
        &["keygen"],
        &expect![[r#"
        exit 2
        bulla: keys/node-1 exists, and keys are never overwritten; name another directory, or move this one away
    "#]],
    );
    check(
        directory.path(),
        &["init", "--all"],
        &expect![[r#"
        exit 0
        north is ready for north; start it with `bulla serve --config cluster.toml --node 1`
    "#]],
    );
    check(
        directory.path(),
        &["init", "--node", "1"],
        &expect![[r#"
        exit 2
        bulla: north/identity already holds the keys of this node; start the node with `bulla serve`
    "#]],
    );
    // Preparing all of them goes on where it was cut off.
    check(
        directory.path(),
        &["--json", "init", "--all"],
        &expect![[r#"
        exit 0
        [{"data":"north","node_id":1}]
    "#]],
    );
    assert_eq!(bulla(directory.path(), &["policy", "--data", "north"]).status.code(), Some(0));
}

#[test]
fn a_receipt_is_verified_without_any_server_and_a_changed_one_exits_1() {
    let directory = tempfile::tempdir().unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../bulla-sealing/tests/golden");
    let policy = format!("{golden}/policy");
    let receipt = std::fs::read_to_string(format!("{golden}/receipt.tlog-proof")).unwrap();
    let run = |text: &str| {
        std::fs::write(directory.path().join("receipt"), text).unwrap();
        bulla(directory.path(), &["receipt", "verify", "receipt", "--policy", &policy]).status.code()
    };
    assert_eq!(run(&receipt), Some(0));
    assert_eq!(run(&receipt.replacen("index ", "index 1", 1)), Some(1));
    check(
        directory.path(),
        &["receipt", "verify", "receipt"],
        &expect![[r#"
        exit 2
        bulla: this needs a policy, the keys to believe: get one from the operator and give it with --policy FILE
    "#]],
    );
    check(
        directory.path(),
        &["receipt", "verify", "nowhere", "--policy", &policy],
        &expect![[r#"
        exit 2
        bulla: cannot read nowhere: No such file or directory (os error 2)
    "#]],
    );
}

#[test]
fn a_certificate_is_verified_without_any_server_and_a_changed_one_exits_1() {
    let directory = tempfile::tempdir().unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/data-directory-v1");
    let policy = format!("{golden}/policy.txt");
    let certificate = std::fs::read_to_string(format!("{golden}/certificate.txt")).unwrap();
    let run = |text: &str| {
        std::fs::write(directory.path().join("certificate"), text).unwrap();
        let output = bulla(directory.path(), &["certificate", "verify", "certificate", "--policy", &policy]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (exit, words) = run(&certificate);
    assert_eq!(exit, Some(0));
    assert!(words.starts_with("proven: This is so as of block "), "{words}");
    assert!(words.contains(": registered for "), "{words}");
    let newest = certificate.lines().find(|line| line.starts_with("record ")).unwrap();
    assert_eq!(run(&certificate.replacen(&format!("{newest}\n"), "", 1)).0, Some(1));
    assert_eq!(run(&certificate.replacen("@v1", "@v2", 1)).0, Some(2));
}

#[test]
fn a_sample_is_the_same_for_the_same_seed() {
    let directory = tempfile::tempdir().unwrap();
    let files = |out: &str, seed: &str| {
        let arguments = ["sample", "--assets", "20", "--transfers", "50", "--seed", seed, "--out", out];
        assert_eq!(bulla(directory.path(), &arguments).status.code(), Some(0));
        ["assets.csv", "transfers.csv"].map(|name| std::fs::read(directory.path().join(out).join(name)).unwrap())
    };
    assert_eq!(files("a", "1"), files("b", "1"));
    assert_ne!(files("a", "1"), files("c", "2"));
}

#[test]
fn a_file_that_cannot_be_imported_exits_2() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("assets.csv"), "Serial,Company\n1,Acme\n").unwrap();
    check(
        directory.path(),
        &["import", "--format", "snipe-it", "assets.csv"],
        &expect![[r#"
        exit 2
        bulla: cannot import assets.csv: its header has no column "Asset Tag"
    "#]],
    );
    check(
        directory.path(),
        &["import", "--format", "ndjson", "nowhere"],
        &expect![[r#"
        exit 2
        bulla: cannot import nowhere: No such file or directory (os error 2)
    "#]],
    );
}

#[test]
fn the_demo_ends_well_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let output = bulla(directory.path(), &["demo", "--assets", "12", "--transfers", "60", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["rows_recorded_during_the_loss"], 12);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn every_tampering_of_the_drill_is_noticed_by_somebody_and_healed() {
    let directory = tempfile::tempdir().unwrap();
    let output = bulla(directory.path(), &["drill", "tamper", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let tamperings = summary["tamperings"].as_array().unwrap();
    let names: Vec<&str> = tamperings.iter().map(|one| one["tampering"].as_str().unwrap()).collect();
    assert_eq!(names, ["record", "state_row", "lookup_row", "log_entry", "swap_blocks"]);
    for one in tamperings {
        assert!(!one["noticed_by"].as_str().unwrap().is_empty() && !one["how"].as_str().unwrap().is_empty());
        assert!(one["noticed_after_s"].as_f64().unwrap() <= one["healed_after_s"].as_f64().unwrap());
    }
    assert!(summary["leaves_verified"].as_u64().unwrap() > 0);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn completion_scripts_know_the_commands() {
    let directory = tempfile::tempdir().unwrap();
    let output = bulla(directory.path(), &["completion", "bash"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("receipt"));
}
