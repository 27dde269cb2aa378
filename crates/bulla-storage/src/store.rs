//! A data directory in use by this process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use redb::{Builder, Database};

use crate::chain::Charter;
use crate::contain::contain;
use crate::directory::{Directory, FORMAT_VERSION, PARTIAL, list, make_dir, partial, publish, remove_file};
use crate::error::StorageError;
use crate::guard::Guard;
use crate::identity::{self, Identity};
use crate::ledger::Ledger;
use crate::manifest::read_durable;
use crate::newer_commit::prefer_newer_commit;
use crate::quarantine::{Quarantine, QuarantineReason, Sealed, Stage};
use crate::raft_log::RaftLog;
use crate::rows::{Changes, Of, Rows, Snapshot, lacking};
use crate::stored::Blocks;

/// What may be tuned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// Memory for the pages of the ledger's database, bytes.
    pub ledger_cache_bytes: usize,
    /// Memory for the pages of the log's database, bytes.
    pub log_cache_bytes: usize,
    /// Block files held open at once.
    pub open_blocks_max: usize,
    /// Bytes of the disk that must be free for anything new to be written: what is in the log already must still find
    /// room as a block.
    pub disk_reserve_bytes: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { ledger_cache_bytes: 256 << 20, log_cache_bytes: 64 << 20, open_blocks_max: 64, disk_reserve_bytes: 0 }
    }
}

/// One node's data directory, locked for this process until it is dropped.
#[derive(Debug)]
pub struct Store {
    pub(crate) identity: Identity,
    pub(crate) raft_log: RaftLog,
    pub(crate) ledger: Ledger,
    pub(crate) guard: Guard,
    pub(crate) quarantine: Mutex<Option<Quarantine>>,
    pub(crate) path: PathBuf,
    pub(crate) options: StoreOptions,
    // Last, so that the directory is free only when everything above is closed.
    pub(crate) _lock: File,
}

impl Store {
    /// Opens the directory of the node `expect`; makes the databases the first time. Whatever a crash left incomplete
    /// is removed.
    ///
    /// # Errors
    /// [`StorageError::InUse`], [`StorageError::NoIdentity`], [`StorageError::IdentityMismatch`],
    /// [`StorageError::FormatVersion`], [`StorageError::Corrupt`]; [`StorageError::Io`] when the directory cannot be
    /// written, and [`StorageError::DiskFull`] when less than the reserve is free.
    pub fn open(dir: &Path, expect: &Identity, options: StoreOptions) -> Result<Self, StorageError> {
        let (directory, lock, identity) = Self::begin_open(dir, expect, &options)?;
        if let Some(mark) = Quarantine::read(&directory.quarantine())? {
            return Err(StorageError::Quarantined { reason: mark.reason });
        }
        let (ledger, raft_log) = open_databases(&directory, &identity, &options)?;
        let blocks = Blocks::new(directory.clone(), identity.genesis.ledger_id, options.open_blocks_max);
        Ok(Self {
            raft_log: RaftLog::new(&directory.raft_log(), raft_log, &identity.stamp())?,
            guard: Guard::open(&directory.guard())?,
            ledger: Ledger::load(directory, Charter::of(&identity), ledger, blocks)?,
            identity,
            quarantine: Mutex::default(),
            path: dir.to_owned(),
            options,
            _lock: lock,
        })
    }

    /// Takes the directory, makes sure whose it is, and removes what a crash left incomplete.
    pub(crate) fn begin_open(
        dir: &Path,
        expect: &Identity,
        options: &StoreOptions,
    ) -> Result<(Directory, File, Identity), StorageError> {
        let directory = Directory::new(dir);
        if !directory.identity().exists() {
            return Err(StorageError::NoIdentity { path: dir.to_owned() });
        }
        let lock = directory.lock()?;
        let identity = identity::load(dir)?;
        identity.expect(expect, dir)?;
        if free_bytes(dir)? < options.disk_reserve_bytes {
            return Err(StorageError::DiskFull { path: dir.to_owned() });
        }
        make_dir(&directory.blocks())?;
        make_dir(&directory.incoming())?;
        remove_partials(&directory)?;
        Ok((directory, lock, identity))
    }

    /// Who this node is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The Raft log and vote.
    pub fn raft_log(&self) -> &RaftLog {
        &self.raft_log
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What this node ever signed.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Marks the directory, durably: its ledger is not to be believed until it is rebuilt. From the next start on it
    /// takes no part. The first reason stays.
    ///
    /// # Errors
    /// When the mark cannot be written; the node must then stop.
    pub fn enter_quarantine(&self, reason: QuarantineReason, now_us: u64) -> Result<(), StorageError> {
        let mut quarantine = self.quarantine.lock().expect(NO_PANIC);
        if quarantine.is_none() {
            let sealed = Sealed::UpTo(self.ledger.sealed_height());
            let mark = Quarantine { reason, since_us: now_us, sealed, stage: Stage::Marked };
            mark.write(&Directory::new(&self.path).quarantine())?;
            self.ledger.set_quarantined(Some(mark.reason.clone()));
            *quarantine = Some(mark);
        }
        Ok(())
    }

    /// The quarantine that this directory is in.
    pub fn quarantine(&self) -> Option<Quarantine> {
        self.quarantine.lock().expect(NO_PANIC).clone()
    }

    /// Whether more of the disk is free than its reserve, so that something new may be written.
    ///
    /// # Errors
    /// When the operating system does not say how much is free.
    pub fn has_room(&self) -> Result<bool, StorageError> {
        Ok(free_bytes(&self.path)? >= self.options.disk_reserve_bytes)
    }
}

fn free_bytes(path: &Path) -> Result<u64, StorageError> {
    let disk = rustix::fs::statvfs(path).map_err(|error| StorageError::io("measure", path)(error.into()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn remove_partials(directory: &Directory) -> Result<(), StorageError> {
    for dir in [directory.root().to_owned(), directory.blocks(), directory.incoming()] {
        for path in list(&dir)? {
            if path.is_file() && path.extension().is_some_and(|extension| extension == PARTIAL) {
                tracing::info!(path = %path.display(), "removed a file that a crash left incomplete");
                remove_file(&path)?;
            }
        }
    }
    Ok(())
}

/// Opens ledger and log, or makes them. They are made in this order, so a log without a ledger has lost it.
fn open_databases(
    directory: &Directory,
    identity: &Identity,
    options: &StoreOptions,
) -> Result<(Database, Database), StorageError> {
    let (ledger, log) = (directory.ledger(), directory.raft_log());
    let missing = |path: &Path| StorageError::corrupt(path.display().to_string(), "the file is missing");
    if !ledger.exists() {
        if log.exists() || !list(&directory.blocks())?.is_empty() {
            return Err(missing(&ledger));
        }
        create_ledger(directory, identity)?;
    }
    let database = open(&ledger, options.ledger_cache_bytes)?;
    add_newer_tables(&database, &ledger)?;
    let rows = Snapshot::take(&database, &ledger)?;
    check_stamp(&rows, identity)?;
    // The log and the guard are as old as the directory: a new one would forget a vote, or a signature.
    if read_durable(&rows)?.height.is_some() {
        for file in [&log, &directory.guard()] {
            if !file.exists() {
                return Err(missing(file));
            }
        }
    }
    if !log.exists() {
        create(&log, |database, path| RaftLog::initialize(database, path, &identity.stamp()))?;
    }
    Ok((database, open(&log, options.log_cache_bytes)?))
}

/// Makes an empty ledger.
pub(crate) fn create_ledger(directory: &Directory, identity: &Identity) -> Result<(), StorageError> {
    create(&directory.ledger(), |database, path| {
        Changes::commit(database, path, |changes| {
            changes.put(Of::Meta, FORMAT, &FORMAT_VERSION.to_be_bytes())?;
            changes.put(Of::Meta, STAMP, &identity.stamp())
        })
    })
}

/// Adds the tables that the first release did not know. Should one alone be missing, or any other, its name was damaged.
pub(crate) fn add_newer_tables(database: &Database, path: &Path) -> Result<(), StorageError> {
    match lacking(database, path)? == [Of::Erased, Of::Incidents] {
        true => Changes::commit(database, path, |_tables_are_made| Ok(())),
        false => Ok(()),
    }
}

pub(crate) fn check_stamp(rows: &Snapshot, identity: &Identity) -> Result<(), StorageError> {
    let path = rows.path();
    let corrupt = || rows.corrupt_row(Of::Meta, FORMAT, "it is no version");
    let format = rows.get(Of::Meta, FORMAT)?.ok_or_else(corrupt)?;
    let found = u32::from_be_bytes(format.try_into().map_err(|_| corrupt())?);
    if found != FORMAT_VERSION {
        return Err(StorageError::FormatVersion { path: path.to_owned(), found, supported: FORMAT_VERSION });
    }
    expect_stamp(path, rows.get(Of::Meta, STAMP)?.as_deref(), &identity.stamp())
}

/// A database belongs to this node, instance and ledger.
pub(crate) fn expect_stamp(path: &Path, found: Option<&[u8]>, expected: &[u8]) -> Result<(), StorageError> {
    let text = |stamp: &[u8]| stamp.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match found == Some(expected) {
        true => Ok(()),
        false => Err(StorageError::IdentityMismatch {
            path: path.to_owned(),
            field: "node",
            found: found.map(text).unwrap_or_default(),
            expected: text(expected),
        }),
    }
}

/// Makes a database under another name first, so that one that exists is complete.
fn create(
    path: &Path,
    initialize: impl FnOnce(&Database, &Path) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let incomplete = partial(path);
    let database = Builder::new().create(&incomplete).map_err(StorageError::database(path))?;
    initialize(&database, path)?;
    drop(database);
    publish(&incomplete, path)
}

/// Opens a database that is whole, to the last page that its rows reach: no row is missing, and none is of an older
/// commit. Reads the whole file.
pub(crate) fn open(path: &Path, cache_bytes: usize) -> Result<Database, StorageError> {
    prefer_newer_commit(path)?;
    contain(path, || {
        let mut builder = Builder::new();
        // Without it, a bit that flipped in a branch of a tree hides the rows below it.
        builder.set_cache_size(cache_bytes).set_check_integrity_on_open(true);
        builder.open(path).map_err(StorageError::database(path))
    })
}

const FORMAT: &[u8] = b"format";
const STAMP: &[u8] = b"node";
pub(crate) const NO_PANIC: &str = "no panic while the mark of the quarantine is held";
