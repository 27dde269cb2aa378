//! One refusal: its sentence, its exit code, and a directory in which nothing changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bulla_node::config::ClusterConfig;
use bulla_tests::processes::ProcessCluster;
use expect_test::Expect;

/// Runs a command that must be refused with `expect`, and must change no file and no name.
pub async fn check(cluster: &ProcessCluster, arguments: &[&str], expect: &Expect) {
    expect.assert_eq(&refusal(cluster, arguments).await);
}

/// Runs a command that must be refused, and must change no file and no name. Returns the sentence, in which
/// `DIR` stands for the directory of the cluster, and `HTTP-1` and `PEER-1` for addresses.
pub async fn refusal(cluster: &ProcessCluster, arguments: &[&str]) -> String {
    let before = contents(cluster.directory());
    let output = cluster.run(arguments).await;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "bulla {}: {errors}", arguments.join(" "));
    assert!(output.stdout.is_empty(), "it refused, and printed a result too");
    let after = contents(cluster.directory());
    let changed: Vec<&PathBuf> =
        before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path)).collect();
    assert!(changed.is_empty(), "bulla {} refused, and changed {changed:?}", arguments.join(" "));
    sentence(cluster, &errors)
}

/// What the program said last, after whatever it logged.
pub fn sentence(cluster: &ProcessCluster, errors: &str) -> String {
    let start = match errors.rfind("\nbulla: ") {
        Some(end_of_log) => end_of_log + 1,
        None => 0,
    };
    let text = errors[start..].strip_prefix("bulla: ").unwrap_or_else(|| panic!("no sentence in: {errors}"));
    let mut text = text.replace(&cluster.directory().display().to_string(), "DIR");
    for node in &cluster.config().nodes {
        text = text.replace(&node.http.to_string(), &format!("HTTP-{}", node.id));
        text = text.replace(&node.peer.to_string(), &format!("PEER-{}", node.id));
    }
    text
}

/// Writes a configuration beside the cluster's own, with something changed. Returns its name.
pub fn changed(cluster: &ProcessCluster, change: impl FnOnce(&mut ClusterConfig)) -> &'static str {
    let mut config = cluster.config().clone();
    change(&mut config);
    fs::write(cluster.directory().join("changed.toml"), config.to_toml()).unwrap();
    "changed.toml"
}

/// Every name below a directory, with the bytes of the files; logs and sockets aside.
pub fn contents(directory: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![directory.to_owned()];
    while let Some(path) = ahead.pop() {
        match path.is_dir() {
            true => {
                ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                found.insert(path, None);
            }
            false if path.extension().is_some_and(|end| end == "log") && path.parent() == Some(directory) => {}
            false => {
                let bytes = fs::read(&path).unwrap();
                found.insert(path, Some(bytes));
            }
        }
    }
    found
}
