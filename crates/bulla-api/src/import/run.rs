//! The rows of a file, sent to the ledger stage by stage, and the answers put back to their rows.
//!
//! Rows go together, a thousand at a time: first the parties and classes that they need, then the
//! assets, then the movements. A row leaves the convoy at its first step that is refused, so its later
//! steps are never sent: nothing is half done for a reason that the ledger already gave.

use std::collections::{HashMap, HashSet};
use std::io;

use bulla_client::{Act, ItemAnswer, TransferRequest};
use uuid::Uuid;

use super::report::Report;
use super::step::{Stage, Step};
use super::{Planned, Source};

/// Most bytes of requests, salts and payloads in one batch; the servers take a little more.
const BATCH_BYTES_MAX: usize = 1_000_000;
/// Bytes of a request and its salt, as the servers count them.
const REQUEST_BYTES: usize = 128 + 32;
/// Answers to a shared step that mean it is there, which is all that is asked of it.
const ALREADY_THERE: [&str; 4] = ["party_exists", "class_exists", "asset_exists", "exists_with_different_content"];

/// A ledger to send to.
pub(crate) trait Sink {
    /// Why it could not be asked.
    type Error;

    /// Sends requests that stand or fall each for itself; one answer for each, in order.
    async fn send(&mut self, requests: Vec<TransferRequest>) -> Result<Vec<ItemAnswer>, Self::Error>;

    /// Whether it has an asset of this name.
    async fn knows(&mut self, asset: &str) -> Result<bool, Self::Error>;
}

/// An import that could not be carried to the end of the file.
#[derive(Debug)]
pub(crate) struct Stopped<E> {
    /// What was done until then. Running the import again goes on from there.
    pub(crate) report: Report,
    /// Why it stopped.
    pub(crate) cause: Cause<E>,
}

/// Why an import stopped.
#[derive(Debug)]
pub(crate) enum Cause<E> {
    /// The file could not be read on.
    File(io::Error),
    /// The ledger could not be asked.
    Ledger(E),
}

/// Imports everything that `source` has left, `batch_max` requests at a time.
///
/// # Errors
/// [`Stopped`] with the report so far.
pub(crate) async fn run<S: Sink>(
    source: &mut (impl Source + ?Sized),
    sink: &mut S,
    batch_max: usize,
    mut progress: impl FnMut(&Report),
) -> Result<Report, Stopped<S::Error>> {
    let mut run = Run { sink, batch_max, present: HashSet::new(), known: HashMap::new(), report: Report::default() };
    loop {
        let planned = match (0..batch_max).map_while(|_| source.next_row().transpose()).collect::<io::Result<Vec<_>>>()
        {
            Ok(planned) => planned,
            Err(error) => return Err(Stopped { report: run.report, cause: Cause::File(error) }),
        };
        if planned.is_empty() {
            return Ok(run.report);
        }
        if let Err(error) = run.convoy(planned).await {
            return Err(Stopped { report: run.report, cause: Cause::Ledger(error) });
        }
        progress(&run.report);
    }
}

struct Run<'a, S> {
    sink: &'a mut S,
    batch_max: usize,
    /// Shared steps that need not be sent again.
    present: HashSet<Uuid>,
    /// Assets that were asked for, and whether the ledger has them.
    known: HashMap<String, bool>,
    report: Report,
}

/// A row on its way.
struct Traveller {
    line: u64,
    steps: Vec<Step>,
    recorded: bool,
    refused: Option<String>,
}

impl<S: Sink> Run<'_, S> {
    /// Takes rows through all stages, and counts them once all is said about them.
    async fn convoy(&mut self, planned: Vec<Planned>) -> Result<(), S::Error> {
        let mut rows = Vec::with_capacity(planned.len());
        for row in planned {
            rows.push(self.admit(row).await?);
        }
        for stage in Stage::ALL {
            self.stage(stage, &mut rows).await?;
        }
        for row in rows {
            self.report.rows += 1;
            match row.refused {
                Some(reason) => self.report.refuse(row.line, reason),
                None if row.recorded => self.report.recorded += 1,
                None => self.report.repeated += 1,
            }
        }
        Ok(())
    }

    /// The row, refused if it is about an asset that the ledger does not have. Asking first matters: a
    /// refusal by the ledger would spend the row's record id for good.
    async fn admit(&mut self, row: Planned) -> Result<Traveller, S::Error> {
        let mut refused = None;
        if let Some(asset) = row.must_exist {
            let known = match self.known.get(&asset) {
                Some(&known) => known,
                None => self.sink.knows(&asset).await?,
            };
            if !known {
                refused = Some(format!(
                    "moves {asset}, which the ledger does not know: register it first, or give --opening issue"
                ));
            }
            self.known.insert(asset, known);
        }
        let (steps, wrong) = match row.steps {
            Ok(steps) => (steps, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        Ok(Traveller { line: row.line, steps, recorded: false, refused: wrong.or(refused) })
    }

    async fn stage(&mut self, stage: Stage, rows: &mut [Traveller]) -> Result<(), S::Error> {
        let mut asked = HashSet::new();
        let mut waiting: Vec<(usize, &Step)> = Vec::new();
        for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.refused.is_none()) {
            for step in row.steps.iter().filter(|step| step.stage == stage) {
                if !step.shared || (!self.present.contains(&id(step)) && asked.insert(id(step))) {
                    waiting.push((at, step));
                }
            }
        }
        let (mut recorded, mut refused, mut missing) = (Vec::new(), Vec::new(), HashMap::new());
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_len(rest, self.batch_max));
            rest = later;
            let requests = batch.iter().map(|(_, step)| step.request.clone()).collect();
            let answers = self.sink.send(requests).await?;
            assert_eq!(answers.len(), batch.len(), "one answer for each request");
            for (&(at, step), answer) in batch.iter().zip(answers) {
                match answer {
                    ItemAnswer::Recorded(answer) => {
                        if !answer.repeated {
                            count(&mut self.report, step);
                            recorded.extend((!step.shared).then_some(at));
                        }
                        self.present.extend(step.shared.then(|| id(step)));
                    }
                    ItemAnswer::Problem(problem) if step.shared => {
                        if ALREADY_THERE.contains(&problem.code.as_str()) {
                            self.present.insert(id(step));
                        } else {
                            missing.insert(id(step), problem.detail);
                        }
                    }
                    ItemAnswer::Problem(problem) => refused.push((at, problem.detail)),
                }
            }
        }
        recorded.into_iter().for_each(|at| rows[at].recorded = true);
        for (at, reason) in refused {
            rows[at].refused.get_or_insert(reason);
        }
        for row in rows.iter_mut().filter(|row| row.refused.is_none()) {
            row.refused = row.steps.iter().find_map(|step| missing.get(&id(step)).cloned());
        }
        Ok(())
    }
}

/// How many of `steps` go into the next batch: at least one, by number and by bytes.
fn batch_len(steps: &[(usize, &Step)], batch_max: usize) -> usize {
    let mut bytes = 0;
    let fits = steps.iter().take(batch_max).take_while(|(_, step)| {
        bytes += REQUEST_BYTES + step.request.payload.as_ref().map_or(0, |payload| payload.as_str().len());
        bytes <= BATCH_BYTES_MAX
    });
    fits.count().max(1)
}

fn count(report: &mut Report, step: &Step) {
    report.records += 1;
    match step.request.act {
        Act::Enroll => report.new_parties += 1,
        Act::Define => report.new_classes += 1,
        Act::Register => report.new_assets += 1,
        _ => {}
    }
}

fn id(step: &Step) -> Uuid {
    step.request.record_id.expect("every step has its record id")
}
