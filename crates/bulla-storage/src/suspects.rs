//! Suspects: blocks in which a read came upon damage, kept until somebody looks.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};

use crate::ledger::Ledger;

/// Tells that there are suspects.
type Tell = Box<dyn Fn() + Send + Sync>;

/// Heights of blocks that a read found damaged, or could not tell from a damaged one.
#[derive(Default)]
pub(crate) struct Suspects {
    heights: Mutex<BTreeSet<u64>>,
    tell: OnceLock<Tell>,
}

impl Suspects {
    pub(crate) fn add(&self, height: u64) {
        let is_new = self.heights.lock().expect(NO_PANIC).insert(height);
        if let Some(tell) = self.tell.get().filter(|_| is_new) {
            tell();
        }
    }

    pub(crate) fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.heights.lock().expect(NO_PANIC)).into_iter().collect()
    }

    /// Who is told from now on; only the first one is.
    pub(crate) fn set_tell(&self, tell: Tell) {
        // Two who mend the same directory would be in each other's way.
        let _first_stays = self.tell.set(tell);
    }
}

impl std::fmt::Debug for Suspects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suspects").field("heights", &self.heights).finish_non_exhaustive()
    }
}

impl Ledger {
    /// The blocks in which reads came upon damage since the last time this was asked, lowest first. A read that cannot
    /// tell in which of several blocks it lies names all of them.
    pub fn take_suspects(&self) -> Vec<u64> {
        self.blocks.suspects().take()
    }

    /// Calls `tell`, on the thread of the read, whenever a read has come upon damage in another block. Only the first
    /// who asks for it is told.
    pub fn tell_of_suspects(&self, tell: impl Fn() + Send + Sync + 'static) {
        self.blocks.suspects().set_tell(Box::new(tell));
    }
}

const NO_PANIC: &str = "no panic while suspects are held";
