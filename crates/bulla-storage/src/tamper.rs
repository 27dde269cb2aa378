//! Tampering, for drills: what somebody with every right on a server could write into its stopped data directory.
//!
//! Each function changes one thing and then puts right every checksum, hash and row on that server which would give the
//! change away. What is left to notice it is what no single server can put right: the signatures of the others, the
//! rules, and what the others have. `bulla drill tamper` shows that this is enough.

use std::path::{Path, PathBuf};

use bulla_ledger::{Asset, AssetId, PartyId, Record, RecordId, Transfer};
use bulla_sealing::{Header, subtree_root};
use redb::Database;

use crate::block_file::{Block, BlockFile, BlockParts, FileSum};
use crate::directory::Directory;
use crate::error::StorageError;
use crate::leaves::Leaves;
use crate::manifest::{ManifestRow, block_of_leaf};
use crate::raft_log::rewrite_entry;
use crate::rows::{Changes, Of, Rows, Snapshot};
use crate::store::open;
use crate::store_table::put_subtrees;
use crate::stored::{Blocks, PriorRow, Stored};

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tampered {
    /// The file that holds it.
    pub file: PathBuf,
    /// What it was and what it is now, in words.
    pub what: String,
}

/// Changes who a stored record says received the asset. The leaf's hash, the block's header and its roots, the
/// checksums of the file, the manifest and the kept subtree hashes are made to fit.
///
/// # Errors
/// [`StorageError::Unknown`] when no stored block has the record, [`StorageError::InUse`] when the server runs.
pub fn change_record(dir: &Path, record_id: RecordId, to: PartyId) -> Result<Tampered, StorageError> {
    let stopped = Stopped::open(dir)?;
    let (height, leaf_index) = stopped.place_of(record_id)?;
    let file = stopped.directory.block(height);
    let (block, _) = BlockFile::open(&file)?.read_all()?;

    let mut leaves = Leaves::default();
    let (records, header) = (block.leaves.len() - 1, block.leaves.iter().last().expect("a block ends with its header"));
    for leaf in block.leaves.iter().take(records as usize) {
        match Record::decode(leaf) {
            Ok(mut record) if record.leaf_index == leaf_index => {
                record.transfer.to = to;
                leaves.push(&record.encode());
            }
            _ => leaves.push(leaf),
        }
    }
    let mut header = Header::decode(header).map_err(|error| StorageError::corrupt("a header", error.to_string()))?;
    let mut log = stopped.stored().frontier(header.first_leaf)?;
    log.extend(&leaves.hashes);
    header.records_root = subtree_root(&leaves.hashes);
    header.log_root = log.root();
    leaves.push(&header.encode());
    log.push(header.leaf_hash());

    let sum = write_block(&Block { leaves, ..block }, &file)?;
    stopped.change(|changes, blocks| {
        ManifestRow::of(&header, log.root(), sum).put(changes, height)?;
        put_subtrees(changes, blocks, &header)
    })?;
    Ok(Tampered { file, what: format!("leaf {leaf_index} of block {height} names another receiver") })
}

/// Changes who has an asset, in the row that says what is so now, and in the list of what each party has.
///
/// # Errors
/// [`StorageError::Unknown`] when there is no such asset, [`StorageError::InUse`] when the server runs.
pub fn change_holder(dir: &Path, asset_id: AssetId, to: PartyId) -> Result<Tampered, StorageError> {
    let stopped = Stopped::open(dir)?;
    let key = asset_id.as_bytes();
    let row = stopped.rows.get(Of::Assets, key)?.ok_or_else(|| StorageError::unknown(format!("asset {asset_id}")))?;
    let before = Asset::decode(&row).map_err(|error| StorageError::corrupt("an asset", error.to_string()))?;
    stopped.change(|changes, _| {
        for party_id in [before.owner, before.holder] {
            changes.remove(Of::Holdings, &[*party_id.as_bytes(), *key].concat())?;
        }
        changes.put(Of::Holdings, &[*to.as_bytes(), *key].concat(), &[])?;
        changes.put(Of::Assets, key, &Asset { owner: to, holder: to, ..before }.encode())
    })?;
    let what = format!("the row of asset {asset_id} names another owner and holder");
    Ok(Tampered { file: stopped.directory.ledger(), what })
}

/// Makes the row by which a record is found lead to another record.
///
/// # Errors
/// [`StorageError::Unknown`] when no stored block has one of them, [`StorageError::InUse`] when the server runs.
pub fn change_lookup(dir: &Path, record_id: RecordId, other: RecordId) -> Result<Tampered, StorageError> {
    let stopped = Stopped::open(dir)?;
    let (_, leaf_index) = stopped.place_of(record_id)?;
    let (_, other_leaf) = stopped.place_of(other)?;
    stopped.change(|changes, _| changes.put(Of::Priors, record_id.as_bytes(), &PriorRow::Leaf(other_leaf).encode()))?;
    let what = format!("the row of record {record_id} leads to leaf {other_leaf}, not {leaf_index}");
    Ok(Tampered { file: stopped.directory.ledger(), what })
}

/// Changes who a request in the Raft log says receives the asset: one that is agreed on, but not in a block yet, and
/// will be applied from this log when the server starts.
///
/// # Errors
/// [`StorageError::Unknown`] when no entry holds such a request, [`StorageError::InUse`] when the server runs.
pub fn change_log_entry(dir: &Path, record_id: RecordId, to: PartyId) -> Result<Tampered, StorageError> {
    let directory = Directory::new(dir);
    let _lock = directory.lock()?;
    let file = directory.raft_log();
    let database = open(&file, CACHE_BYTES)?;
    let index = rewrite_entry(&database, &file, |entry| {
        let request = entry.windows(Transfer::LEN).position(|bytes| {
            bytes.starts_with(record_id.as_bytes()) && Transfer::decode(bytes).is_ok_and(|request| request.to != to)
        })?;
        let bytes = &mut entry[request..request + Transfer::LEN];
        let request = Transfer::decode(bytes).expect("just decoded");
        bytes.copy_from_slice(&Transfer { to, ..request }.encode());
        Some(())
    })?;
    match index {
        Some(index) => Ok(Tampered { file, what: format!("entry {index} of the Raft log names another receiver") }),
        None => Err(StorageError::unknown(format!("record {record_id} in {}", file.display()))),
    }
}

/// Swaps two blocks: each file gets the other's leaves under its own height and first leaf, and the manifest the sums of
/// the new files.
///
/// # Errors
/// [`StorageError::Unknown`] when one of them is not stored, [`StorageError::InUse`] when the server runs.
pub fn swap_blocks(dir: &Path, one: u64, other: u64) -> Result<Tampered, StorageError> {
    let stopped = Stopped::open(dir)?;
    let read = |height: u64| {
        let row = ManifestRow::read(&stopped.rows, height)?;
        let row = row.ok_or_else(|| StorageError::unknown(format!("block {height}")))?;
        let (block, _) = BlockFile::open(&stopped.directory.block(height))?.read_all()?;
        Ok::<_, StorageError>((row, block))
    };
    let ((one_row, one_block), (other_row, other_block)) = (read(one)?, read(other)?);
    let replace = |height: u64, row: ManifestRow, leaves_of: &Block| {
        let block = Block { height, first_leaf: row.first_leaf, ..leaves_of.clone() };
        let file = write_block(&block, &stopped.directory.block(height))?;
        stopped.change(|changes, _| ManifestRow { file, ..row }.put(changes, height))
    };
    replace(one, one_row, &other_block)?;
    replace(other, other_row, &one_block)?;
    Ok(Tampered { file: stopped.directory.blocks(), what: format!("blocks {one} and {other} have changed places") })
}

/// The databases and blocks of a server that does not run.
struct Stopped {
    directory: Directory,
    database: Database,
    rows: Snapshot,
    blocks: Blocks,
    // Last, so that the directory is free only when the database is closed.
    _lock: std::fs::File,
}

impl Stopped {
    fn open(dir: &Path) -> Result<Self, StorageError> {
        let directory = Directory::new(dir);
        let lock = directory.lock()?;
        let identity = crate::identity::load(dir)?;
        let database = open(&directory.ledger(), CACHE_BYTES)?;
        let rows = Snapshot::take(&database, &directory.ledger())?;
        let blocks = Blocks::new(directory.clone(), identity.genesis.ledger_id, OPEN_BLOCKS_MAX);
        Ok(Self { directory, database, rows, blocks, _lock: lock })
    }

    fn stored(&self) -> Stored<'_, Snapshot> {
        Stored { rows: &self.rows, blocks: &self.blocks }
    }

    /// The block and the leaf of a stored record.
    fn place_of(&self, record_id: RecordId) -> Result<(u64, u64), StorageError> {
        let unknown = || StorageError::unknown(format!("record {record_id} in a stored block"));
        let Some(PriorRow::Leaf(leaf_index)) = self.stored().prior_row(record_id)? else {
            return Err(unknown());
        };
        Ok((block_of_leaf(&self.rows, leaf_index)?.ok_or_else(unknown)?, leaf_index))
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Changes<'_>, &Blocks) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        self.blocks.close_all();
        Changes::commit(&self.database, &self.directory.ledger(), |changes| change(changes, &self.blocks))
    }
}

fn write_block(block: &Block, path: &Path) -> Result<FileSum, StorageError> {
    let Block { ledger_id, height, first_leaf, leaves, refused } = block;
    BlockParts { ledger_id: *ledger_id, height: *height, first_leaf: *first_leaf, leaves, refused }.write(path)
}

const CACHE_BYTES: usize = 16 << 20;
const OPEN_BLOCKS_MAX: usize = 4;
