//! Reads of one thing: a row, a record, a table, a block.

use bulla_ledger::{
    Asset, AssetId, Class, ClassId, Party, PartyId, Payload, Position, Record, RecordId, Source, leaf_kind,
};
use bulla_sealing::{Header, KIND_CONFIG, KIND_HEADER, SignedNote};
use uuid::Uuid;

use crate::error::StorageError;
use crate::ledger::{Ledger, State};
use crate::manifest::{ManifestRow, block_of_table};
use crate::refused::Refused;
use crate::seal_rows::read_seal;
use crate::states::stored_header;
use crate::stored::{Blocks, PriorRow, decode_record};
use crate::table::{PriorAt, RecordTable};
use crate::view::{BlockView, Entry, RecordView, TableState, TableView};

impl Ledger {
    /// An asset as it is now, recorded but not necessarily sealed.
    ///
    /// # Errors
    /// As all reads: [`StorageError::Corrupt`] when what is stored does not check.
    pub fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, StorageError> {
        self.readable()?.now(&self.blocks, |now| now.asset(asset_id))
    }

    /// A party's units of a quantity asset; the nil party's are what is outstanding.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, StorageError> {
        self.readable()?.now(&self.blocks, |now| now.position(asset_id, party_id))
    }

    /// A party.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn party(&self, party_id: PartyId) -> Result<Option<Party>, StorageError> {
        self.readable()?.now(&self.blocks, |now| now.party(party_id))
    }

    /// An asset class.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn class(&self, class_id: ClassId) -> Result<Option<Class>, StorageError> {
        self.readable()?.now(&self.blocks, |now| now.class(class_id))
    }

    /// What a record id stands for.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn record(&self, record_id: RecordId) -> Result<Option<RecordView>, StorageError> {
        let state = self.readable()?;
        Ok(match state.find(&self.blocks, record_id)? {
            Some(PriorRow::Leaf(leaf_index)) => {
                let record = match state.tables().find_map(|table| table.leaf(leaf_index)) {
                    Some(leaf) => decode_record(leaf_index, leaf)?,
                    None => state.stored(&self.blocks).looked_up(record_id, leaf_index)?,
                };
                let (height, table_id) = state.table_of(leaf_index)?.ok_or_else(|| lost(leaf_index))?;
                let entry = Entry::Recorded(record);
                Some(RecordView { entry, height, table_id, sealed: state.is_sealed(height) })
            }
            Some(PriorRow::Refused(height, refused)) => {
                let Refused { transfer, rejection, time_us } = refused;
                let entry = Entry::Refused { transfer, rejection, time_us };
                let table_id = state.table_id(height)?;
                Some(RecordView { entry, height, table_id, sealed: state.is_sealed(height) })
            }
            None => None,
        })
    }

    /// The record at a leaf; `None` past the end and for leaves that are no records.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn record_at(&self, leaf_index: u64) -> Result<Option<Record>, StorageError> {
        match self.leaf(leaf_index)? {
            Some(leaf) if matches!(leaf_kind(&leaf), Ok(KIND_HEADER | KIND_CONFIG)) => Ok(None),
            Some(leaf) => decode_record(leaf_index, &leaf).map(Some),
            None => Ok(None),
        }
    }

    /// The bytes of a leaf, checked against its hash; `None` past the end.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn leaf(&self, leaf_index: u64) -> Result<Option<Vec<u8>>, StorageError> {
        self.readable()?.leaf(&self.blocks, leaf_index)
    }

    /// The payload of a record, byte for byte, unless it had none or it was erased.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn payload(&self, leaf_index: u64) -> Result<Option<Payload>, StorageError> {
        let state = self.readable()?;
        if state.erased_by(&self.blocks, leaf_index)?.is_some() {
            return Ok(None);
        }
        match state.tables().find_map(|table| table.payloads.get(&leaf_index)) {
            Some(payload) => Ok(Some(payload.clone())),
            None => state.stored(&self.blocks).payload(leaf_index),
        }
    }

    /// The notice that says that the payload of a record was erased, if it was.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn erased_by(&self, leaf_index: u64) -> Result<Option<u64>, StorageError> {
        self.readable()?.erased_by(&self.blocks, leaf_index)
    }

    /// A table by its height: the open one, a closed one, or a block.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn table(&self, height: u64) -> Result<Option<TableView>, StorageError> {
        let state = self.readable()?;
        if state.open.height == height {
            return Ok(Some(open_view(&state.open)));
        }
        let unstored = state.unstored.iter().find(|closed| closed.height() == height);
        let header = match unstored {
            Some(closed) => Some(closed.header.clone()),
            None => self.stored_header(&state, height)?,
        };
        let waiting_for = match state.seals.waiting.get(&height) {
            Some(waiting) => waiting.view(height, &self.charter).waiting_for,
            None => Vec::new(),
        };
        Ok(header.map(|header| TableView {
            height,
            table_id: header.table_id,
            state: if state.is_sealed(height) { TableState::Sealed } else { TableState::Closed },
            first_leaf: header.first_leaf,
            records: header.record_count,
            opened_us: header.opened_us,
            header: Some(header),
            waiting_for,
        }))
    }

    /// A table by its id.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn table_by_id(&self, table_id: Uuid) -> Result<Option<TableView>, StorageError> {
        let height = {
            let state = self.readable()?;
            let in_memory = state.tables().find(|table| table.table_id == table_id).map(|table| table.height);
            match in_memory {
                Some(height) => Some(height),
                None => block_of_table(&*state.snapshot, table_id)?,
            }
        };
        match height {
            Some(height) => self.table(height),
            None => Ok(None),
        }
    }

    /// A stored block.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn block(&self, height: u64) -> Result<Option<BlockView>, StorageError> {
        let state = self.readable()?;
        let Some(row) = ManifestRow::read(&*state.snapshot, height)? else {
            return Ok(None);
        };
        let header = self.stored_header(&state, height)?.ok_or_else(|| lost(row.end_leaf))?;
        let note = state.note(height)?;
        Ok(Some(BlockView { header, note, sha256: row.file.sha256, bytes: row.file.bytes }))
    }

    /// The checkpoint of the highest sealed block.
    ///
    /// # Errors
    /// As [`Ledger::asset`].
    pub fn checkpoint(&self) -> Result<Option<SignedNote>, StorageError> {
        let state = self.readable()?;
        match state.seals.sealed_height {
            Some(height) => state.note(height),
            None => Ok(None),
        }
    }

    /// Leaves so far, headers and those of the open table included.
    pub fn size(&self) -> u64 {
        self.state().open.next_leaf()
    }

    fn stored_header(&self, state: &State, height: u64) -> Result<Option<Header>, StorageError> {
        match ManifestRow::read(&*state.snapshot, height)? {
            Some(_) => stored_header(&state.stored(&self.blocks), height).map(Some),
            None => Ok(None),
        }
    }
}

impl State {
    /// The highest block that proofs can be given for: sealed, and stored here.
    pub(crate) fn provable_height(&self) -> Option<u64> {
        self.seals.sealed_height.min(self.durable.height)
    }

    fn erased_by(&self, blocks: &Blocks, leaf_index: u64) -> Result<Option<u64>, StorageError> {
        match self.tables().find_map(|table| table.rows.erased.get(&leaf_index)) {
            Some(notice) => Ok(Some(*notice)),
            None => self.stored(blocks).erased_by(leaf_index),
        }
    }

    pub(crate) fn is_sealed(&self, height: u64) -> bool {
        self.seals.sealed_height.is_some_and(|sealed| height <= sealed)
    }

    /// The signed checkpoint that seals a table.
    pub(crate) fn note(&self, height: u64) -> Result<Option<SignedNote>, StorageError> {
        match self.seals.notes.get(&height) {
            Some(note) => Ok(Some(note.clone())),
            None => read_seal(&*self.snapshot, height),
        }
    }

    fn table_id(&self, height: u64) -> Result<Uuid, StorageError> {
        if let Some(table) = self.tables().find(|table| table.height == height) {
            return Ok(table.table_id);
        }
        match ManifestRow::read(&*self.snapshot, height)? {
            Some(row) => Ok(row.table_id),
            None => Err(StorageError::corrupt(format!("the manifest row of block {height}"), "it is missing")),
        }
    }

    fn find(&self, blocks: &Blocks, record_id: RecordId) -> Result<Option<PriorRow>, StorageError> {
        for table in self.tables() {
            match table.rows.priors.get(&record_id) {
                Some(PriorAt::Leaf(leaf_index)) => return Ok(Some(PriorRow::Leaf(*leaf_index))),
                Some(PriorAt::Refused(place)) => {
                    return Ok(Some(PriorRow::Refused(table.height, table.refused[*place].clone())));
                }
                None => {}
            }
        }
        self.stored(blocks).prior_row(record_id)
    }
}

fn open_view(table: &RecordTable) -> TableView {
    TableView {
        height: table.height,
        table_id: table.table_id,
        state: TableState::Open,
        first_leaf: table.first_leaf,
        records: table.leaves.len(),
        opened_us: table.opened_us,
        header: None,
        waiting_for: Vec::new(),
    }
}

fn lost(leaf_index: u64) -> StorageError {
    StorageError::corrupt(format!("leaf {leaf_index}"), "a row names it, but no block holds it")
}
