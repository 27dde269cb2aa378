//! Disks that cannot be written or are full: small file systems, each seen by one process alone.

use std::path::Path;
use std::process::Stdio;

use bulla_tests::embedded::PATIENCE;
use bulla_tests::processes::ProcessCluster;
use expect_test::expect;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::PROGRAM;
use crate::refused::{contents, sentence};

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_refused() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    let script = r#"mount --bind "$DATA" "$DATA" && mount -o remount,ro,bind "$DATA" && exec "$@""#;
    let Some(mut command) = with_own_mounts(&cluster, script).await else { return };
    let before = contents(cluster.directory());
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    assert_eq!(output.status.code(), Some(2));
    let words = sentence(&cluster, &String::from_utf8_lossy(&output.stderr));
    expect![[r#"
        open DIR/data/node-1/lock failed; check the disk and the permissions of the data directory: Read-only file system (os error 30)
    "#]].assert_eq(&words);
    assert_eq!(contents(cluster.directory()), before);
}

/// The disk has room for the keys and for nothing else. Then it gets more, and the same directory is served.
#[tokio::test]
async fn a_full_disk_is_refused_and_once_there_is_room_the_server_starts() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    let script = r#"
        cp -a "$DATA" kept && mount -t tmpfs -o size=64k tmpfs "$DATA" && cp -a kept/. "$DATA" || exit 99
        "$@" 2>refused.txt; echo "exit $?"
        diff -r --exclude=lock kept "$DATA" && echo "nothing changed"
        mount -o remount,size=512m "$DATA" && exec "$@" 2>server.txt
    "#;
    let Some(mut command) = with_own_mounts(&cluster, script).await else { return };
    let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut next_line = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it says something").unwrap();
        line.unwrap_or_default()
    };
    assert_eq!(next_line().await, "exit 2");
    let errors = std::fs::read_to_string(cluster.directory().join("refused.txt")).unwrap();
    expect![[r#"
        the disk that holds DIR/data/node-1 is full, or less of it is free than disk_reserve_bytes; free some space and start the node again
    "#]]
    .assert_eq(&sentence(&cluster, &errors));
    assert_eq!(next_line().await, "nothing changed");
    let ready = next_line().await;
    assert!(ready.contains("ready"), "{ready}");
    server.kill().await.unwrap();
}

/// A shell that runs `script` with `bulla serve` as its arguments and mounts of its own, which end with it.
/// `None`, and a line that says so, where this user may not mount.
async fn with_own_mounts(cluster: &ProcessCluster, script: &str) -> Option<Command> {
    let data = &cluster.config().nodes[0].data;
    for unshare in [&["--mount"][..], &["--map-root-user", "--mount"]] {
        let mut probe = shell(unshare, data, r#"mount -t tmpfs tmpfs "$DATA""#);
        if probe.output().await.is_ok_and(|output| output.status.success()) {
            let mut command = shell(unshare, data, script);
            command.args([PROGRAM, "serve", "--config", "cluster.toml", "--node", "1"]);
            command.current_dir(cluster.directory()).stdin(Stdio::null());
            return Some(command);
        }
    }
    eprintln!("skipped: this user may not mount a file system, not even one of its own");
    None
}

fn shell(unshare: &[&str], data: &Path, script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(unshare).args(["sh", "-c", script, "sh"]).env("DATA", data).kill_on_drop(true);
    command
}
