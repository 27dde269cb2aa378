//! The drill itself: tamper with one server after the other, see who notices, and wait until it is healed.

use std::time::{Duration, Instant};

use bulla_client::{Client, IncidentTold, IncidentView, PageQuery};
use bulla_node::StorageError;
use bulla_node::tamper::Tampered;
use serde_json::{Value, json};
use uuid::Uuid;

use super::books::Books;
use super::tampering::Tampering;
use crate::cli::{Failure, count, verify_directory};
use crate::scratch::{Cluster, Telling, check, seconds, wait, wait_sealed};

/// Longest wait until a tampering is noticed, and then until it is healed.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);
/// How often a record is tried to be caught between the log and its block.
const ATTEMPTS: usize = 5;

/// How one tampering went.
struct Outcome {
    tampering: Tampering,
    server: String,
    leads: bool,
    tampered: Tampered,
    told: IncidentTold,
    noticed: Duration,
    healed: Duration,
}

/// Does it all; says in numbers what happened.
pub(super) async fn tell(keep: bool, cluster: &mut Cluster, telling: &Telling) -> Result<Value, Failure> {
    telling.say(
        "Three servers keep a ledger. Somebody with every right on one of them now changes its files, five times,",
    );
    telling.say("and each time puts right every checksum, hash and row on that server that would give it away.");
    telling.chapter(0, "Three servers start, and a laptop changes hands");
    (0..cluster.len()).try_for_each(|at| cluster.start(at))?;
    let client = cluster.client()?;
    wait(cluster, &client, "a leader", |view| view.leader.is_some()).await?;
    let mut books = Books::record(cluster).await?;
    let mut outcomes = Vec::new();
    for (number, tampering) in (1..).zip(Tampering::ALL) {
        telling.chapter(number, tampering.title());
        let outcome = undergo(tampering, &mut books, cluster, telling).await?;
        telling.say(&format!("   {}.", outcome.tampered.what));
        telling.say(&format!(
            "   Noticed by {} after {}: {}.",
            outcome.told.noticed_by,
            seconds(outcome.noticed),
            outcome.told.what
        ));
        telling.say(&format!(
            "   Healed after {}; {} has signed a new block since, and answers as the others do.",
            seconds(outcome.healed),
            outcome.server
        ));
        outcomes.push(outcome);
    }
    let leaves = verify_all(cluster, telling).await?;
    if keep {
        (0..cluster.len()).try_for_each(|at| cluster.start(at))?;
    }
    telling.say(&format!(
        "\nAll {} were noticed, told in the ledger itself and healed; no server ever proved what was forged.",
        count(outcomes.len() as u64, "tampering")
    ));
    Ok(json!({ "tamperings": outcomes.iter().map(Outcome::json).collect::<Vec<_>>(), "leaves_verified": leaves }))
}

async fn undergo(
    tampering: Tampering,
    books: &mut Books,
    cluster: &mut Cluster,
    telling: &Telling,
) -> Result<Outcome, Failure> {
    let client = cluster.client()?;
    let view = wait(cluster, &client, "a leader", |view| view.leader.is_some()).await?;
    let leader = view.leader.and_then(|id| cluster.position(id)).expect("just waited for");
    let known: Vec<Uuid> = incidents(&client).await?.iter().map(|incident| incident.record.record_id).collect();
    // Each server gets its turn, the leader among them.
    let victim =
        (leader + Tampering::ALL.iter().position(|one| *one == tampering).expect("one of all")) % cluster.len();
    let server = cluster.name(victim).to_owned();
    telling.say(&format!("   {server} is stopped, edited and started again."));
    let tampered = edit(tampering, victim, books, cluster).await?;
    let began = Instant::now();
    cluster.start(victim)?;

    let waiting = telling.waiting("waiting until somebody notices");
    let others: Vec<String> = (0..cluster.len()).filter(|&at| at != victim).map(|at| cluster.url(at)).collect();
    let others = cluster.client_of(others)?;
    let is_about = |incident: &IncidentView| {
        let about = incident.told.as_ref().is_some_and(|told| told.server == server);
        about && !known.contains(&incident.record.record_id)
    };
    let incident = wait_incident(&others, books, cluster, victim, "noticed", is_about).await?;
    let noticed = began.elapsed();
    drop(waiting);
    let waiting = telling.waiting("waiting until it is healed");
    let is_closed = |seen: &IncidentView| seen.record.record_id == incident.record.record_id && seen.closed.is_some();
    wait_incident(&others, books, cluster, victim, "healed", is_closed).await?;
    let healed = began.elapsed();
    let told = incident.told.expect("it is about the server, so it tells of something");
    let leaf_index = books.hand_over(&others).await?;
    wait_sealed(cluster, leaf_index).await?;
    drop(waiting);
    let answers = cluster.client_at(victim)?;
    books.all_is_answered(&answers, &server).await?;
    Ok(Outcome { tampering, server, leads: victim == leader, tampered, told, noticed, healed })
}

/// Stops a server and edits its files. An entry of the log must be one that is in no block yet, so a record is made
/// for it, and the server is taken away before the table of that record closes.
async fn edit(
    tampering: Tampering,
    victim: usize,
    books: &mut Books,
    cluster: &mut Cluster,
) -> Result<Tampered, Failure> {
    let failed = |error: StorageError| Failure::caused("the data directory could not be tampered with", &error);
    if tampering != Tampering::LogEntry {
        cluster.stop(victim);
        return tampering.edit(cluster.data(victim), books).map_err(failed);
    }
    for _ in 0..ATTEMPTS {
        let client = cluster.client()?;
        let leaf_index = books.hand_over(&client).await?;
        let victims = cluster.client_at(victim)?;
        let has_it = |view: &bulla_client::ClusterView| view.recorded_size > leaf_index;
        wait(cluster, &victims, "the record to reach the server", has_it).await?;
        cluster.kill(victim)?;
        match tampering.edit(cluster.data(victim), books) {
            // Its table had closed already.
            Err(StorageError::Unknown { .. }) => cluster.start(victim)?,
            edited => return edited.map_err(failed),
        }
        wait(cluster, &victims, "the server to be back", |view| view.leader.is_some()).await?;
    }
    Err(Failure::could_not("no record could be caught between the log and its block; this machine is too busy"))
}

/// Waits for an incident. Meanwhile the tampered server is asked for proofs of everything: what it proves must be true.
async fn wait_incident(
    others: &Client,
    books: &Books,
    cluster: &mut Cluster,
    victim: usize,
    what: &str,
    wanted: impl Fn(&IncidentView) -> bool,
) -> Result<IncidentView, Failure> {
    let (victims, name) = (cluster.client_at(victim)?, cluster.name(victim).to_owned());
    let deadline = Instant::now() + PATIENCE;
    loop {
        books.nothing_false_is_proven(&victims, &name).await?;
        if let Some(incident) = incidents(others).await.unwrap_or_default().into_iter().find(|seen| wanted(seen)) {
            return Ok(incident);
        }
        if let Some(fallen) = cluster.fallen() {
            return Err(Failure::could_not(format!("{fallen} ended by itself before the tampering was {what}")));
        }
        check(Instant::now() < deadline, &format!("waited {PATIENCE:?} in vain for the tampering to be {what}"))?;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn incidents(client: &Client) -> Result<Vec<IncidentView>, Failure> {
    Ok(client.incidents(&PageQuery::default()).await?.items)
}

/// Stops all servers and reads everything again, from the files of each; says how many leaves there are.
async fn verify_all(cluster: &mut Cluster, telling: &Telling) -> Result<u64, Failure> {
    let waiting = telling.waiting("reading the whole ledger of all three servers again");
    cluster.end();
    let mut leaves = 0;
    for at in 0..cluster.len() {
        let data = cluster.data(at).to_owned();
        let verified = tokio::task::spawn_blocking(move || verify_directory(&data)).await;
        leaves = verified.map_err(|error| Failure::caused("the verification ended early", &error))??.leaves;
    }
    drop(waiting);
    Ok(leaves)
}

impl Outcome {
    fn json(&self) -> Value {
        json!({
            "tampering": self.tampering.name(),
            "server": self.server,
            "leads": self.leads,
            "what": self.tampered.what,
            "file": self.tampered.file,
            "incident": self.told.incident,
            "noticed_by": self.told.noticed_by,
            "how": self.told.what,
            "noticed_after_s": self.noticed.as_secs_f64(),
            "healed_after_s": self.healed.as_secs_f64(),
        })
    }
}
