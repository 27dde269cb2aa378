//! The scrubber: reads everything again at a modest rate, has damage mended from peers, and reports it as incidents.
//!
//! ```text
//!  pause over, asked, or a read met damage
//!      └─▶ pass: a step, then a wait that holds the rate ─▶ finding ─▶ incident opened
//!                                                              └─▶ mended and verified ─▶ incident closed
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bulla_ledger::RecordId;
use bulla_sealing::leaf_hash;
use bulla_storage::{Finding, Remedy, Store};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use crate::engine::Engine;
use crate::incident::IncidentReport;
use crate::scrub_status::{Damaged, ScrubRunning, ScrubStatus, ScrubbedPass};

/// At which rate a pass reads that was asked for while the scrubber is off, bytes a second.
const ASKED_BYTES_PER_S: u64 = 8 << 20;

/// What the scrubber shows, and by what it is asked. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Scrubbing {
    pub(crate) status: watch::Sender<ScrubStatus>,
    /// How many passes were completed when everything that was asked for is done.
    asked: watch::Sender<u64>,
    suspects: Arc<Notify>,
}

impl Scrubbing {
    /// Asks for a pass that begins after this; returns the number of passes completed once it is.
    pub(crate) fn ask(&self) -> u64 {
        let status = self.status.borrow();
        let target = status.passes + 1 + u64::from(status.running.is_some());
        drop(status);
        self.asked.send_modify(|asked| *asked = target.max(*asked));
        target
    }

    /// Waits until so many passes are completed, at most `limit`; whether they are.
    pub(crate) async fn wait(&self, passes: u64, limit: Duration) -> bool {
        let mut status = self.status.subscribe();
        let completed = status.wait_for(|status| status.passes >= passes);
        tokio::time::timeout(limit, completed).await.is_ok_and(|completed| completed.is_ok())
    }
}

/// Scrubs until the node stops.
pub(crate) async fn scrub(engine: Arc<Engine>) {
    let suspects = Arc::clone(&engine.scrubbing.suspects);
    engine.store.ledger().tell_of_suspects(move || suspects.notify_one());
    let mut scrubber = Scrubber { engine, open: BTreeMap::new(), searched: false };
    while let Some(work) = scrubber.wait().await {
        let went_on = match work {
            Work::Pass => scrubber.pass().await,
            Work::Suspects => scrubber.look_at_suspects().await,
        };
        if went_on.is_none() {
            break;
        }
    }
    scrubber.engine.scrubbing.status.send_modify(|status| status.running = None);
}

enum Work {
    Pass,
    Suspects,
}

/// `None` stands for: the node stops.
struct Scrubber {
    engine: Arc<Engine>,
    /// Incidents that are not over, by what is damaged.
    open: BTreeMap<String, Open>,
    /// Whether a pass was made because reads met damage that no look at their blocks found, since the last regular one.
    searched: bool,
}

struct Open {
    record_id: RecordId,
    since_us: u64,
    /// The pass in which it was found last.
    pass: u64,
}

impl Scrubber {
    /// Waits until there is something to do.
    async fn wait(&mut self) -> Option<Work> {
        let Scrubbing { status, asked, suspects } = self.engine.scrubbing.clone();
        let passes = status.borrow().passes;
        let mut asked = asked.subscribe();
        let pause = Duration::from_millis(self.engine.settings.scrub_pause_ms);
        let is_on = self.engine.settings.scrub_bytes_per_s > 0;
        tokio::select! {
            () = self.engine.stopped() => None,
            _asked = asked.wait_for(|asked| *asked > passes) => Some(Work::Pass),
            () = suspects.notified() => Some(Work::Suspects),
            () = tokio::time::sleep(pause), if is_on => {
                self.searched = false;
                Some(Work::Pass)
            }
        }
    }

    /// A whole pass over what is stored.
    async fn pass(&mut self) -> Option<()> {
        let (started, started_us) = (Instant::now(), self.now_us());
        let rate = match self.engine.settings.scrub_bytes_per_s {
            0 => ASKED_BYTES_PER_S,
            rate => rate,
        };
        let found_before = self.engine.scrubbing.status.borrow().found;
        let mut scrub = self.engine.store.scrub();
        loop {
            let (bytes_done, bytes_total) = (scrub.bytes_done(), scrub.bytes_total());
            self.show(|status| status.running = Some(ScrubRunning { started_us, bytes_done, bytes_total }));
            let stepped = self.on_a_thread(move |store| {
                let step = scrub.step(store);
                (scrub, step)
            });
            let (after, step) = stepped.await?;
            scrub = after;
            let Some(step) = step else { break };
            self.handle(step.findings).await?;
            let due = started + Duration::from_secs_f64(scrub.bytes_done() as f64 / rate as f64);
            tokio::select! {
                () = self.engine.stopped() => return None,
                () = sleep_until(due) => {}
            }
        }
        self.close_what_is_over().await;
        let (ended_us, bytes) = (self.now_us(), scrub.bytes_done());
        let duration_ms = started.elapsed().as_millis() as u64;
        self.show(|status| {
            let found = status.found - found_before;
            (status.running, status.passes) = (None, status.passes + 1);
            status.last = Some(ScrubbedPass { ended_us, duration_ms, bytes, found });
        });
        Some(())
    }

    /// Looks at the blocks in which reads met damage. If they are all right, something else is not: a row that they are
    /// held against.
    async fn look_at_suspects(&mut self) -> Option<()> {
        let heights = self.engine.store.ledger().take_suspects();
        let mut found = Vec::new();
        for height in heights {
            found.extend(self.on_a_thread(move |store| store.scrub_block(height)).await?);
        }
        if found.is_empty() && !std::mem::replace(&mut self.searched, true) {
            self.engine.scrubbing.ask();
        }
        self.handle(found).await
    }

    async fn handle(&mut self, findings: Vec<Finding>) -> Option<()> {
        for finding in findings {
            if *self.engine.stop.borrow() {
                return None;
            }
            self.open_incident(&finding);
            match self.engine.heal(&finding.remedy, &finding).await {
                Ok(how) => {
                    tracing::warn!(what = finding.what, how, "damage is put right");
                    self.show(|status| status.healed += 1);
                    self.close(&finding.what, how);
                }
                Err(why) => {
                    tracing::error!(what = finding.what, why, "damage is not put right");
                    self.show(|status| {
                        let damaged = status.damaged.iter_mut().find(|damaged| damaged.what == finding.what);
                        if let Some(damaged) = damaged {
                            damaged.waits_for = why;
                        }
                    });
                }
            }
        }
        Some(())
    }

    /// Reports a finding, unless the same thing is known to be damaged.
    fn open_incident(&mut self, finding: &Finding) {
        let pass = self.engine.scrubbing.status.borrow().passes;
        if let Some(open) = self.open.get_mut(&finding.what) {
            open.pass = pass;
            return;
        }
        let since_us = self.now_us();
        let report = report(finding, &self.engine.store, since_us);
        let record_id = report.record_id(self.engine.store.identity().genesis.ledger_id);
        self.open.insert(finding.what.clone(), Open { record_id, since_us, pass });
        let Finding { what, detail, height, .. } = finding.clone();
        let damaged = Damaged { what, detail, height, since_us, waits_for: "being put right".into() };
        self.show(|status| {
            status.found += 1;
            status.damaged.push(damaged);
        });
        self.engine.report_incident(report);
    }

    fn close(&mut self, what: &str, how: String) {
        if let Some(open) = self.open.remove(what) {
            self.engine.close_incident(open.record_id, how);
        }
        self.show(|status| status.damaged.retain(|damaged| damaged.what != what));
    }

    /// What a whole pass has not found again is over, and so is what this node reported before it was started again.
    async fn close_what_is_over(&mut self) {
        let pass = self.engine.scrubbing.status.borrow().passes;
        let over = |(_, open): &(&String, &Open)| open.pass < pass;
        let over: Vec<String> = self.open.iter().filter(over).map(|(what, _)| what.clone()).collect();
        for what in over {
            self.close(&what, "a whole pass has not found it any more".into());
        }
        let newest_us = self.open.values().map(|open| open.since_us).max();
        tracing::debug!(open = self.open.len(), newest_us, "a scrub is over");
        let known: Vec<RecordId> = self.open.values().map(|open| open.record_id).collect();
        let stale = self.on_a_thread(move |store| stale_incidents(store, &known)).await;
        for record_id in stale.unwrap_or_default() {
            self.engine.close_incident(record_id, "a whole pass since this server's start has not found it any more");
        }
    }

    fn show(&self, change: impl FnOnce(&mut ScrubStatus)) {
        self.engine.scrubbing.status.send_modify(change);
    }

    fn now_us(&self) -> u64 {
        (self.engine.settings.clock)()
    }

    async fn on_a_thread<T: Send + 'static>(&self, work: impl FnOnce(&Store) -> T + Send + 'static) -> Option<T> {
        let store = self.engine.store.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(done) => Some(done),
            Err(error) => {
                tracing::error!(%error, "the scrubber ends");
                None
            }
        }
    }
}

/// What a finding is called in the ledger. No two are the same: what happens again is another incident.
fn report(finding: &Finding, store: &Store, since_us: u64) -> IncidentReport {
    let found = format!("{} {} {since_us}", finding.what, finding.detail);
    IncidentReport {
        incident: word(&finding.remedy).to_owned(),
        server: store.identity().node_name.clone(),
        height: finding.height,
        leaf_index: None,
        found: leaf_hash(found.as_bytes()).0,
        what: format!("{}: {}", without_path(&finding.what, store), without_path(&finding.detail, store)),
        evidence: None,
        healed: false,
    }
}

/// A record is for everybody; where a server keeps its data is not.
fn without_path(text: &str, store: &Store) -> String {
    text.replace(&format!("{}/", store.path().display()), "")
}

fn word(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::Fetch { .. } => "block_damaged",
        Remedy::Side { .. } => "side_data_damaged",
        Remedy::Rewrite(_) => "rows_damaged",
        Remedy::Purge => "log_damaged",
        Remedy::Rebuild => "ledger_damaged",
        Remedy::Operator => "identity_damaged",
    }
}

const WORDS: [&str; 6] =
    ["block_damaged", "side_data_damaged", "rows_damaged", "log_damaged", "ledger_damaged", "identity_damaged"];

/// Open incidents that this server reported about itself and does not know of any more.
fn stale_incidents(store: &Store, known: &[RecordId]) -> Vec<RecordId> {
    let (ledger, me) = (store.ledger(), &store.identity().node_name);
    let incidents = ledger.incidents(None, usize::MAX).unwrap_or_default();
    let open = incidents.iter().filter(|incident| incident.closed.is_none());
    let is_mine = |leaf_index: u64| {
        let payload = ledger.payload(leaf_index).ok().flatten();
        let told: Option<serde_json::Value> = payload.and_then(|payload| serde_json::from_slice(&payload.bytes).ok());
        told.is_some_and(|told| {
            let says = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
            says("server") == *me && says("noticed_by") == *me && WORDS.contains(&says("incident").as_str())
        })
    };
    open.map(|incident| (incident.opened.transfer.record_id, incident.opened.leaf_index))
        .filter(|(record_id, leaf_index)| !known.contains(record_id) && is_mine(*leaf_index))
        .map(|(record_id, _)| record_id)
        .collect()
}
