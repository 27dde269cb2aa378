//! The way out of agreement for a node whose ledger is not to be believed.

use std::io;
use std::sync::Arc;

use bulla_storage::{QuarantineReason, StorageError, Store};
use tokio::sync::watch;

use crate::settings::Clock;

/// Through which any part of a node has it quarantined. Clones are one door.
#[derive(Clone)]
pub(crate) struct QuarantineDoor {
    store: Arc<Store>,
    clock: Clock,
    entered: watch::Sender<bool>,
    stop: watch::Sender<bool>,
}

impl QuarantineDoor {
    pub(crate) fn new(store: Arc<Store>, clock: Clock, stop: watch::Sender<bool>) -> QuarantineDoor {
        QuarantineDoor { store, clock, entered: watch::Sender::new(false), stop }
    }

    /// Marks the data directory durably, then has the node leave. When the mark cannot be written the node just stops:
    /// whatever is wrong will be found again when it starts.
    pub(crate) fn enter(&self, reason: QuarantineReason) {
        tracing::error!(%reason, "this server takes no part until its ledger is rebuilt from its peers");
        match self.store.enter_quarantine(reason, (self.clock)()) {
            Ok(()) => drop(self.entered.send_replace(true)),
            Err(error) => {
                tracing::error!(%error, "the quarantine cannot be written down; this node stops");
                self.stop.send_replace(true);
            }
        }
    }

    /// Enters if the error says that what is stored is damaged, rather than that the disk failed.
    pub(crate) fn enter_if_damaged(&self, error: &StorageError) {
        if matches!(error, StorageError::Corrupt { .. }) {
            self.enter(QuarantineReason::Damaged { what: error.to_string() });
        }
    }

    /// For `map_err` where openraft takes errors of the storage, and stops at the first one.
    pub(crate) fn told(&self, error: StorageError) -> io::Error {
        self.enter_if_damaged(&error);
        io::Error::other(error)
    }

    /// Resolves when the node is to leave.
    pub(crate) async fn entered(&self) {
        let mut entered = self.entered.subscribe();
        // The sender lives in `self`, so the wait ends only when the flag is set.
        let _set = entered.wait_for(|entered| *entered).await;
    }
}
