//! Imports that are cut off: the importer is killed, a server is killed, no server is left.

use std::collections::BTreeMap;

use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;
use uuid::Uuid;

use crate::PROGRAM;
use crate::books::{Books, State, settled};
use crate::importer::{Fed, import};
use crate::moves::{CSV_HEADER, Move, csv_rows, made_up, real};

/// Twenty rows at a time, so that a file of hundreds is cut off between many batches.
const ARGUMENTS: [&str; 6] = ["--format", "transfers-csv", "--opening", "issue", "--batch", "20"];

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_of_token_transfers_goes_on_where_it_was() {
    let Some(moves) = real() else { return };
    check_killed_importer(&moves, 150, 140).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_goes_on_where_it_was() {
    check_killed_importer(&made_up(300), 219, 200).await;
}

/// Feeds some of the rows, of which whole batches are sent, and kills the importer while it waits for more.
async fn check_killed_importer(moves: &[Move], fed: usize, sent: usize) {
    let cluster = ProcessCluster::start(PROGRAM, 1).await;
    let ledger = cluster.policy().ledger_id();
    let mut importer = Fed::start(&cluster, &ARGUMENTS);
    importer.feed(&(CSV_HEADER.to_owned() + &csv_rows(&moves[..fed]))).await;
    let half = Books::of(&moves[..sent]).positions(ledger);
    has(&cluster, &half).await;
    importer.kill().await;

    std::fs::write(cluster.directory().join("moves.csv"), CSV_HEADER.to_owned() + &csv_rows(moves)).unwrap();
    let recordable = |moves: &[Move]| moves.iter().filter(|moved| moved.refusal().is_none()).count() as u64;
    let (rows, repeated, all) = (moves.len() as u64, recordable(&moves[..sent]), recordable(moves));
    // Other batches than before: what a row is called must not depend on them.
    let arguments = ["--format", "transfers-csv", "--opening", "issue", "--batch", "33", "moves.csv"];
    let rest = import(&cluster, &arguments).await;
    assert_eq!(rest.rows(), [rows, all - repeated, repeated, rows - all]);
    assert_eq!(rest.exit, i32::from(rows != all));
    let state = settled(&cluster).await;
    state.assert_is(&Books::of(moves), ledger);

    let again = import(&cluster, &arguments).await;
    assert_eq!((again.rows(), again.count("records")), ([rows, 0, all, rows - all], 0));
    assert_eq!(settled(&cluster).await, state);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_survives_the_leader_and_nothing_is_recorded_twice() {
    let moves = made_up(600);
    let (books, rows) = (Books::of(&moves), moves.len() as u64);
    let mut cluster = ProcessCluster::start(PROGRAM, 3).await;
    let ledger = cluster.policy().ledger_id();
    let mut importer = Fed::start(&cluster, &ARGUMENTS);
    importer.feed(&(CSV_HEADER.to_owned() + &csv_rows(&moves[..300]))).await;
    until("the import is under way", async || {
        let state = State::of(&cluster.client()).await.ok()?;
        (!state.positions().is_empty()).then_some(())
    })
    .await;
    let killed = until("a leader is known", async || cluster.client().cluster().await.ok()?.leader).await;
    cluster.kill(killed).await;

    let ended = importer.finish(&csv_rows(&moves[300..])).await;
    assert_eq!(ended.exit, 0, "{ended:?}");
    // A batch that was recorded while its answer was lost is sent again, and its rows count as repeated.
    assert_eq!((ended.count("rows"), ended.count("recorded") + ended.count("repeated")), (rows, rows));
    cluster.start_server(killed).await;
    let state = settled(&cluster).await;
    state.assert_is(&books, ledger);

    std::fs::write(cluster.directory().join("moves.csv"), CSV_HEADER.to_owned() + &csv_rows(&moves)).unwrap();
    let again = import(&cluster, &[&ARGUMENTS[..], &["moves.csv"]].concat()).await;
    assert_eq!((again.exit, again.rows(), again.count("records")), (0, [rows, 0, rows, 0], 0));
    assert_eq!(settled(&cluster).await, state);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_finds_no_server_says_how_far_it_came_and_exits_3() {
    let moves = made_up(100);
    let mut cluster = ProcessCluster::start(PROGRAM, 1).await;
    let ledger = cluster.policy().ledger_id();
    let mut importer = Fed::start(&cluster, &ARGUMENTS);
    importer.feed(&(CSV_HEADER.to_owned() + &csv_rows(&moves[..40]))).await;
    let half = Books::of(&moves[..40]).positions(ledger);
    has(&cluster, &half).await;
    cluster.kill(1).await;
    let ended = importer.finish(&csv_rows(&moves[40..])).await;
    assert_eq!((ended.exit, ended.rows()), (3, [40, 40, 0, 0]), "{ended:?}");
    assert!(ended.complaint.contains("run it again"), "{ended:?}");

    cluster.start_server(1).await;
    std::fs::write(cluster.directory().join("moves.csv"), CSV_HEADER.to_owned() + &csv_rows(&moves)).unwrap();
    let rest = import(&cluster, &[&ARGUMENTS[..], &["moves.csv"]].concat()).await;
    assert_eq!((rest.exit, rest.rows()), (0, [100, 60, 40, 0]));
    settled(&cluster).await.assert_is(&Books::of(&moves), ledger);
}

/// Waits until a server has just these positions.
async fn has(cluster: &ProcessCluster, positions: &BTreeMap<(Uuid, Uuid), u128>) {
    until("all batches so far are recorded", async || {
        let state = State::of(&cluster.client()).await.ok()?;
        (state.positions() == *positions).then_some(())
    })
    .await;
}
