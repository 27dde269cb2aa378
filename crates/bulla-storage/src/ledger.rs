//! The state machine's data: open and closed tables in memory over stored blocks and rows.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use redb::Database;

use crate::chain::{Chain, Charter};
use crate::directory::{Directory, height_of, list, remove_file};
use crate::error::StorageError;
use crate::layers::{Below, Over};
use crate::manifest::{read_chain, read_durable};
use crate::quarantine::QuarantineReason;
use crate::rows::Snapshot;
use crate::seal::Seals;
use crate::states::StateMaps;
use crate::stored::{Blocks, Stored};
use crate::table::{ClosedTable, RecordTable, TableInfo};

/// How far the ledger would be after a power cut now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Durable {
    /// The highest stored block; `None` before the first.
    pub height: Option<u64>,
    /// What that block's [`Closing`](crate::Closing) said; the log entries after it must be applied again.
    pub replay_from: Option<Vec<u8>>,
}

/// The ledger of one node. All methods may be called from any thread.
///
/// ```text
///   apply ──▶ open table ──close──▶ closed tables ──store──▶ block file + rows in ledger.redb
///                 ▲                      ▲                        ▲
///   reads ────────┴──── newest first ────┴────────────────────────┘
/// ```
pub struct Ledger {
    pub(crate) directory: Directory,
    pub(crate) charter: Charter,
    pub(crate) blocks: Blocks,
    /// Held while a block is being stored or adopted. Taken before `state`.
    writer: Mutex<Database>,
    state: RwLock<State>,
    /// Whatever rows somebody may be reading: pages that they need are not free.
    snapshots: Mutex<Vec<Weak<Snapshot>>>,
    /// Why nothing is read from here, if so.
    quarantined: RwLock<Option<QuarantineReason>>,
}

/// What changes.
pub(crate) struct State {
    /// The rows as of the last stored block; replaced in the moment in which the tables it holds leave memory.
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) durable: Durable,
    /// Lowest first.
    pub(crate) unstored: VecDeque<Arc<ClosedTable>>,
    pub(crate) open: RecordTable,
    pub(crate) chain: Chain,
    pub(crate) seals: Seals,
    pub(crate) maps: StateMaps,
}

impl Ledger {
    pub(crate) fn load(
        directory: Directory,
        charter: Charter,
        database: Database,
        blocks: Blocks,
    ) -> Result<Self, StorageError> {
        remove_unstored(&directory, read_durable(&Snapshot::take(&database, &directory.ledger())?)?.height)?;
        Self::load_as_it_is(directory, charter, database, blocks)
    }

    /// As [`Ledger::load`], and leaves in its place whatever a crash left.
    pub(crate) fn load_as_it_is(
        directory: Directory,
        charter: Charter,
        database: Database,
        blocks: Blocks,
    ) -> Result<Self, StorageError> {
        miss_none(&directory, &blocks, read_durable(&Snapshot::take(&database, &directory.ledger())?)?.height)?;
        let state = State::load(&directory.ledger(), &database, &charter, &blocks)?;
        let ledger = Self {
            directory,
            charter,
            blocks,
            writer: Mutex::new(database),
            state: RwLock::new(state),
            snapshots: Mutex::default(),
            quarantined: RwLock::default(),
        };
        ledger.remember(&ledger.state().snapshot);
        Ok(ledger)
    }

    /// The table that records go to now.
    pub fn open_table(&self) -> TableInfo {
        self.state().open.info()
    }

    /// The tables that are closed but not stored yet, lowest first.
    pub fn closed_tables(&self) -> Vec<Arc<ClosedTable>> {
        self.state().unstored.iter().cloned().collect()
    }

    /// What a restart would begin with.
    pub fn durable(&self) -> Durable {
        self.state().durable.clone()
    }

    /// Drops the open table and those not stored yet: back to the state just after the Close of the last stored block.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn reset_open(&self) -> Result<(), StorageError> {
        self.reload(&self.writer())
    }

    /// The state as the rows have it. The caller holds the writer.
    pub(crate) fn reload(&self, database: &Database) -> Result<(), StorageError> {
        let state = State::load(&self.directory.ledger(), database, &self.charter, &self.blocks)?;
        self.remember(&state.snapshot);
        *self.state_mut() = state;
        Ok(())
    }

    /// Takes note of rows that are about to be read.
    pub(crate) fn remember(&self, snapshot: &Arc<Snapshot>) {
        let mut snapshots = self.snapshots.lock().expect(NO_PANIC);
        snapshots.retain(|snapshot| snapshot.strong_count() > 0);
        snapshots.push(Arc::downgrade(snapshot));
    }

    /// Whether anybody reads older rows than those of now.
    pub(crate) fn is_read_as_before(&self) -> bool {
        let snapshots = self.snapshots.lock().expect(NO_PANIC);
        snapshots.iter().filter(|snapshot| snapshot.strong_count() > 0).count() > 1
    }

    /// Goes on with another database, which `make` puts in the place of the one before.
    pub(crate) fn replace(&self, make: impl FnOnce() -> Result<Database, StorageError>) -> Result<(), StorageError> {
        let mut database = self.writer();
        self.blocks.close_all();
        let fresh = make()?;
        self.reload(&fresh)?;
        *database = fresh;
        Ok(())
    }

    /// From now on nothing is read, for this reason; or everything again.
    pub(crate) fn set_quarantined(&self, reason: Option<QuarantineReason>) {
        *self.quarantined.write().expect(NO_PANIC) = reason;
    }

    /// The state for a reader: there is none to be believed while the ledger is quarantined.
    pub(crate) fn readable(&self) -> Result<RwLockReadGuard<'_, State>, StorageError> {
        match self.quarantined.read().expect(NO_PANIC).clone() {
            Some(reason) => Err(StorageError::Quarantined { reason }),
            None => Ok(self.state()),
        }
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect(NO_PANIC)
    }

    pub(crate) fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect(NO_PANIC)
    }

    /// The one place to write to.
    pub(crate) fn writer(&self) -> std::sync::MutexGuard<'_, Database> {
        self.writer.lock().expect(NO_PANIC)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.ledger()
    }

    /// Removes what a crash left of blocks that never became durable; misses none that did.
    pub(crate) fn check_blocks(&self) -> Result<(), StorageError> {
        let durable = self.durable().height;
        remove_unstored(&self.directory, durable)?;
        miss_none(&self.directory, &self.blocks, durable)
    }
}

impl State {
    pub(crate) fn load(
        path: &Path,
        database: &Database,
        charter: &Charter,
        blocks: &Blocks,
    ) -> Result<Self, StorageError> {
        let snapshot = Snapshot::take(database, path)?;
        let mut chain = read_chain(&snapshot)?;
        let seals = Seals::load(&snapshot, &chain, charter)?;
        let stored = Stored { rows: &snapshot, blocks };
        let (maps, states) = StateMaps::load(&stored, chain.height, seals.sealed_height)?;
        chain.states = states;
        let mut state = Self {
            durable: read_durable(&snapshot)?,
            seals,
            maps,
            snapshot: Arc::new(snapshot),
            unstored: VecDeque::new(),
            open: chain.open_table(charter),
            chain,
        };
        state.chain.absorb(&state.open);
        Ok(state)
    }

    pub(crate) fn stored<'a>(&'a self, blocks: &'a Blocks) -> Stored<'a, Snapshot> {
        Stored { rows: &*self.snapshot, blocks }
    }

    pub(crate) fn below<'a>(&'a self, blocks: &'a Blocks) -> Below<'a> {
        Below { unstored: &self.unstored, stored: self.stored(blocks) }
    }

    /// Runs `read` over everything recorded.
    pub(crate) fn now<T>(&self, blocks: &Blocks, read: impl FnOnce(&Over<'_, Below<'_>>) -> T) -> T {
        read(&Over { table: &self.open, base: &self.below(blocks) })
    }

    /// Every table in memory, newest first.
    pub(crate) fn tables(&self) -> impl DoubleEndedIterator<Item = &RecordTable> {
        let closed = self.unstored.iter().rev().map(|closed| &closed.table);
        std::iter::once(&self.open).chain(closed)
    }
}

/// Removes the files of blocks above the last stored one.
fn remove_unstored(directory: &Directory, durable: Option<u64>) -> Result<(), StorageError> {
    let stored = durable.map_or(0, |height| height + 1);
    block_files(directory)?
        .into_iter()
        .filter(|(height, _)| *height >= stored)
        .try_for_each(|(_, path)| remove_file(&path))
}

/// Makes sure that every stored block has its file, and that the last one can be opened.
fn miss_none(directory: &Directory, blocks: &Blocks, durable: Option<u64>) -> Result<(), StorageError> {
    let stored = durable.map_or(0, |height| height + 1);
    let present = block_files(directory)?.iter().fold(0, |next, (height, _)| next + u64::from(*height == next));
    if present < stored {
        let missing = directory.block(present);
        return Err(StorageError::corrupt(missing.display().to_string(), "the file is missing"));
    }
    match stored.checked_sub(1) {
        Some(last) => blocks.file(last).map(drop),
        None => Ok(()),
    }
}

/// The block files with their heights, lowest first.
fn block_files(directory: &Directory) -> Result<Vec<(u64, PathBuf)>, StorageError> {
    Ok(list(&directory.blocks())?.into_iter().filter_map(|path| Some((height_of(&path)?, path))).collect())
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("directory", &self.directory).finish_non_exhaustive()
    }
}

// A panic while the ledger changes is a bug that leaves it half changed: whoever comes next panics too.
const NO_PANIC: &str = "no panic while the ledger was being changed";
