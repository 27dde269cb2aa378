//! Accept promises: this node's signed word about a record that its own ledger holds.

use bulla_ledger::RecordId;
use bulla_sealing::{Promise, SignedNote, leaf_hash, sign_promise, verify_promise};

use crate::error::StorageError;
use crate::store::Store;
use crate::view::Entry;

impl Store {
    /// Promises the record its place in the log and in its table; `None` when this node has applied no record of this
    /// id. What was applied was committed, so the place is final: a promise that a seal breaks was no honest one.
    ///
    /// `now_ms` is the time that the promise states, POSIX milliseconds. Signing and checking take tens of microseconds.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when what is stored does not check, or the promise that was just signed does not verify:
    /// a wrong one never leaves the node.
    pub fn promise(&self, record_id: RecordId, now_ms: u64) -> Result<Option<SignedNote>, StorageError> {
        let Some(view) = self.ledger().record(record_id)? else {
            return Ok(None);
        };
        let Entry::Recorded(record) = view.entry else {
            return Ok(None);
        };
        let identity = self.identity();
        let promise = Promise {
            origin: identity.genesis.origin.clone(),
            leaf_index: record.leaf_index,
            leaf_hash: leaf_hash(&record.encode()),
            table_id: view.table_id,
            time_ms: now_ms,
        };
        let note = sign_promise(&identity.node_key, &identity.node_name, &promise);
        match verify_promise(note.to_string().as_bytes(), &self.ledger().charter.policy) {
            Ok(_) => Ok(Some(note)),
            Err(error) => {
                let what = format!("the promise of leaf {}", record.leaf_index);
                Err(StorageError::corrupt(what, error.to_string()))
            }
        }
    }
}
