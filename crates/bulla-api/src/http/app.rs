//! What every route shares: the node, and how to read it without holding up the others.

use std::time::Duration;

use bulla_node::config::LimitsSection;
use bulla_node::{Ledger, Node};

use super::errors::{ApiError, Cause};
use crate::timestamped::Timestamps;
use crate::witnessed::Witnesses;

/// The node behind the routes.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) node: Node,
    pub(crate) witnesses: Witnesses,
    pub(crate) timestamps: Timestamps,
}

impl App {
    pub(crate) fn limits(&self) -> &LimitsSection {
        &self.node.options().limits
    }

    /// The longest that a request may take which does not wait for sealing.
    pub(crate) fn request_time(&self) -> Duration {
        Duration::from_millis(u64::from(self.limits().request_ms_max))
    }

    /// Runs `read` on a thread of its own: it may wait for the disk.
    pub(crate) async fn read<T, R>(&self, read: R) -> Result<T, ApiError>
    where
        T: Send + 'static,
        R: FnOnce(&Node, &Ledger) -> Result<T, ApiError> + Send + 'static,
    {
        let node = self.node.clone();
        tokio::task::spawn_blocking(move || read(&node, node.ledger()))
            .await
            .map_err(|error| Cause::Internal(format!("a read ended early: {error}")))?
    }
}
