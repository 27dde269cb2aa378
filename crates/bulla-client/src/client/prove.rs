//! Calls whose answers prove themselves: verified against the caller's policy before it sees them.

use bulla_ledger::Record;
use bulla_sealing::{Policy, Sealed, SignedNote, Verified, VerifiedPromise, verify_promise, verify_receipt};
use uuid::Uuid;

use super::Client;
use crate::{BlockView, ClientError, PayloadQuery};

/// A record that the policy's servers sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenRecord {
    /// The receipt, verbatim: keep it, and anybody with the policy can verify it offline.
    pub text: String,
    /// The record.
    pub record: Record,
    /// What the receipt proves, and who signed.
    pub verified: Verified,
}

/// A promise that one of the policy's servers gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenPromise {
    /// The signed note, verbatim: keep it until the record is sealed.
    pub text: String,
    /// Who promised what, and when.
    pub verified: VerifiedPromise,
}

/// A checkpoint that the policy's servers sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenCheckpoint {
    /// The signed note, verbatim.
    pub text: String,
    /// The tree, and who signed it.
    pub sealed: Sealed,
}

impl Client {
    /// The receipt of a record, verified; with its payload when that is asked for.
    ///
    /// While the record's block is not sealed the server answers `not_sealed`, which is retried as
    /// any other passing refusal.
    ///
    /// # Errors
    /// [`ClientError::NoPolicy`] before anything is sent; [`ClientError::Receipt`] when the receipt
    /// does not prove; [`ClientError::SomethingElse`] when it proves another record.
    pub async fn receipt(&self, record_id: Uuid, payload: bool) -> Result<ProvenRecord, ClientError> {
        let policy = self.policy.as_ref().ok_or(ClientError::NoPolicy)?;
        let path = ["v1", "records", &record_id.to_string(), "receipt"];
        let text = self.text(&path, &PayloadQuery { payload }).await?;
        let verified = verify_receipt(text.as_bytes(), policy)?;
        let record = Record::decode(&verified.record)?;
        match record.transfer.record_id.0 == record_id {
            true => Ok(ProvenRecord { text, record, verified }),
            false => Err(ClientError::SomethingElse {
                asked: format!("record {record_id}"),
                answered: format!("record {}", record.transfer.record_id),
            }),
        }
    }

    /// The accept promise of the server that answers: its signed word that it has the record. It is no receipt. That it is
    /// about this record, and not another one, is shown by the receipt that it is held against.
    ///
    /// # Errors
    /// [`ClientError::NoPolicy`] before anything is sent; [`ClientError::Promise`] when it is not the word of a server of
    /// the policy.
    pub async fn promise(&self, record_id: Uuid) -> Result<GivenPromise, ClientError> {
        let policy = self.policy.as_ref().ok_or(ClientError::NoPolicy)?;
        let text = self.text(&["v1", "records", &record_id.to_string(), "promise"], &()).await?;
        let verified = verify_promise(text.as_bytes(), policy)?;
        Ok(GivenPromise { text, verified })
    }

    /// The checkpoint of the newest sealed block, verified.
    ///
    /// # Errors
    /// [`ClientError::NoPolicy`] before anything is sent; [`ClientError::Note`] and
    /// [`ClientError::Seal`] when it does not prove.
    pub async fn checkpoint(&self) -> Result<ProvenCheckpoint, ClientError> {
        let policy = self.policy.as_ref().ok_or(ClientError::NoPolicy)?;
        let text = self.text(&["checkpoint"], &()).await?;
        let sealed = verify_checkpoint(&text, policy)?;
        Ok(ProvenCheckpoint { text, sealed })
    }

    /// A block by its height; what seals it is verified when the client has a policy.
    ///
    /// # Errors
    /// As [`Client::checkpoint`]; [`ClientError::SomethingElse`] when the block has another height,
    /// or its checkpoint another size than the block's.
    pub async fn block(&self, height: u64) -> Result<BlockView, ClientError> {
        let block: BlockView = self.get(&["v1", "blocks", &height.to_string()], &()).await?;
        let differs = |answered: String| Err(ClientError::SomethingElse { asked: format!("block {height}"), answered });
        if block.height != height {
            return differs(format!("block {}", block.height));
        }
        if let (Some(policy), Some(text)) = (&self.policy, &block.checkpoint) {
            let size = verify_checkpoint(text, policy)?.checkpoint.size;
            if block.leaf_index.checked_add(1) != Some(size) {
                return differs(format!("a block that ends a log of {size} leaves"));
            }
        }
        Ok(block)
    }
}

fn verify_checkpoint(text: &str, policy: &Policy) -> Result<Sealed, ClientError> {
    Ok(policy.verify(&SignedNote::parse(text.as_bytes())?)?)
}
