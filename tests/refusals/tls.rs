//! TLS files that are missing, damaged, another server's or another ledger's.

use std::fs;

use bulla_tests::processes::ProcessCluster;
use expect_test::{Expect, expect};

use crate::PROGRAM;
use crate::refused::refusal;

/// Puts `content` in the place of a TLS file of server 1, or nothing, and holds what is said against `expect`.
/// Then does what was said, which brings the right file back.
async fn check(cluster: &ProcessCluster, file: &str, content: Option<Vec<u8>>, expect: &Expect) {
    let path = cluster.config().nodes[0].data.join("identity").join(file);
    let good = fs::read(&path).unwrap();
    match content {
        Some(content) => fs::write(&path, content).unwrap(),
        None => fs::remove_file(&path).unwrap(),
    }
    let words = refusal(cluster, &["serve", "--config", "cluster.toml", "--node", "1"]).await;
    expect.assert_eq(&words.replace(&cluster.policy().ledger_id().to_string(), "LEDGER"));
    for tls_file in ["tls.key", "tls.crt", "ca.crt"] {
        let file = path.with_file_name(tls_file);
        if file.exists() {
            fs::remove_file(file).unwrap();
        }
    }
    cluster.succeed(&["init", "--config", "cluster.toml", "--keys", "keys", "--node", "1"]).await;
    assert_eq!(fs::read(&path).unwrap(), good);
}

#[tokio::test]
async fn tls_files_that_are_missing_or_damaged_are_refused() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    check(
        &cluster,
        "tls.crt",
        None,
        &expect![[r#"
        DIR/data/node-1/identity/tls.crt is missing; install this node's keys with `bulla init`
    "#]],
    )
    .await;
    check(&cluster, "tls.key", Some(b"not a key\n".to_vec()), &expect![[r#"
        the TLS files in DIR/data/node-1/identity cannot be used; move tls.key, tls.crt and ca.crt out of it, and install this node's keys again with `bulla init`: the private key cannot be read as PEM: no items found
    "#]]).await;
    let mut cut_short = fs::read(cluster.directory().join("keys/node-1/ca.crt")).unwrap();
    cut_short.truncate(cut_short.len() / 2);
    check(&cluster, "ca.crt", Some(cut_short), &expect![[r#"
        the TLS files in DIR/data/node-1/identity cannot be used; move tls.key, tls.crt and ca.crt out of it, and install this node's keys again with `bulla init`: the authority's certificate cannot be read as PEM: missing section end marker: [67, 69, 82, 84, 73, 70, 73, 67, 65, 84, 69]
    "#]]).await;
}

#[tokio::test]
async fn tls_files_of_another_server_are_refused() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    let others = |file: &str| Some(fs::read(cluster.directory().join("keys/node-2").join(file)).unwrap());
    check(&cluster, "tls.crt", others("tls.crt"), &expect![[r#"
        the TLS files in DIR/data/node-1/identity cannot be used; move tls.key, tls.crt and ca.crt out of it, and install this node's keys again with `bulla init`: the certificate is not that of node 1 of ledger LEDGER
    "#]]).await;
    check(&cluster, "tls.key", others("tls.key"), &expect![[r#"
        the TLS files in DIR/data/node-1/identity cannot be used; move tls.key, tls.crt and ca.crt out of it, and install this node's keys again with `bulla init`: certificate and key cannot be used: keys may not be consistent: KeyMismatch
    "#]]).await;
}

#[tokio::test]
async fn tls_files_of_another_ledger_are_refused() {
    let cluster = ProcessCluster::prepare(PROGRAM, 3).await;
    cluster.succeed(&["keygen", "--config", "cluster.toml", "--out", "other"]).await;
    let others = |file: &str| Some(fs::read(cluster.directory().join("other/node-1").join(file)).unwrap());
    for file in ["tls.crt", "ca.crt"] {
        check(&cluster, file, others(file), &expect![[r#"
            the TLS files in DIR/data/node-1/identity cannot be used; move tls.key, tls.crt and ca.crt out of it, and install this node's keys again with `bulla init`: the certificate was not issued by this ledger's authority, or is not valid today: invalid peer certificate: UnknownIssuer
        "#]]).await;
    }
}
