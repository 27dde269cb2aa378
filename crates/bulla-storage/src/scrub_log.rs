//! The Raft log in a scrub: every entry is read and checked, and so are the vote and where it was purged to.

use crate::error::StorageError;
use crate::finding::{Finding, Remedy};
use crate::scrub::ScrubStep;
use crate::store::Store;

/// How far the log was read.
#[derive(Debug)]
pub(crate) struct LogWalk {
    next: u64,
    fields_done: bool,
    is_unreadable: bool,
    /// The entry that closed the last stored block: nothing up to it is needed any more.
    superfluous: Option<u64>,
}

impl LogWalk {
    pub(crate) fn new(superfluous: Option<u64>) -> Self {
        Self { next: 0, fields_done: false, is_unreadable: false, superfluous }
    }

    /// Reads some entries; `None` after the last.
    pub(crate) fn step(&mut self, store: &Store) -> Option<ScrubStep> {
        let log = store.raft_log();
        if !std::mem::replace(&mut self.fields_done, true)
            && let Err(error) = log.check_fields()
        {
            return Some(ScrubStep { bytes: 0, findings: vec![self.found(None, &error)] });
        }
        let (first, last) = match log.bounds() {
            Ok(bounds) => bounds?,
            Err(error) => {
                let findings = vec![self.found(None, &error)];
                return (!std::mem::replace(&mut self.is_unreadable, true)).then_some(ScrubStep { bytes: 0, findings });
            }
        };
        let from = self.next.max(first);
        if from > last {
            return None;
        }
        let mut step = ScrubStep::default();
        match log.read(from..last.saturating_add(1), PIECE_BYTES) {
            Ok(entries) => {
                step.bytes = entries.iter().map(|(_, entry)| entry.len() as u64).sum();
                self.next = entries.last().map_or(last, |(index, _)| *index) + 1;
            }
            // One by one, to tell which.
            Err(_) => match log.read(from..from + 1, PIECE_BYTES) {
                Ok(entries) => {
                    step.bytes = entries.iter().map(|(_, entry)| entry.len() as u64).sum();
                    self.next = from + 1;
                }
                Err(error) => {
                    step.findings.push(self.found(Some(from), &error));
                    self.next = from + 1;
                }
            },
        }
        Some(step)
    }

    fn found(&self, index: Option<u64>, error: &StorageError) -> Finding {
        let what = index.map_or_else(
            || "the vote, or what else there is one of in the Raft log".into(),
            |index| format!("entry {index} of the Raft log"),
        );
        let is_superfluous = index.is_some_and(|index| self.superfluous.is_some_and(|upto| index <= upto));
        let remedy = if is_superfluous { Remedy::Purge } else { Remedy::Rebuild };
        Finding { what, detail: error.to_string(), height: None, remedy }
    }
}

const PIECE_BYTES: usize = 1 << 20;
