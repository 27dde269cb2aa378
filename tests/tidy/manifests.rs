//! Which crate may use which: the arrows, and the owner of every library.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::assert_none;
use crate::tree::{self, crates, read};

/// The arrows: what each crate may use of the others.
///
/// ```text
///    ledger ◀──┬── storage ◀── consensus ◀── node ◀── api
///    sealing ◀─┴── client ◀──────────────────────────┘     everyone may use ledger and sealing
/// ```
const ARROWS: [(&str, &[&str]); 7] = [
    ("bulla-ledger", &[]),
    ("bulla-sealing", &[]),
    ("bulla-storage", &["bulla-ledger", "bulla-sealing"]),
    ("bulla-consensus", &["bulla-ledger", "bulla-sealing", "bulla-storage"]),
    ("bulla-node", &["bulla-consensus", "bulla-ledger", "bulla-sealing", "bulla-storage"]),
    ("bulla-client", &["bulla-ledger", "bulla-sealing"]),
    ("bulla-api", &["bulla-client", "bulla-ledger", "bulla-node", "bulla-sealing"]),
];

/// The libraries that say what a crate is about, and who owns each of them.
const OWNERS: [(&str, &[&str]); 33] = [
    ("axum", &["bulla-api"]),
    ("bincode", &["bulla-consensus"]),
    ("clap", &["bulla-api"]),
    ("clap_complete", &["bulla-api"]),
    ("csv", &["bulla-api"]),
    ("der", &["bulla-client"]),
    ("ed25519-dalek", &["bulla-sealing"]),
    ("foldhash", &["bulla-client"]),
    ("hyper", &["bulla-api"]),
    ("hyper-util", &["bulla-api"]),
    ("indicatif", &["bulla-api"]),
    ("jiff", &["bulla-api", "bulla-client"]),
    ("metrics", &["bulla-api"]),
    ("metrics-exporter-prometheus", &["bulla-api"]),
    ("openraft", &["bulla-consensus"]),
    ("rcgen", &["bulla-api"]),
    ("redb", &["bulla-storage"]),
    ("reqwest", &["bulla-client"]),
    ("rustix", &["bulla-storage"]),
    ("rustls", &["bulla-api"]),
    ("rustls-pki-types", &["bulla-client"]),
    ("rustls-webpki", &["bulla-client"]),
    ("serde", &["bulla-api", "bulla-client", "bulla-node"]),
    ("serde_json", &["bulla-api", "bulla-client", "bulla-consensus"]),
    ("sha2", &["bulla-api", "bulla-client", "bulla-ledger", "bulla-sealing", "bulla-storage"]),
    ("tokio-rustls", &["bulla-api"]),
    ("toml", &["bulla-api", "bulla-node"]),
    ("tower", &["bulla-api"]),
    ("tower-http", &["bulla-api"]),
    ("tracing-subscriber", &["bulla-api"]),
    ("twox-hash", &["bulla-storage"]),
    ("unicode-normalization", &["bulla-ledger"]),
    ("utoipa", &["bulla-api", "bulla-client"]),
];

/// Libraries that any crate may use, and those that only an impure one may.
const EVERYWHERE: [&str; 3] = ["base64", "thiserror", "uuid"];
const OUTSIDE_THE_CORE: [&str; 6] = ["bytes", "crc32c", "futures", "getrandom", "tokio", "tracing"];
/// Their crates are functions of their arguments: see `pure.rs`.
const CORE: [&str; 2] = ["bulla-ledger", "bulla-sealing"];
/// Does all its work on the thread that calls it.
const SYNCHRONOUS: &str = "bulla-storage";

/// Pinned exactly, for the reasons in `crates/decisions/`.
const PINNED: [&str; 3] = ["bincode", "openraft", "redb"];

#[test]
fn crates_use_each_other_only_along_the_arrows() {
    let arrows = BTreeMap::from(ARROWS);
    let mut violations = Vec::new();
    for package in packages() {
        let Some(allowed) = arrows.get(package.name.as_str()) else {
            violations.push(format!("{}: not in the picture", package.name));
            continue;
        };
        for used in package.used.iter().filter(|used| used.starts_with("bulla-")) {
            if !allowed.contains(&used.as_str()) {
                violations.push(format!("{} uses {used}", package.name));
            }
        }
    }
    assert_none(&violations, "turn the arrow round, or let the crate between them re-export it");
}

#[test]
fn every_crate_of_the_picture_is_there() {
    let names: BTreeSet<String> = packages().into_iter().map(|package| package.name).collect();
    let expected = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, expected);
}

#[test]
fn libraries_are_used_only_by_their_owners() {
    let owners = BTreeMap::from(OWNERS);
    let mut violations = Vec::new();
    for package in packages() {
        let name = package.name.as_str();
        for library in package.used.iter().map(String::as_str) {
            let allowed = match owners.get(library) {
                Some(owners) => owners.contains(&name),
                None if library.starts_with("bulla-") => true,
                None if library == "tokio" && name == SYNCHRONOUS => false,
                None if OUTSIDE_THE_CORE.contains(&library) => !CORE.contains(&name),
                None => EVERYWHERE.contains(&library),
            };
            if !allowed {
                violations.push(format!("{name} uses {library}"));
            }
        }
    }
    assert_none(&violations, "ask its owner in place of it, or make the crate an owner in tidy");
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    let mut violations = Vec::new();
    for path in manifest_paths() {
        for (name, dependency, _) in dependencies(&manifest(&path)) {
            let inherited = dependency.get("workspace").and_then(Value::as_bool) == Some(true);
            let own = ["version", "path", "git"].iter().any(|key| dependency.get(key).is_some());
            if !inherited || own {
                violations.push(format!("{path}: {name}"));
            }
        }
    }
    assert_none(&violations, "write `name.workspace = true`, and the version in Cargo.toml");
}

#[test]
fn every_library_in_the_root_manifest_is_used() {
    let used: BTreeSet<String> =
        manifest_paths().iter().flat_map(|path| dependencies(&manifest(path))).map(|(name, _, _)| name).collect();
    let listed = workspace_dependencies();
    let unused = listed.keys().filter(|name| !used.contains(*name));
    assert_none(&unused.cloned().collect::<Vec<_>>(), "take it out of Cargo.toml");
}

#[test]
fn what_is_pinned_is_pinned_exactly_and_locked_so() {
    let listed = workspace_dependencies();
    let lock: Table = read("Cargo.lock").parse().expect("Cargo.lock is TOML");
    let locked = lock["package"].as_array().expect("Cargo.lock lists packages");
    let family = |pin: &str, name: &str| name == pin || name.starts_with(&format!("{pin}-"));
    let mut violations = Vec::new();
    for pin in PINNED {
        assert!(listed.contains_key(pin), "{pin} is not in Cargo.toml");
        for (name, dependency) in listed.iter().filter(|(name, _)| family(pin, name)) {
            let version = dependency.get("version").unwrap_or(dependency).as_str().unwrap_or("");
            let Some(exact) = version.strip_prefix('=') else {
                violations.push(format!("Cargo.toml: {name} = {version:?}"));
                continue;
            };
            let same = |package: &&Value| package["name"].as_str() == Some(name);
            for package in locked.iter().filter(same) {
                if package["version"].as_str() != Some(exact) {
                    violations.push(format!("Cargo.lock: {name} {}", package["version"]));
                }
            }
        }
    }
    assert_none(&violations, "write `=` and the full version; crates/decisions/ says why");
}

#[test]
fn every_package_keeps_the_lints_of_the_workspace() {
    let paths = manifest_paths().into_iter();
    let lax = paths.filter(|path| {
        let lints = manifest(path).get("lints").and_then(|lints| lints.get("workspace").cloned());
        lints != Some(Value::Boolean(true))
    });
    assert_none(&lax.collect::<Vec<_>>(), "write `[lints]` and `workspace = true`");
}

/// A crate, and what it uses outside its tests.
struct Package {
    name: String,
    used: BTreeSet<String>,
}

fn packages() -> Vec<Package> {
    let package = |path: String| {
        let manifest = manifest(&format!("{path}/Cargo.toml"));
        let name = manifest["package"]["name"].as_str().expect("a package has a name").to_owned();
        let used = dependencies(&manifest).into_iter().filter(|(_, _, for_tests)| !for_tests);
        Package { name, used: used.map(|(name, _, _)| name).collect() }
    };
    crates().into_iter().map(package).collect()
}

fn manifest_paths() -> Vec<String> {
    let mut packages = crates();
    packages.extend(["tests", "benches"].map(str::to_owned));
    packages.iter().map(|package| format!("{package}/Cargo.toml")).collect()
}

fn manifest(path: &str) -> Table {
    tree::read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn workspace_dependencies() -> Table {
    let root = manifest("Cargo.toml");
    root["workspace"]["dependencies"].as_table().expect("a table of versions").clone()
}

/// Name, what is said about it, and whether it is for tests only; of all targets.
fn dependencies(manifest: &Table) -> Vec<(String, Value, bool)> {
    let mut places = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(Value::as_table) {
        places.extend(targets.values().filter_map(Value::as_table));
    }
    let kinds = ["dependencies", "build-dependencies", "dev-dependencies"];
    let mut found = Vec::new();
    for place in places {
        for kind in kinds {
            for (key, value) in place.get(kind).and_then(Value::as_table).into_iter().flatten() {
                // `alias = { package = "name" }` is a use of `name`.
                let name = value.get("package").and_then(Value::as_str).unwrap_or(key);
                found.push((name.to_owned(), value.clone(), kind == "dev-dependencies"));
            }
        }
    }
    found
}
