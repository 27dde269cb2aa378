//! A list of assets with everything wrong that can be: good rows are in, bad ones are named by their lines.

use bulla_client::{Act, Moves, Named, PageQuery, RecordAnswer, RecordView};
use bulla_tests::processes::ProcessCluster;
use serde_json::Value;

use crate::PROGRAM;
use crate::books::{asset, party, settled};
use crate::importer::import;

/// With a byte order mark, CRLF, a line in Latin-1, a row over two lines, and a last line cut off.
const FILE: &[u8] = include_bytes!("snipe_it.csv");
const ARGUMENTS: [&str; 5] = ["--format", "snipe-it", "--company", "Parent Holding", "assets.csv"];
const REFUSED: [(u64, &str); 11] = [
    (5, "has no asset tag"),
    (6, "\"2023-02-30\" is not a date: write it as 2026-01-31 or 2026-01-31T08:30:00Z"),
    (7, "asset tag LAP-1 was already used in line 2"),
    (8, "is not UTF-8 text: save the file as UTF-8"),
    (12, "\"2999-01-01\" lies in the future"),
    (13, "has text after a closing quote"),
    (14, "has 4 columns where the header has 15"),
    (15, "a name is at most 128 bytes of UTF-8; this one has 138"),
    (16, "\"2999-01-01\" lies in the future"),
    (17, "is checked out to a user but names none"),
    (18, "opens a quote that is never closed"),
];

#[tokio::test(flavor = "multi_thread")]
async fn good_rows_are_in_and_bad_ones_are_named_each_time() {
    let cluster = with_file(FILE).await;
    let first = import(&cluster, &ARGUMENTS).await;
    assert_eq!((first.exit, first.rows()), (1, [15, 4, 0, 11]));
    assert_eq!(first.refused(), REFUSED);
    let made = ["new_parties", "new_classes", "new_assets", "records"].map(|name| first.count(name));
    // Two companies, two people and a place; three of the four assets are checked out.
    assert_eq!(made, [5, 3, 4, 5 + 3 + 4 + 3]);
    let state = settled(&cluster).await;

    let again = import(&cluster, &ARGUMENTS).await;
    assert_eq!((again.exit, again.rows(), again.count("records")), (1, [15, 0, 4, 11], 0));
    assert_eq!(again.refused(), REFUSED);
    assert_eq!(settled(&cluster).await, state, "importing again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn custody_is_with_whom_it_is_checked_out_to_and_title_with_the_company() {
    let cluster = with_file(FILE).await;
    import(&cluster, &ARGUMENTS).await;
    let ledger = cluster.policy().ledger_id();
    let expected = [
        ("tag:LAP-1", "company:Harbour Cranes", "person:ada@cranes.example"),
        ("tag:LAP-2", "company:Harbour Cranes", "person:J\u{f6}rg Wei\u{df}"),
        ("tag:CRN-1", "company:Harbour Cranes", "place:Quay 4"),
        ("tag:LAP-7", "company:Parent Holding", "company:Parent Holding"),
    ];
    let state = settled(&cluster).await;
    assert_eq!(state.0.len(), expected.len());
    for (tag, owner, holder) in expected {
        let (view, _) = state.0.iter().find(|(view, _)| view.asset_id == asset(ledger, tag)).expect(tag);
        let (owner, holder) = (Some(party(ledger, owner)), Some(party(ledger, holder)));
        assert_eq!((view.name.as_deref(), view.owner, view.holder), (Some(tag), owner, holder));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_keeps_what_the_row_says_and_when_it_was() {
    let cluster = with_file(FILE).await;
    import(&cluster, &ARGUMENTS).await;
    let [checkout, register] = history(&cluster, "tag:LAP-1").await.try_into().expect("two records");
    assert_eq!((register.act, checkout.act, checkout.moves), (Act::Register, Act::Transfer, Some(Moves::Custody)));
    assert_eq!(register.event_time.unwrap().to_string(), "2023-01-23T00:00:00.000000Z");
    assert_eq!(checkout.event_time.unwrap().to_string(), "2023-02-01T09:30:00.000000Z");
    let row = said(&register);
    assert_eq!(row["Wall Paint"], "magnolia", "a column that nobody knows is kept");
    assert_eq!(row["Purchase Cost"], "1,199.00");
    assert!(!row.to_string().contains("Ada"), "whom it went to stands in a record of its own");

    let [checkout, register] = history(&cluster, "tag:LAP-2").await.try_into().expect("two records");
    assert_eq!(checkout.event_time.unwrap().to_string(), "2023-03-04T14:05:00.000000Z");
    assert_eq!(said(&register)["Asset Notes"], "dent, \"small\"\nsee photo");
    let [_, register] = history(&cluster, "tag:CRN-1").await.try_into().expect("two records");
    assert_eq!(said(&register)["Serial Number"], "24\" hook");
}

#[tokio::test(flavor = "multi_thread")]
async fn corrected_rows_are_recorded_by_the_next_import() {
    let cluster = with_file(FILE).await;
    import(&cluster, &ARGUMENTS).await;
    let corrections: [(&[u8], &[u8]); 4] = [
        (b"2023-02-30", b"2023-02-28"),
        (b"J\xf6rg Wei\xdf", b"J\xc3\xb6rg Wei\xc3\x9f"),
        (b"2999-01-01,,\r\n", b"2023-03-01,,\r\n"),
        (b"\"Think", b"\"ThinkPad\",Laptops,Harbour Cranes,,,,,,,,,,\r\n"),
    ];
    let corrected = corrections.iter().fold(FILE.to_vec(), |file, (wrong, right)| replace(&file, wrong, right));
    std::fs::write(cluster.directory().join("assets.csv"), corrected).unwrap();

    let second = import(&cluster, &ARGUMENTS).await;
    assert_eq!((second.exit, second.rows()), (1, [15, 4, 4, 7]), "{second:?}");
    let ledger = cluster.policy().ledger_id();
    let state = settled(&cluster).await;
    let holder = |tag| state.0.iter().find(|(view, _)| view.asset_id == asset(ledger, tag)).expect(tag).0.holder;
    assert_eq!(holder("tag:LAP-4"), Some(party(ledger, "company:Harbour Cranes")));
    assert_eq!(holder("tag:LAP-6"), Some(party(ledger, "person:J\u{f6}rg Wei\u{df}")));
    assert_eq!(holder("tag:LAP-8"), Some(party(ledger, "person:ada@cranes.example")));
    assert_eq!(holder("tag:LAP-14"), Some(party(ledger, "company:Harbour Cranes")));
}

fn replace(file: &[u8], wrong: &[u8], right: &[u8]) -> Vec<u8> {
    let at = file.windows(wrong.len()).position(|bytes| bytes == wrong).expect("it stands in the file");
    [&file[..at], right, &file[at + wrong.len()..]].concat()
}

/// A cluster of one server, in whose directory the file is.
async fn with_file(file: &[u8]) -> ProcessCluster {
    let cluster = ProcessCluster::start(PROGRAM, 1).await;
    std::fs::write(cluster.directory().join("assets.csv"), file).unwrap();
    cluster
}

/// The records of an asset with their payloads, newest first.
async fn history(cluster: &ProcessCluster, name: &str) -> Vec<RecordView> {
    let client = cluster.client();
    let page = client.history(&Named::from(name), None, &PageQuery::default()).await.unwrap();
    let mut records = Vec::new();
    for record in page.items {
        match client.record(record.record_id, true).await.unwrap() {
            RecordAnswer::Recorded(record) => records.push(*record),
            rejected => panic!("{rejected:?}"),
        }
    }
    records
}

/// The payload of a record.
fn said(record: &RecordView) -> Value {
    serde_json::from_str(record.payload.as_ref().expect("a payload").as_str()).unwrap()
}
