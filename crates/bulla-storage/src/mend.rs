//! Mending: puts right what a scrub found, with nothing that was not verified first.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bulla_ledger::{Asset, Position};
use bulla_sealing::{Checkpoint, Frontier, Hash};
use redb::Database;
use sha2::{Digest, Sha256};

use crate::block_file::{BlockFile, FileSum};
use crate::chain::Chain;
use crate::directory::{list, make_dir, remove_file, sync_dir};
use crate::error::StorageError;
use crate::finding::{Fix, RowFix, RowKey};
use crate::ledger::Ledger;
use crate::manifest::{ManifestRow, put_durable};
use crate::rows::{Changes, Of, Rows, Snapshot};
use crate::scrub_block::{after, header_of};
use crate::seal::checkpoint_of;
use crate::seal_rows::read_seal;
use crate::side_data::SideData;
use crate::states::stored_header;
use crate::stored::{Stored, decode_record};

impl Ledger {
    /// Puts the block file that a peer sent, and that is staged, in the place of a stored one. Its leaves must lead to
    /// the root that all servers signed, or, where the block is not sealed yet, that this node computed; and it must be
    /// the very file that the manifest names, unless that row is not what was sealed, or the file of this node is the
    /// same as the peer's. The damaged file is kept in `damaged/`, as evidence; its rows are rewritten where they differ.
    ///
    /// # Errors
    /// [`StorageError::BadBlock`] when the staged file is not the right one: nothing has changed then, and it is gone.
    pub fn replace_block(&self, height: u64) -> Result<(), StorageError> {
        let database = self.writer();
        let staged = self.directory.incoming_block(height);
        let replaced = self.verify_staged(&staged, height).and_then(|good| {
            let path = self.directory.block(height);
            self.keep_damaged(&path, height)?;
            fs::rename(&staged, &path).map_err(StorageError::io("rename", &staged))?;
            sync_dir(&self.directory.blocks())?;
            self.blocks.close_all();
            let snapshot = self.snapshot();
            match ManifestRow::read(&*snapshot, height) {
                Ok(Some(row)) if row == good => Ok(()),
                _ => {
                    let put = |(of, key, value)| RowFix(Fix::Put(of, key, value));
                    self.rewrite_held(&database, &good.rows(height).into_iter().map(put).collect::<Vec<_>>())
                }
            }
        });
        remove_file(&staged)?;
        replaced
    }

    /// What the manifest is to say of the staged file, if it is the block of this height.
    fn verify_staged(&self, staged: &Path, height: u64) -> Result<ManifestRow, StorageError> {
        let bad = |reason: &str| StorageError::BadBlock { height, reason: reason.to_owned() };
        let (block, sum) = match BlockFile::open(staged).and_then(|file| file.read_all()) {
            Err(StorageError::Corrupt { detail, .. }) => return Err(bad(&detail)),
            read => read?,
        };
        let header = header_of(&block, height, &self.charter).map_err(|reason| bad(&reason))?;
        let snapshot = self.snapshot();
        let stored = Stored { rows: &*snapshot, blocks: &self.blocks };
        let row = ManifestRow::read(&*snapshot, height).ok().flatten();
        let sealed = self.sealed_root(&snapshot, height, header.leaf_index + 1);
        let root = sealed.or(row.map(|row| row.root)).ok_or_else(|| bad("nothing here says what its root is"))?;
        let leads = |log: Frontier| after(&log, &block).root() == root;
        let by_rows = stored.frontier(block.first_leaf).is_ok_and(leads);
        if !by_rows && !self.log_of_files(height)?.is_some_and(leads) {
            return Err(bad("its leaves do not lead to the root that was signed or stored here"));
        }
        let row = row.filter(|row| (row.root, row.end_leaf) == (root, header.leaf_index + 1));
        match row {
            Some(row) if row.file != sum && !self.is_wrong(height, &row.file, &sum, root) => {
                Err(bad("its leaves are the right ones, but it is not the file that was stored here"))
            }
            _ => Ok(ManifestRow::of(&header, root, sum)),
        }
    }

    /// The root that all servers signed for the tree of this size.
    fn sealed_root(&self, snapshot: &Snapshot, height: u64, size: u64) -> Option<Hash> {
        let in_memory = self.state().seals.notes.get(&height).cloned();
        let note = in_memory.or_else(|| read_seal(snapshot, height).ok().flatten())?;
        let sealed = self.charter.policy.verify(&note).ok()?;
        (sealed.checkpoint.size == size).then_some(sealed.checkpoint.root)
    }

    /// The log before a block, from the hashes in the files alone: rows of kept roots may be wrong as well.
    fn log_of_files(&self, height: u64) -> Result<Option<Frontier>, StorageError> {
        let mut log = Frontier::new();
        for below in 0..height {
            let file =
                BlockFile::open(&self.directory.block(below)).ok().filter(|file| file.first_leaf() == log.size());
            let Some(file) = file else { return Ok(None) };
            log.extend(&file.hashes(file.first_leaf(), file.end_leaf())?);
        }
        Ok(Some(log))
    }

    /// Whether the manifest names the wrong file: this node has the one that the peer has, or has the one that is named
    /// and that one has another tree.
    fn is_wrong(&self, height: u64, named: &FileSum, theirs: &FileSum, root: Hash) -> bool {
        let Ok((block, ours)) = BlockFile::open(&self.directory.block(height)).and_then(|file| file.read_all()) else {
            return false;
        };
        let leads =
            || self.log_of_files(height).is_ok_and(|log| log.is_some_and(|log| after(&log, &block).root() == root));
        ours == *theirs || ours == *named && !leads()
    }

    /// The name says what is in it, so the same damage is kept once. There is an end to how many are kept.
    fn keep_damaged(&self, path: &Path, height: u64) -> Result<(), StorageError> {
        let Ok(bytes) = fs::read(path) else { return Ok(()) };
        let kept = self.directory.damaged();
        make_dir(&kept)?;
        let digest: String = Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = kept.join(format!("{height:010}.{digest}.block"));
        if name.exists() || list(&kept)?.len() >= DAMAGED_MAX {
            return Ok(());
        }
        fs::hard_link(path, &name).map_err(StorageError::io("link", path))?;
        sync_dir(&kept)
    }

    /// Puts rows right of which a finding says how they should be.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn rewrite(&self, fixes: &[RowFix]) -> Result<(), StorageError> {
        self.rewrite_held(&self.writer(), fixes)
    }

    /// The caller holds the writer.
    fn rewrite_held(&self, database: &Database, fixes: &[RowFix]) -> Result<(), StorageError> {
        let path = self.path();
        let durable = self.durable();
        Changes::commit(database, &path, |changes| {
            for RowFix(fix) in fixes {
                match fix {
                    Fix::Put(of, key, value) => changes.put(*of, key, value)?,
                    Fix::Remove(of, key) => changes.remove(*of, key)?,
                    Fix::Holding(key) => match is_holding(changes, key)? {
                        true => changes.put(Of::Holdings, key, &[])?,
                        false => changes.remove(Of::Holdings, key)?,
                    },
                    Fix::Ends => {
                        let Some(height) = durable.height else { continue };
                        let stored = Stored { rows: &*changes, blocks: &self.blocks };
                        let header = stored_header(&stored, height)?;
                        let chain = Chain::after(&header, stored.frontier(header.leaf_index + 1)?);
                        let row = ManifestRow::read(&*changes, height)?;
                        if row.is_none_or(|row| row.root != chain.log.root()) {
                            return Err(StorageError::corrupt(
                                "the end of the blocks",
                                "the rows of its tree do not fit",
                            ));
                        }
                        put_durable(changes, &chain, durable.replay_from.as_deref().unwrap_or_default())?;
                    }
                }
            }
            Ok(())
        })?;
        let snapshot = Arc::new(Snapshot::take(database, &path)?);
        self.blocks.close_all();
        self.state_mut().snapshot = snapshot;
        Ok(())
    }

    /// Puts rows right with what a peer's [`Ledger::side_data`] of a block says: its seal, which must verify, and
    /// payloads, to which their records must commit.
    ///
    /// # Errors
    /// [`StorageError::BadBlock`] when some of it is not there or not right: nothing has changed then.
    pub fn mend_from_side(&self, height: u64, rows: &[RowKey], side_data: &[u8]) -> Result<(), StorageError> {
        let bad = |reason: &str| StorageError::BadBlock { height, reason: reason.to_owned() };
        let side = SideData::decode(side_data).ok_or_else(|| bad("its side data does not decode"))?;
        let snapshot = self.snapshot();
        let row = ManifestRow::read(&*snapshot, height)?.ok_or_else(|| bad("it is not stored here"))?;
        let mut fixes = Vec::new();
        for RowKey { of, key } in rows {
            let value = match of {
                Of::Seals => self.seal_of(&side, &checkpoint_of(&self.charter, &row)),
                _ => self.payload_of(&side, key)?,
            };
            let value = value.ok_or_else(|| bad("its side data does not have what is damaged here"))?;
            fixes.push(RowFix(Fix::Put(*of, key.clone(), value)));
        }
        self.rewrite(&fixes)
    }

    fn seal_of(&self, side: &SideData, ours: &Checkpoint) -> Option<Vec<u8>> {
        let note = side.seal.as_ref()?;
        let sealed = self.charter.policy.verify(note).ok()?;
        (sealed.checkpoint == *ours).then(|| note.to_string().into_bytes())
    }

    fn payload_of(&self, side: &SideData, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let of_key = |(leaf_index, _): &&(u64, _)| leaf_index.to_be_bytes() == key;
        let Some((leaf_index, payload)) = side.payloads.iter().find(of_key) else { return Ok(None) };
        let Some(leaf) = self.leaf(*leaf_index)? else { return Ok(None) };
        let commit = decode_record(*leaf_index, &leaf)?.transfer.payload_commit;
        Ok((commit == Some(payload.commit())).then(|| [&payload.salt, payload.bytes.as_slice()].concat()))
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.state().snapshot)
    }
}

/// Whether a party has to do with an asset, as the rows of assets and positions say: the key is that of the holding.
pub(crate) fn is_holding(rows: &impl Rows, key: &[u8]) -> Result<bool, StorageError> {
    let Some((party_id, asset_id)) = key.split_at_checked(16).filter(|(_, asset_id)| asset_id.len() == 16) else {
        return Ok(false);
    };
    let corrupt = |of, key: &[u8]| rows.corrupt_row(of, key, "it does not decode");
    let Some(asset) = rows.get(Of::Assets, asset_id)? else { return Ok(false) };
    let asset = Asset::decode(&asset).map_err(|_| corrupt(Of::Assets, asset_id))?;
    let position_key = [asset_id, party_id].concat();
    match (asset.quantity_asset, rows.get(Of::Positions, &position_key)?) {
        (true, Some(position)) => {
            let position = Position::decode(&position).map_err(|_| corrupt(Of::Positions, &position_key))?;
            Ok(position.available > 0 && !position.party_id.is_nil())
        }
        (true, None) => Ok(false),
        (false, _) => {
            let has = asset.owner.as_bytes() == party_id || asset.holder.as_bytes() == party_id;
            Ok(!asset.retired && has)
        }
    }
}

/// Damaged files kept as evidence.
const DAMAGED_MAX: usize = 16;
