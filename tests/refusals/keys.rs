//! Keys are made once and installed once: nothing ever overwrites one.

use bulla_tests::processes::ProcessCluster;
use expect_test::expect;

use crate::PROGRAM;
use crate::refused::check;

#[tokio::test]
async fn keygen_does_not_overwrite_keys() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    check(
        &cluster,
        &["keygen", "--config", "cluster.toml", "--out", "keys"],
        &expect![[r#"
        keys/node-1 exists, and keys are never overwritten; name another directory, or move this one away
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_server_is_initialized_once() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    check(
        &cluster,
        &["init", "--config", "cluster.toml", "--keys", "keys", "--node", "1"],
        &expect![[r#"
        DIR/data/node-1/identity already holds the keys of this node; start the node with `bulla serve`
    "#]],
    )
    .await;
}

#[tokio::test]
async fn the_directory_of_one_ledger_does_not_take_the_keys_of_another() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    cluster.succeed(&["keygen", "--config", "cluster.toml", "--out", "other"]).await;
    let words = expect![[r#"
        the data directory cannot take this node's identity: DIR/data/node-1 already holds the identity of a node; name an empty directory
    "#]];
    check(&cluster, &["init", "--config", "cluster.toml", "--keys", "other", "--node", "1"], &words).await;
    check(&cluster, &["init", "--config", "cluster.toml", "--keys", "other", "--all"], &words).await;
}

#[tokio::test]
async fn the_keys_of_another_server_are_not_installed() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    std::fs::remove_dir_all(&cluster.config().nodes[0].data).unwrap();
    let init = ["init", "--config", "cluster.toml", "--keys", "keys/node-2", "--node", "1"];
    check(&cluster, &init, &expect![[r#"
        keys/node-2/node.key is not the key of "node-1" in genesis.leaf; copy the whole directory that `bulla keygen` made for this node
    "#]]).await;
}
