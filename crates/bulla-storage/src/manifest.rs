//! The manifest: one row for each stored block, and the row that says how far the ledger is durable.

use bulla_sealing::{Hash, Header};
use uuid::Uuid;

use crate::block_file::FileSum;
use crate::chain::Chain;
use crate::error::StorageError;
use crate::ledger::Durable;
use crate::rows::{Changes, Of, Rows};

/// What is known of a stored block without opening its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ManifestRow {
    pub(crate) first_leaf: u64,
    /// The leaf after the header.
    pub(crate) end_leaf: u64,
    pub(crate) closed_us: u64,
    pub(crate) table_id: Uuid,
    pub(crate) header_hash: Hash,
    /// Root of the tree that ends with the header.
    pub(crate) root: Hash,
    pub(crate) file: FileSum,
}

impl ManifestRow {
    pub(crate) fn of(header: &Header, root: Hash, file: FileSum) -> Self {
        Self {
            first_leaf: header.first_leaf,
            end_leaf: header.leaf_index + 1,
            closed_us: header.closed_us,
            table_id: header.table_id,
            header_hash: header.leaf_hash(),
            root,
            file,
        }
    }

    pub(crate) fn read(rows: &impl Rows, height: u64) -> Result<Option<Self>, StorageError> {
        let key = height.to_be_bytes();
        match rows.get(Of::Manifest, &key)? {
            Some(bytes) => match Self::decode(&bytes) {
                Some(row) => Ok(Some(row)),
                None => Err(rows.corrupt_row(Of::Manifest, &key, "it is no manifest row")),
            },
            None => Ok(None),
        }
    }

    pub(crate) fn put(&self, changes: &mut Changes<'_>, height: u64) -> Result<(), StorageError> {
        self.rows(height).iter().try_for_each(|(of, key, value)| changes.put(*of, key, value))
    }

    /// The rows that lead to the block: by height, by table, by leaf.
    pub(crate) fn rows(&self, height: u64) -> [(Of, Vec<u8>, Vec<u8>); 3] {
        let key = height.to_be_bytes();
        let extent = [key, self.end_leaf.to_be_bytes()].concat();
        [
            (Of::Manifest, key.to_vec(), self.encode().to_vec()),
            (Of::BlockOfTable, self.table_id.as_bytes().to_vec(), key.to_vec()),
            (Of::BlockOfLeaf, self.first_leaf.to_be_bytes().to_vec(), extent),
        ]
    }

    fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.first_leaf.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.end_leaf.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.closed_us.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.file.bytes.to_be_bytes());
        bytes[32..48].copy_from_slice(self.table_id.as_bytes());
        bytes[48..80].copy_from_slice(&self.header_hash.0);
        bytes[80..112].copy_from_slice(&self.root.0);
        bytes[112..].copy_from_slice(&self.file.sha256);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let u64_at = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let hash_at = |at: usize| -> [u8; 32] { bytes[at..at + 32].try_into().expect("32 bytes") };
        Some(Self {
            first_leaf: u64_at(0),
            end_leaf: u64_at(8),
            closed_us: u64_at(16),
            file: FileSum { bytes: u64_at(24), sha256: hash_at(112) },
            table_id: Uuid::from_bytes(bytes[32..48].try_into().expect("16 bytes")),
            header_hash: Hash(hash_at(48)),
            root: Hash(hash_at(80)),
        })
    }

    const LEN: usize = 144;
}

/// The height of the stored block that holds a leaf.
pub(crate) fn block_of_leaf(rows: &impl Rows, leaf_index: u64) -> Result<Option<u64>, StorageError> {
    let Some((key, extent)) = rows.at_or_below(Of::BlockOfLeaf, &leaf_index.to_be_bytes())? else {
        return match read_chain(rows)?.log.size() {
            0 => Ok(None),
            _ => Err(rows.corrupt_row(Of::BlockOfLeaf, &[0; 8], "it is missing")),
        };
    };
    let corrupt = || rows.corrupt_row(Of::BlockOfLeaf, &key, "it is no height and end");
    let (height, end_leaf) = extent.split_first_chunk().ok_or_else(corrupt)?;
    let end_leaf = u64::from_be_bytes(end_leaf.try_into().map_err(|_| corrupt())?);
    if leaf_index < end_leaf {
        return Ok(Some(u64::from_be_bytes(*height)));
    }
    // Past the last block there is nothing, but blocks leave no gap between them.
    match leaf_index < read_chain(rows)?.log.size() {
        true => Err(rows.corrupt_row(Of::BlockOfLeaf, &key, "the block after it is missing")),
        false => Ok(None),
    }
}

/// The height of the stored block that a table became.
pub(crate) fn block_of_table(rows: &impl Rows, table_id: Uuid) -> Result<Option<u64>, StorageError> {
    let key = table_id.as_bytes();
    match rows.get(Of::BlockOfTable, key)? {
        Some(height) => match height.as_slice().try_into().map(u64::from_be_bytes) {
            Ok(height) if ManifestRow::read(rows, height)?.is_some_and(|row| row.table_id == table_id) => {
                Ok(Some(height))
            }
            _ => Err(rows.corrupt_row(Of::BlockOfTable, key, "it leads to another block")),
        },
        None => Ok(None),
    }
}

/// The chain after the last stored block.
pub(crate) fn read_chain(rows: &impl Rows) -> Result<Chain, StorageError> {
    match rows.get(Of::Meta, CHAIN)? {
        Some(bytes) => Chain::decode(&bytes).ok_or_else(|| rows.corrupt_row(Of::Meta, CHAIN, "it is no chain")),
        None => Ok(Chain::new()),
    }
}

/// How far the ledger is durable.
pub(crate) fn read_durable(rows: &impl Rows) -> Result<Durable, StorageError> {
    let chain = read_chain(rows)?;
    Ok(Durable { height: chain.height.checked_sub(1), replay_from: rows.get(Of::Meta, REPLAY_FROM)? })
}

/// Moves the end of what is durable. Goes into the same transaction as the blocks up to there.
pub(crate) fn put_durable(changes: &mut Changes<'_>, chain: &Chain, replay_from: &[u8]) -> Result<(), StorageError> {
    changes.put(Of::Meta, CHAIN, &chain.encode())?;
    changes.put(Of::Meta, REPLAY_FROM, replay_from)
}

const CHAIN: &[u8] = b"chain";
const REPLAY_FROM: &[u8] = b"replay_from";
