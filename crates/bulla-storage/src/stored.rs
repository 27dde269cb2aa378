//! Stored blocks and their rows, read together: leaves, facts and hashes as of the last stored block.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bulla_ledger::{
    Asset, AssetId, Class, ClassId, DecodeError, NO_LEAF, Party, PartyId, Payload, Position, Prior, Record, RecordId,
    Source, Subject,
};
use bulla_sealing::{Frontier, Hash, HashSource};
use uuid::Uuid;

use crate::block_file::{Block, BlockFile};
use crate::directory::Directory;
use crate::error::StorageError;
use crate::manifest::{ManifestRow, block_of_leaf};
use crate::proven::ProvenTiles;
use crate::refused::Refused;
use crate::rows::{Of, Rows};
use crate::suspects::Suspects;

/// The block files, the most recently used of them open.
#[derive(Debug)]
pub(crate) struct Blocks {
    directory: Directory,
    ledger_id: Uuid,
    open: Mutex<VecDeque<Arc<BlockFile>>>,
    open_max: usize,
    pub(crate) proven: ProvenTiles,
    suspects: Suspects,
}

impl Blocks {
    pub(crate) fn new(directory: Directory, ledger_id: Uuid, open_max: usize) -> Self {
        let (open, proven, suspects) = Default::default();
        Self { directory, ledger_id, open, open_max: open_max.max(1), proven, suspects }
    }

    pub(crate) fn file(&self, height: u64) -> Result<Arc<BlockFile>, StorageError> {
        let mut open = self.open.lock().expect("no panic while block files are held");
        if let Some(at) = open.iter().position(|file| file.height() == height) {
            let file = open.remove(at).expect("just found");
            open.push_front(Arc::clone(&file));
            return Ok(file);
        }
        let file = Arc::new(self.watched(height, self.open_file(height))?);
        open.push_front(Arc::clone(&file));
        open.truncate(self.open_max);
        Ok(file)
    }

    fn open_file(&self, height: u64) -> Result<BlockFile, StorageError> {
        let path = self.directory.block(height);
        let file = BlockFile::open(&path)?;
        match file.height() == height && file.ledger_id() == self.ledger_id {
            true => Ok(file),
            false => Err(StorageError::corrupt(path.display().to_string(), "it is another block")),
        }
    }

    /// Forgets the open files and what they proved; needed when one may be replaced.
    pub(crate) fn close_all(&self) {
        self.open.lock().expect("no panic while block files are held").clear();
        self.proven.clear();
    }

    fn another(&self, height: u64) -> StorageError {
        let path = self.directory.block(height);
        StorageError::corrupt(path.display().to_string(), "it is not the file that was stored")
    }

    /// Hands on what was read of a block, and remembers the block if that is corrupt.
    pub(crate) fn watched<T>(&self, height: u64, read: Result<T, StorageError>) -> Result<T, StorageError> {
        if matches!(read, Err(StorageError::Corrupt { .. })) {
            self.suspect(height);
        }
        read
    }

    /// A read came upon damage that may lie in this block.
    pub(crate) fn suspect(&self, height: u64) {
        self.suspects.add(height);
    }

    pub(crate) fn suspects(&self) -> &Suspects {
        &self.suspects
    }
}

/// Rows, and the block files that they speak of.
pub(crate) struct Stored<'a, R> {
    pub(crate) rows: &'a R,
    pub(crate) blocks: &'a Blocks,
}

/// What became of a record id.
pub(crate) enum PriorRow {
    /// Recorded at this leaf index.
    Leaf(u64),
    /// Refused while the table of this height was open.
    Refused(u64, Refused),
}

impl<R: Rows> Stored<'_, R> {
    /// A leaf, checked against its hash; `None` when it is in no stored block.
    pub(crate) fn leaf(&self, leaf_index: u64) -> Result<Option<Vec<u8>>, StorageError> {
        match block_of_leaf(self.rows, leaf_index)? {
            Some(height) => self.leaf_of(height, leaf_index).map(Some),
            None => Ok(None),
        }
    }

    /// A leaf of a stored block, proven to be the one that was stored.
    pub(crate) fn leaf_of(&self, height: u64, leaf_index: u64) -> Result<Vec<u8>, StorageError> {
        let file = self.file(height)?;
        let hash = self.proven_hash(leaf_index)?;
        self.blocks.watched(height, file.leaf(leaf_index, hash))
    }

    /// A block file that is the one that the manifest names, as far as its ends tell.
    pub(crate) fn file(&self, height: u64) -> Result<Arc<BlockFile>, StorageError> {
        let file = self.blocks.file(height)?;
        if !file.is_as_stored() {
            let row = ManifestRow::read(self.rows, height)?
                .ok_or_else(|| self.rows.corrupt_row(Of::Manifest, &height.to_be_bytes(), "it is missing"))?;
            self.blocks.watched(height, file.check(&row))?;
        }
        Ok(file)
    }

    /// Everything in a stored block file: the very bytes that were stored.
    pub(crate) fn block(&self, height: u64) -> Result<Block, StorageError> {
        let (block, sum) = self.blocks.watched(height, self.file(height)?.read_all())?;
        match ManifestRow::read(self.rows, height)?.is_some_and(|row| row.file == sum) {
            true => Ok(block),
            false => self.blocks.watched(height, Err(self.blocks.another(height))),
        }
    }

    /// Leaf hashes as the files have them: what is made of them must be held against something else.
    pub(crate) fn hashes_in_files(&self, start: u64, end: u64) -> Result<Vec<Hash>, StorageError> {
        let mut hashes = Vec::with_capacity((end - start) as usize);
        let mut at = start;
        while at < end {
            let height =
                block_of_leaf(self.rows, at)?.ok_or_else(|| StorageError::unknown(format!("leaf {at} in a block")))?;
            let file = self.file(height)?;
            let stop = end.min(file.end_leaf());
            if !(file.first_leaf()..stop).contains(&at) {
                return Err(StorageError::corrupt(format!("block {height}"), format!("it does not hold leaf {at}")));
            }
            hashes.extend(self.blocks.watched(height, file.hashes(at, stop))?);
            at = stop;
        }
        Ok(hashes)
    }

    /// The notice that says that the payload of a record was erased.
    pub(crate) fn erased_by(&self, leaf_index: u64) -> Result<Option<u64>, StorageError> {
        self.leaf_row(Of::Erased, leaf_index)
    }

    /// Of a record that opened an incident, the one that closed it.
    pub(crate) fn closed_by(&self, leaf_index: u64) -> Result<Option<Option<u64>>, StorageError> {
        let closed = self.leaf_row(Of::Incidents, leaf_index)?;
        Ok(closed.map(|closed| (closed != NO_LEAF).then_some(closed)))
    }

    fn leaf_row(&self, of: Of, leaf_index: u64) -> Result<Option<u64>, StorageError> {
        let key = leaf_index.to_be_bytes();
        match self.rows.get(of, &key)? {
            Some(row) => match row.try_into() {
                Ok(leaf_index) => Ok(Some(u64::from_be_bytes(leaf_index))),
                Err(_) => Err(self.rows.corrupt_row(of, &key, "it is no leaf index")),
            },
            None => Ok(None),
        }
    }

    /// The payload of a record; none once it is erased, also while its bytes are still on their way out.
    pub(crate) fn payload(&self, leaf_index: u64) -> Result<Option<Payload>, StorageError> {
        let key = leaf_index.to_be_bytes();
        if self.erased_by(leaf_index)?.is_some() {
            return Ok(None);
        }
        match self.rows.get(Of::Payloads, &key)? {
            Some(stored) => match stored.split_first_chunk() {
                Some((salt, bytes)) => Ok(Some(Payload { salt: *salt, bytes: bytes.to_vec() })),
                None => Err(self.rows.corrupt_row(Of::Payloads, &key, "it has no salt")),
            },
            None => Ok(None),
        }
    }

    pub(crate) fn prior_row(&self, record_id: RecordId) -> Result<Option<PriorRow>, StorageError> {
        let key = record_id.as_bytes();
        match self.rows.get(Of::Priors, key)? {
            Some(bytes) => match PriorRow::decode(&bytes) {
                Some(PriorRow::Refused(_, refused)) if refused.transfer.record_id != record_id => {
                    Err(self.misled(record_id))
                }
                Some(row) => Ok(Some(row)),
                None => Err(self.rows.corrupt_row(Of::Priors, key, "it says nothing about a record id")),
            },
            None => Ok(None),
        }
    }

    /// The record that the row of a record id leads to: one with this id, or the row is not what it was.
    pub(crate) fn looked_up(&self, record_id: RecordId, leaf_index: u64) -> Result<Record, StorageError> {
        let leaf = self.leaf(leaf_index)?.ok_or_else(|| self.misled(record_id))?;
        // A header or the configuration does not decode; then it is the row that is wrong, not the leaf.
        match Record::decode(&leaf) {
            Ok(record) if record.leaf_index == leaf_index && record.transfer.record_id == record_id => Ok(record),
            _ => Err(self.misled(record_id)),
        }
    }

    fn misled(&self, record_id: RecordId) -> StorageError {
        self.rows.corrupt_row(Of::Priors, record_id.as_bytes(), "it leads to something else")
    }

    /// The perfect subtrees of the log's first `size` leaves.
    pub(crate) fn frontier(&self, size: u64) -> Result<Frontier, StorageError> {
        let mut bytes = size.to_be_bytes().to_vec();
        let mut start = 0;
        for level in (0..64).rev().filter(|level| size >> level & 1 == 1) {
            bytes.extend_from_slice(&self.subtree(level, start >> level)?.0);
            start += 1 << level;
        }
        Ok(Frontier::decode(&bytes).expect("one root for each bit of the size"))
    }

    fn row<T>(
        &self,
        of: Of,
        key: &[u8],
        decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, StorageError> {
        match self.rows.get(of, key)? {
            Some(bytes) => decode(&bytes).map(Some).map_err(|error| self.rows.corrupt_row(of, key, &error.to_string())),
            None => Ok(None),
        }
    }
}

impl PriorRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Leaf(leaf_index) => [&[0][..], &leaf_index.to_be_bytes()].concat(),
            Self::Refused(height, refused) => [&[1][..], &height.to_be_bytes(), &refused.encode()].concat(),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let (number, rest) = rest.split_first_chunk()?;
        let number = u64::from_be_bytes(*number);
        match tag {
            0 if rest.is_empty() => Some(Self::Leaf(number)),
            1 => Some(Self::Refused(number, Refused::decode(rest)?)),
            _ => None,
        }
    }
}

/// Reads a record from a leaf that must be one.
pub(crate) fn decode_record(leaf_index: u64, leaf: &[u8]) -> Result<Record, StorageError> {
    match Record::decode(leaf) {
        Ok(record) if record.leaf_index == leaf_index => Ok(record),
        Ok(record) => {
            let detail = format!("it holds the record of leaf {}", record.leaf_index);
            Err(StorageError::corrupt(format!("leaf {leaf_index}"), detail))
        }
        Err(error) => Err(StorageError::corrupt(format!("leaf {leaf_index}"), error.to_string())),
    }
}

impl<R: Rows> Source for Stored<'_, R> {
    type Error = StorageError;

    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, StorageError> {
        match self.prior_row(record_id)? {
            Some(PriorRow::Leaf(leaf_index)) => {
                let transfer = self.looked_up(record_id, leaf_index)?.transfer;
                let erased = self.erased_by(leaf_index)?.is_some();
                let salt = self.payload(leaf_index)?.map(|payload| payload.salt);
                Ok(Some(Prior::Accepted { transfer, leaf_index, salt, erased }))
            }
            Some(PriorRow::Refused(_, Refused { transfer, rejection, .. })) => {
                Ok(Some(Prior::Rejected { transfer, rejection }))
            }
            None => Ok(None),
        }
    }

    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, StorageError> {
        let Some(PriorRow::Leaf(leaf_index)) = self.prior_row(record_id)? else {
            return Ok(None);
        };
        let subject = Subject::of(&self.looked_up(record_id, leaf_index)?);
        let closed = self.closed_by(leaf_index)?.flatten().is_some();
        Ok(Some(Subject { erased: self.erased_by(leaf_index)?.is_some(), closed, ..subject }))
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, StorageError> {
        self.row(Of::Assets, asset_id.as_bytes(), Asset::decode)
    }

    fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, StorageError> {
        self.row(Of::Positions, &[*asset_id.as_bytes(), *party_id.as_bytes()].concat(), Position::decode)
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, StorageError> {
        self.row(Of::Parties, party_id.as_bytes(), Party::decode)
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, StorageError> {
        self.row(Of::Classes, class_id.as_bytes(), Class::decode)
    }
}

/// Key of a kept subtree root.
pub(crate) fn subtree_key(level: u8, index: u64) -> [u8; 9] {
    let mut key = [level; 9];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}
