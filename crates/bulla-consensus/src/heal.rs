//! Healing: what a finding's remedy says, done with the peers' help.

use std::time::Duration;

use bulla_storage::{Finding, QuarantineReason, Remedy, RowKey, StorageError};

use crate::engine::Engine;
use crate::message::Part;
use crate::pull::{PullError, fetch_part};
use crate::replay::ReplayFrom;
use crate::transport::NodeId;

/// How long a purge of the log may take.
const PURGE: Duration = Duration::from_secs(10);

impl Engine {
    /// Puts right what a finding says; says how, or why that is not possible.
    pub(crate) async fn heal(&self, remedy: &Remedy, finding: &Finding) -> Result<String, String> {
        match remedy {
            Remedy::Fetch { height } => self.heal_block(*height).await,
            Remedy::Side { height, rows } => self.heal_side(*height, rows).await,
            Remedy::Rewrite(fixes) => {
                let fixes = fixes.clone();
                self.write_to_ledger(move |ledger| ledger.rewrite(&fixes)).await.map_err(told)?;
                Ok("rewritten from the verified blocks of this server".into())
            }
            Remedy::Purge => self.purge().await,
            Remedy::Rebuild => {
                let what = format!("{}: {}", finding.what, finding.detail);
                self.quarantine(QuarantineReason::Damaged { what });
                Err("the ledger to be rebuilt from the peers".into())
            }
            Remedy::Operator => Err("a person: replace this server, or restore the file from where it was kept".into()),
        }
    }

    async fn heal_block(&self, height: u64) -> Result<String, String> {
        let mut why = "no peer to fetch it from: restore the file from a backup".to_owned();
        for peer in self.peers() {
            match self.fetch_block(peer, height).await {
                Ok(()) => return Ok(format!("fetched from {} and verified", self.name_of(peer))),
                Err(error) => {
                    tracing::warn!(height, peer, %error, "a peer's block is not taken in place of the damaged one");
                    why = format!("a peer that has the block; {} did not help: {error}", self.name_of(peer));
                }
            }
        }
        Err(why)
    }

    async fn fetch_block(&self, peer: NodeId, height: u64) -> Result<(), PullError> {
        // Adopting blocks clears away whatever is staged.
        let _alone = self.pulling.lock().await;
        let mut staged = self.store.ledger().stage(height)?;
        let mut write = |offset: u64, piece: &[u8]| staged.write(offset, piece);
        fetch_part(&*self.transport, peer, height, Part::Block, &mut write).await?;
        staged.finish()?;
        self.write_to_ledger(move |ledger| ledger.replace_block(height)).await
    }

    async fn heal_side(&self, height: u64, rows: &[RowKey]) -> Result<String, String> {
        let mut why = "no peer to fetch it from: restore the data directory from a backup".to_owned();
        for peer in self.peers() {
            let healed = async {
                let mut side = Vec::new();
                let mut collect = |_offset: u64, piece: &[u8]| {
                    side.extend_from_slice(piece);
                    Ok(())
                };
                fetch_part(&*self.transport, peer, height, Part::Side, &mut collect).await?;
                let rows = rows.to_vec();
                self.write_to_ledger(move |ledger| ledger.mend_from_side(height, &rows, &side)).await
            };
            match healed.await {
                Ok(()) => return Ok(format!("fetched from {} and verified", self.name_of(peer))),
                Err(error) => {
                    why = format!("a peer that has it; {} did not help: {error}", self.name_of(peer));
                }
            }
        }
        Err(why)
    }

    /// Lets Raft forget the entries that stored blocks have made superfluous, the damaged ones among them.
    async fn purge(&self) -> Result<String, String> {
        let replay = ReplayFrom::of_store(&self.store).map_err(told)?;
        let upto = replay.last_applied.ok_or("the next block to be stored")?.index;
        self.raft.trigger().snapshot().await.map_err(told)?;
        let has_snapshot =
            |metrics: &openraft::RaftMetrics<_>| metrics.snapshot.is_some_and(|log_id| log_id.index >= upto);
        self.raft.wait(Some(PURGE)).metrics(has_snapshot, "a snapshot is taken").await.map_err(told)?;
        self.raft.trigger().purge_log(upto).await.map_err(told)?;
        let is_purged = |metrics: &openraft::RaftMetrics<_>| metrics.purged.is_some_and(|log_id| log_id.index >= upto);
        self.raft.wait(Some(PURGE)).metrics(is_purged, "the log is purged").await.map_err(told)?;
        Ok("purged, because the blocks have all of it".into())
    }

    fn peers(&self) -> impl Iterator<Item = NodeId> {
        let voters = self.settings.voters.iter().map(|(node_id, _)| *node_id);
        voters.filter(|node_id| *node_id != self.settings.node_id)
    }

    fn name_of(&self, node_id: NodeId) -> &str {
        let voter = self.settings.voters.iter().find(|(voter, _)| *voter == node_id);
        voter.map_or("a peer", |(_, name)| name.as_str())
    }

    /// On a thread that may wait for the disk.
    async fn write_to_ledger(
        &self,
        write: impl FnOnce(&bulla_storage::Ledger) -> Result<(), StorageError> + Send + 'static,
    ) -> Result<(), PullError> {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || write(store.ledger())).await {
            Ok(written) => Ok(written?),
            Err(stopped) => Err(PullError::Malformed(stopped.to_string())),
        }
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
