//! Files in, what would be recorded and reported out.

use std::collections::HashMap;
use std::io::BufRead;

use bulla_client::{ItemAnswer, Moves, Problem, Recorded, Stage, Time, TransferRequest};
use expect_test::{Expect, expect};
use uuid::Uuid;

use super::*;

/// A ledger that writes down what it is asked, knows `tag:KNOWN`, and refuses what names `refused`.
#[derive(Default)]
struct Notebook {
    seen: HashMap<Uuid, TransferRequest>,
    lines: Vec<String>,
    /// Fails once this many batches were answered.
    batches_left: Option<u32>,
}

#[derive(Debug, PartialEq)]
struct Gone;

impl Sink for Notebook {
    type Error = Gone;

    async fn send(&mut self, requests: Vec<TransferRequest>) -> Result<Vec<ItemAnswer>, Gone> {
        match &mut self.batches_left {
            Some(0) => return Err(Gone),
            Some(left) => *left -= 1,
            None => {}
        }
        self.lines.push(format!("-- {}", requests.len()));
        Ok(requests.into_iter().map(|request| self.answer(request)).collect())
    }

    async fn knows(&mut self, asset: &str) -> Result<bool, Gone> {
        Ok(asset == "tag:KNOWN")
    }
}

impl Notebook {
    fn answer(&mut self, request: TransferRequest) -> ItemAnswer {
        let record_id = request.record_id.expect("an importer makes the record id");
        let shown = TransferRequest { record_id: None, ..request.clone() };
        let shown = serde_json::to_string(&shown).unwrap().replace('"', "");
        if shown.contains("refused") {
            return problem("unknown_party", "nobody knows that party");
        }
        let repeated = match self.seen.insert(record_id, request.clone()) {
            None => false,
            Some(before) if before == request => true,
            Some(_) => return problem("exists_with_different_content", "the record id was used before"),
        };
        self.lines.push(shown);
        ItemAnswer::Recorded(Recorded {
            record_id,
            stage: Stage::Recorded,
            leaf_index: 0,
            height: 0,
            table_id: Uuid::nil(),
            time: Time::from_micros(0),
            repeated,
            promise: None,
        })
    }
}

fn problem(code: &str, detail: &str) -> ItemAnswer {
    ItemAnswer::Problem(Problem {
        title: String::new(),
        status: 409,
        code: code.to_owned(),
        detail: detail.to_owned(),
        retryable: false,
        index: None,
    })
}

fn import(source: &mut impl Source, ledger: &mut Notebook, batch_max: usize) -> Result<Report, Stopped<Gone>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(run(source, ledger, batch_max, |_| {}))
}

/// Imports the file and shows what was sent, then what the report says.
fn check(source: &mut impl Source, expected: &Expect) {
    let mut ledger = Notebook::default();
    let report = import(source, &mut ledger, 1_000).unwrap();
    expected.assert_eq(&format!("{}\n{}", ledger.lines.join("\n"), show(&report)));
}

fn show(report: &Report) -> String {
    let refused: String =
        report.refused_rows.iter().map(|row| format!("line {}: {}\n", row.line, row.reason)).collect();
    let Report { rows, recorded, repeated, refused: n, new_parties, new_classes, new_assets, records, .. } = report;
    format!(
        "{rows} rows: {recorded} recorded, {repeated} repeated, {n} refused; {records} records, \
         {new_parties} parties, {new_classes} classes, {new_assets} assets are new\n{refused}"
    )
}

fn snipe_it(text: &str) -> SnipeIt<impl BufRead> {
    SnipeIt::open(text.as_bytes(), SnipeItOptions::default()).unwrap()
}

fn transfers(text: &str, options: TransfersCsvOptions) -> TransfersCsv<impl BufRead> {
    TransfersCsv::open(text.as_bytes(), options).unwrap()
}

const ASSETS: &str = include_str!("../../tests/fixtures/snipe-it.csv");
const TRANSFERS: &str = include_str!("../../tests/fixtures/transfers.csv");
const REQUESTS: &str = include_str!("../../tests/fixtures/requests.ndjson");

#[test]
fn snipe_it_assets_are_registered_and_handed_to_whom_they_are_checked_out() {
    check(
        &mut snipe_it(ASSETS),
        &expect![[r#"
        -- 7
        {act:enroll,party:company:Brightwater Surveys}
        {act:define,class:Laptops,kind:unique}
        {act:enroll,party:person:eleri.owen@brightwater.example,payload:{email:eleri.owen@brightwater.example,full_name:Eleri Owen,name:person:eleri.owen@brightwater.example}}
        {act:define,class:Survey instruments,kind:unique}
        {act:enroll,party:place:Site Office Newport}
        {act:define,class:ThinkPad T14,kind:unique}
        {act:enroll,party:person:tparry,payload:{full_name:Tomos Parry,name:person:tparry}}
        -- 4
        {act:register,asset:tag:LAP-0001,class:Laptops,to:company:Brightwater Surveys,event_time:2023-01-23T00:00:00.000000Z,payload:{Asset Notes:arrived with a dent,\nsee photo,Asset Tag:LAP-0001,Category:Laptops,Company:Brightwater Surveys,Location:Cardiff,Manufacturer:Lenovo,Model:ThinkPad T14,Model Number:21HD,Order Number:PO-77,Purchase Cost:1,199.00,Purchase Date:1/23/23,Serial Number:PF3XK2,Supplier:Insight,name:tag:LAP-0001}}
        {act:register,asset:tag:SRV-0004,class:Survey instruments,to:company:Brightwater Surveys,event_time:2022-11-05T00:00:00.000000Z,payload:{Asset EOL Date:2027-11-05,Asset Notes:battery 2\ short,Asset Tag:SRV-0004,Category:Survey instruments,Company:Brightwater Surveys,Location:Cardiff,Manufacturer:Leica,Model:TS07,Name:Total station 4,Purchase Cost:6450,Purchase Date:2022-11-05,Serial Number:TS-99812,name:tag:SRV-0004}}
        {act:register,asset:tag:LAP-0002,class:Laptops,to:company:Brightwater Surveys,event_time:2023-01-23T00:00:00.000000Z,payload:{Asset Tag:LAP-0002,Category:Laptops,Company:Brightwater Surveys,Location:Cardiff,Manufacturer:Lenovo,Model:ThinkPad T14,Model Number:21HD,Order Number:PO-77,Purchase Cost:1,199.00,Purchase Date:1/23/23,Serial Number:PF3XK9,Supplier:Insight,name:tag:LAP-0002}}
        {act:register,asset:tag:LAP-0006,class:ThinkPad T14,to:company:Brightwater Surveys,payload:{Asset Tag:LAP-0006,Company:Brightwater Surveys,Location:Cardiff,Manufacturer:Lenovo,Model:ThinkPad T14,Serial Number:PF3XL7,name:tag:LAP-0006}}
        -- 3
        {act:transfer,asset:tag:LAP-0001,from:company:Brightwater Surveys,to:person:eleri.owen@brightwater.example,moves:custody,event_time:2023-02-01T09:30:00.000000Z}
        {act:transfer,asset:tag:SRV-0004,from:company:Brightwater Surveys,to:place:Site Office Newport,moves:custody,event_time:2023-03-06T00:00:00.000000Z}
        {act:transfer,asset:tag:LAP-0006,from:company:Brightwater Surveys,to:person:tparry,moves:custody}
        10 rows: 4 recorded, 0 repeated, 6 refused; 14 records, 4 parties, 3 classes, 4 assets are new
        line 6: names no company: give the owner with --company
        line 7: asset tag LAP-0001 was already used in line 2
        line 8: "23/1/2023" is not a date: write it as 2026-01-31 or 2026-01-31T08:30:00Z
        line 9: has no asset tag
        line 10: has checkout type "asset", which is neither user nor location
        line 12: has 8 columns where the header has 22
    "#]],
    );
}

#[test]
fn an_export_of_snipe_it_is_read_as_well_as_its_sample() {
    let file = "Asset Tag,Serial,Model Name,Category,Manufacturer,Status,Location,Checked Out To: Name,\
                Username,last_checkout,Purchase Date,Purchase Cost,Notes,COMPANY\n\
                L-1,S1,ThinkPad,Laptops,Lenovo,Deployed,HQ,Ada Byron,ada,2024-02-03 10:11:12,2024-01-02,\"1,200.00\",,Acme\n";
    check(
        &mut snipe_it(file),
        &expect![[r#"
        -- 3
        {act:enroll,party:company:Acme}
        {act:define,class:Laptops,kind:unique}
        {act:enroll,party:person:ada,payload:{full_name:Ada Byron,name:person:ada}}
        -- 1
        {act:register,asset:tag:L-1,class:Laptops,to:company:Acme,event_time:2024-01-02T00:00:00.000000Z,payload:{Asset Tag:L-1,COMPANY:Acme,Category:Laptops,Location:HQ,Manufacturer:Lenovo,Model Name:ThinkPad,Purchase Cost:1,200.00,Purchase Date:2024-01-02,Serial:S1,Status:Deployed,name:tag:L-1}}
        -- 1
        {act:transfer,asset:tag:L-1,from:company:Acme,to:person:ada,moves:custody,event_time:2024-02-03T10:11:12.000000Z}
        1 rows: 1 recorded, 0 repeated, 0 refused; 5 records, 2 parties, 1 classes, 1 assets are new
    "#]],
    );
}

#[test]
fn a_file_without_asset_tags_is_refused_as_a_whole() {
    let open =
        |text: &'static str| SnipeIt::open(text.as_bytes(), SnipeItOptions::default()).err().unwrap().to_string();
    assert_eq!(open("Serial,Company\n1,Acme\n"), "its header has no column \"Asset Tag\"");
    assert_eq!(open("Asset Tag,Serial,Serial\n1,2,3\n"), "its header has the column \"Serial\" twice");
}

#[test]
fn transfers_of_unknown_assets_are_refused_before_they_spend_their_record_id() {
    check(
        &mut transfers(TRANSFERS, TransfersCsvOptions::default()),
        &expect![[r#"
            -- 5
            {act:enroll,party:Store}
            {act:enroll,party:Ada}
            {act:define,class:Imported stock,kind:quantity,scale:0}
            {act:enroll,party:Workshop}
            {act:define,class:Imported assets,kind:unique}
            -- 2
            {act:register,asset:sku:NUT,class:Imported stock}
            {act:register,asset:tag:CAM-1,class:Imported assets,to:Store,event_time:2024-01-13T00:00:00.000000Z,payload:{reference:PO-2}}
            -- 5
            {act:transfer,asset:tag:KNOWN,from:Store,to:Ada,moves:both,event_time:2024-01-08T09:00:00.000000Z,payload:{reference:OUT-1}}
            {act:issue,asset:sku:NUT,to:Store,quantity:500,event_time:2024-01-11T00:00:00.000000Z,payload:{reference:PO-1}}
            {act:transfer,asset:sku:NUT,from:Store,to:Workshop,quantity:120,event_time:2024-01-12T00:00:00.000000Z,payload:{reference:REQ-2}}
            {act:transfer,asset:sku:NUT,from:Store,to:Workshop,quantity:1.5,event_time:2024-01-12T00:00:00.000000Z,payload:{reference:REQ-3}}
            {act:retire,asset:tag:CAM-1,from:Store,event_time:2024-01-14T00:00:00.000000Z,payload:{reference:SCRAP-1}}
            19 rows: 6 recorded, 0 repeated, 13 refused; 12 records, 3 parties, 2 classes, 2 assets are new
            line 3: moves tag:VAN-7, which the ledger does not know: register it first, or give --opening issue
            line 4: moves tag:VAN-7, which the ledger does not know: register it first, or give --opening issue
            line 5: moves sku:BOLT, which the ledger does not know: register it first, or give --opening issue
            line 6: moves sku:BOLT, which the ledger does not know: register it first, or give --opening issue
            line 7: moves sku:BOLT, which the ledger does not know: register it first, or give --opening issue
            line 13: tag:CAM-2 would go from Ada to itself
            line 14: names neither who gives nor who receives
            line 15: names no asset
            line 16: "yesterday" is not a date: write it as 2026-01-31 or 2026-01-31T08:30:00Z
            line 17: "many" is not a quantity: write digits, with a point before decimals
            line 18: moves sku:BOLT, which the ledger does not know: register it first, or give --opening issue
            line 19: moves tag:CAM-3, which the ledger does not know: register it first, or give --opening issue
            line 20: opens a quote that is never closed
        "#]],
    );
}

#[test]
fn opening_positions_are_issued_to_whoever_gives_what_it_does_not_have() {
    let options = TransfersCsvOptions { opening: Opening::Issue, moves: Moves::Custody, ..Default::default() };
    check(
        &mut transfers(TRANSFERS, options),
        &expect![[r#"
            -- 7
            {act:enroll,party:Store}
            {act:enroll,party:Ada}
            {act:define,class:Imported assets,kind:unique}
            {act:enroll,party:Ben}
            {act:enroll,party:Workshop}
            {act:define,class:Imported stock,kind:quantity,scale:0}
            -- 5
            {act:register,asset:tag:KNOWN,class:Imported assets,to:Store}
            {act:register,asset:tag:VAN-7,class:Imported assets,to:Store}
            {act:register,asset:sku:BOLT,class:Imported stock}
            {act:register,asset:sku:NUT,class:Imported stock}
            {act:register,asset:tag:CAM-1,class:Imported assets,to:Store,event_time:2024-01-13T00:00:00.000000Z,payload:{reference:PO-2}}
            -- 11
            {act:transfer,asset:tag:KNOWN,from:Store,to:Ada,moves:custody,event_time:2024-01-08T09:00:00.000000Z,payload:{reference:OUT-1}}
            {act:transfer,asset:tag:VAN-7,from:Store,to:Ben,moves:custody,event_time:2024-01-08T09:05:00.000000Z,payload:{reference:OUT-2}}
            {act:transfer,asset:tag:VAN-7,from:Ben,to:Ada,moves:custody,event_time:2024-01-08T09:05:00.000000Z}
            {act:issue,asset:sku:BOLT,to:Store,quantity:200}
            {act:transfer,asset:sku:BOLT,from:Store,to:Workshop,quantity:200,event_time:2024-01-09T00:00:00.000000Z,payload:{reference:REQ-1}}
            {act:issue,asset:sku:BOLT,to:Store,quantity:200}
            {act:transfer,asset:sku:BOLT,from:Store,to:Workshop,quantity:200,event_time:2024-01-09T00:00:00.000000Z,payload:{reference:REQ-1}}
            {act:redeem,asset:sku:BOLT,from:Workshop,quantity:50,event_time:2024-01-10T00:00:00.000000Z,payload:{reference:USE-1}}
            {act:issue,asset:sku:NUT,to:Store,quantity:500,event_time:2024-01-11T00:00:00.000000Z,payload:{reference:PO-1}}
            {act:transfer,asset:sku:NUT,from:Store,to:Workshop,quantity:120,event_time:2024-01-12T00:00:00.000000Z,payload:{reference:REQ-2}}
            {act:retire,asset:tag:CAM-1,from:Store,event_time:2024-01-14T00:00:00.000000Z,payload:{reference:SCRAP-1}}
            19 rows: 10 recorded, 0 repeated, 9 refused; 22 records, 4 parties, 2 classes, 5 assets are new
            line 10: the quantity has more decimals than its class counts (0)
            line 13: tag:CAM-2 would go from Ada to itself
            line 14: names neither who gives nor who receives
            line 15: names no asset
            line 16: "yesterday" is not a date: write it as 2026-01-31 or 2026-01-31T08:30:00Z
            line 17: "many" is not a quantity: write digits, with a point before decimals
            line 18: moves a quantity of 0
            line 19: nobody knows that party
            line 20: opens a quote that is never closed
        "#]],
    );
}

#[test]
fn requests_are_sent_as_they_are_written() {
    check(
        &mut Ndjson::open(REQUESTS.as_bytes()),
        &expect![[r#"
        -- 3
        {act:enroll,party:Store}
        {act:define,class:Laptops,kind:unique}
        {act:enroll,party:Store}
        -- 1
        {act:register,asset:tag:A,class:Laptops,to:Store,payload:{serial: X1}}
        -- 1
        {act:transfer,asset:tag:A,from:Store,to:Ada}
        8 rows: 5 recorded, 0 repeated, 3 refused; 5 records, 2 parties, 1 classes, 1 assets are new
        line 6: is not a transfer: unknown field `too`, expected one of `record_id`, `act`, `asset`, `class`, `party`, `from`, `to`, `quantity`, `moves`, `kind`, `scale`, `event_time`, `payload` at line 1 column 41
        line 8: is not a transfer: expected ident at line 1 column 2
        line 9: is not a transfer: EOF while parsing a string at line 1 column 31
    "#]],
    );
}

#[test]
fn importing_a_file_again_repeats_nothing() {
    let mut ledger = Notebook::default();
    let first = import(&mut snipe_it(ASSETS), &mut ledger, 1_000).unwrap();
    let second = import(&mut snipe_it(ASSETS), &mut ledger, 2).unwrap();
    assert_eq!(second.records, 0);
    assert_eq!((second.recorded, second.repeated), (0, first.recorded));
    assert_eq!(second.refused_rows, first.refused_rows);
}

#[test]
fn an_import_that_was_cut_off_goes_on_where_it_stopped() {
    let options = || TransfersCsvOptions { opening: Opening::Issue, ..Default::default() };
    let whole = {
        let mut ledger = Notebook::default();
        import(&mut transfers(TRANSFERS, options()), &mut ledger, 1_000).unwrap();
        ledger.seen
    };
    for batches in 0..20 {
        let mut ledger = Notebook { batches_left: Some(batches), ..Notebook::default() };
        let cut_off = import(&mut transfers(TRANSFERS, options()), &mut ledger, 2);
        ledger.batches_left = None;
        let rest = import(&mut transfers(TRANSFERS, options()), &mut ledger, 2).unwrap();
        assert_eq!(ledger.seen, whole, "cut off after {batches} batches");
        if let Err(stopped) = cut_off {
            assert!(stopped.report.rows < rest.rows);
        }
    }
}

#[test]
fn rows_appended_to_a_file_change_nothing_before_them() {
    let options = || TransfersCsvOptions { opening: Opening::Issue, ..Default::default() };
    let mut ledger = Notebook::default();
    import(&mut transfers(TRANSFERS, options()), &mut ledger, 1_000).unwrap();
    let grown = format!("{TRANSFERS}\n2024-05-01,sku:BOLT,Store,Workshop,700,\n");
    let report = import(&mut transfers(&grown, options()), &mut ledger, 1_000).unwrap();
    // The appended row, and the opening position of what the store turns out to have had.
    assert_eq!((report.recorded, report.records), (1, 2));
}

#[test]
fn a_refused_row_leaves_nothing_half_done_and_no_row_below_counts_on_it() {
    let long = "x".repeat(129);
    let file = format!(
        "time,asset,from,to,quantity,reference\n\
         2999-01-01,sku:X,Store,Ada,5,\n\
         ,sku:X,{long},Ada,5,\n\
         ,sku:X,Cafe\u{301},Caf\u{e9},5,\n\
         ,sku:X,Ada,Ben,5,\n"
    );
    let dates = Dates { latest: Time::from_micros(1_900_000_000_000_000), ..Dates::default() };
    let options = TransfersCsvOptions { opening: Opening::Issue, dates, ..Default::default() };
    check(
        &mut transfers(&file, options),
        &expect![[r#"
            -- 3
            {act:enroll,party:Ada}
            {act:enroll,party:Ben}
            {act:define,class:Imported stock,kind:quantity,scale:0}
            -- 1
            {act:register,asset:sku:X,class:Imported stock}
            -- 2
            {act:issue,asset:sku:X,to:Ada,quantity:5}
            {act:transfer,asset:sku:X,from:Ada,to:Ben,quantity:5}
            4 rows: 1 recorded, 0 repeated, 3 refused; 6 records, 2 parties, 1 classes, 1 assets are new
            line 2: "2999-01-01" lies in the future
            line 3: a name is at most 128 bytes of UTF-8; this one has 129
            line 4: sku:X would go from Café to itself
        "#]],
    );
}

#[test]
fn requests_may_begin_with_a_byte_order_mark() {
    check(
        &mut Ndjson::open("\u{feff}{\"act\":\"enroll\",\"party\":\"Store\"}\n".as_bytes()),
        &expect![[r#"
            -- 1
            {act:enroll,party:Store}
            1 rows: 1 recorded, 0 repeated, 0 refused; 1 records, 1 parties, 0 classes, 0 assets are new
        "#]],
    );
}

#[test]
fn a_row_is_refused_when_a_party_that_it_shares_with_others_is() {
    let file = "time,asset,from,to,quantity,reference\n\
                ,sku:X,,refused by the ledger,5,\n\
                ,sku:X,,Store,5,\n\
                ,sku:X,Store,refused by the ledger,1,\n";
    check(
        &mut transfers(file, TransfersCsvOptions::default()),
        &expect![[r#"
        -- 3
        {act:define,class:Imported stock,kind:quantity,scale:0}
        {act:enroll,party:Store}
        -- 1
        {act:register,asset:sku:X,class:Imported stock}
        -- 1
        {act:issue,asset:sku:X,to:Store,quantity:5}
        3 rows: 1 recorded, 0 repeated, 2 refused; 4 records, 1 parties, 1 classes, 1 assets are new
        line 2: nobody knows that party
        line 4: nobody knows that party
    "#]],
    );
}
