//! A follower that lacks blocks pulls them from the leader, piece by piece, before it switches to them.

use std::time::Duration;

use bulla_storage::{ReplayPoint, StorageError};

use crate::engine::{AskError, Engine, ask_peer};
use crate::message::{Part, Reply, Request};
use crate::replay::ReplayFrom;
use crate::transport::{Lane, NodeId, Transport};

/// Bytes of a block that travel in one message.
pub(crate) const PIECE_BYTES: u32 = 1 << 20;

/// How long one piece may take.
const PIECE: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error("block {height} could not be fetched: {source}")]
    Fetch { height: u64, source: AskError },
    #[error("the snapshot cannot be adopted: {0}")]
    Malformed(String),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Takes a piece that begins at an offset.
type WritePiece<'a> = dyn FnMut(u64, &[u8]) -> Result<(), StorageError> + Send + 'a;

impl Engine {
    /// Stages what this node lacks up to `upto_height`, and makes sure that it can be adopted: Raft, once it is told of a
    /// snapshot, has no way back. What one peer sends that does not verify is fetched from another. The caller holds
    /// `pulling`.
    pub(crate) async fn pull_good_blocks(
        &self,
        from: NodeId,
        upto_height: u64,
        replay_from: &[u8],
    ) -> Result<(), PullError> {
        let replay = ReplayFrom::point(replay_from).map_err(|error| PullError::Malformed(error.to_string()))?;
        let replay = replay.ok_or_else(|| PullError::Malformed("it names no entry of the log".into()))?;
        let mut outcome = self.pull_and_rehearse(from, upto_height, &replay).await;
        let others = self.settings.voters.iter().map(|(node_id, _)| *node_id);
        for other in others.filter(|node_id| *node_id != from && *node_id != self.settings.node_id) {
            match &outcome {
                Err(PullError::Storage(error @ StorageError::BadBlock { .. })) => {
                    tracing::error!(from, %error, "a server sent a bad block; another one is asked");
                }
                _ => break,
            }
            outcome = self.pull_and_rehearse(other, upto_height, &replay).await;
        }
        outcome
    }

    async fn pull_and_rehearse(&self, from: NodeId, upto_height: u64, replay: &ReplayPoint) -> Result<(), PullError> {
        self.pull_blocks(from, upto_height).await?;
        let (store, replay) = (self.store.clone(), replay.clone());
        let rehearsed = tokio::task::spawn_blocking(move || store.ledger().rehearse_adopting(upto_height, &replay));
        Ok(rehearsed.await.map_err(|stopped| PullError::Malformed(stopped.to_string()))??)
    }

    /// Stages what this node lacks of the ledger up to `upto_height`. Blocks that were staged stay when a
    /// later one fails, so that the next attempt goes on from there. The caller holds `pulling`.
    pub(crate) async fn pull_blocks(&self, from: NodeId, upto_height: u64) -> Result<(), PullError> {
        let ledger = self.store.ledger();
        let lacking = ledger.lacking(upto_height)?;
        for height in lacking.blocks {
            if !ledger.is_staged(height) {
                let mut staged = ledger.stage(height)?;
                let mut write = |offset: u64, piece: &[u8]| staged.write(offset, piece);
                fetch_part(&*self.transport, from, height, Part::Block, &mut write).await?;
                staged.finish()?;
                tracing::info!(height, upto_height, from, "fetched a block");
            }
        }
        for height in lacking.sides {
            let mut side = Vec::new();
            let mut collect = |_offset: u64, piece: &[u8]| {
                side.extend_from_slice(piece);
                Ok(())
            };
            fetch_part(&*self.transport, from, height, Part::Side, &mut collect).await?;
            ledger.stage_side(height, &side)?;
        }
        Ok(())
    }
}

/// Brings one part of a block from a peer, piece by piece.
pub(crate) async fn fetch_part(
    transport: &dyn Transport,
    from: NodeId,
    height: u64,
    part: Part,
    write: &mut WritePiece<'_>,
) -> Result<(), PullError> {
    let fetch = |source| PullError::Fetch { height, source };
    let length =
        match ask_peer(transport, Lane::Blocks, from, &Request::Length { height, part }, PIECE).await.map_err(fetch)? {
            (Reply::Length(length), _) => length,
            (other, _) => {
                return Err(fetch(AskError::Failed(format!("unexpected answer {other:?}"))));
            }
        };
    let mut offset = 0;
    while offset < length {
        let request = Request::Piece { height, part, offset, length: PIECE_BYTES };
        match ask_peer(transport, Lane::Blocks, from, &request, PIECE).await.map_err(fetch)? {
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
