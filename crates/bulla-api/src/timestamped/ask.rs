//! Having the newest seal stamped, not too often, and again for as long as it takes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bulla_client::TimestampClientError;
use bulla_node::{Event, Node, StorageError};
use bulla_sealing::{Checkpoint, SignedNote};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::Asked;
use super::kept::Kept;
use crate::cli::chain;

/// Why the newest seal has no timestamp yet.
#[derive(Debug, thiserror::Error)]
enum NotStamped {
    #[error(transparent)]
    Authority(#[from] TimestampClientError),
    #[error("the checkpoint could not be read")]
    Storage(#[from] StorageError),
    #[error("the timestamp could not be kept")]
    Kept(#[source] std::io::Error),
    #[error("a read ended early")]
    Ended(#[from] tokio::task::JoinError),
}

/// Has every newest seal stamped that is sealed when the next timestamp may be asked for. It ends with the node, or
/// when it is dropped.
pub(super) async fn follow(node: Node, kept: Arc<Kept>, asked: Arc<Asked>) {
    let mut events = node.watch();
    let mut due = Instant::now() + until_due(&kept, asked.every);
    let mut failures = 0;
    loop {
        tokio::time::sleep_until(due).await;
        match stamp(&node, &kept, &asked).await {
            Ok(stamped) => {
                if std::mem::take(&mut failures) > 0 {
                    tracing::info!(authority = asked.url, "authority stamps again");
                }
                note(&asked, None);
                match stamped {
                    true => due = Instant::now() + asked.every,
                    false if next_seal(&mut events).await => {}
                    false => return,
                }
            }
            Err(error) => {
                let problem = chain(&error);
                match (&error, failures) {
                    // It answered, and what it answered proves nothing. Somebody should ask it why.
                    (NotStamped::Authority(TimestampClientError::Authority(_)), 0) => {
                        tracing::error!(authority = asked.url, problem, "authority sends timestamps of somebody else");
                    }
                    (_, 0) => tracing::warn!(authority = asked.url, problem, "authority does not stamp"),
                    _ => tracing::debug!(authority = asked.url, problem, "authority does not stamp"),
                }
                note(&asked, Some(problem));
                due = Instant::now() + pause(failures);
                failures = failures.saturating_add(1);
            }
        }
    }
}

/// Has the newest seal stamped; whether there was one that was not.
async fn stamp(node: &Node, kept: &Arc<Kept>, asked: &Asked) -> Result<bool, NotStamped> {
    let Some((size, seal)) = newest(node).await? else { return Ok(false) };
    if kept.newest().is_some_and(|(newest, _)| size <= newest) {
        return Ok(false);
    }
    let (reply, timestamp) = asked.client.stamp(seal.to_string().as_bytes()).await?;
    let kept = kept.clone();
    let keeping = tokio::task::spawn_blocking(move || kept.keep(size, &reply, &timestamp)).await?;
    keeping.map_err(NotStamped::Kept)?;
    Ok(true)
}

/// The newest seal and its size.
async fn newest(node: &Node) -> Result<Option<(u64, SignedNote)>, NotStamped> {
    let reader = node.clone();
    let note = tokio::task::spawn_blocking(move || reader.ledger().checkpoint()).await??;
    Ok(note.map(|note| {
        let checkpoint: Checkpoint = note.text.parse().expect("a node seals checkpoints");
        (checkpoint.size, note)
    }))
}

/// How long a server that starts has to wait, by the time in the newest timestamp: one that is started again and again
/// asks no more often for that.
fn until_due(kept: &Kept, every: Duration) -> Duration {
    let Some((_, newest_time_s)) = kept.newest() else { return Duration::ZERO };
    let due = SystemTime::UNIX_EPOCH + Duration::from_secs(newest_time_s) + every;
    // Clocks differ; nobody's keeps the other one waiting for longer than was configured.
    due.duration_since(SystemTime::now()).unwrap_or_default().min(every)
}

/// Waits until something may have been sealed; whether the node still runs.
async fn next_seal(events: &mut Receiver<Event>) -> bool {
    let sealed = async {
        loop {
            match events.recv().await {
                Ok(Event::Sealed { .. }) | Err(RecvError::Lagged(_)) => return true,
                Ok(_) => {}
                Err(RecvError::Closed) => return false,
            }
        }
    };
    // Blocks that were taken over from peers are sealed without an event of their own.
    tokio::time::timeout(LOOK_AGAIN, sealed).await.unwrap_or(true)
}

fn note(asked: &Asked, problem: Option<String>) {
    *asked.problem.lock().expect("no panic while the problem is held") = problem;
}

/// The pause after failures in a row: it doubles from 100 ms to five minutes, less a random half, so that servers do
/// not all come back at once.
fn pause(failures: u32) -> Duration {
    let longest = (PAUSE_MIN * 2_u32.saturating_pow(failures.min(16))).min(PAUSE_MAX);
    let random = getrandom::u32().unwrap_or(u32::MAX);
    longest - (longest / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// How long at most until the log is looked at again, whatever was told.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(300);
