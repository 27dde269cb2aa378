//! Calls that fetch the log itself, as any mirror does; nothing of it is believed yet.

use bulla_sealing::SignedNote;
use bytes::Bytes;

use super::Client;
use crate::{ClientError, Tile};

impl Client {
    /// The signed note that a server gives as its newest checkpoint, whoever signed it. See [`Client::checkpoint`] for
    /// the one that is verified.
    ///
    /// # Errors
    /// [`ClientError::Note`] when it is no signed note.
    pub async fn claimed_checkpoint(&self) -> Result<SignedNote, ClientError> {
        Ok(SignedNote::parse(self.text(&["checkpoint"], &()).await?.as_bytes())?)
    }

    /// The bytes that a server gives as this tile. See [`crate::SealedTiles`] for those that are verified.
    ///
    /// # Errors
    /// [`ClientError`], as of all calls.
    pub async fn claimed_tile(&self, tile: &Tile) -> Result<Bytes, ClientError> {
        let path = tile.to_string();
        let path: Vec<&str> = path.split('/').collect();
        Ok(self.exchange.send(&path, |http, url| http.get(url)).await?.body)
    }
}
