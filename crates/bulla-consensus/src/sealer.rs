//! From closed to sealed: stores closed tables, and has this node attest to what it has stored.
//!
//! ```text
//!  apply ──closed table──▶ storing thread ──stored──▶ attesting task ──Attest──▶ leader ──▶ log ──▶ apply
//!                          waits for own log flush    recompute from the file's bytes
//!                          writes the block file      clock, guard, signature
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bulla_sealing::{Attestation, cosign};
use bulla_storage::{ClosedTable, StorageError, Store, WaitingTable};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, watch};

use crate::command;
use crate::engine::Engine;
use crate::event::Event;
use crate::settings::Clock;
use crate::state_machine::Progress;

/// A voter does not sign a table that was closed more than this many seconds ahead of its own clock.
pub const CLOCK_AHEAD_S_MAX: u64 = 300;

/// How often a voter asks again to have its attestation recorded.
const RETRY: Duration = Duration::from_millis(500);

/// Stores closed tables, in order, on a thread of its own, until the state machine is gone.
///
/// # Errors
/// Returns the first failure; after one, nothing more may be stored by this process.
pub(crate) fn store_tables(
    store: &Store,
    mut closed: mpsc::UnboundedReceiver<Arc<ClosedTable>>,
    mut flushed: watch::Receiver<Option<u64>>,
    mut stop: watch::Receiver<bool>,
    progress: &watch::Sender<Progress>,
    events: &broadcast::Sender<Event>,
    runtime: &Handle,
) -> Result<(), StorageError> {
    while let Some(table) = closed.blocking_recv() {
        let close_index = table.header().raft_index;
        // Apply runs ahead of this node's own disk. A block whose Close is not in the log below it
        // would survive a power cut that the log does not.
        let durable = async {
            tokio::select! {
                biased;
                flushed = flushed.wait_for(|flushed| flushed.is_some_and(|index| index >= close_index)) => flushed.is_ok(),
                // A log that failed is never flushed.
                _ = stop.wait_for(|stop| *stop) => false,
            }
        };
        if !runtime.block_on(durable) {
            return Ok(());
        }
        match store.ledger().store(&table) {
            Ok(()) => {}
            Err(StorageError::Superseded { .. }) => continue,
            Err(error) => return Err(error),
        }
        let height = table.height();
        progress.send_modify(|progress| progress.stored_height = progress.stored_height.max(Some(height)));
        let _nobody_watches = events.send(Event::Stored { height });
    }
    Ok(())
}

/// Attests to every stored table that waits for this node, until the node stops.
pub(crate) async fn attest_tables(engine: Arc<Engine>) {
    let mut attester = Attester { engine, signed: BTreeMap::new(), snapshot_height: None };
    let mut progress = attester.engine.progress.subscribe();
    loop {
        let stored_height = progress.borrow().stored_height;
        attester.attest_all().await;
        attester.take_snapshot().await;
        // Nothing else gives it more to do: what it could not do just now is not tried again at every record.
        let more = progress.wait_for(|progress| progress.stored_height > stored_height);
        tokio::select! {
            () = attester.engine.stopped() => return,
            _more_or_time_to_retry = tokio::time::timeout(RETRY, more) => {}
        }
    }
}

struct Attester {
    engine: Arc<Engine>,
    /// What was signed and is not seen counted yet, by height.
    signed: BTreeMap<u64, Attestation>,
    snapshot_height: Option<u64>,
}

impl Attester {
    async fn attest_all(&mut self) {
        let store = &self.engine.store;
        let stored_height = store.ledger().durable().height;
        let my_name = &store.identity().node_name;
        let waiting = store.ledger().sealing_status().closed;
        let mine = |table: &&WaitingTable| Some(table.height) <= stored_height && table.waiting_for.contains(my_name);
        let mine: BTreeMap<u64, u64> =
            waiting.iter().filter(mine).map(|table| (table.height, table.closed_us)).collect();
        self.signed.retain(|height, _| mine.contains_key(height));
        for (height, closed_us) in mine {
            if !self.signed.contains_key(&height) {
                match self.sign(height, closed_us).await {
                    Ok(attestation) => drop(self.signed.insert(height, attestation)),
                    Err(why) => {
                        tracing::error!(height, why, "this server does not sign the table; it is asked again");
                        return;
                    }
                }
            }
            let command = command::attest(height, &self.signed[&height]);
            let proposed = tokio::select! {
                () = self.engine.stopped() => return,
                proposed = self.engine.propose_attestation(command) => proposed,
            };
            if let Err(error) = proposed {
                // Leaders come and go; the loop asks again.
                tracing::debug!(height, %error, "attestation not recorded yet");
                return;
            }
        }
    }

    async fn sign(&self, height: u64, closed_us: u64) -> Result<Attestation, String> {
        let (store, clock) = (self.engine.store.clone(), self.engine.settings.clock.clone());
        tokio::task::spawn_blocking(move || sign(&store, height, closed_us, &clock))
            .await
            .unwrap_or_else(|stopped| Err(stopped.to_string()))
    }

    /// Lets Raft forget the entries that stored blocks have made superfluous.
    async fn take_snapshot(&mut self) {
        let stored_height = self.engine.store.ledger().durable().height;
        if stored_height > self.snapshot_height && self.engine.raft.trigger().snapshot().await.is_ok() {
            self.snapshot_height = stored_height;
        }
    }
}

/// Recomputes the tree of the stored block from the bytes of its file and signs it, once the guard has it on disk.
fn sign(store: &Store, height: u64, closed_us: u64, clock: &Clock) -> Result<Attestation, String> {
    let checkpoint = store.ledger().checkpoint_from_disk(height).map_err(|error| error.to_string())?;
    let now_us = clock();
    let ahead_s = closed_us.saturating_sub(now_us) / 1_000_000;
    if ahead_s > CLOCK_AHEAD_S_MAX {
        return Err(format!("the table was closed {ahead_s} s ahead of this server's clock; set the clocks right"));
    }
    store.guard().record(height, checkpoint.size, checkpoint.root).map_err(|error| error.to_string())?;
    let identity = store.identity();
    Ok(cosign(&identity.node_key, &identity.node_name, &checkpoint, now_us / 1_000_000))
}
