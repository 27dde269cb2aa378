//! The keys of a ledger: made once, installed on each server, enough for its nodes to talk.

mod peer_ends;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bulla_api::keygen::{KeyFilesError, NewKeys, generate, install, load_peer_security};
use bulla_api::peer::{LocalNode, TcpTransport};
use bulla_node::config::{ClusterConfig, Ports};
use bulla_node::{Lane, identity_files};
use peer_ends::{Server, call, echo};
use tempfile::TempDir;

/// Three servers and their keys, in a directory of their own.
struct Ledger {
    directory: TempDir,
    config: ClusterConfig,
    keys: NewKeys,
}

impl Ledger {
    fn new() -> Ledger {
        let directory = TempDir::new().unwrap();
        let config = ClusterConfig::local(directory.path(), &[Ports { http: 1, peer: 2 }; 3]);
        let keys = generate(&config, &directory.path().join("keys")).unwrap();
        Ledger { directory, config, keys }
    }

    fn keys_of(&self, node_id: u64) -> PathBuf {
        self.directory.path().join(format!("keys/node-{node_id}"))
    }

    fn install(&self, keys_of: u64, as_node: u64) -> Result<bulla_node::Identity, KeyFilesError> {
        install(&self.keys_of(keys_of), self.config.node(as_node).unwrap())
    }

    fn data_of(&self, node_id: u64) -> &Path {
        &self.config.node(node_id).unwrap().data
    }

    fn node(&self, node_id: u64) -> LocalNode {
        LocalNode { ledger_id: self.keys.ledger_id, node_id }
    }
}

/// Every file below `directory`.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => {
                found.insert(path);
            }
        }
    }
    found
}

#[track_caller]
fn expect_error<T: std::fmt::Debug>(result: Result<T, KeyFilesError>, parts: &[&str]) {
    let error = result.unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "{part:?} is not said in: {error}");
    }
}

#[test]
fn every_server_gets_a_directory_and_the_authority_stays_beside_them() {
    let ledger = Ledger::new();
    let keys = ledger.directory.path().join("keys");
    let mut expected: BTreeSet<_> = ["ca.key", "ca.crt"].map(|name| keys.join(name)).into();
    for id in [1, 2, 3] {
        let names = ["node.key", "log.key", "tls.key", "tls.crt", "ca.crt", "genesis.leaf"];
        expected.extend(names.map(|name| ledger.keys_of(id).join(name)));
    }
    assert_eq!(files(&keys), expected);
    assert_eq!(ledger.keys.authority_key, keys.join("ca.key"));
    assert_eq!(ledger.keys.nodes, [1, 2, 3].map(|id| (id, ledger.keys_of(id))));
    assert_eq!(ledger.keys.origin, format!("bulla/{}", ledger.keys.ledger_id));
}

#[test]
fn the_origin_of_the_configuration_is_kept() {
    let directory = TempDir::new().unwrap();
    let mut config = ClusterConfig::local(directory.path(), &[Ports { http: 1, peer: 2 }]);
    config.ledger.origin = Some("ledger.example/tools".to_owned());
    assert_eq!(generate(&config, &directory.path().join("keys")).unwrap().origin, "ledger.example/tools");
}

#[test]
fn private_keys_are_for_their_owner_alone() {
    let ledger = Ledger::new();
    ledger.install(1, 1).unwrap();
    let private: Vec<_> = files(ledger.directory.path())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "key"))
        .collect();
    // The authority's, three of each node, and at least the one for TLS where they are installed.
    assert!(private.len() > 1 + 3 * 3, "{private:?}");
    assert!(private.contains(&ledger.data_of(1).join("identity/tls.key")));
    for path in private {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn keys_are_never_overwritten() {
    let ledger = Ledger::new();
    let keys = ledger.directory.path().join("keys");
    let contents = || files(&keys).into_iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let before = contents();
    expect_error(generate(&ledger.config, &keys), &["node-1 exists", "never overwritten"]);
    assert_eq!(contents(), before);

    // Not even beside what is left of them.
    for id in [1, 2, 3] {
        fs::remove_dir_all(ledger.keys_of(id)).unwrap();
    }
    let before = contents();
    expect_error(generate(&ledger.config, &keys), &["ca.key exists"]);
    assert_eq!(contents(), before);
}

#[test]
fn the_nodes_of_a_ledger_share_its_genesis_and_its_log_key_and_nothing_else() {
    let ledger = Ledger::new();
    let installed = [1, 2, 3].map(|id| ledger.install(id, id).unwrap());
    for (id, identity) in (1..).zip(&installed) {
        assert_eq!(identity_files::load(ledger.data_of(id)).unwrap(), *identity);
        assert_eq!((identity.node_id, identity.node_name.clone()), (id, format!("node-{id}")));
        assert_eq!(identity.genesis.ledger_id, ledger.keys.ledger_id);
        assert_eq!((&identity.genesis, &identity.log_key), (&installed[0].genesis, &installed[0].log_key));
    }
    let node_keys: BTreeSet<_> = installed.iter().map(|identity| identity.node_key.to_bytes()).collect();
    let instances: BTreeSet<_> = installed.iter().map(|identity| identity.instance_id).collect();
    assert_eq!((node_keys.len(), instances.len()), (3, 3));
}

#[tokio::test]
async fn installed_nodes_talk_to_each_other() {
    let ledger = Ledger::new();
    let security = |id| {
        ledger.install(id, id).unwrap();
        load_peer_security(ledger.data_of(id), ledger.node(id)).unwrap()
    };
    let free = "127.0.0.1:0".parse().unwrap();
    let server = Server::start_as(ledger.node(1), free, echo(), security(1)).await;
    let caller = TcpTransport::new(ledger.node(2), vec![(1, server.address)], security(2)).unwrap();
    assert_eq!(call(&caller, Lane::Control, b"hello").await.unwrap(), "2 Control hello");
}

#[test]
fn on_one_machine_the_directory_of_all_keys_will_do() {
    let ledger = Ledger::new();
    let keys = ledger.directory.path().join("keys");
    for node in &ledger.config.nodes {
        assert_eq!(install(&keys, node).unwrap().node_id, node.id);
    }
}

#[test]
fn a_second_install_is_refused() {
    let ledger = Ledger::new();
    ledger.install(1, 1).unwrap();
    expect_error(ledger.install(1, 1), &["already holds the keys", "bulla serve"]);
}

#[test]
fn an_install_that_was_cut_off_is_completed_as_the_same_instance() {
    let ledger = Ledger::new();
    let identity = ledger.install(1, 1).unwrap();
    let directory = ledger.data_of(1).join("identity");
    for name in ["tls.crt", "ca.crt"] {
        fs::remove_file(directory.join(name)).unwrap();
    }
    assert_eq!(ledger.install(1, 1).unwrap(), identity);
    load_peer_security(ledger.data_of(1), ledger.node(1)).unwrap();
}

#[test]
fn keys_of_another_ledger_do_not_replace_those_installed() {
    let (ledger, other) = (Ledger::new(), Ledger::new());
    let identity = ledger.install(1, 1).unwrap();
    expect_error(
        install(&other.keys_of(1), ledger.config.node(1).unwrap()),
        &["data directory cannot take this node's identity"],
    );
    assert_eq!(identity_files::load(ledger.data_of(1)).unwrap(), identity);
}

#[test]
fn keys_of_another_node_are_refused_before_anything_is_written() {
    let ledger = Ledger::new();
    expect_error(ledger.install(2, 1), &["node-2/node.key", "not the key of \"node-1\"", "copy the whole directory"]);
    assert!(!ledger.data_of(1).exists());
}

#[test]
fn a_node_under_another_id_is_refused() {
    let ledger = Ledger::new();
    let mut node = ledger.config.node(1).unwrap().clone();
    node.id = 4;
    expect_error(install(&ledger.keys_of(1), &node), &["TLS files", "node-1", "copy the whole directory"]);
}

#[test]
fn keys_mixed_from_two_ledgers_are_refused() {
    for (name, says) in [
        ("node.key", "is not the key of \"node-1\""),
        ("log.key", "is not the log's key"),
        ("genesis.leaf", "is not the key of \"node-1\""),
        ("tls.key", "TLS files"),
        ("tls.crt", "TLS files"),
        ("ca.crt", "TLS files"),
    ] {
        let (ledger, other) = (Ledger::new(), Ledger::new());
        fs::copy(other.keys_of(1).join(name), ledger.keys_of(1).join(name)).unwrap();
        expect_error(ledger.install(1, 1), &[says, "copy the whole directory"]);
        assert!(!ledger.data_of(1).exists(), "{name}");
    }
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    for name in ["node.key", "log.key", "genesis.leaf", "tls.key", "tls.crt", "ca.crt"] {
        let ledger = Ledger::new();
        fs::remove_file(ledger.keys_of(1).join(name)).unwrap();
        expect_error(ledger.install(1, 1), &[name, "is missing", "copy the whole directory"]);
    }
}

#[test]
fn a_damaged_file_is_named_with_what_to_do() {
    for name in ["node.key", "log.key", "genesis.leaf"] {
        let ledger = Ledger::new();
        let path = ledger.keys_of(1).join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 2);
        fs::write(&path, bytes).unwrap();
        expect_error(ledger.install(1, 1), &[name, "copy the whole directory"]);
    }
}

#[test]
fn tls_that_was_not_installed_is_asked_for() {
    let ledger = Ledger::new();
    expect_error(load_peer_security(ledger.data_of(1), ledger.node(1)), &["tls.key", "is missing", "bulla init"]);
    ledger.install(1, 1).unwrap();
    expect_error(load_peer_security(ledger.data_of(1), ledger.node(2)), &["TLS files", "bulla init"]);
}
