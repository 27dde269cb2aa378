//! Attacks by servers, each found by `bulla verify --url` and named.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bulla_sealing::{Checkpoint, Hash, Header, SignedNote, cosign};

use crate::ledger::Ledger;
use crate::liar::Liar;

#[tokio::test(flavor = "multi_thread")]
async fn honest_servers_are_proven_and_remembered() {
    let mut ledger = Ledger::start(3).await;
    ledger.seal(4).await;
    let urls = ledger.cluster.urls().join(",");
    let arguments = ["--url", &urls, "--state", "state.json", "--full"];
    let first = ledger.verify(&arguments).await.all_proven();
    assert_eq!(first["servers"].as_array().unwrap().len(), 3);
    assert_eq!((&first["servers"][0]["leaves_read"], first["continues_size"].as_u64()), (&first["size"], None));
    ledger.seal(300).await;
    let second = ledger.verify(&arguments).await.all_proven();
    assert_eq!(second["continues_size"], first["size"]);

    ledger.cluster.kill(3).await;
    let found = ledger.verify(&arguments).await.leaves_open("unreachable");
    assert_eq!(found.at, ledger.cluster.urls()[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_names_the_others_which_are_asked_too_and_missed_when_they_are_away() {
    let mut ledger = Ledger::start(3).await;
    ledger.seal(4).await;
    let urls = ledger.cluster.urls();
    let of = |value: &serde_json::Value| -> Vec<String> {
        value["servers"].as_array().unwrap().iter().map(|server| server["url"].as_str().unwrap().to_owned()).collect()
    };
    let value = ledger.discover(&["--url", &urls[1]]).await.all_proven();
    assert_eq!(of(&value), [&urls[1], &urls[0], &urls[2]].map(Clone::clone));
    assert_eq!(value["discovered"], serde_json::json!([urls[0], urls[2]]));
    let value = ledger.verify(&["--url", &urls[1]]).await.all_proven();
    assert_eq!(of(&value), [urls[1].clone()]);

    ledger.cluster.kill(3).await;
    let found = ledger.discover(&["--url", &urls[1]]).await.leaves_open("unreachable");
    assert_eq!(found.at, urls[2]);
    ledger.verify(&["--url", &urls[1]]).await.all_proven();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_of_one_size_are_a_split_view() {
    let ledger = Ledger::of_one_server().await;
    let forged = ledger.forge(ledger.size().await, Hash([7; 32])).to_string();
    let liar = Liar::before(&ledger.address(), on("/checkpoint", move |_| forged.clone().into_bytes())).await;
    let both = format!("{},{}", ledger.url(), liar.url);
    let verdict = ledger.verify(&["--url", &both]).await;
    // The liar has no tiles for the tree that it made up, which is found as well.
    let findings = verdict.value["findings"].as_array().unwrap();
    let codes: Vec<&str> = findings.iter().map(|finding| finding["finding"].as_str().unwrap()).collect();
    assert_eq!((verdict.exit, codes.as_slice()), (1, &["split_view", "altered_tile"][..]), "{:#}", verdict.value);
    let evidence = findings[0]["evidence"].as_array().unwrap();
    for file in evidence {
        let kept = std::fs::read(ledger.cluster.directory().join(file.as_str().unwrap())).unwrap();
        ledger.cluster.policy().verify(&SignedNote::parse(&kept).unwrap()).unwrap();
    }
    assert_eq!(evidence.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_history_that_the_later_one_does_not_continue_is_a_split_view() {
    let ledger = Ledger::of_one_server().await;
    let size = ledger.size().await;
    // Its tiles are those of the tree that it made up: a log of one leaf, which is its root.
    let forged = ledger.forge(1, Hash([7; 32])).to_string();
    let liar = Liar::before(&ledger.address(), move |path, body| match path {
        "/checkpoint" => forged.clone().into_bytes(),
        "/tile/0/000.p/1" => vec![7; 32],
        _ => body,
    })
    .await;
    let both = format!("{},{}", ledger.url(), liar.url);
    let found = ledger.verify(&["--url", &both]).await.proves("split_view");
    assert_eq!((found.at, found.evidence), (ledger.url(), 2));
    assert!(found.what.contains(&format!("{size} leaves")) && found.what.contains(&liar.url), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_shows_less_than_before_is_a_rollback() {
    let mut ledger = Ledger::of_one_server().await;
    let (old, old_size) = (ledger.checkpoint().await.to_string(), ledger.size().await);
    ledger.seal(4).await;
    let set_back = Arc::new(AtomicBool::new(false));
    let lie = Arc::clone(&set_back);
    let liar = Liar::before(
        &ledger.address(),
        on("/checkpoint", move |body| if lie.load(Ordering::SeqCst) { old.clone().into_bytes() } else { body }),
    )
    .await;
    let arguments = ["--url", &liar.url, "--state", "state.json"];
    let size = ledger.verify(&arguments).await.all_proven()["size"].clone();
    let state = ledger.cluster.directory().join("state.json");
    let before = std::fs::read(&state).unwrap();

    set_back.store(true, Ordering::SeqCst);
    let found = ledger.verify(&arguments).await.proves("rollback");
    assert_eq!(found.evidence, 2);
    let what = format!("a signed log of {size} leaves before, and now one of {old_size}");
    assert!(found.what.contains(&what), "{}", found.what);
    assert_eq!(std::fs::read(&state).unwrap(), before, "the state never moves backwards");
    // To a verifier who has seen the newer log elsewhere, another server may only be slow.
    set_back.store(false, Ordering::SeqCst);
    ledger.verify(&arguments).await.all_proven();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_killed_and_is_back_is_no_rollback() {
    let mut ledger = Ledger::of_one_server().await;
    let arguments = ["--url", &ledger.url(), "--state", "state.json"];
    let size = ledger.verify(&arguments).await.all_proven()["size"].clone();
    for _ in 0..3 {
        ledger.cluster.kill(1).await;
        ledger.cluster.start_server(1).await;
        assert_eq!(ledger.verify(&arguments).await.all_proven()["size"], size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_behind_what_others_showed_proves_nothing() {
    let mut ledger = Ledger::of_one_server().await;
    let old = ledger.checkpoint().await.to_string();
    ledger.seal(4).await;
    let liar = Liar::before(&ledger.address(), on("/checkpoint", move |_| old.clone().into_bytes())).await;
    ledger.verify(&["--url", &ledger.url(), "--state", "state.json"]).await.all_proven();
    ledger.verify(&["--url", &liar.url, "--state", "state.json"]).await.leaves_open("behind");
    let both = format!("{},{}", ledger.url(), liar.url);
    ledger.verify(&["--url", &both, "--state", "state.json"]).await.all_proven();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_of_another_ledger_says_nothing_about_this_one() {
    let (ledger, mut other) = (Ledger::of_one_server().await, Ledger::start(1).await);
    other.seal(1).await;
    let theirs = other.checkpoint().await.to_string();
    let liar = Liar::before(&ledger.address(), on("/checkpoint", move |_| theirs.clone().into_bytes())).await;
    let found = ledger.verify(&["--url", &liar.url, "--state", "state.json"]).await.leaves_open("other_ledger");
    assert!(found.what.contains(other.cluster.policy().origin()), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_file_of_another_ledger_is_refused() {
    let (ledger, mut other) = (Ledger::of_one_server().await, Ledger::start(1).await);
    other.seal(1).await;
    let state = ledger.cluster.directory().join("state.json").display().to_string();
    other.verify(&["--url", &other.url(), "--state", &state]).await.all_proven();
    let arguments = ["verify", "--policy", "policy.txt", "--url", &ledger.url(), "--state", &state];
    let output = ledger.cluster.run(&arguments).await;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("it is about ledger"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_cosignature_is_no_seal() {
    let ledger = Ledger::of_one_server().await;
    let mut note = ledger.checkpoint().await;
    note.signatures.pop();
    let liar = Liar::before(&ledger.address(), on("/checkpoint", move |_| note.to_string().into_bytes())).await;
    let found = ledger.verify(&["--url", &liar.url]).await.leaves_open("signature_missing");
    assert!(found.what.contains("node-1"), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cosignature_of_another_origin_is_a_bad_signature() {
    let ledger = Ledger::of_one_server().await;
    let mut note = ledger.checkpoint().await;
    let ours: Checkpoint = note.text.parse().unwrap();
    let theirs = Checkpoint { origin: "elsewhere.example".into(), ..ours };
    let elsewhere = cosign(&ledger.identity().node_key, "node-1", &theirs, 1_700_000_000);
    let line = note.signatures.last_mut().unwrap();
    line.signature = [&elsewhere.time_s.to_be_bytes()[..], &elsewhere.signature].concat();
    let liar = Liar::before(&ledger.address(), on("/checkpoint", move |_| note.to_string().into_bytes())).await;
    let found = ledger.verify(&["--url", &liar.url]).await.proves("bad_signature");
    assert!(found.what.contains("\"node-1\""), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_headers_are_found_where_they_stand() {
    let ledger = Ledger::of_one_server().await;
    let liar = Liar::before(
        &ledger.address(),
        on("/tile/entries/", |bundle| {
            let mut leaves = split(&bundle);
            let is_header = |place: &usize| Header::decode(&leaves[*place]).is_ok();
            let headers: Vec<usize> = (0..leaves.len()).filter(is_header).collect();
            leaves.swap(headers[0], headers[1]);
            join(&leaves)
        }),
    )
    .await;
    ledger.verify(&["--url", &liar.url]).await.all_proven();
    let found = ledger.verify(&["--url", &liar.url, "--full"]).await.proves("altered_entry");
    assert!(found.what.contains("what stands there is the header of block 1"), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_tile_is_named() {
    let mut ledger = Ledger::of_one_server().await;
    let path = format!("tile/0/000.p/{}", ledger.size().await);
    let liar = Liar::before(&ledger.address(), on("/tile/0/", flipped(100))).await;
    let found = ledger.verify(&["--url", &liar.url]).await.proves("altered_tile");
    assert!(found.what.starts_with(&path), "{}", found.what);

    ledger.seal(300).await;
    let liar = Liar::before(&ledger.address(), exactly("/tile/0/000", flipped(100))).await;
    let found = ledger.verify(&["--url", &liar.url, "--full"]).await.proves("altered_tile");
    assert!(found.what.starts_with("tile/0/000 was altered"), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_entry_is_named_with_its_leaf_and_byte() {
    let ledger = Ledger::of_one_server().await;
    let liar = Liar::before(
        &ledger.address(),
        on("/tile/entries/", |bundle| {
            let mut leaves = split(&bundle);
            leaves[3][60] ^= 1;
            join(&leaves)
        }),
    )
    .await;
    let found = ledger.verify(&["--url", &liar.url, "--full"]).await.proves("altered_entry");
    assert_eq!(found.at, liar.url);
    assert!(found.what.contains("was altered: leaf 3, at byte "), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_altered_together_with_its_hash_is_found_in_the_tile() {
    let ledger = Ledger::of_one_server().await;
    let forged = vec![9; 176];
    let hash = bulla_sealing::leaf_hash(&forged);
    let liar = Liar::before(&ledger.address(), move |path, mut body| {
        if path.starts_with("/tile/entries/") {
            let mut leaves = split(&body);
            leaves[2].clone_from(&forged);
            return join(&leaves);
        }
        if path.starts_with("/tile/0/") {
            body[64..96].copy_from_slice(&hash.0);
        }
        body
    })
    .await;
    ledger.verify(&["--url", &liar.url]).await.proves("altered_tile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_tile_or_bundle_proves_nothing_and_is_named() {
    let ledger = Ledger::of_one_server().await;
    let cut = |mut body: Vec<u8>| {
        body.pop();
        body
    };
    let liar = Liar::before(&ledger.address(), on("/tile/0/", cut)).await;
    let found = ledger.verify(&["--url", &liar.url]).await.leaves_open("cut_short");
    assert!(found.what.starts_with("tile/0/000.p/"), "{}", found.what);
    let liar = Liar::before(&ledger.address(), on("/tile/entries/", cut)).await;
    let found = ledger.verify(&["--url", &liar.url, "--full"]).await.leaves_open("cut_short");
    assert!(found.what.starts_with("tile/entries/000.p/"), "{}", found.what);
}

/// Changes the answers to paths that begin like this.
fn on(
    start: &'static str,
    lie: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static {
    move |path, body| if path.starts_with(start) { lie(body) } else { body }
}

/// Changes the answers to this path.
fn exactly(
    only: &'static str,
    lie: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static {
    move |path, body| if path == only { lie(body) } else { body }
}

fn flipped(at: usize) -> impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static {
    move |mut body| {
        body[at] ^= 1;
        body
    }
}

/// The leaves of a bundle.
fn split(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk() {
        let (leaf, rest) = rest.split_at(u16::from_be_bytes(*length).into());
        leaves.push(leaf.to_vec());
        bundle = rest;
    }
    leaves
}

fn join(leaves: &[Vec<u8>]) -> Vec<u8> {
    leaves.iter().flat_map(|leaf| [&(leaf.len() as u16).to_be_bytes()[..], leaf].concat()).collect()
}
