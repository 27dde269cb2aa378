//! A witness over real HTTP, held against C2SP tlog-witness status by status.

use bulla_sealing::{AddCheckpoint, SignedNote};
use tempfile::TempDir;

use crate::http::{Reply, get, post};
use crate::log::Log;
use crate::process::WitnessProcess;

const ORIGIN: &str = "ledger.example/tools";

/// A witness of one log, and its directory.
async fn witness_of(log: &Log) -> (WitnessProcess, TempDir) {
    let directory = TempDir::new().unwrap();
    (WitnessProcess::start(directory.path(), "witness.example", &[log.policy()]).await, directory)
}

async fn push(witness: &WitnessProcess, request: &AddCheckpoint) -> Reply {
    post(&witness.url, "/add-checkpoint", request.to_text().as_bytes()).await
}

/// That the reply is nothing but this witness's cosignature of the request's checkpoint.
fn assert_cosigned(witness: &WitnessProcess, request: &AddCheckpoint, reply: &Reply) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let note = SignedNote::parse(format!("{}\n{}", request.checkpoint.text, reply.body).as_bytes()).unwrap();
    assert_eq!(note.signatures.len(), 1);
    assert!(witness.key.cosigned(&note).unwrap().unwrap() > 1_700_000_000, "it says when");
}

fn assert_conflict(reply: &Reply, size: u64) {
    assert_eq!((reply.status, reply.body.as_str()), (409, format!("{size}\n").as_str()));
    assert_eq!(reply.headers["content-type"], "text/x.tlog.size");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_witness_cosigns_a_log_and_follows_it_as_it_grows() {
    let log = Log::of(ORIGIN, 300);
    let (witness, _directory) = witness_of(&log).await;
    assert_conflict(&push(&witness, &log.request(1, 5)).await, 0);
    let mut old_size = 0;
    for size in [0, 5, 5, 8, 255, 256, 300] {
        let request = log.request(old_size, size);
        assert_cosigned(&witness, &request, &push(&witness, &request).await);
        old_size = size as u64;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_was_killed_goes_on_where_it_was_and_is_never_rolled_back() {
    let log = Log::of(ORIGIN, 20);
    let (mut witness, _directory) = witness_of(&log).await;
    for (old_size, size) in [(0, 7), (7, 12), (12, 20)] {
        let request = log.request(old_size, size);
        assert_cosigned(&witness, &request, &push(&witness, &request).await);
        witness.kill().await;
        witness.start_again().await;
        assert_conflict(&push(&witness, &log.request(0, size)).await, size as u64);
        assert_conflict(&push(&witness, &request).await, size as u64);
        assert_conflict(&push(&witness, &log.request(3, 5)).await, size as u64);
        // The same tree again is cosigned again, with a new time: its sender may have lost the first answer.
        let again = log.request(size as u64, size);
        assert_cosigned(&witness, &again, &push(&witness, &again).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_view_is_refused_before_and_after_a_restart() {
    let log = Log::of(ORIGIN, 20);
    let mut fork = log.clone();
    fork.leaves[3] = 1_000;
    let (mut witness, _directory) = witness_of(&log).await;
    let honest = log.request(0, 10);
    assert_cosigned(&witness, &honest, &push(&witness, &honest).await);
    for _ in 0..2 {
        for size in [10, 11, 20] {
            assert_eq!(push(&witness, &fork.request(10, size)).await.status, 422, "size {size}");
            let lying = AddCheckpoint { proof: log.request(10, size).proof, ..fork.request(10, size) };
            assert_eq!(push(&witness, &lying).await.status, 422, "size {size}");
        }
        assert_conflict(&push(&witness, &fork.request(0, 20)).await, 10);
        witness.kill().await;
        witness.start_again().await;
    }
    let honest = log.request(10, 20);
    assert_cosigned(&witness, &honest, &push(&witness, &honest).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_request_has_the_status_that_the_specification_gives_it() {
    let log = Log::of(ORIGIN, 20);
    let (witness, _directory) = witness_of(&log).await;
    let good = log.request(0, 6);
    assert_cosigned(&witness, &good, &push(&witness, &good).await);
    let good = log.request(6, 9);
    let status = async |request: AddCheckpoint| push(&witness, &request).await.status;

    let mut wrong_proof = good.clone();
    wrong_proof.proof[0].0[0] ^= 1;
    assert_eq!(status(wrong_proof).await, 422);
    assert_eq!(status(AddCheckpoint { proof: vec![], ..good.clone() }).await, 422);
    assert_eq!(status(AddCheckpoint { proof: good.proof.clone(), ..log.request(6, 6) }).await, 422);

    assert_eq!(status(Log::of("other.example", 9).request(6, 9)).await, 404);
    let mut text = good.clone();
    text.checkpoint.text = text.checkpoint.text.replace(ORIGIN, "unheard.example\nand more");
    assert_eq!(status(text).await, 404);

    for place in 0..good.checkpoint.signatures.len() {
        let mut forged = good.clone();
        forged.checkpoint.signatures[place].signature[30] ^= 1;
        assert_eq!(status(forged).await, 403);
        let mut unsigned = good.clone();
        unsigned.checkpoint.signatures.remove(place);
        assert_eq!(status(unsigned).await, 403);
        let mut strange = good.clone();
        strange.checkpoint.signatures[place].key_id ^= 1;
        assert_eq!(status(strange).await, 403);
    }
    assert_eq!(status(AddCheckpoint { old_size: 10, ..good.clone() }).await, 400);

    let text = good.to_text();
    let malformed = [
        "",
        "old 6\n",
        "old 6\n\n",
        &text.replacen("old 6", "old 06", 1),
        &text.replacen("old 6", "6", 1),
        &text.replacen("old 6\n", "old 6\n!\n", 1),
        &text.replacen("old 6\n", &format!("old 6\n{}", format!("{}\n", good.proof[0].to_base64()).repeat(63)), 1),
        &text.replacen("\n9\n", "\n09\n", 1),
        text.trim_end(),
        &"x".repeat(200_000),
    ];
    for body in malformed {
        assert_eq!(post(&witness.url, "/add-checkpoint", body.as_bytes()).await.status, 400, "{body:.80}");
    }
    assert_eq!(post(&witness.url, "/add-checkpoint", b"old 6\n\n\xff\n").await.status, 400);
    assert_eq!(get(&witness.url, "/add-checkpoint").await.status, 405);
    assert_eq!(get(&witness.url, "/").await.status, 404);

    // Nothing of this moved it, and it is still of use.
    assert_cosigned(&witness, &good, &push(&witness, &good).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_strangers_are_ignored() {
    let log = Log::of(ORIGIN, 6);
    let (witness, _directory) = witness_of(&log).await;
    let mut request = log.request(0, 6);
    let mut stranger = request.checkpoint.signatures[0].clone();
    stranger.name = "stranger.example".into();
    request.checkpoint.signatures.push(stranger);
    assert_cosigned(&witness, &request, &push(&witness, &request).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_requests_from_the_same_size_at_once_one_wins() {
    let log = Log::of(ORIGIN, 40);
    let (witness, _directory) = witness_of(&log).await;
    let mut latest = 0;
    for round in 1..=4_usize {
        let pushes = (0..10).map(|ahead| {
            let (url, body) = (witness.url.clone(), log.request(latest, 10 * (round - 1) + 1 + ahead).to_text());
            tokio::spawn(async move { post(&url, "/add-checkpoint", body.as_bytes()).await })
        });
        let pushes: Vec<_> = pushes.collect();
        let mut won = Vec::new();
        for (ahead, pushed) in pushes.into_iter().enumerate() {
            let reply = pushed.await.unwrap();
            match reply.status {
                200 => won.push(10 * (round - 1) + 1 + ahead),
                status => assert_eq!(status, 409),
            }
        }
        assert_eq!(won.len(), 1, "{won:?}");
        let next = log.request(won[0] as u64, 10 * round);
        assert_cosigned(&witness, &next, &push(&witness, &next).await);
        latest = 10 * round as u64;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_log_is_followed_for_itself() {
    let logs = [Log::of("one.example", 9), Log::of("two.example", 9)];
    let directory = TempDir::new().unwrap();
    let policies = logs.each_ref().map(Log::policy);
    let mut witness = WitnessProcess::start(directory.path(), "witness.example", &policies).await;
    for (log, size) in logs.iter().zip([4, 7]) {
        let request = log.request(0, size);
        assert_cosigned(&witness, &request, &push(&witness, &request).await);
    }
    witness.kill().await;
    witness.start_again().await;
    for (log, size) in logs.iter().zip([4, 7]) {
        assert_conflict(&push(&witness, &log.request(0, 9)).await, size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_in_use_or_not_as_it_was_written_stops_the_witness_at_the_start() {
    let log = Log::of(ORIGIN, 9);
    let (mut witness, _directory) = witness_of(&log).await;
    let request = log.request(0, 9);
    assert_cosigned(&witness, &request, &push(&witness, &request).await);
    assert!(witness.refuses_to_start().await.contains("is in use by another process"));
    witness.kill().await;

    let files = std::fs::read_dir(witness.state()).unwrap().map(|entry| entry.unwrap().path());
    let path = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "checkpoint")).unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    for bad in [good.replacen("\n9\n", "\n8\n", 1), good[..good.len() - 9].to_owned(), String::new()] {
        std::fs::write(&path, bad).unwrap();
        assert!(witness.refuses_to_start().await.contains("is not what this witness wrote"));
    }
    std::fs::write(&path, good).unwrap();
    witness.start_again().await;
    assert_conflict(&push(&witness, &log.request(0, 9)).await, 9);
}
