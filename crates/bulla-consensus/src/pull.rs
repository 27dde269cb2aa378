//! A follower that lacks blocks pulls them from the leader, piece by piece, before it switches to them.

use std::time::Duration;

use bulla_storage::{StagedBlock, StorageError};

use crate::engine::{AskError, Engine};
use crate::message::{Part, Reply, Request};
use crate::transport::{Lane, NodeId};

/// Bytes of a block that travel in one message.
pub(crate) const PIECE_BYTES: u32 = 1 << 20;

/// How long one piece may take.
const PIECE: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error("block {height} could not be fetched: {source}")]
    Fetch { height: u64, source: AskError },
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Engine {
    /// Stages every block up to `upto_height` that this node has neither stored nor staged. What was
    /// staged stays when a later block fails, so that the next attempt goes on from there.
    pub(crate) async fn pull_blocks(&self, from: NodeId, upto_height: u64) -> Result<(), PullError> {
        let ledger = self.store.ledger();
        let first = ledger.durable().height.map_or(0, |height| height + 1);
        for height in first..=upto_height {
            if !ledger.is_staged(height) {
                let mut staged = ledger.stage(height)?;
                self.pull_part(from, height, Part::Block, &mut |offset, piece| staged.write(offset, piece)).await?;
                self.pull_side(from, height, &mut staged).await?;
                staged.finish()?;
                tracing::info!(height, upto_height, from, "fetched a block");
            }
        }
        Ok(())
    }

    async fn pull_side(&self, from: NodeId, height: u64, staged: &mut StagedBlock) -> Result<(), PullError> {
        let mut side = Vec::new();
        self.pull_part(from, height, Part::Side, &mut |_offset, piece| {
            side.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(staged.write_side(&side)?)
    }

    async fn pull_part(
        &self,
        from: NodeId,
        height: u64,
        part: Part,
        write: &mut (dyn FnMut(u64, &[u8]) -> Result<(), StorageError> + Send),
    ) -> Result<(), PullError> {
        let fetch = |source| PullError::Fetch { height, source };
        let length =
            match self.ask_on(Lane::Blocks, from, &Request::Length { height, part }, PIECE).await.map_err(fetch)? {
                (Reply::Length(length), _) => length,
                (other, _) => {
                    return Err(fetch(AskError::Failed(format!("unexpected answer {other:?}"))));
                }
            };
        let mut offset = 0;
        while offset < length {
            let request = Request::Piece { height, part, offset, length: PIECE_BYTES };
            match self.ask_on(Lane::Blocks, from, &request, PIECE).await.map_err(fetch)? {
                (Reply::Piece, piece) if !piece.is_empty() => {
                    write(offset, &piece)?;
                    offset += piece.len() as u64;
                }
                (other, _) => {
                    return Err(fetch(AskError::Failed(format!("unexpected answer {other:?}"))));
                }
            }
        }
        Ok(())
    }
}
