//! Data directories that are somebody else's: another server's, another ledger's, another process's, nobody's.

use std::fs;
use std::path::{Path, PathBuf};

use bulla_node::Node;
use bulla_node::config::ClusterConfig;
use bulla_tests::embedded::{PATIENCE, until};
use bulla_tests::processes::ProcessCluster;
use expect_test::expect;

use crate::PROGRAM;
use crate::refused::{changed, check, contents, refusal, sentence};

const SERVE: [&str; 5] = ["serve", "--config", "changed.toml", "--node", "1"];

#[tokio::test]
async fn the_directory_of_another_server_is_refused_by_name() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    changed(&cluster, |config| {
        let data = config.nodes[0].data.clone();
        config.nodes[0].data = std::mem::replace(&mut config.nodes[1].data, data);
    });
    check(&cluster, &SERVE, &expect![[r#"
        the data directory DIR/data/node-2 belongs to node 2 (node-2), not to node 1 (node-1); name the right node with --node, or its directory in the configuration
    "#]]).await;
}

#[tokio::test]
async fn the_directory_of_another_ledger_is_refused_by_its_origin_or_its_servers() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    let ledger_id = cluster.policy().ledger_id().to_string();
    changed(&cluster, |config| config.ledger.origin = Some("ledger.example.org".into()));
    let words = refusal(&cluster, &SERVE).await.replace(&ledger_id, "LEDGER");
    expect![[r#"
        the data directory DIR/data/node-1 belongs to ledger bulla/LEDGER (LEDGER), not to ledger.example.org; name the right directory, or put the origin back in the configuration
    "#]].assert_eq(&words);
    changed(&cluster, |config| config.nodes[2].name = "node-9".into());
    check(&cluster, &SERVE, &expect![[r#"
        cluster.toml names the servers ["node-1", "node-2", "node-9"], but this ledger was founded with ["node-1", "node-2", "node-3"]; put the names back, in that order
    "#]]).await;
}

/// A database keeps notes in its file of how it was opened, so what counts is that each is as good as before.
#[tokio::test]
async fn a_database_of_another_ledger_is_refused_and_neither_comes_to_harm() {
    for database in ["ledger.redb", "raft.redb"] {
        let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
        let mine = a_ledger(&cluster, "mine").await;
        let other = a_ledger(&cluster, "other").await;
        let kept = cluster.directory().join(database);
        fs::rename(mine.join(database), &kept).unwrap();
        fs::rename(other.join(database), mine.join(database)).unwrap();
        let before = contents(cluster.directory());
        let output = cluster.run(&SERVE).await;
        assert_eq!(output.status.code(), Some(2));
        let after = contents(cluster.directory());
        let changed = before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path));
        changed.for_each(|path| assert_eq!(path.extension(), Some("redb".as_ref()), "{}", path.display()));
        let words = sentence(&cluster, &String::from_utf8_lossy(&output.stderr));
        assert!(words.contains(&format!("DIR/mine/{database} belongs to another node")), "{words}");
        assert!(words.contains("name the right directory or the right configuration"), "{words}");
        fs::rename(mine.join(database), other.join(database)).unwrap();
        fs::rename(&kept, mine.join(database)).unwrap();
        for data in [mine, other] {
            cluster.succeed(&["verify", "--data", &data.display().to_string()]).await;
        }
    }
}

/// A directory that a server used and left in good order, and `changed.toml` that names it.
async fn a_ledger(cluster: &ProcessCluster, name: &str) -> PathBuf {
    let data = cluster.directory().join(name);
    let node = Node::single(&data).await.unwrap();
    assert!(node.wait_sealed(0, PATIENCE).await);
    node.shutdown().await;
    drop(node);
    changed(cluster, |config| serve_it(config, &cluster.directory().join("mine")));
    data
}

fn serve_it(config: &mut ClusterConfig, data: &Path) {
    config.nodes[0].data = data.to_owned();
    config.peer.insecure = true;
}

#[tokio::test]
async fn a_directory_without_an_identity_is_refused_with_what_to_run() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    changed(&cluster, |config| config.nodes[0].data = cluster.directory().join("nothing"));
    let words = expect![[r#"
        DIR/nothing holds no identity of a server; run `bulla keygen` once for the whole cluster, then `bulla init --config changed.toml --node 1`
    "#]];
    check(&cluster, &SERVE, &words).await;
    fs::create_dir(cluster.directory().join("nothing")).unwrap();
    check(&cluster, &SERVE, &words).await;
}

#[tokio::test]
async fn a_file_in_the_place_of_the_directory_is_refused() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    fs::write(cluster.directory().join("file"), "important").unwrap();
    changed(&cluster, |config| config.nodes[0].data = cluster.directory().join("file"));
    check(&cluster, &SERVE, &expect![[r#"
        DIR/file holds no identity of a server; run `bulla keygen` once for the whole cluster, then `bulla init --config changed.toml --node 1`
    "#]]).await;
    check(&cluster, &["init", "--config", "changed.toml", "--node", "1"], &expect![[r#"
        the data directory cannot take this node's identity: create DIR/file failed; check the disk and the permissions of the data directory: File exists (os error 17)
    "#]]).await;
}

#[tokio::test]
async fn an_identity_that_was_changed_is_refused() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    let identity = cluster.config().nodes[0].data.join("identity");
    for file in ["genesis.leaf", "node", "node.key", "log.key"] {
        let path = identity.join(file);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        // In a key another digit of it, in the genesis leaf some byte of a key.
        bad[20] = if bad[20] == b'0' { b'1' } else { b'0' };
        fs::write(&path, &bad).unwrap();
        let words = refusal(&cluster, &["serve", "--config", "cluster.toml", "--node", "1"]).await;
        assert!(words.contains("DIR/data/node-1/identity") && words.contains("corrupt"), "{file}: {words}");
        fs::write(&path, &good).unwrap();
    }
}

/// The one that runs goes on changing its files, so here it is asked whether it still serves.
#[tokio::test]
async fn a_second_process_on_the_same_directory_is_refused_and_the_first_goes_on() {
    let mut cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    cluster.start_server(1).await;
    let free = ProcessCluster::prepare(PROGRAM, 1).await;
    let ports = free.config().nodes[0].clone();
    changed(&cluster, |config| (config.nodes[0].http, config.nodes[0].peer) = (ports.http, ports.peer));
    let data = cluster.config().nodes[0].data.display().to_string();
    let in_use = expect![[r#"
        data directory DIR/data/node-1 is in use by another process; stop that one first
    "#]];
    let runs = expect![[r#"
        a node runs in DIR/data/node-1; stop it first, or give --blocks-only, which reads the block files of a running node
    "#]];
    for (command, expected) in [(&SERVE[..], in_use), (&["verify", "--data", &data], runs)] {
        let output = cluster.run(command).await;
        assert_eq!(output.status.code(), Some(2));
        let words = sentence(&cluster, &String::from_utf8_lossy(&output.stderr));
        expected.assert_eq(&words);
    }
    let client = cluster.client();
    until("the first process has sealed its first table", async || client.cluster().await.ok()?.sealed_height).await;
    cluster.kill(1).await;
    cluster.succeed(&["verify", "--data", &data]).await;
}
