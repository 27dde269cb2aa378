//! The made-up company of `bulla sample`: imported as it says, without a refusal, in each format.

use std::collections::BTreeMap;
use std::path::Path;

use bulla_client::Client;
use bulla_tests::processes::ProcessCluster;
use serde_json::Value;
use uuid::Uuid;

use crate::PROGRAM;
use crate::books::{all, settled};
use crate::importer::import;

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_imported_as_it_says_and_both_formats_tell_the_same_story() {
    let tables = ProcessCluster::start(PROGRAM, 3).await;
    import_as_told(&tables, "csv").await;
    let requests = ProcessCluster::start(PROGRAM, 1).await;
    import_as_told(&requests, "ndjson").await;

    let custody = custody(&tables.client()).await;
    assert_eq!(custody.len(), 60);
    for (tag, holder) in last_holders(&tables.directory().join("made-up/transfers.csv")) {
        assert_eq!(custody[&tag], ("company:Northgate Instruments".to_owned(), holder), "{tag}");
    }
    assert_eq!(custody, self::custody(&requests.client()).await);
    assert_eq!(stock(&tables).await, stock(&requests).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let cluster = ProcessCluster::prepare(PROGRAM, 1).await;
    for format in ["csv", "ndjson"] {
        let first = make_up(&cluster, "7", format, "first").await;
        assert_eq!(make_up(&cluster, "7", format, "again").await, first);
        assert_ne!(make_up(&cluster, "8", format, "other").await, first);
    }
}

/// Makes a sample up, runs the commands that it names, and runs them again.
async fn import_as_told(cluster: &ProcessCluster, format: &str) {
    let size = ["--assets", "60", "--transfers", "1500", "--seed", "5"];
    let arguments = [&["--json", "sample", "--format", format, "--out", "made-up"], &size[..]].concat();
    let told: Value = serde_json::from_str(&cluster.succeed(&arguments).await).unwrap();
    let commands: Vec<&str> = told["next"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    for again in [false, true] {
        for command in &commands {
            let arguments: Vec<&str> = command.strip_prefix("bulla import ").unwrap().split(' ').collect();
            let ended = import(cluster, &arguments).await;
            let rows = ended.count("rows");
            let expected = if again { [rows, 0, rows, 0] } else { [rows, rows, 0, 0] };
            assert_eq!((ended.exit, ended.rows()), (0, expected), "{command}: {ended:?}");
            assert!(rows >= 60);
        }
    }
}

/// The files of a sample, one after another.
async fn make_up(cluster: &ProcessCluster, seed: &str, format: &str, directory: &str) -> Vec<u8> {
    let size = ["--assets", "30", "--transfers", "200", "--seed", seed];
    cluster.succeed(&[&["sample", "--format", format, "--out", directory], &size[..]].concat()).await;
    let files = std::fs::read_dir(cluster.directory().join(directory)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).filter(|path| is_of(path, format)).collect();
    paths.sort();
    assert_eq!(paths.len(), if format == "csv" { 2 } else { 1 });
    paths.iter().flat_map(|path| std::fs::read(path).unwrap()).collect()
}

fn is_of(path: &Path, format: &str) -> bool {
    path.extension().is_some_and(|extension| extension == format)
}

/// Who received each unique asset last, read from the file.
fn last_holders(path: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    rows.filter(|row| row[1].starts_with("tag:")).map(|row| (row[1].to_owned(), row[3].to_owned())).collect()
}

/// Owner and holder of every unique asset, by name.
async fn custody(client: &Client) -> BTreeMap<String, (String, String)> {
    let names = names(client).await;
    let assets = all(async |page| client.assets(&page).await).await.unwrap();
    let of = |id: Option<Uuid>| id.map(|id| names[&id].clone());
    assets.into_iter().filter_map(|asset| Some((asset.name?, (of(asset.owner)?, of(asset.holder)?)))).collect()
}

/// How much of every stock item every party has, by name.
async fn stock(cluster: &ProcessCluster) -> BTreeMap<(String, String), u128> {
    let (names, state) = (names(&cluster.client()).await, settled(cluster).await);
    let assets: BTreeMap<Uuid, String> =
        state.0.iter().map(|(asset, _)| (asset.asset_id, asset.name.clone().unwrap())).collect();
    let named = |((asset, party), units): (_, u128)| ((assets[&asset].clone(), names[&party].clone()), units);
    state.positions().into_iter().map(named).collect()
}

async fn names(client: &Client) -> BTreeMap<Uuid, String> {
    let parties = all(async |page| client.parties(&page).await).await.unwrap();
    parties.into_iter().map(|party| (party.party_id, party.name.unwrap())).collect()
}
