//! 291 real token transfers of up to 103 bits: every position of every address is what it adds up to.

use bulla_tests::processes::ProcessCluster;

use crate::PROGRAM;
use crate::books::{Books, settled};
use crate::importer::import;
use crate::moves::{CSV_HEADER, Move, csv_rows, ndjson, real};

const OPENING: [&str; 4] = ["--format", "transfers-csv", "--opening", "issue"];

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_token_transfers_leaves_every_address_with_what_it_adds_up_to() {
    let Some(moves) = real() else { return };
    let cluster = ProcessCluster::start(PROGRAM, 3).await;
    std::fs::write(cluster.directory().join("transfers.csv"), CSV_HEADER.to_owned() + &csv_rows(&moves)).unwrap();
    let arguments = [&OPENING[..], &["--stock-class", "ERC-20", "transfers.csv"]].concat();
    let (books, ledger) = (Books::of(&moves), cluster.policy().ledger_id());
    let refused = refused(&moves);

    let first = import(&cluster, &arguments).await;
    assert_eq!((first.exit, first.rows()), (1, [291, 275, 0, 16]));
    assert_eq!(first.refused(), refused.iter().map(|(line, reason)| (*line, reason.as_str())).collect::<Vec<_>>());
    assert_eq!(first.count("new_assets"), books.assets().len() as u64);
    assert_eq!(first.count("new_parties"), books.parties().len() as u64);
    let state = settled(&cluster).await;
    state.assert_is(&books, ledger);

    let again = import(&cluster, &arguments).await;
    assert_eq!((again.exit, again.rows(), again.count("records")), (1, [291, 0, 275, 16], 0));
    assert_eq!(settled(&cluster).await, state, "importing again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_token_transfers_leave_every_address_with_what_it_adds_up_to() {
    let Some(moves) = real() else { return };
    let cluster = ProcessCluster::start(PROGRAM, 1).await;
    let requests = ndjson(&moves);
    std::fs::write(cluster.directory().join("requests.ndjson"), &requests).unwrap();
    let (books, ledger) = (Books::of(&moves), cluster.policy().ledger_id());
    let lines = requests.lines().count() as u64;
    let before_moves = lines - moves.len() as u64;

    let first = import(&cluster, &["--format", "ndjson", "requests.ndjson"]).await;
    assert_eq!((first.exit, first.rows()), (1, [lines, lines - 16, 0, 16]));
    // The header of the table is one line.
    let expected: Vec<u64> = refused(&moves).iter().map(|(line, _)| line - 1 + before_moves).collect();
    assert_eq!(first.refused().iter().map(|(line, _)| *line).collect::<Vec<_>>(), expected);
    let state = settled(&cluster).await;
    state.assert_is(&books, ledger);

    let again = import(&cluster, &["--format", "ndjson", "--batch", "70", "requests.ndjson"]).await;
    assert_eq!((again.exit, again.rows(), again.count("records")), (1, [lines, 0, lines - 16, 16], 0));
    assert_eq!(settled(&cluster).await, state, "importing again changes nothing");
}

/// The lines of the table that cannot be recorded, and why.
fn refused(moves: &[Move]) -> Vec<(u64, String)> {
    moves.iter().zip(2..).filter_map(|(moved, line)| Some((line, moved.refusal()?))).collect()
}
