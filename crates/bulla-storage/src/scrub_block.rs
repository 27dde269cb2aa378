//! A block in a scrub: its file, the tree that it continues, its seal, and every row that follows from it.

use std::sync::Arc;

use bulla_ledger::Record;
use bulla_sealing::{Checkpoint, Frontier, Hash, Header, SignedNote, subtree_root};

use crate::block_audit::damage;
use crate::block_file::{Block, BlockFile, FileSum};
use crate::chain::Charter;
use crate::error::StorageError;
use crate::finding::{Finding, Fix, Remedy, RowFix, RowKey};
use crate::ledger::Ledger;
use crate::manifest::ManifestRow;
use crate::refused::Refused;
use crate::row_check::{KeptRoots, RowCheck, put, unreadable};
use crate::rows::{Of, Rows, Snapshot};
use crate::scrub::ScrubStep;
use crate::seal_rows::read_seal;
use crate::stored::{PriorRow, Stored, subtree_key};

/// Goes from block to block, with what the blocks so far amount to.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The block that is next.
    pub(crate) height: u64,
    /// The log up to it, as far as its files are good.
    pub(crate) log: Option<Frontier>,
    kept: Option<KeptRoots>,
    /// The header before it.
    pub(crate) last_header: Option<Header>,
    pub(crate) last_raft_index: Option<u64>,
    /// Record ids that the blocks so far have spent; `None` when one of them could not be read.
    pub(crate) record_ids: Option<u64>,
    is_second_look: bool,
}

impl Walk {
    pub(crate) fn new() -> Self {
        Self {
            height: 0,
            log: Some(Frontier::new()),
            kept: Some(KeptRoots::default()),
            last_header: None,
            last_raft_index: None,
            record_ids: Some(0),
            is_second_look: false,
        }
    }

    /// A walk that begins in the middle, with what rows and the files before it say of the log.
    pub(crate) fn at(ledger: &Ledger, rows: &Snapshot, height: u64) -> Self {
        let log_after = |height| Look { ledger, stored: Stored { rows, blocks: &ledger.blocks }, height }.log_after();
        let log = height.checked_sub(1).map_or_else(|| Some(Frontier::new()), log_after);
        Self { height, log, kept: None, record_ids: None, ..Self::new() }
    }

    /// Checks the next block and all that belongs to it. A block file that is damaged is looked at a second time,
    /// because it may have been mended meanwhile; after that the walk goes on without it.
    pub(crate) fn look(&mut self, ledger: &Ledger, rows: &Arc<Snapshot>) -> ScrubStep {
        let look = Look { ledger, stored: Stored { rows: &**rows, blocks: &ledger.blocks }, height: self.height };
        match look.file(self.log.as_ref()) {
            Ok(good) => {
                let (bytes, findings) = look.rows(&good, self.kept.as_mut());
                self.pass(good);
                ScrubStep { bytes, findings }
            }
            Err(_) if self.is_second_look => {
                self.is_second_look = false;
                self.skip(&look);
                ScrubStep::default()
            }
            Err(finding) => {
                self.is_second_look = true;
                ScrubStep { bytes: 0, findings: vec![*finding] }
            }
        }
    }

    fn pass(&mut self, good: Good) {
        self.height += 1;
        self.log = good.log;
        self.last_raft_index = Some(good.header.raft_index);
        self.last_header = Some(good.header);
        self.record_ids =
            self.record_ids.map(|count| count + good.records.len() as u64 + good.block.refused.len() as u64);
        self.is_second_look = false;
    }

    /// The tree goes on from what the rows say, if that is what the seal says.
    fn skip(&mut self, look: &Look<'_>) {
        self.log = look.log_after();
        self.kept = None;
        self.last_header = None;
        self.record_ids = None;
        self.height += 1;
    }
}

/// A look at one block.
struct Look<'a> {
    ledger: &'a Ledger,
    stored: Stored<'a, Snapshot>,
    height: u64,
}

/// A block whose file is good.
struct Good {
    block: Block,
    header: Header,
    sum: FileSum,
    root: Hash,
    /// The log up to its end; unknown when the one before it is.
    log: Option<Frontier>,
    records: Vec<Record>,
    seal: Seal,
}

/// What is stored in the place of a block's seal.
enum Seal {
    None,
    Valid(Checkpoint),
    /// It does not verify, or is that of another block.
    Damaged(String),
}

impl Look<'_> {
    /// The file: whole in itself, and the one that was signed, or that was stored.
    fn file(&self, before: Option<&Frontier>) -> Result<Good, Box<Finding>> {
        let path = self.ledger.directory.block(self.height);
        let found = |detail: String| {
            let (what, height) = (path.display().to_string(), self.height);
            Box::new(Finding { what, detail, height: Some(height), remedy: Remedy::Fetch { height } })
        };
        let read = BlockFile::open(&path).and_then(|file| file.read_all());
        let (block, sum) = read.map_err(|error| match damage(&path).unwrap_or(error) {
            StorageError::Corrupt { detail, .. } => found(detail),
            error => found(error.to_string()),
        })?;
        let row = ManifestRow::read(self.stored.rows, self.height).ok().flatten();
        let header = header_of(&block, self.height, &self.ledger.charter).map_err(&found)?;
        let seal = self.seal(header.leaf_index + 1);
        let log = before.filter(|log| log.size() == block.first_leaf).map(|log| after(log, &block));
        let root = log.as_ref().map(Frontier::root).or(row.map(|row| row.root));
        let root =
            root.ok_or_else(|| found("neither the blocks before it nor the manifest say what its root is".into()))?;
        match &seal {
            Seal::Valid(sealed) if sealed.root != root => {
                return Err(found("its leaves do not lead to the root that every server signed".into()));
            }
            // The manifest's word counts as long as nobody signed.
            Seal::None if row.is_some_and(|row| row.root != root) => {
                return Err(found("its leaves do not lead to the root that was computed when it was stored".into()));
            }
            _ => {}
        }
        if row.is_some_and(|row| row.root == root && row.file != sum) {
            return Err(found("it is not the file that was stored".into()));
        }
        if row.is_some_and(|row| row.root == root && row.header_hash != header.leaf_hash()) {
            return Err(found("its header is not the one that was stored".into()));
        }
        let records = block.leaves.iter().filter_map(|leaf| Record::decode(leaf).ok()).collect();
        Ok(Good { block, header, sum, root, log, records, seal })
    }

    fn seal(&self, size: u64) -> Seal {
        match read_seal(self.stored.rows, self.height) {
            Ok(None) => Seal::None,
            Ok(Some(note)) => match self.ledger.charter.policy.verify(&note) {
                Ok(sealed) if sealed.checkpoint.size == size => Seal::Valid(sealed.checkpoint),
                Ok(_) => Seal::Damaged("it seals another block".into()),
                Err(error) => Seal::Damaged(error.to_string()),
            },
            Err(error) => Seal::Damaged(error.to_string()),
        }
    }

    /// The log after this block, from rows and the files before it, if its root is the signed one.
    fn log_after(&self) -> Option<Frontier> {
        let row = ManifestRow::read(self.stored.rows, self.height).ok()??;
        let log = self.stored.frontier(row.end_leaf).ok()?;
        let root = match self.seal(row.end_leaf) {
            Seal::Valid(sealed) => sealed.root,
            _ => row.root,
        };
        (log.root() == root).then_some(log)
    }

    /// Every row that follows from a good block.
    fn rows(&self, good: &Good, kept: Option<&mut KeptRoots>) -> (u64, Vec<Finding>) {
        let mut check = RowCheck::new(self.stored.rows, self.height);
        let key = self.height.to_be_bytes();
        let manifest = ManifestRow::of(&good.header, good.root, good.sum);
        for (of, key, value) in manifest.rows(self.height) {
            check.expect(of, key, value);
        }
        for (level, number, root) in kept.into_iter().flat_map(|kept| kept.push_all(&good.block.leaves.hashes)) {
            check.expect(Of::Subtrees, subtree_key(level, number).to_vec(), root.0.to_vec());
        }
        for record in &good.records {
            let prior = PriorRow::Leaf(record.leaf_index).encode();
            check.expect(Of::Priors, record.transfer.record_id.as_bytes().to_vec(), prior);
            check.enrolment_or_definition(record);
            check.notices(record);
        }
        for refused in &good.block.refused {
            let prior = PriorRow::Refused(self.height, Refused::clone(refused)).encode();
            check.expect(Of::Priors, refused.transfer.record_id.as_bytes().to_vec(), prior);
        }
        let (mut bytes, mut findings) = (check.bytes, check.findings());
        findings.extend(self.payloads(good, &mut bytes));
        let is_sealed = self.ledger.state().is_sealed(self.height);
        let lost = matches!(good.seal, Seal::None) && self.is_below_a_seal();
        let reason = match &good.seal {
            Seal::Damaged(reason) => Some(reason.clone()),
            Seal::None if lost => Some("it is missing".to_owned()),
            _ => None,
        };
        if let Some(detail) = reason {
            let rows = vec![RowKey { of: Of::Seals, key: key.to_vec() }];
            let remedy = match self.note_in_memory().filter(|_| is_sealed) {
                Some(note) => Remedy::Rewrite(vec![put(Of::Seals, key.to_vec(), note.to_string().into_bytes())]),
                None => Remedy::Side { height: self.height, rows },
            };
            let what = format!("the seal of block {}", self.height);
            findings.push(Finding { what, detail, height: Some(self.height), remedy });
        }
        (bytes, findings)
    }

    fn note_in_memory(&self) -> Option<SignedNote> {
        self.ledger.state().seals.notes.get(&self.height).cloned()
    }

    /// Blocks are sealed in their order, so below a seal there is no block without one.
    fn is_below_a_seal(&self) -> bool {
        crate::seal_rows::read_sealed_height(self.stored.rows).is_ok_and(|sealed| sealed > Some(self.height))
    }

    /// Every payload row of this block belongs to a record that commits to it.
    fn payloads(&self, good: &Good, bytes: &mut u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        for record in &good.records {
            let key = record.leaf_index.to_be_bytes();
            let stored = match self.stored.rows.raw(Of::Payloads, &key) {
                Ok(None) => continue,
                Ok(Some(stored)) => stored,
                Err(error) => return vec![unreadable(&error)],
            };
            *bytes += stored.len() as u64;
            let detail = match (record.transfer.payload_commit, self.stored.payload(record.leaf_index)) {
                (Some(commit), Ok(Some(payload))) if payload.commit() == commit => continue,
                (Some(_), Ok(None)) => continue,
                (None, _) => {
                    let fix = RowFix(Fix::Remove(Of::Payloads, key.to_vec()));
                    let detail = "its record has no payload";
                    findings.push(Finding::rows(Of::Payloads, detail, Some(self.height), vec![fix]));
                    continue;
                }
                (Some(_), Ok(Some(_))) => "it is not the one that the record commits to".to_owned(),
                (Some(_), Err(error)) => error.to_string(),
            };
            let rows = vec![RowKey { of: Of::Payloads, key: key.to_vec() }];
            let what = format!("the payload of leaf {}", record.leaf_index);
            let remedy = Remedy::Side { height: self.height, rows };
            findings.push(Finding { what, detail, height: Some(self.height), remedy });
        }
        findings
    }
}

/// The header of a block, if the block is made as one of this ledger.
pub(crate) fn header_of(block: &Block, height: u64, charter: &Charter) -> Result<Header, String> {
    let leaf = block.leaves.iter().last().ok_or("it has no leaves")?;
    let header = Header::decode(leaf).map_err(|error| format!("its header does not decode: {error}"))?;
    let is_placed = block.ledger_id == charter.config.ledger_id
        && (block.height, header.height) == (height, height)
        && header.first_leaf == block.first_leaf
        && header.leaf_index + 1 == block.first_leaf + block.leaves.len();
    if !is_placed {
        return Err("it is another block".into());
    }
    let (_, records) = block.leaves.hashes.split_last().expect("it has leaves");
    if header.records_root != subtree_root(records) {
        return Err("its header has another root than its records".into());
    }
    if height == 0 && block.leaves.get(0) != Some(charter.config_leaf.as_slice()) {
        return Err("leaf 0 is not the configuration of this ledger".into());
    }
    Ok(header)
}

/// The log with a block added.
pub(crate) fn after(log: &Frontier, block: &Block) -> Frontier {
    let mut log = log.clone();
    log.extend(&block.leaves.hashes);
    log
}
