//! Erasure on this node: some time after a payload was erased, its bytes are destroyed in the Raft log and the ledger.

use std::sync::Arc;
use std::time::Duration;

use bulla_storage::StorageError;
use tokio::time::sleep;

use crate::engine::Engine;
use crate::event::Event;
use crate::log_store::LogFlusher;
use crate::replay::ReplayFrom;

/// How long to wait before what could not be done is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// How long Raft may take to let go of its entries.
const PURGE: Duration = Duration::from_secs(60);

/// Why bytes are still there.
#[derive(Debug, thiserror::Error)]
enum StillThere {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("raft keeps its entries: {0}")]
    Raft(String),
    #[error("somebody reads the rows of before")]
    Read,
    #[error("the disk has no room to overwrite what is free")]
    NoRoom,
}

/// Destroys what was erased, until the node stops. Whatever is erased within one interval goes at once.
///
/// ```text
///  notice applied ─▶ its table stored ─▶ half the bound ─▶ log purged up to there ─▶ both databases shredded
///  nobody is told    due, also after     others join in                              bytes are gone
///  the payload       a restart
/// ```
pub(crate) async fn destroy_erased(engine: Arc<Engine>, log: LogFlusher) {
    let destroy = async {
        let mut progress = engine.progress.subscribe();
        // What was due when the node stopped has waited long enough.
        let mut patience = Duration::ZERO;
        loop {
            match engine.store.ledger().shred_due() {
                Ok(None) => {
                    patience = Duration::from_millis(engine.settings.erase_ms_max / 2);
                    if progress.changed().await.is_err() {
                        return;
                    }
                }
                Ok(Some(_)) => {
                    sleep(patience).await;
                    while let Err(error) = shred(&engine, &log).await {
                        tracing::warn!(%error, "erased payloads are not destroyed yet");
                        sleep(AGAIN).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "whether payloads are to be destroyed is not known");
                    sleep(AGAIN).await;
                }
            }
        }
    };
    tokio::select! {
        () = destroy => {}
        () = engine.stopped() => {}
    }
}

async fn shred(engine: &Arc<Engine>, log: &LogFlusher) -> Result<(), StillThere> {
    let Some(due) = engine.store.ledger().shred_due()? else {
        return Ok(());
    };
    purge(engine, log).await.map_err(StillThere::Raft)?;
    if !engine.store.has_room()? {
        return Err(StillThere::NoRoom);
    }
    engine.sides_sent.lock().expect("nobody panics with the side data in hand").clear();
    let _nobody_pulls = engine.pulling.clone().lock_owned().await;
    let store = engine.store.clone();
    let shredded = tokio::task::spawn_blocking(move || {
        store.raft_log().shred()?;
        store.ledger().shred(due)
    });
    match shredded.await.map_err(|stopped| StillThere::Raft(stopped.to_string()))?? {
        true => {
            tracing::info!(height = due, "erased payloads are destroyed");
            let _nobody_watches = engine.events.send(Event::Shredded { height: due });
            Ok(())
        }
        false => Err(StillThere::Read),
    }
}

/// Has Raft forget every entry up to the last stored block: what stands there is applied, stored, and never read again.
/// A follower that still lacks some of it takes blocks instead.
async fn purge(engine: &Engine, log: &LogFlusher) -> Result<(), String> {
    let replay_from = ReplayFrom::of_store(&engine.store).map_err(|error| error.to_string())?;
    let Some(upto) = replay_from.last_applied else {
        return Ok(());
    };
    engine.raft.trigger().snapshot().await.map_err(|error| error.to_string())?;
    let wait = || engine.raft.wait(Some(PURGE));
    let taken = wait().metrics(|metrics| metrics.snapshot >= Some(upto), "the snapshot is taken").await;
    taken.map_err(|error| error.to_string())?;
    engine.raft.trigger().purge_log(upto.index).await.map_err(|error| error.to_string())?;
    let purged = wait().metrics(|metrics| metrics.purged >= Some(upto), "the log is purged").await;
    purged.map_err(|error| error.to_string())?;
    log.flush().await.map_err(|error| error.to_string())
}
