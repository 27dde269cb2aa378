//! The promise: software written by others mirrors and audits the log, knowing nothing of this project.

mod http;
mod tiles;

use std::collections::BTreeMap;

use bulla_client::{BatchRequest, ItemAnswer, Named, Stage, TransferRequest};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::checkpoint::Checkpoint;
use tlog_tiles::tile::{Tile, TileHashReader};
use tlog_tiles::tlog;

use crate::http::{Reply, get};
use crate::tiles::{Fetched, path_of};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");

/// Tiles of 2^8 hashes, as C2SP fixes it.
const TILE_HEIGHT: u8 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_mirrored_from_tiles_and_every_entry_is_in_the_signed_tree() {
    let cluster = ProcessCluster::start(PROGRAM, 1).await;
    let address = &cluster.config().nodes[0].http.to_string();
    enroll(&cluster, 0..700).await;
    let checkpoint = signed_checkpoint(&cluster, address, "/checkpoint").await;
    assert!(checkpoint.size() > 700);

    let fetched = fetch_tiles(address, checkpoint.size()).await;
    let reader = TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &fetched);
    assert_eq!(tlog::tree_hash(checkpoint.size(), &reader).unwrap(), *checkpoint.hash());
    let entries = fetch_entries(address, checkpoint.size()).await;
    for (index, entry) in (0..).zip(&entries) {
        let proof = tlog::prove_record(checkpoint.size(), index, &reader).unwrap();
        let hash = tlog::record_hash(entry);
        tlog::check_record(&proof, checkpoint.size(), *checkpoint.hash(), index, hash).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_tree_is_proven_to_continue_every_earlier_checkpoint() {
    let cluster = ProcessCluster::start(PROGRAM, 1).await;
    let address = &cluster.config().nodes[0].http.to_string();
    let mut earlier = Vec::new();
    for round in 0..4 {
        enroll(&cluster, 300 * round..300 * (round + 1)).await;
        earlier.push(signed_checkpoint(&cluster, address, "/checkpoint").await);
    }
    let newest = earlier.pop().unwrap();
    let fetched = fetch_tiles(address, newest.size()).await;
    let reader = TileHashReader::new(newest.size(), *newest.hash(), &fetched);
    for old in earlier {
        let proof = tlog::prove_tree(newest.size(), old.size(), &reader).unwrap();
        tlog::check_tree(&proof, newest.size(), *newest.hash(), old.size(), *old.hash()).unwrap();
        let again = signed_checkpoint(&cluster, address, &format!("/checkpoint/{}", old.size())).await;
        assert_eq!(again.to_bytes(), old.to_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_change_is_cached_for_ever_and_nothing_is_served_past_the_seal() {
    let cluster = ProcessCluster::start(PROGRAM, 1).await;
    let address = &cluster.config().nodes[0].http.to_string();
    enroll(&cluster, 0..300).await;
    let size = signed_checkpoint(&cluster, address, "/checkpoint").await.size();

    for path in ["/tile/0/000", "/tile/0/001.p/5", "/tile/1/000.p/1", "/tile/entries/000", "/tile/entries/001.p/1"] {
        let Reply { status, headers, body } = get(address, path, &[]).await;
        assert_eq!((status, headers["cache-control"].as_str()), (200, "public, max-age=31536000, immutable"), "{path}");
        assert_eq!(headers["content-type"], "application/octet-stream");
        let again = get(address, path, &[("if-none-match", &headers["etag"])]).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert!(!body.is_empty());
    }
    assert_eq!(get(address, "/checkpoint", &[]).await.headers["cache-control"], "no-cache");

    let past = size % 256 + 1;
    let beyond = [
        format!("/tile/0/{:03}.p/{past}", size / 256),
        format!("/tile/entries/{:03}.p/{past}", size / 256),
        "/tile/1/000".into(),
        "/tile/2/000.p/1".into(),
        "/tile/9/000".into(),
        "/tile/0/0".into(),
        format!("/checkpoint/{}", size + 1),
        format!("/checkpoint/{}", size - 1),
    ];
    for path in beyond {
        assert_eq!(get(address, &path, &[]).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_lies_beside_the_keys_and_is_tagged_as_they_are() {
    let cluster = ProcessCluster::start(PROGRAM, 1).await;
    let address = &cluster.config().nodes[0].http.to_string();
    for path in ["/policy", "/v1/policy"] {
        let Reply { status, headers, body } = get(address, path, &[]).await;
        assert_eq!((status, String::from_utf8(body).unwrap()), (200, cluster.policy().to_text()), "{path}");
        assert_eq!(headers["cache-control"], get(address, "/vkeys", &[]).await.headers["cache-control"]);
        let again = get(address, path, &[("if-none-match", &headers["etag"])]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
}

/// Enrols parties, and waits until they are sealed.
async fn enroll(cluster: &ProcessCluster, numbers: std::ops::Range<u32>) {
    let enroll = |number| TransferRequest {
        act: bulla_client::Act::Enroll,
        party: Some(Named::from(format!("party {number}"))),
        ..TransferRequest::default()
    };
    let batch = BatchRequest { atomic: true, transfers: numbers.map(enroll).collect() };
    let answer = cluster.client().submit_batch(batch, Stage::Recorded).await.unwrap();
    let Some(ItemAnswer::Recorded(last)) = answer.results.last() else { panic!("{answer:?}") };
    let last = last.record_id;
    let client = cluster.client();
    until("the last party is sealed", async || client.receipt(last, false).await.ok()).await;
}

/// The checkpoint at a path, if the log's key has signed it.
async fn signed_checkpoint(cluster: &ProcessCluster, address: &str, path: &str) -> Checkpoint {
    let trusted = cluster.policy().log_verifier_key().to_string();
    let listed = get(address, "/vkeys", &[]).await.body;
    assert_eq!(String::from_utf8(listed).unwrap().lines().next(), Some(trusted.as_str()));

    let note = Note::from_bytes(&get(address, path, &[]).await.body).unwrap();
    let verifier = StandardVerifier::new(&trusted).unwrap();
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    Checkpoint::from_bytes(note.text()).unwrap()
}

async fn fetch_tiles(address: &str, size: u64) -> Fetched {
    let mut tiles = BTreeMap::new();
    for tile in Tile::new_tiles(TILE_HEIGHT, 0, size) {
        let path = path_of(&tile);
        let reply = get(address, &format!("/{path}"), &[]).await;
        assert_eq!(reply.status, 200, "{path}");
        tiles.insert(path, reply.body);
    }
    Fetched(tiles)
}

async fn fetch_entries(address: &str, size: u64) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for index in 0..size.div_ceil(256) {
        let partial = match size - index * 256 {
            width @ 1..256 => format!(".p/{width}"),
            _ => String::new(),
        };
        let bundle = get(address, &format!("/tile/entries/{index:03}{partial}"), &[]).await.body;
        let mut rest = bundle.as_slice();
        while let Some((length, after)) = rest.split_first_chunk() {
            let (entry, after) = after.split_at(u16::from_be_bytes(*length).into());
            entries.push(entry.to_vec());
            rest = after;
        }
    }
    assert_eq!(entries.len() as u64, size);
    entries
}
