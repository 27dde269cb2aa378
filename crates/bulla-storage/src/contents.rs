//! Everything that the two databases hold, row by row: what tells two directories apart.

use std::sync::Arc;

use crate::error::StorageError;
use crate::rows::{Of, Rows};
use crate::store::Store;

impl Store {
    /// Hands every row of both databases to `take`: its table, its key, its value. Every value is checked against its
    /// checksum; whether the rows belong together, [`Ledger::verify_all`](crate::Ledger::verify_all) tells.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when a row does not check.
    pub fn each_row(&self, mut take: impl FnMut(&str, &[u8], &[u8])) -> Result<(), StorageError> {
        let snapshot = Arc::clone(&self.ledger().state().snapshot);
        for of in Of::ALL {
            snapshot.each(of, |key, value| {
                take(of.name(), key, value);
                Ok(())
            })?;
        }
        let state = self.raft_log().state()?;
        let fields = [("vote", &state.vote), ("committed", &state.committed), ("purged", &state.purged)];
        for (name, value) in fields {
            if let Some(value) = value {
                take("fields", name.as_bytes(), value);
            }
        }
        let (Some(mut next), Some(last)) = (state.first, state.last) else { return Ok(()) };
        while next <= last {
            let found = self.raft_log().read(next..last.saturating_add(1), PIECE_BYTES)?;
            if found.first().is_none_or(|(index, _)| *index != next) {
                return Err(StorageError::corrupt(format!("the Raft log from entry {next}"), "an entry is missing"));
            }
            for (index, entry) in found {
                take("entries", &index.to_be_bytes(), &entry);
                next = index + 1;
            }
        }
        Ok(())
    }
}

/// How much of the Raft log is in memory at once.
const PIECE_BYTES: usize = 4 << 20;
