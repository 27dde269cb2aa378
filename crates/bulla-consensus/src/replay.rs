//! Where to go on from after the last stored block: what the store keeps for us beside each block.

use std::io;

use bincode::{Decode, Encode};
use bulla_storage::{ReplayPoint, Store};

use crate::types::{LogId, StoredMembership};
use crate::wire::{self, WireError, WireLogId, WireStoredMembership};

/// The state of Raft just after the Close of a block; the store makes it durable with the block.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReplayFrom {
    /// The log id of the Close entry; entries after it are replayed.
    pub(crate) last_applied: Option<LogId>,
    /// The membership in force there.
    pub(crate) membership: StoredMembership,
}

#[derive(Encode, Decode)]
struct WireReplayFrom {
    last_applied: Option<WireLogId>,
    membership: WireStoredMembership,
}

impl ReplayFrom {
    /// What the store has; nothing in a new one.
    pub(crate) fn of_store(store: &Store) -> io::Result<ReplayFrom> {
        match store.ledger().durable().replay_from {
            Some(bytes) => Ok(ReplayFrom::decode(&bytes)?),
            None => Ok(ReplayFrom::default()),
        }
    }

    /// What an adopting store is told; `bytes` are those of a replay point. `None` when it names no entry.
    pub(crate) fn point(bytes: &[u8]) -> Result<Option<ReplayPoint>, WireError> {
        let last_applied = ReplayFrom::decode(bytes)?.last_applied;
        Ok(last_applied.map(|log_id| ReplayPoint {
            replay_from: bytes.to_vec(),
            raft_term: *log_id.leader_id,
            raft_index: log_id.index,
        }))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let wire = WireReplayFrom {
            last_applied: self.last_applied.as_ref().map(WireLogId::from),
            membership: (&self.membership).into(),
        };
        wire::encode(&wire).to_vec()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<ReplayFrom, WireError> {
        let wire: WireReplayFrom = wire::decode("replay point", bytes)?;
        Ok(ReplayFrom { last_applied: wire.last_applied.map(LogId::from), membership: wire.membership.try_into()? })
    }
}
