//! Calls for timestamps: of what was sealed, as an authority outside signed it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_sealing::{Sealed, SignedNote};
use serde::Serialize;

use super::Client;
use crate::{ClientError, Timestamp, TimestampView};

/// A seal of the policy's servers, and a timestamp of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenTimestamp {
    /// The seal, verbatim: the bytes that were stamped.
    pub seal: String,
    /// The tree, and who signed it.
    pub sealed: Sealed,
    /// The authority's reply, verbatim: a DER TimeStampResp.
    pub reply: Vec<u8>,
    /// What it says of the seal. Who signed it is not yet verified: see [`Timestamp::signed_by`].
    pub timestamp: Timestamp,
}

#[derive(Serialize)]
struct From {
    from: Option<u64>,
}

impl Client {
    /// The newest timestamp of the server that answers; or the first that covers a log of `from` leaves, and so every
    /// record below that leaf.
    ///
    /// # Errors
    /// [`ClientError::NoPolicy`] before anything is sent; [`ClientError::Note`] and [`ClientError::Seal`] when the seal
    /// does not prove; [`ClientError::Timestamp`] when the timestamp is not of it; [`ClientError::SomethingElse`] when
    /// it covers less than was asked for.
    pub async fn timestamp(&self, from: Option<u64>) -> Result<ProvenTimestamp, ClientError> {
        let policy = self.policy.as_ref().ok_or(ClientError::NoPolicy)?;
        let TimestampView { seal, reply, .. } = self.get(&["v1", "timestamp"], &From { from }).await?;
        let sealed = policy.verify(&SignedNote::parse(seal.as_bytes())?)?;
        let size = sealed.checkpoint.size;
        if let Some(from) = from.filter(|from| size < *from) {
            let (asked, answered) = (format!("{from} leaves or more"), format!("{size} leaves"));
            return Err(ClientError::SomethingElse { asked, answered });
        }
        // What is not base64 is no reply either.
        let reply = STANDARD.decode(reply).unwrap_or_default();
        let timestamp = Timestamp::parse(&reply)?;
        timestamp.stamps(seal.as_bytes())?;
        Ok(ProvenTimestamp { seal, sealed, reply, timestamp })
    }
}
