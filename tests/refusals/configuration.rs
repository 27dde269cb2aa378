//! Configurations that cannot work, and ports that are taken.

use std::fs;
use std::net::TcpListener;

use bulla_tests::processes::ProcessCluster;
use expect_test::expect;

use crate::PROGRAM;
use crate::refused::{changed, check};

const SERVE: [&str; 5] = ["serve", "--config", "changed.toml", "--node", "1"];

#[tokio::test]
async fn a_broken_configuration_is_answered_with_every_problem_and_its_line() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    let mut text = cluster.config().to_toml();
    for (from, to) in [("records_max", "record_max"), ("heartbeat_ms = 200", "heartbeat_ms = \"200 ms\"")] {
        assert!(text.contains(from), "{text}");
        text = text.replacen(from, to, 1);
    }
    fs::write(cluster.directory().join("changed.toml"), text).unwrap();
    let words = expect![[r#"
        changed.toml is refused:
          line 11: unknown key `record_max` in [seal]; did you mean `records_max`?
          line 28: `heartbeat_ms`: invalid type: string "200 ms", expected u32; write it like `heartbeat_ms = 200`
    "#]];
    check(&cluster, &SERVE, &words).await;
    check(&cluster, &["keygen", "--config", "changed.toml", "--out", "more-keys"], &words).await;
}

#[tokio::test]
async fn a_configuration_that_is_not_there_is_asked_for() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    check(
        &cluster,
        &SERVE,
        &expect![[r#"
        cannot read changed.toml; name the file with --config, or begin with a copy of the cluster.toml that comes with bulla: No such file or directory (os error 2)
    "#]],
    )
    .await;
    check(
        &cluster,
        &["serve", "--config", "cluster.toml", "--node", "7"],
        &expect![[r#"
        the configuration has no node 7; it has 1 (node-1)
    "#]],
    )
    .await;
}

#[tokio::test]
async fn peers_without_tls_that_others_can_reach_are_refused() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    changed(&cluster, |config| {
        config.peer.insecure = true;
        config.nodes[0].peer = "10.0.0.1:7701".parse().unwrap();
    });
    check(&cluster, &SERVE, &expect![[r#"
        changed.toml is refused:
          line 46: insecure peers, but others can reach node-1; set insecure = false, or let every peer address be a loopback address
    "#]]).await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    let node = cluster.config().nodes[0].clone();
    let serve = ["serve", "--config", "cluster.toml", "--node", "1"];
    for (address, words) in [
        (
            node.http,
            expect![[r#"
        cannot listen on HTTP-1 for clients (Address already in use (os error 98)): another program uses this port; stop it, or change the port in the configuration
    "#]],
        ),
        (
            node.peer,
            expect![[r#"
        cannot listen on PEER-1 for the other servers (Address already in use (os error 98)): another program uses this port; stop it, or change the port in the configuration
    "#]],
        ),
    ] {
        let _held = TcpListener::bind((address.host(), address.port())).unwrap();
        check(&cluster, &serve, &words).await;
    }
}
