//! Catching up: a node that lacks blocks pulls them whole from a peer, verifies them, and switches once.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use bulla_sealing::{Attestation, AttestationError, Checkpoint, Header, SignedNote, Signer, verify_attestation};
use bytes::Bytes;
use redb::Database;

use crate::block_file::BlockFile;
use crate::chain::Chain;
use crate::directory::{list, partial, publish, remove_file, sync_dir, write_private};
use crate::error::StorageError;
use crate::fold::{FoldError, fold};
use crate::ledger::Ledger;
use crate::manifest::{ManifestRow, put_durable, read_chain};
use crate::rows::Changes;
use crate::seal::{SealChange, checkpoint_of};
use crate::seal_rows::{put_seal_changes, read_sealed_height};
use crate::shred::destroy;
use crate::side_data::SideData;
use crate::states::StateMaps;
use crate::store_table::put_block;
use crate::stored::Stored;
use crate::table::RecordTable;

/// What has to be fetched from a peer before [`Ledger::adopt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Heights whose block files are missing.
    pub blocks: Range<u64>,
    /// Heights whose side data is needed: those, and the blocks before them that are not sealed here. The log entries
    /// that would have sealed them may be purged.
    pub sides: Range<u64>,
}

/// Where the log goes on after an adopted block, as a peer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayPoint {
    /// What the peer's [`Closing`](crate::Closing) of that block said.
    pub replay_from: Vec<u8>,
    /// The Raft term that `replay_from` names; the block's header must name the same.
    pub raft_term: u64,
    /// The Raft log index that `replay_from` names; likewise.
    pub raft_index: u64,
}

/// A block file of a peer on its way into this directory.
#[derive(Debug)]
pub struct StagedBlock {
    path: PathBuf,
    partial: PathBuf,
    file: File,
}

impl StagedBlock {
    /// Writes a piece of the block file at `offset`.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn write(&mut self, offset: u64, piece: &[u8]) -> Result<(), StorageError> {
        self.file.write_all_at(piece, offset).map_err(StorageError::io("write", &self.partial))
    }

    /// Makes it durable. Without this the next [`Store::open`](crate::Store::open) removes it.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn finish(self) -> Result<(), StorageError> {
        self.file.sync_all().map_err(StorageError::io("fsync", &self.partial))?;
        publish(&self.partial, &self.path)
    }
}

impl Ledger {
    /// Length of a stored block file, bytes.
    ///
    /// # Errors
    /// [`StorageError::Unknown`] when the block is not stored.
    pub fn block_len(&self, height: u64) -> Result<u64, StorageError> {
        self.stored_height(height)?;
        Ok(self.blocks.file(height)?.bytes())
    }

    /// Up to `len_max` bytes of a stored block file; none at its end.
    ///
    /// # Errors
    /// [`StorageError::Unknown`] when the block is not stored.
    pub fn read_block(&self, height: u64, offset: u64, len_max: usize) -> Result<Bytes, StorageError> {
        self.stored_height(height)?;
        Ok(self.blocks.file(height)?.piece(offset, len_max)?.into())
    }

    /// What belongs to a stored block and is not in its file: payloads, and the seal or the attestations so far.
    ///
    /// # Errors
    /// [`StorageError::Unknown`] when the block is not stored.
    pub fn side_data(&self, height: u64) -> Result<Bytes, StorageError> {
        self.stored_height(height)?;
        Ok(SideData::of(self, height)?.encode().into())
    }

    /// What this node needs from a peer to adopt the blocks up to `upto`. Nothing when it has them.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn lacking(&self, upto: u64) -> Result<Lacking, StorageError> {
        let state = self.state();
        let blocks = state.durable.height.map_or(0, |height| height + 1)..upto.saturating_add(1);
        // What the rows say, not what is known: adopting begins from the rows.
        let unsealed = read_sealed_height(&*state.snapshot)?.map_or(0, |sealed| sealed + 1);
        Ok(match blocks.is_empty() {
            true => Lacking { blocks: 0..0, sides: 0..0 },
            false => Lacking { sides: unsealed.min(blocks.start)..blocks.end, blocks },
        })
    }

    /// Begins to receive a block file. Replaces what was staged for that height before.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn stage(&self, height: u64) -> Result<StagedBlock, StorageError> {
        let path = self.directory.incoming_block(height);
        let partial = partial(&path);
        remove_file(&path)?;
        let file = File::create(&partial).map_err(StorageError::io("create", &partial))?;
        Ok(StagedBlock { path, partial, file })
    }

    /// Keeps what a peer's [`Ledger::side_data`] answered for a height, durably.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn stage_side(&self, height: u64, side_data: &[u8]) -> Result<(), StorageError> {
        let path = self.directory.incoming_side(height);
        let partial = partial(&path);
        [&partial, &path].into_iter().try_for_each(|path| destroy(path))?;
        write_private(&partial, side_data)?;
        publish(&partial, &path)
    }

    /// Whether the block file of a height is staged completely, also before a restart.
    pub fn is_staged(&self, height: u64) -> bool {
        self.directory.incoming_block(height).exists()
    }

    /// Verifies what [`Ledger::lacking`] said and was staged, folds the records of every block again, and makes all of
    /// it durable at once together with where to go on in the log. The open table and those not stored are dropped. Nothing but
    /// that happens when this node has block `upto` already.
    ///
    /// # Errors
    /// [`StorageError::BadBlock`] when something is missing, or not what the rules and the signatures say: nothing has
    /// changed then, and what was staged is gone.
    pub fn adopt(&self, upto: u64, replay: ReplayPoint) -> Result<(), StorageError> {
        let database = self.writer();
        let lacking = self.lacking(upto)?;
        let path = self.path();
        let adopted = match lacking.blocks.is_empty() {
            true => Ok(()),
            false => Changes::commit(&database, &path, |changes| self.adopt_all(changes, &lacking, &replay)),
        };
        adopted.and(self.settle(&database))
    }

    /// Does all that [`Ledger::adopt`] does, and takes it back: whoever calls this before it is bound to adopt learns in
    /// time that it cannot. What was staged stays, ready to be adopted.
    ///
    /// # Errors
    /// As [`Ledger::adopt`]: what was staged is gone then.
    pub fn rehearse_adopting(&self, upto: u64, replay: &ReplayPoint) -> Result<(), StorageError> {
        let database = self.writer();
        let lacking = self.lacking(upto)?;
        let path = self.path();
        let rehearsed = match lacking.blocks.is_empty() {
            true => return Ok(()),
            false => Changes::rehearse(&database, &path, |changes| self.adopt_all(changes, &lacking, replay)),
        };
        self.blocks.close_all();
        match rehearsed {
            Ok(()) => lacking.blocks.clone().try_for_each(|height| self.stage_again(height)),
            Err(error) => self.settle(&database).and(Err(error)),
        }
    }

    /// Back to what the rows say, whether adopting changed them or not.
    fn settle(&self, database: &Database) -> Result<(), StorageError> {
        self.blocks.close_all();
        self.reload(database)?;
        self.check_blocks()?;
        list(&self.directory.incoming())?.iter().try_for_each(|path| destroy(path))
    }

    fn adopt_all(
        &self,
        changes: &mut Changes<'_>,
        lacking: &Lacking,
        replay: &ReplayPoint,
    ) -> Result<(), StorageError> {
        let mut chain = read_chain(changes)?;
        let stored = Stored { rows: &*changes, blocks: &self.blocks };
        chain.states = StateMaps::load(&stored, chain.height, chain.height.checked_sub(1))?.1;
        let mut last = None;
        for height in lacking.sides.clone() {
            if lacking.blocks.contains(&height) {
                last = Some(self.adopt_block(changes, height, &mut chain)?);
            }
            self.adopt_seal(changes, height)?;
        }
        lacking.sides.clone().try_for_each(|height| self.check_erased(changes, height))?;
        // The header is part of what is signed; where to go on in the log is only a peer's word.
        if let Some(Header { height, raft_term, raft_index, .. }) = last
            && (raft_term, raft_index) != (replay.raft_term, replay.raft_index)
        {
            let reason = "its header does not stand where the log is to be replayed from".to_owned();
            return Err(StorageError::BadBlock { height, reason });
        }
        sync_dir(&self.directory.blocks())?;
        put_durable(changes, &chain, &replay.replay_from)
    }

    /// A payload that is missing because it was erased is missing rightly: the notice is among the leaves up to here. One
    /// that comes only later means that the peer has erased since; what it has now is too new for this place.
    fn check_erased(&self, changes: &Changes<'_>, height: u64) -> Result<(), StorageError> {
        let stored = Stored { rows: changes, blocks: &self.blocks };
        for (target, notice) in self.staged_side(height)?.erased {
            if stored.erased_by(target)? != Some(notice) {
                let reason = format!("leaf {notice} is no notice that the payload of leaf {target} was erased");
                return Err(StorageError::BadBlock { height, reason });
            }
        }
        Ok(())
    }

    /// Back among what is staged.
    fn stage_again(&self, height: u64) -> Result<(), StorageError> {
        let path = self.directory.block(height);
        fs::rename(&path, self.directory.incoming_block(height)).map_err(StorageError::io("rename", &path))
    }

    fn adopt_block(&self, changes: &mut Changes<'_>, height: u64, chain: &mut Chain) -> Result<Header, StorageError> {
        let bad = |reason: String| StorageError::BadBlock { height, reason };
        let staged = self.directory.incoming_block(height);
        let (block, file) = match BlockFile::open(&staged).and_then(|file| file.read_all()) {
            Err(StorageError::Corrupt { detail, .. }) => return Err(bad(detail)),
            read => read?,
        };
        let base = Stored { rows: &*changes, blocks: &self.blocks };
        let (mut table, header) = match fold(&block, &base, chain, &self.charter) {
            Err(FoldError::Wrong(reason)) => return Err(bad(reason)),
            Err(FoldError::Storage(error)) => return Err(error),
            Ok(folded) => folded,
        };
        add_payloads(&mut table, self.staged_side(height)?).map_err(bad)?;
        let path = self.directory.block(height);
        fs::rename(&staged, &path).map_err(StorageError::io("rename", &staged))?;
        put_block(changes, &self.blocks, &table, &header, chain.log.root(), file)?;
        Ok(header)
    }

    /// Takes over the seal of a block, or the attestations to it.
    fn adopt_seal(&self, changes: &mut Changes<'_>, height: u64) -> Result<(), StorageError> {
        let bad = |reason: &str| StorageError::BadBlock { height, reason: reason.to_owned() };
        let row = ManifestRow::read(&*changes, height)?.ok_or_else(|| bad("it is not there"))?;
        let ours = checkpoint_of(&self.charter, &row);
        let side = self.staged_side(height)?;
        let mut seal_changes = Vec::new();
        for attestation in side.attestations {
            match self.verify(&ours, &attestation) {
                Some(Ok(())) => seal_changes.push(SealChange::Attested(height, attestation)),
                Some(Err(AttestationError::OtherTree { .. })) => {
                    seal_changes.push(SealChange::OtherRoot(height, attestation));
                }
                _ => return Err(bad("one of its attestations does not verify")),
            }
        }
        if let Some(note) = side.seal {
            let attestations = self.attestations_of(&note, &ours).ok_or_else(|| bad("its seal does not verify"))?;
            let is_next = read_sealed_height(&*changes)?.map_or(0, |sealed| sealed + 1) == height;
            match is_next {
                true => seal_changes.push(SealChange::Sealed(height, note)),
                // The block before was fetched just before it was sealed. It will be, from the log; then this one is.
                false => seal_changes.extend(attestations.into_iter().map(|one| SealChange::Attested(height, one))),
            }
        }
        put_seal_changes(changes, &seal_changes)
    }

    pub(crate) fn verify(&self, ours: &Checkpoint, attestation: &Attestation) -> Option<Result<(), AttestationError>> {
        let node = self.charter.config.nodes.iter().find(|node| node.name == attestation.node_name)?;
        Some(verify_attestation(&node.public_key, ours, attestation))
    }

    /// The attestations that a valid seal of this tree was made of.
    pub(crate) fn attestations_of(&self, note: &SignedNote, ours: &Checkpoint) -> Option<Vec<Attestation>> {
        let sealed = self.charter.policy.verify(note).ok().filter(|sealed| sealed.checkpoint == *ours)?;
        let attestation = |signer: &Signer| {
            let lines = note.signatures.iter().filter(|line| line.name == signer.name);
            let signature = lines.filter_map(|line| line.signature.get(8..)?.try_into().ok()).next()?;
            let (node_name, time_s) = (signer.name.clone(), signer.time_s);
            Some(Attestation { node_name, size: ours.size, root: ours.root, time_s, signature })
        };
        let attestations: Vec<Attestation> = sealed.nodes.iter().map(attestation).collect::<Option<_>>()?;
        let verified = attestations.iter().all(|attestation| self.verify(ours, attestation) == Some(Ok(())));
        verified.then_some(attestations)
    }

    pub(crate) fn staged_side(&self, height: u64) -> Result<SideData, StorageError> {
        let path = self.directory.incoming_side(height);
        let bad = |reason: &str| StorageError::BadBlock { height, reason: reason.to_owned() };
        match fs::read(&path) {
            Ok(bytes) => SideData::decode(&bytes).ok_or_else(|| bad("its side data does not decode")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(bad("its side data is missing")),
            Err(error) => Err(StorageError::io("read", &path)(error)),
        }
    }

    fn stored_height(&self, height: u64) -> Result<(), StorageError> {
        match self.state().durable.height.is_some_and(|stored| height <= stored) {
            true => Ok(()),
            false => Err(StorageError::unknown(format!("block {height}"))),
        }
    }
}

/// Gives the records of a block their payloads back.
fn add_payloads(table: &mut RecordTable, side: SideData) -> Result<(), String> {
    for (leaf_index, payload) in side.payloads {
        let record = table.leaf(leaf_index).and_then(|leaf| bulla_ledger::Record::decode(leaf).ok());
        match record.is_some_and(|record| record.transfer.payload_commit == Some(payload.commit())) {
            true => table.payloads.insert(leaf_index, payload),
            false => return Err(format!("leaf {leaf_index} does not commit to the payload sent with it")),
        };
    }
    Ok(())
}
