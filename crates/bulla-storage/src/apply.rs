//! Applying requests: facts in, outcome out, the open table grows.

use bulla_ledger::{Facts, Outcome, Place, Prior, Rejection, Source, decide};
use uuid::Uuid;

use crate::answer::{Answer, Batch, Item};
use crate::error::StorageError;
use crate::layers::{Below, Over};
use crate::ledger::{Ledger, State};
use crate::manifest::{ManifestRow, block_of_leaf};
use crate::stored::{Blocks, decode_record};
use crate::table::RecordTable;

impl Ledger {
    /// Applies batches in order, as of `time_us` (POSIX microseconds, raised to the latest time seen if it is below).
    ///
    /// # Errors
    /// The state is then as before the call.
    pub fn apply_requests(&self, time_us: u64, batches: &[Batch]) -> Result<Vec<Vec<Answer>>, StorageError> {
        let mut state = self.state_mut();
        let state = &mut *state;
        let State { snapshot, unstored, open, chain, .. } = state;
        let time_us = time_us.max(chain.last_time_us);
        let before = open.mark();
        let below = Below { unstored, stored: crate::stored::Stored { rows: &**snapshot, blocks: &self.blocks } };
        let mut apply = Apply { open, below: &below, time_us };
        let outcomes = batches.iter().map(|batch| apply.batch(batch)).collect();
        match state.answers(&self.blocks, time_us, outcomes) {
            Ok(answers) => {
                state.open.forget_undo();
                state.chain.absorb(&state.open);
                state.chain.last_time_us = time_us;
                Ok(answers)
            }
            Err(error) => {
                state.open.roll_back(&before);
                Err(error)
            }
        }
    }
}

/// The open table and what it is judged against.
struct Apply<'a> {
    open: &'a mut RecordTable,
    below: &'a Below<'a>,
    time_us: u64,
}

impl Apply<'_> {
    fn batch(&mut self, batch: &Batch) -> Result<Vec<Outcome>, StorageError> {
        if !batch.atomic {
            return batch.items.iter().map(|item| self.item(item)).collect();
        }
        let before = self.open.mark();
        let mut outcomes = Vec::with_capacity(batch.items.len());
        for item in &batch.items {
            let outcome = self.judge(item)?;
            if matches!(outcome, Outcome::Rejected(_) | Outcome::AlreadyRejected(_)) {
                self.open.roll_back(&before);
                return self.refuse_batch(batch, outcomes.len(), outcome);
            }
            self.take(item, &outcome)?;
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// The item that failed gets its reason; the others happened before, or do not happen.
    fn refuse_batch(&mut self, batch: &Batch, failed: usize, reason: Outcome) -> Result<Vec<Outcome>, StorageError> {
        let mut outcomes = Vec::with_capacity(batch.items.len());
        for (place, item) in batch.items.iter().enumerate() {
            outcomes.push(match place == failed {
                true => reason,
                false => match self.judge(item)? {
                    repeated @ Outcome::AlreadyAccepted { .. } => repeated,
                    _ => Outcome::Rejected(Rejection::BatchRejected),
                },
            });
        }
        self.take(&batch.items[failed], &reason)?;
        Ok(outcomes)
    }

    fn item(&mut self, item: &Item) -> Result<Outcome, StorageError> {
        let outcome = self.judge(item)?;
        self.take(item, &outcome)?;
        Ok(outcome)
    }

    fn judge(&self, item: &Item) -> Result<Outcome, StorageError> {
        let over = Over { table: self.open, base: self.below };
        let facts = Facts::gather(&item.transfer, item.payload.as_ref(), &over)?;
        let place = Place { leaf_index: self.open.next_leaf(), time_us: self.time_us };
        Ok(decide(&item.transfer, &facts, place))
    }

    fn take(&mut self, item: &Item, outcome: &Outcome) -> Result<(), StorageError> {
        match outcome {
            Outcome::Accepted(effects) => self.open.record(effects, item.payload.as_ref()),
            Outcome::Rejected(rejection) if rejection.is_final() => {
                self.open.refuse(&item.transfer, *rejection, self.time_us);
            }
            // What was erased may have just come again, into the log.
            Outcome::AlreadyAccepted { .. } if item.payload.is_some() => {
                let prior = Over { table: &*self.open, base: self.below }.prior(item.transfer.record_id)?;
                self.open.shred |= matches!(prior, Some(Prior::Accepted { erased: true, .. }));
            }
            Outcome::Rejected(_) | Outcome::AlreadyAccepted { .. } | Outcome::AlreadyRejected(_) => {}
        }
        Ok(())
    }
}

impl State {
    /// Says where everything is. The records of `outcomes` are in the open table.
    fn answers(
        &self,
        blocks: &Blocks,
        time_us: u64,
        outcomes: Result<Vec<Vec<Outcome>>, StorageError>,
    ) -> Result<Vec<Vec<Answer>>, StorageError> {
        let answer = |outcome: &Outcome| self.answer(blocks, time_us, outcome);
        outcomes?.iter().map(|batch| batch.iter().map(answer).collect()).collect()
    }

    fn answer(&self, blocks: &Blocks, time_us: u64, outcome: &Outcome) -> Result<Answer, StorageError> {
        Ok(match outcome {
            Outcome::Accepted(effects) => Answer::Recorded {
                leaf_index: effects.record.leaf_index,
                height: self.open.height,
                table_id: self.open.table_id,
                time_us,
                repeated: false,
            },
            Outcome::AlreadyAccepted { leaf_index } => {
                let lost =
                    || StorageError::corrupt(format!("leaf {leaf_index}"), "it was recorded, but no block holds it");
                let (height, table_id) = self.table_of(*leaf_index)?.ok_or_else(lost)?;
                let leaf = self.leaf(blocks, *leaf_index)?.ok_or_else(lost)?;
                let time_us = decode_record(*leaf_index, &leaf)?.time_us;
                Answer::Recorded { leaf_index: *leaf_index, height, table_id, time_us, repeated: true }
            }
            Outcome::Rejected(rejection) | Outcome::AlreadyRejected(rejection) => {
                Answer::Rejected { rejection: *rejection }
            }
        })
    }

    /// Height and id of the table that holds a leaf.
    pub(crate) fn table_of(&self, leaf_index: u64) -> Result<Option<(u64, Uuid)>, StorageError> {
        if let Some(table) = self.tables().find(|table| table.leaf(leaf_index).is_some()) {
            return Ok(Some((table.height, table.table_id)));
        }
        let Some(height) = block_of_leaf(&*self.snapshot, leaf_index)? else {
            return Ok(None);
        };
        Ok(ManifestRow::read(&*self.snapshot, height)?.map(|row| (height, row.table_id)))
    }

    /// The bytes of a leaf.
    pub(crate) fn leaf(&self, blocks: &Blocks, leaf_index: u64) -> Result<Option<Vec<u8>>, StorageError> {
        match self.tables().find_map(|table| table.leaf(leaf_index)) {
            Some(leaf) => Ok(Some(leaf.to_vec())),
            None => self.stored(blocks).leaf(leaf_index),
        }
    }
}
