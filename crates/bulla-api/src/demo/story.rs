//! The story, chapter by chapter; nothing is told before it was checked.

use std::io::BufRead;
use std::time::Instant;

use bulla_client::{Client, Moves, Named, RecordView, Stage, Time};
use bulla_sealing::verify_receipt;
use serde_json::{Value, json};

use crate::cli::{Cluster as Recorder, Demo, Failure, Names, count, import_words, verify_directory};
use crate::import::{Cause, Report, SnipeIt, SnipeItOptions, Source, Stopped, TransfersCsv, TransfersCsvOptions};
use crate::sample::Sample;
use crate::scratch::{Cluster, Telling, check, seconds, signers, wait, wait_sealed};

/// Rows that are recorded together.
const BATCH: usize = 200;
/// Records of an asset that are shown.
const SHOWN: usize = 5;

/// Tells all of it; says in numbers what happened.
pub(super) async fn tell(demo: &Demo, cluster: &mut Cluster, telling: &Telling) -> Result<Value, Failure> {
    let began = Instant::now();
    telling.say("bulla keeps a ledger of who handed which asset to whom. Three servers keep the same ledger,");
    telling.say("and sign it together, so that nobody, not even an administrator, can change it unnoticed.");

    start(cluster, telling).await?;
    let books = Books::make_up(demo)?;
    record(&books, cluster, telling).await?;
    let sealed = seal(cluster, telling).await?;
    let (victim, during) = lose(&books, cluster, telling).await?;
    let resealed = recover(victim, cluster, telling).await?;
    let verified = prove(victim, demo.keep, cluster, telling).await?;

    telling
        .say(&format!("\nThat was all of it, in {}. Every step was checked as it was told.", seconds(began.elapsed())));
    Ok(json!({
        "sealed_height_before_the_loss": sealed,
        "lost": cluster.name(victim),
        "rows_recorded_during_the_loss": during,
        "sealed_height_after_it": resealed,
        "leaves_verified": verified,
        "seconds": began.elapsed().as_secs_f64(),
    }))
}

async fn start(cluster: &mut Cluster, telling: &Telling) -> Result<(), Failure> {
    telling.chapter(1, "Three servers start on this machine");
    (0..cluster.len()).try_for_each(|at| cluster.start(at))?;
    let waiting = telling.waiting("waiting until all three are ready");
    for at in 0..cluster.len() {
        let client = cluster.client_at(at)?;
        let what = format!("{} to be ready", cluster.name(at));
        wait(cluster, &client, &what, |view| view.leader.is_some()).await?;
    }
    let client = cluster.client()?;
    let view = wait(cluster, &client, "a leader", |view| view.leader.is_some()).await?;
    drop(waiting);
    let leader = view.leader.and_then(|id| cluster.position(id));
    for at in 0..cluster.len() {
        let role = if Some(at) == leader { "leads, by the others' vote" } else { "follows" };
        telling.say(&format!("   {}  {}  {role}", cluster.name(at), cluster.url(at)));
    }
    telling.say("   Each has a key of its own to sign with, and talks to the others under TLS.");
    Ok(())
}

/// What the company writes down: the assets, most of the movements, and those that are left for later.
struct Books {
    assets: String,
    movements: String,
    later: String,
}

impl Books {
    fn make_up(demo: &Demo) -> Result<Books, Failure> {
        let sample = Sample { assets: demo.assets as usize, transfers: demo.transfers, seed: demo.seed };
        let text = |write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| -> Result<String, Failure> {
            let mut out = Vec::new();
            write(&mut out).map_err(|error| Failure::caused("cannot make up a company", &error))?;
            Ok(String::from_utf8(out).expect("the sample is text"))
        };
        let assets = text(&|out| sample.write_snipe_it(out))?;
        let all = text(&|out| sample.write_transfers_csv(out))?;
        let lines: Vec<&str> = all.lines().collect();
        let (header, rows) = lines.split_first().expect("a table has a header");
        let (now, later) = rows.split_at(rows.len() - rows.len() / 5);
        let file = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n"));
        Ok(Books { assets, movements: file(now), later: file(later) })
    }
}

async fn record(books: &Books, cluster: &mut Cluster, telling: &Telling) -> Result<(), Failure> {
    telling.chapter(2, "A company writes down what it has, and who takes what");
    let began = Instant::now();
    let client = cluster.client()?;
    let mut assets = SnipeIt::open(books.assets.as_bytes(), SnipeItOptions::default())
        .map_err(|error| Failure::caused("the made-up assets cannot be read", &error))?;
    let assets = import(&mut assets, &client, "assets", rows(&books.assets), telling).await?;
    let moved =
        import(&mut movements(&books.movements)?, &client, "hand-overs", rows(&books.movements), telling).await?;
    let records = assets.records + moved.records;
    telling.say(&format!(
        "   {} (laptops, phones, tools, vans; who has them) and {} are imported:",
        count(assets.rows, "asset"),
        count(moved.rows, "hand-over")
    ));
    telling.say(&format!(
        "   {} made in {}. \"Recorded\" means that at least two of the three have it on disk.",
        count(records, "record"),
        seconds(began.elapsed())
    ));
    Ok(())
}

async fn seal(cluster: &mut Cluster, telling: &Telling) -> Result<u64, Failure> {
    telling.chapter(3, "Every server has all of it, and signs");
    let client = cluster.client()?;
    let newest = newest_leaf(&client).await?;
    let waiting = telling.waiting("waiting until all have signed");
    let height = wait_sealed(cluster, newest).await?;
    drop(waiting);
    for at in 0..cluster.len() {
        let view = cluster.client_at(at)?.cluster().await?;
        check(view.recorded_size > newest, &format!("{} lacks records", cluster.name(at)))?;
        telling.say(&format!("   {} has {} leaves of the ledger", cluster.name(at), view.recorded_size));
    }
    let block = client.block(height).await?;
    let sealed = signers(&client, height).await?;
    let names: Vec<&str> = sealed.nodes.iter().map(|signer| signer.name.as_str()).collect();
    check(names.len() == cluster.len(), "a block is sealed without the signature of every server")?;
    telling.say(&format!("   The records are sealed in blocks 0 to {height}. Block {height} is record table"));
    telling.say(&format!(
        "   {} with {}, signed by {}.",
        block.table_id,
        count(block.record_count, "record"),
        names.join(", ")
    ));
    telling.say("   \"Sealed\" means that every server has it, recomputed it from its own disk, and signed.");
    Ok(height)
}

/// Which server was lost, and how many rows were recorded while it was away.
async fn lose(books: &Books, cluster: &mut Cluster, telling: &Telling) -> Result<(usize, u64), Failure> {
    telling.chapter(4, "A server is lost");
    let client = cluster.client()?;
    let view = wait(cluster, &client, "a leader", |view| view.leader.is_some()).await?;
    let leader = view.leader.and_then(|id| cluster.position(id));
    let victim = (0..cluster.len()).rev().find(|&at| Some(at) != leader).expect("three servers have one leader");
    let name = cluster.name(victim).to_owned();
    cluster.kill(victim)?;
    telling.say(&format!("   {name} is killed (kill -9), as if its power had failed."));

    let later = import(&mut movements(&books.later)?, &client, "hand-overs", rows(&books.later), telling).await?;
    check(later.rows == 0 || later.recorded > 0, "nothing was recorded while one server was away")?;
    telling.say(&format!(
        "   {} are recorded all the same: two of three are a majority.",
        count(later.recorded, "hand-over")
    ));

    let waits = |view: &bulla_client::ClusterView| {
        view.unsealed.first().is_some_and(|table| table.waiting_for == std::slice::from_ref(&name))
    };
    let waiting = telling.waiting("waiting until a table is closed");
    let view = wait(cluster, &client, "a closed table that waits for the lost server", waits).await?;
    drop(waiting);
    let table = view.unsealed.first().expect("just waited for");
    telling.say(&format!(
        "   Block {} is closed and kept, but NOT sealed: it waits for {}, and says so.",
        table.height,
        table.waiting_for.join(", ")
    ));
    telling.say("   A seal that some servers did not give would not be one.");
    Ok((victim, later.recorded))
}

async fn recover(victim: usize, cluster: &mut Cluster, telling: &Telling) -> Result<u64, Failure> {
    telling.chapter(5, "It comes back");
    let began = Instant::now();
    let client = cluster.client()?;
    let newest = newest_leaf(&client).await?;
    cluster.start(victim)?;
    let waiting = telling.waiting("waiting until it has caught up and signed");
    let height = wait_sealed(cluster, newest).await?;
    drop(waiting);
    let sealed = signers(&client, height).await?;
    let name = cluster.name(victim);
    check(sealed.nodes.iter().any(|signer| signer.name == name), &format!("{name} did not sign block {height}"))?;
    telling.say(&format!(
        "   {name} starts again, fetches what it missed, and signs: sealed up to block {height} after {}.",
        seconds(began.elapsed())
    ));
    Ok(height)
}

/// How many leaves were verified.
async fn prove(victim: usize, keep: bool, cluster: &mut Cluster, telling: &Telling) -> Result<u64, Failure> {
    telling.chapter(6, "Anybody can check");
    let client = cluster.client()?;
    if let Some((asset, history)) = travelled(&client).await? {
        telling.say(&format!("   What the ledger says about {asset}, newest first:"));
        let mut names = Names::new(&client);
        for record in history.iter().take(SHOWN) {
            let (from, to) = (names.party(record.from).await, names.party(record.to).await);
            let when: Time = record.event_time.unwrap_or(record.time);
            let day = when.to_string().chars().take(10).collect::<String>();
            telling.say(&format!("     {day}  {:<8}  {from} -> {to}", record.act.as_str()));
        }
        let record = &history[0];
        check(record.stage == Stage::Sealed, "the newest record of the asset is not sealed")?;
        let receipt = client.receipt(record.record_id, false).await?.text;
        offline(&receipt, &cluster.policy()?, record, telling)?;
    }

    let name = cluster.name(victim).to_owned();
    cluster.stop(victim);
    let waiting = telling.waiting("reading the whole ledger again");
    let data = cluster.data(victim).to_owned();
    let verified = tokio::task::spawn_blocking(move || verify_directory(&data)).await;
    let verified = verified.map_err(|error| Failure::caused("the verification ended early", &error))??;
    drop(waiting);
    telling.say(&format!(
        "   The whole ledger is read again from the files of {name}: {} and {} leaves, hashed",
        count(verified.blocks, "block"),
        verified.leaves
    ));
    telling.say("   and held against the rules and the signatures. Everything is as it was sealed.");
    check(verified.sealed_blocks > 0, "no block of the directory is sealed")?;
    if keep {
        cluster.start(victim)?;
    }
    Ok(verified.leaves)
}

/// Verifies a receipt with nothing but the keys, and shows that a changed one is noticed.
fn offline(
    receipt: &str,
    policy: &bulla_sealing::Policy,
    record: &RecordView,
    telling: &Telling,
) -> Result<(), Failure> {
    let verified = verify_receipt(receipt.as_bytes(), policy)
        .map_err(|error| Failure::no(format!("the receipt of record {} proves nothing: {error}", record.record_id)))?;
    telling.say(&format!(
        "   Its newest record has a receipt of {} bytes. Verified offline, with no more than the servers'",
        receipt.len()
    ));
    telling.say(&format!(
        "   public keys: it is leaf {} of the ledger, in block {}, signed by all {}.",
        verified.leaf_index,
        verified.header.height,
        verified.sealed.nodes.len()
    ));
    let place = receipt.find("extra ").map_or(0, |at| at + "extra ".len() + 40);
    let mut forged = receipt.as_bytes().to_vec();
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    check(verify_receipt(&forged, policy).is_err(), "a forged receipt was believed")?;
    telling.say("   The same receipt with one letter changed is refused.");
    Ok(())
}

/// An asset with a history worth showing, and that history, newest first.
async fn travelled(client: &Client) -> Result<Option<(String, Vec<RecordView>)>, Failure> {
    let assets = client.assets(&Default::default()).await?.items;
    let Some(asset) = assets.iter().filter(|asset| asset.owner.is_some()).max_by_key(|asset| asset.seq) else {
        return Ok(None);
    };
    let history = client.history(&Named::Id(asset.asset_id), None, &Default::default()).await?.items;
    let name = asset.name.clone().unwrap_or_else(|| asset.asset_id.to_string());
    Ok((!history.is_empty()).then_some((name, history)))
}

/// The last leaf that is recorded now.
async fn newest_leaf(client: &Client) -> Result<u64, Failure> {
    let size = client.cluster().await?.recorded_size;
    size.checked_sub(1).ok_or_else(|| Failure::could_not("the ledger has no leaf at all"))
}

async fn import(
    source: &mut impl Source,
    client: &Client,
    what: &'static str,
    rows: u64,
    telling: &Telling,
) -> Result<Report, Failure> {
    let bar = telling.filling(what, rows, "rows");
    let done =
        crate::import::run(source, &mut Recorder { client }, BATCH, |report| bar.set_position(report.rows)).await;
    bar.finish_and_clear();
    match done {
        Ok(report) if report.refused == 0 => Ok(report),
        Ok(report) => Err(Failure::no(format!("rows of the made-up company were refused: {}", import_words(&report)))),
        Err(Stopped { cause: Cause::Ledger(error), .. }) => Err(error.into()),
        Err(Stopped { cause: Cause::File(error), .. }) => {
            Err(Failure::caused("the made-up rows cannot be read", &error))
        }
    }
}

fn movements(text: &str) -> Result<TransfersCsv<impl BufRead>, Failure> {
    let options = TransfersCsvOptions { moves: Moves::Custody, ..TransfersCsvOptions::default() };
    TransfersCsv::open(text.as_bytes(), options)
        .map_err(|error| Failure::caused("the made-up hand-overs cannot be read", &error))
}

fn rows(file: &str) -> u64 {
    file.lines().count().saturating_sub(1) as u64
}
