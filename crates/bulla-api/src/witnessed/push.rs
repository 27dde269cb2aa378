//! Showing one witness what was sealed, as often as it takes.

use std::time::Duration;

use bulla_client::WitnessError;
use bulla_node::{Event, Node, StorageError};
use bulla_sealing::{AddCheckpoint, Checkpoint, SignedNote};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{One, Witnesses};
use crate::cli::chain;

/// Why the newest checkpoint has no cosignature yet.
#[derive(Debug, thiserror::Error)]
enum NotPushed {
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error("the witness has seen {seen} leaves, and this server has sealed {sealed}")]
    Ahead { seen: u64, sealed: u64 },
    #[error("the proof could not be made")]
    Storage(#[from] StorageError),
    #[error("the cosignature could not be kept")]
    Kept(#[source] std::io::Error),
    #[error("a read ended early")]
    Ended(#[from] tokio::task::JoinError),
}

/// Shows every newest checkpoint to the witness at `place`. It ends with the node, or when it is dropped.
pub(super) async fn follow(node: Node, witnesses: Witnesses, place: usize) {
    let one = &witnesses.0[place];
    let mut events = node.watch();
    let mut failures = 0;
    loop {
        match push(&node, &witnesses, place).await {
            Ok(()) => {
                if std::mem::take(&mut failures) > 0 {
                    tracing::info!(witness = one.key.name, "witness cosigns again");
                }
                note(one, None);
                if !next_seal(&mut events).await {
                    return;
                }
            }
            Err(error) => {
                let problem = chain(&error);
                match (&error, failures) {
                    // It says, and signs nothing, because it was shown another log. That is what witnesses are for.
                    (NotPushed::Witness(WitnessError::Refused { status: 422, .. }), 0) => {
                        tracing::error!(witness = one.key.name, problem, "witness refuses this log");
                    }
                    (_, 0) => tracing::warn!(witness = one.key.name, problem, "witness does not cosign"),
                    _ => tracing::debug!(witness = one.key.name, problem, "witness does not cosign"),
                }
                note(one, Some(problem));
                tokio::time::sleep(pause(failures)).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}

/// Has the newest sealed checkpoint cosigned, if it is not; from whatever size the witness says it knows.
async fn push(node: &Node, witnesses: &Witnesses, place: usize) -> Result<(), NotPushed> {
    let one = &witnesses.0[place];
    let mut old_size = one.kept.last_size().unwrap_or(0);
    loop {
        let Some((size, checkpoint)) = newest(node).await? else { return Ok(()) };
        one.progress.lock().expect("no panic while progress is held").sealed_size = size;
        if one.kept.last_size().is_some_and(|last| size <= last) {
            return Ok(());
        }
        let ahead = NotPushed::Ahead { seen: old_size, sealed: size };
        let reader = node.clone();
        let proof = tokio::task::spawn_blocking(move || reader.ledger().consistency_proof(old_size, size))
            .await??
            .ok_or(ahead)?;
        let request = AddCheckpoint { old_size, proof, checkpoint };
        match one.client.add_checkpoint(&request).await {
            Ok(line) => {
                let witnesses = witnesses.clone();
                let kept = tokio::task::spawn_blocking(move || witnesses.0[place].kept.keep(size, &line)).await?;
                return kept.map_err(NotPushed::Kept);
            }
            // Other servers push too. Each conflict means that one of them got further, so this ends.
            Err(WitnessError::OtherSize { latest_size }) if latest_size != old_size => old_size = latest_size,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The newest sealed checkpoint and its size.
async fn newest(node: &Node) -> Result<Option<(u64, SignedNote)>, NotPushed> {
    let reader = node.clone();
    let note = tokio::task::spawn_blocking(move || reader.ledger().checkpoint()).await??;
    Ok(note.map(|note| {
        let checkpoint: Checkpoint = note.text.parse().expect("a node seals checkpoints");
        (checkpoint.size, note)
    }))
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

fn note(one: &One, problem: Option<String>) {
    one.progress.lock().expect("no panic while progress is held").problem = problem;
}

/// The pause after failures in a row: it doubles from 100 ms to half a minute, less a random half, so that servers do
/// not all come back at once.
fn pause(failures: u32) -> Duration {
    let longest = (PAUSE_MIN * 2_u32.saturating_pow(failures.min(16))).min(PAUSE_MAX);
    let random = getrandom::u32().unwrap_or(u32::MAX);
    longest - (longest / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// How long at most until the log is looked at again, whatever was told.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(30);
