//! Scrubbing: a pass over everything that is stored, in steps, so that whoever runs it can hold a rate.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Advice, fadvise};

use crate::error::StorageError;
use crate::finding::{Finding, Remedy};
use crate::guard::{GuardError, LINE_LEN, SignedTree};
use crate::identity;
use crate::manifest::{ManifestRow, read_chain};
use crate::rows::Snapshot;
use crate::scrub_block::Walk;
use crate::scrub_log::LogWalk;
use crate::scrub_rows::RowWalk;
use crate::store::Store;

/// One pass, from [`Store::scrub`].
///
/// ```text
/// identity ▶ guard ▶ block 0, its rows, seal and payloads ▶ block 1 ▶ ... ▶ all rows, table by table ▶ Raft log
/// ```
/// It reads what was stored when it gets there, so recording goes on meanwhile and is no finding.
#[derive(Debug)]
pub struct Scrub {
    at: At,
    walk: Walk,
    bytes_done: u64,
    bytes_total: u64,
}

/// One step of a pass.
#[derive(Debug, Default)]
pub struct ScrubStep {
    /// Bytes read in it.
    pub bytes: u64,
    /// What is wrong. A damaged block is looked at once more in the next step, so mend it before that.
    pub findings: Vec<Finding>,
}

#[derive(Debug)]
enum At {
    Identity,
    Guard,
    /// Reading the file of the walk's block, so far to this byte.
    Block(u64),
    Rows(RowWalk),
    Log(LogWalk),
    End,
}

impl Store {
    /// Begins a pass over everything stored.
    pub fn scrub(&self) -> Scrub {
        let ledger = self.ledger();
        let snapshot = Arc::clone(&ledger.state().snapshot);
        let blocks = ledger.durable().height.map_or(0, |height| height + 1);
        // A manifest row that cannot be read is found later; until then its block counts as empty.
        let of_block = |height| ManifestRow::read(&*snapshot, height).ok().flatten().map_or(0, |row| row.file.bytes);
        let files = [ledger.directory.ledger(), ledger.directory.raft_log(), ledger.directory.guard()];
        let files = files.iter().map(|path| fs::metadata(path).map_or(0, |file| file.len()));
        let bytes_total = (0..blocks).map(of_block).chain(files).sum();
        Scrub { at: At::Identity, walk: Walk::new(), bytes_done: 0, bytes_total }
    }
}

impl Store {
    /// Looks at one block and the rows that follow from it, as a pass does. Rows that are not of one block alone are left
    /// out.
    pub fn scrub_block(&self, height: u64) -> Vec<Finding> {
        let snapshot = Arc::clone(&self.ledger().state().snapshot);
        Walk::at(self.ledger(), &snapshot, height).look(self.ledger(), &snapshot).findings
    }
}

impl Scrub {
    /// Does a little more; `None` when the pass is over.
    pub fn step(&mut self, store: &Store) -> Option<ScrubStep> {
        let step = match &mut self.at {
            At::Identity => {
                self.at = At::Guard;
                check_identity(store)
            }
            At::Guard => {
                self.at = At::Block(0);
                check_guard(store)
            }
            At::Block(_) => self.block(store),
            At::Rows(rows) => match rows.step(store.ledger(), &self.walk) {
                Some(step) => step,
                None => {
                    self.at = At::Log(LogWalk::new(self.walk.last_raft_index));
                    ScrubStep::default()
                }
            },
            At::Log(log) => match log.step(store) {
                Some(step) => step,
                None => {
                    self.at = At::End;
                    ScrubStep::default()
                }
            },
            At::End => return None,
        };
        self.bytes_done += step.bytes;
        Some(step)
    }

    /// Bytes read so far.
    pub fn bytes_done(&self) -> u64 {
        self.bytes_done
    }

    /// Bytes that there were to read when the pass began, roughly.
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// Reads a piece of a block file; after the last one the block is checked from the pages that were just read.
    fn block(&mut self, store: &Store) -> ScrubStep {
        let ledger = store.ledger();
        let snapshot = Arc::clone(&ledger.state().snapshot);
        match read_chain(&*snapshot) {
            Ok(chain) if chain.height <= self.walk.height => return self.blocks_end(snapshot),
            Err(_) if ledger.durable().height.is_none_or(|last| last < self.walk.height) => {
                return self.blocks_end(snapshot);
            }
            _ => {}
        }
        let At::Block(offset) = &mut self.at else { unreachable!("a block is being read") };
        match read_piece(&ledger.directory.block(self.walk.height), *offset) {
            Ok(bytes) if bytes > 0 => {
                *offset += bytes;
                ScrubStep { bytes, findings: Vec::new() }
            }
            // The end, or a file that cannot be read: checking it says what is wrong.
            _ => {
                *offset = 0;
                self.walk.look(ledger, &snapshot)
            }
        }
    }

    fn blocks_end(&mut self, snapshot: Arc<Snapshot>) -> ScrubStep {
        self.at = At::Rows(RowWalk::new(snapshot));
        ScrubStep::default()
    }
}

/// Reads a piece of a file from the disk, not from memory, as far as the operating system lets itself be told.
fn read_piece(path: &Path, offset: u64) -> Result<u64, StorageError> {
    let file = File::open(path).map_err(StorageError::io("open", path))?;
    if offset == 0 {
        // Without it a page that is in memory would hide what has become of it on the disk.
        fadvise(&file, 0, None, Advice::DontNeed).map_err(|error| StorageError::io("read", path)(error.into()))?;
    }
    let mut piece = vec![0; PIECE_BYTES];
    Ok(file.read_at(&mut piece, offset).map_err(StorageError::io("read", path))? as u64)
}

fn check_identity(store: &Store) -> ScrubStep {
    let found = |detail: String| {
        let what = format!("the identity in {}", store.path().display());
        Finding { what, detail, height: None, remedy: Remedy::Operator }
    };
    let findings = match identity::load(store.path()) {
        Ok(identity) if identity == *store.identity() => Vec::new(),
        Ok(_) => vec![found("it is not the one that this node was started with".into())],
        Err(error) => vec![found(error.to_string())],
    };
    ScrubStep { bytes: 0, findings }
}

/// The guard's lines, and that this node stores what it signed.
fn check_guard(store: &Store) -> ScrubStep {
    let snapshot = Arc::clone(&store.ledger().state().snapshot);
    let found = |what: String, detail: String, height| Finding { what, detail, height, remedy: Remedy::Operator };
    let mut findings = Vec::new();
    let mut lines = Vec::new();
    let read = store.guard().verify().map_err(GuardError::from).and_then(|_| {
        store.guard().newest_until(|line| {
            lines.push(line);
            Ok(false)
        })
    });
    if let Err(error) = read {
        findings.push(found("the guard file".into(), error.to_string(), None));
    }
    let bytes = lines.len() as u64 * LINE_LEN;
    for SignedTree { height, size, root } in lines {
        let row = ManifestRow::read(&*snapshot, height);
        if row.is_ok_and(|row| row.is_some_and(|row| (row.end_leaf, row.root) != (size, root))) {
            let detail = format!("this node signed {size} leaves with root {root}, which is not what it stores");
            findings.push(found(format!("the line of block {height} in the guard file"), detail, Some(height)));
        }
    }
    ScrubStep { bytes, findings }
}

const PIECE_BYTES: usize = 1 << 20;
