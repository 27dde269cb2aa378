//! Rebuilding: a ledger that is not to be believed is set aside, made again from verified blocks, and believed again.
//!
//! ```text
//!  mark, fsync ─▶ set aside: ledger.redb ─▶ set-aside/<since>/    blocks/* ─▶ incoming/* ─▶ an empty ledger.redb
//!                                                                     │ each verified leaf by leaf; one that is not
//!                                                                     ▼ sealed, or not good: set aside, fetched
//!  mark removed ◀─ guard settled ◀─ adopt: everything folded again, in one transaction
//! ```
//! Until the mark is removed every start goes on here, wherever a crash came in between. Keys, vote and guard stay.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use bulla_ledger::Record;
use bulla_sealing::{Checkpoint, Frontier};
use redb::Database;

use crate::agreed::{AgreedTree, TooFew};
use crate::block_file::{Block, BlockFile};
use crate::chain::Charter;
use crate::directory::{Directory, height_of, list, make_dir, move_into, remove_file, sync_dir};
use crate::error::StorageError;
use crate::guard::{Guard, GuardError, SignedTree};
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::manifest::{ManifestRow, read_chain, read_durable};
use crate::quarantine::{Quarantine, QuarantineReason, Sealed, Stage};
use crate::raft_log::RaftLog;
use crate::rows::Snapshot;
use crate::seal::checkpoint_of;
use crate::side_data::SideData;
use crate::store::{NO_PANIC, Store, StoreOptions, create_ledger, open};
use crate::stored::Blocks;

/// How a staged block is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StagedProof {
    /// Every voter signed the tree that ends with it.
    Sealed,
    /// A majority of all voters did.
    Agreed,
    /// Fewer did, so far.
    TooFew(TooFew),
}

impl Store {
    /// Opens a directory whose ledger is not to be believed: one that is marked, or that [`Store::open`] found damaged,
    /// which is marked then, for this reason and as of now (POSIX microseconds). What is damaged is set aside; the
    /// ledger is what a rebuild has made so far, at first empty. Log, vote and guard must be whole.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_quarantined(
        dir: &Path,
        expect: &Identity,
        options: StoreOptions,
        damaged: Option<(String, u64)>,
    ) -> Result<Self, StorageError> {
        let (directory, lock, identity) = Self::begin_open(dir, expect, &options)?;
        for file in [directory.raft_log(), directory.guard()] {
            if !file.exists() {
                return Err(StorageError::corrupt(file.display().to_string(), "the file is missing"));
            }
        }
        let raft_log = open(&directory.raft_log(), options.log_cache_bytes)?;
        let raft_log = RaftLog::new(&directory.raft_log(), raft_log, &identity.stamp())?;
        let guard = Guard::open(&directory.guard())?;
        guard.verify()?;
        let mut mark = match (Quarantine::read(&directory.quarantine())?, damaged) {
            (Some(mark), _) => mark,
            (None, Some((what, since_us))) => {
                let reason = QuarantineReason::Damaged { what };
                let mark = Quarantine { reason, since_us, sealed: Sealed::Unknown, stage: Stage::Marked };
                mark.write(&directory.quarantine())?;
                mark
            }
            (None, None) => return Err(StorageError::unknown("mark of a quarantine")),
        };
        set_aside(&directory, &mut mark)?;
        let load = || {
            let database = open_half_built(&directory, &identity, &options)?;
            let blocks = Blocks::new(directory.clone(), identity.genesis.ledger_id, options.open_blocks_max);
            Ledger::load(directory.clone(), Charter::of(&identity), database, blocks)
        };
        let ledger = load().or_else(|error| match error {
            // What was damaged anew is no evidence of anything: it came from the rebuild.
            StorageError::Corrupt { .. } => remove_file(&directory.ledger()).and_then(|()| load()),
            other => Err(other),
        })?;
        ledger.set_quarantined(Some(mark.reason.clone()));
        Ok(Self {
            raft_log,
            guard,
            ledger,
            identity,
            quarantine: Mutex::new(Some(mark)),
            path: dir.to_owned(),
            options,
            _lock: lock,
        })
    }

    /// Sets aside what a marked directory holds and begins an empty ledger, unless that has been done. Nothing else may
    /// use the ledger meanwhile.
    ///
    /// # Errors
    /// When the disk fails. May be tried again.
    ///
    /// # Panics
    /// When the directory is not marked.
    pub fn begin_rebuild(&self) -> Result<(), StorageError> {
        let mut quarantine = self.quarantine.lock().expect(NO_PANIC);
        let mark = quarantine.as_mut().expect("only what is marked is rebuilt");
        if mark.stage == Stage::Rebuilding {
            return Ok(());
        }
        let directory = Directory::new(&self.path);
        self.ledger.replace(|| {
            set_aside(&directory, mark)?;
            open_half_built(&directory, &self.identity, &self.options)
        })
    }

    /// Holds what this node ever signed against the rebuilt ledger. Where it was outvoted, and only there, the guard is
    /// corrected: see [`Guard::correct`].
    ///
    /// # Errors
    /// [`GuardError`] when this node signed something that its peers do not have, and no majority says that this was
    /// wrong. Then it must not be believed again: it, or they, were rolled back.
    pub fn settle_guard(&self) -> Result<(), GuardError> {
        let mark = self.quarantine().expect("only what is marked is rebuilt");
        let mut differing = Vec::new();
        self.guard.newest_until(|signed| {
            let tree = self.ledger.tree(signed.height)?.ok_or(GuardError::Ahead { height: signed.height })?;
            // Trees only grow: below one that is the same, all are.
            let same = (tree.size, tree.root) == (signed.size, signed.root);
            if !same {
                differing.push((signed, tree));
            }
            Ok(same)
        })?;
        differing.into_iter().rev().try_for_each(|(signed, tree)| self.correct(&mark, signed, &tree))
    }

    fn correct(&self, mark: &Quarantine, signed: SignedTree, tree: &Checkpoint) -> Result<(), GuardError> {
        let SignedTree { height, size: signed_size, root } = signed;
        match (&mark.reason, mark.sealed) {
            (QuarantineReason::OtherRoot { .. }, Sealed::UpTo(sealed)) => {
                let agreed =
                    self.ledger.agreed(height, tree).map_err(|source| GuardError::TooFew { height, source })?;
                self.guard.correct(&agreed, sealed)
            }
            // It was not outvoted, or does not know any more what was sealed.
            _ => Err(GuardError::OtherRoot {
                height,
                signed_size,
                signed: root,
                asked_size: tree.size,
                asked: tree.root,
            }),
        }
    }

    /// Believes the ledger again: it is rebuilt and verified, and the guard is settled.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn leave_quarantine(&self) -> Result<(), StorageError> {
        let mut quarantine = self.quarantine.lock().expect(NO_PANIC);
        remove_file(&Directory::new(&self.path).quarantine())?;
        sync_dir(&self.path)?;
        *quarantine = None;
        self.ledger.set_quarantined(None);
        Ok(())
    }

    /// Keeps the staged block of a height as evidence instead of adopting it: it was this node's own, and is not good.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn set_aside_staged(&self, height: u64) -> Result<(), StorageError> {
        let directory = Directory::new(&self.path);
        let mark = self.quarantine().expect("only what is marked is rebuilt");
        let (staged, evidence) = (directory.incoming_block(height), evidence(&directory, &mark));
        let is_kept = staged.file_name().is_some_and(|name| evidence.join(name).exists());
        // What comes later was fetched; the first one is this node's own.
        if is_kept { remove_file(&staged) } else { move_into(&staged, &evidence) }
    }
}

impl Ledger {
    /// The log up to the last stored block.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn stored_log(&self) -> Result<Frontier, StorageError> {
        Ok(read_chain(&*self.state().snapshot)?.log)
    }

    /// Verifies the staged block of `height` and its side data, given the log before it: every leaf, every payload, every
    /// signature. Returns the log after it, and who signed that. The rules are applied when it is adopted.
    ///
    /// # Errors
    /// [`StorageError::BadBlock`] when something does not verify. What is staged stays.
    pub fn check_staged(&self, height: u64, before: &Frontier) -> Result<(Frontier, StagedProof), StorageError> {
        let bad = |reason: String| StorageError::BadBlock { height, reason };
        let path = self.directory.incoming_block(height);
        let (block, _) = match BlockFile::open(&path).and_then(|file| file.read_all()) {
            Err(StorageError::Corrupt { detail, .. }) => return Err(bad(detail)),
            read => read?,
        };
        let place = (block.ledger_id, block.height, block.first_leaf);
        if place != (self.charter.config.ledger_id, height, before.size()) {
            return Err(bad("it is another block".to_owned()));
        }
        let mut log = before.clone();
        log.extend(&block.leaves.hashes);
        let checkpoint = Checkpoint { origin: self.charter.config.origin.clone(), size: log.size(), root: log.root() };
        let side = self.staged_side(height)?;
        check_payloads(&block, &side).map_err(bad)?;
        if let Some(note) = &side.seal {
            let seal = self.attestations_of(note, &checkpoint);
            return match seal {
                Some(_) => Ok((log, StagedProof::Sealed)),
                None => Err(bad("it is not the block that was sealed".to_owned())),
            };
        }
        let proof = match AgreedTree::new(&self.charter.config, height, &checkpoint, &side.attestations) {
            Ok(_) => StagedProof::Agreed,
            Err(few) => StagedProof::TooFew(few),
        };
        Ok((log, proof))
    }

    /// The tree that ends with a stored block.
    fn tree(&self, height: u64) -> Result<Option<Checkpoint>, StorageError> {
        let row = ManifestRow::read(&*self.state().snapshot, height)?;
        Ok(row.map(|row| checkpoint_of(&self.charter, &row)))
    }

    /// The tree of a block that waits to be sealed, if a majority has signed it.
    fn agreed(&self, height: u64, tree: &Checkpoint) -> Result<AgreedTree, TooFew> {
        let state = self.state();
        let attested = state.seals.waiting.get(&height).map(|waiting| waiting.attested.values());
        AgreedTree::new(&self.charter.config, height, tree, attested.into_iter().flatten())
    }
}

fn check_payloads(block: &Block, side: &SideData) -> Result<(), String> {
    for (leaf_index, payload) in &side.payloads {
        let leaf = leaf_index.checked_sub(block.first_leaf).and_then(|place| block.leaves.get(place));
        let commit = leaf.and_then(|leaf| Record::decode(leaf).ok()?.transfer.payload_commit);
        if commit != Some(payload.commit()) {
            return Err(format!("leaf {leaf_index} does not commit to the payload sent with it"));
        }
    }
    Ok(())
}

/// Moves the database out of the way, and the blocks to where they are verified before they are believed again.
fn set_aside(directory: &Directory, mark: &mut Quarantine) -> Result<(), StorageError> {
    if mark.stage == Stage::Rebuilding {
        return Ok(());
    }
    let evidence = evidence(directory, mark);
    make_dir(&directory.set_aside())?;
    make_dir(&evidence)?;
    move_into(&directory.ledger(), &evidence)?;
    for block in list(&directory.blocks())? {
        move_into(&block, &directory.incoming())?;
    }
    let kept = list(&directory.set_aside())?;
    for old in &kept[..kept.len().saturating_sub(EVIDENCE_MAX)] {
        fs::remove_dir_all(old).map_err(StorageError::io("remove", old))?;
    }
    let next = Quarantine { stage: Stage::Rebuilding, ..mark.clone() };
    next.write(&directory.quarantine())?;
    *mark = next;
    tracing::info!(kept_in = %evidence.display(), "the damaged ledger is set aside");
    Ok(())
}

/// Where what is damaged is kept. Names sort by time.
fn evidence(directory: &Directory, mark: &Quarantine) -> std::path::PathBuf {
    directory.set_aside().join(format!("{:020}", mark.since_us))
}

/// What a rebuild has made so far; an empty ledger when that is nothing, or was itself damaged.
fn open_half_built(
    directory: &Directory,
    identity: &Identity,
    options: &StoreOptions,
) -> Result<Database, StorageError> {
    let path = directory.ledger();
    let opened = match path.exists() {
        true => open(&path, options.ledger_cache_bytes).and_then(|database| {
            let height = read_durable(&Snapshot::take(&database, &path)?)?.height;
            Ok((database, height.map_or(0, |height| height + 1)))
        }),
        false => Err(StorageError::unknown("ledger")),
    };
    let (database, stored) = match opened {
        Ok(opened) => opened,
        Err(_) => {
            remove_file(&path)?;
            create_ledger(directory, identity)?;
            (open(&path, options.ledger_cache_bytes)?, 0)
        }
    };
    // Blocks that were on their way when a crash came are not fetched again.
    for block in list(&directory.blocks())? {
        if height_of(&block).is_none_or(|height| height >= stored) {
            move_into(&block, &directory.incoming())?;
        }
    }
    Ok(database)
}

/// Quarantines whose evidence is kept.
const EVIDENCE_MAX: usize = 3;
