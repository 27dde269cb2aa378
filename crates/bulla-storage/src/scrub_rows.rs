//! All rows in a scrub, table by table: each checks, none is missing, and none is there that nothing recorded made.

use std::ops::Bound;
use std::sync::Arc;

use bulla_ledger::{Asset, Class, NO_LEAF, Party, Position, Record, State};
use bulla_sealing::{Attestation, Hash, StateMap, state_value};

use crate::chain::Chain;
use crate::finding::{Finding, Fix, Remedy, RowFix};
use crate::ledger::Ledger;
use crate::manifest::{ManifestRow, read_chain};
use crate::mend::is_holding;
use crate::proven::KEPT_LEVELS;
use crate::row_check::unreadable;
use crate::rows::{Of, Rows, Snapshot, hex, unsummed};
use crate::scrub::ScrubStep;
use crate::scrub_block::Walk;
use crate::stored::{PriorRow, Stored};

/// Goes through the rows as of one moment.
#[derive(Debug)]
pub(crate) struct RowWalk {
    snapshot: Arc<Snapshot>,
    /// Which table, by its place among all.
    table: usize,
    after: Option<Vec<u8>>,
    /// Keys and values of all states.
    states: Vec<(Hash, Hash)>,
    /// No row of an asset or position has been found wrong.
    states_decode: bool,
    ends_done: bool,
}

impl RowWalk {
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, table: 0, after: None, states: Vec::new(), states_decode: true, ends_done: false }
    }

    /// Checks some rows; `None` after the last.
    pub(crate) fn step(&mut self, ledger: &Ledger, walk: &Walk) -> Option<ScrubStep> {
        if !std::mem::replace(&mut self.ends_done, true) {
            return Some(ScrubStep { bytes: 0, findings: self.ends(walk) });
        }
        let Some(of) = Of::ALL.get(self.table).copied() else {
            return self.states_end(walk);
        };
        let after = self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let rows = match self.snapshot.raw_range(of, (after, Bound::Unbounded), ROWS) {
            Ok(rows) => rows,
            Err(error) => {
                // No page of this table is worth another try.
                self.next_table();
                return Some(ScrubStep { bytes: 0, findings: vec![unreadable(&error)] });
            }
        };
        let mut step = ScrubStep::default();
        let mut fixes = Vec::new();
        for (key, stored) in &rows {
            step.bytes += (key.len() + stored.len()) as u64;
            match unsummed(of, key, stored) {
                Some(value) => self.row(ledger, walk, of, key, value, &mut fixes, &mut step.findings),
                None => self.damaged(ledger, of, key, &mut fixes, &mut step.findings),
            }
        }
        if !fixes.is_empty() {
            step.findings.push(Finding::rows(of, "it does not check, or nothing recorded made it", None, fixes));
        }
        match rows.into_iter().next_back() {
            Some((key, _)) => self.after = Some(key),
            None => self.next_table(),
        }
        Some(step)
    }

    fn next_table(&mut self) {
        (self.table, self.after) = (self.table + 1, None);
    }

    /// The rows that say where the blocks end.
    fn ends(&self, walk: &Walk) -> Vec<Finding> {
        let expected = match (&walk.last_header, &walk.log) {
            (Some(header), Some(log)) => Chain::after(header, log.clone()),
            _ => return Vec::new(),
        };
        match read_chain(&*self.snapshot) {
            Ok(chain) if chain.encode() == expected.encode() => Vec::new(),
            _ => vec![Finding::rows(Of::Meta, "it is not where the blocks end", None, vec![RowFix(Fix::Ends)])],
        }
    }

    /// A row whose checksum does not fit. Those that a block makes were looked at with it, and are mended by now, or
    /// belong to nothing.
    fn damaged(&mut self, ledger: &Ledger, of: Of, key: &[u8], fixes: &mut Vec<RowFix>, findings: &mut Vec<Finding>) {
        let now = Arc::clone(&ledger.state().snapshot);
        if now.get(of, key).is_ok() {
            return;
        }
        match of {
            Of::Assets | Of::Positions => {
                self.states_decode = false;
                findings.push(rebuild(of, key, "its value does not match its checksum"));
            }
            Of::Holdings => fixes.push(RowFix(Fix::Holding(key.to_vec()))),
            Of::Meta => fixes.push(RowFix(Fix::Ends)),
            Of::Attestations => fixes.push(attestation_fix(ledger, key)),
            // What has a finding of its own, with the block it belongs to.
            Of::Payloads | Of::Seals => {}
            _ => fixes.push(RowFix(Fix::Remove(of, key.to_vec()))),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a row, what it is held against, and where it goes")]
    fn row(
        &mut self,
        ledger: &Ledger,
        walk: &Walk,
        of: Of,
        key: &[u8],
        value: &[u8],
        fixes: &mut Vec<RowFix>,
        findings: &mut Vec<Finding>,
    ) {
        let snapshot = Arc::clone(&self.snapshot);
        let stored = Stored { rows: &*snapshot, blocks: &ledger.blocks };
        let belongs = match of {
            Of::Meta => true,
            Of::Manifest => number(key).is_some_and(|height| height < walk.height),
            Of::BlockOfLeaf => leads_to(&stored, value, |row| row.first_leaf.to_be_bytes() == key),
            Of::BlockOfTable => leads_to(&stored, value, |row| row.table_id.as_bytes() == key),
            Of::Subtrees => is_kept(walk, key),
            // One by one only if there are too many: each costs the read of a record.
            Of::Priors if walk.record_ids == snapshot.len(Of::Priors).ok() => true,
            Of::Priors => is_spent(&stored, key, value),
            Of::Parties => Party::decode(value).is_ok_and(|party| {
                made_by(&stored, Some(party.leaf_index), |record| record.transfer.to.as_bytes() == key)
            }),
            Of::Classes => Class::decode(value).is_ok_and(|class| {
                let defines = |record: &Record| record.transfer.class_id().is_some_and(|id| id.as_bytes() == key);
                made_by(&stored, Some(class.leaf_index), defines)
            }),
            Of::Erased => made_by(&stored, number(value), |record| record.erases() == number(key)),
            Of::Incidents => is_incident(&stored, key, value),
            Of::Assets => {
                let asset = Asset::decode(value).ok();
                let with = asset.iter().flat_map(|asset| [asset.owner, asset.holder]);
                let holdings = with.map(|party_id| [party_id.as_bytes(), key].concat()).collect();
                self.holdings(holdings, findings);
                self.state(asset.map(|asset| State::of_asset(&asset)), of, key, findings);
                true
            }
            Of::Positions => {
                let position = Position::decode(value).ok();
                let holdings = position.iter().map(|one| [*one.party_id.as_bytes(), *one.asset_id.as_bytes()].concat());
                self.holdings(holdings.collect(), findings);
                self.state(position.map(|one| Some(State::Position(one))), of, key, findings);
                true
            }
            Of::Holdings => is_holding(&*snapshot, key).unwrap_or(true),
            Of::Payloads => number(key).is_some_and(|leaf_index| is_in(&walk.log, leaf_index)),
            Of::Seals => number(key).is_some_and(|height| height < walk.height),
            Of::Attestations => Attestation::decode(value).is_ok(),
        };
        match (belongs, of) {
            (true, _) => {}
            (false, Of::Holdings) => fixes.push(RowFix(Fix::Holding(key.to_vec()))),
            (false, Of::Attestations) => fixes.push(attestation_fix(ledger, key)),
            (false, _) => fixes.push(RowFix(Fix::Remove(of, key.to_vec()))),
        }
    }

    /// Of what an asset or a position says that a party has, there is a row that leads there.
    fn holdings(&self, keys: Vec<Vec<u8>>, findings: &mut Vec<Finding>) {
        let is_missing = |key: &Vec<u8>| {
            let is_holding = is_holding(&*self.snapshot, key).is_ok_and(|is_holding| is_holding);
            is_holding && self.snapshot.raw(Of::Holdings, key).is_ok_and(|row| row.is_none())
        };
        let missing: Vec<RowFix> = keys.into_iter().filter(is_missing).map(|key| RowFix(Fix::Holding(key))).collect();
        if !missing.is_empty() {
            findings.push(Finding::rows(Of::Holdings, "it is missing", None, missing));
        }
    }

    fn state(&mut self, state: Option<Option<State>>, of: Of, key: &[u8], findings: &mut Vec<Finding>) {
        match state {
            Some(Some(state)) => self.states.push((Hash(state.key()), state_value(&state.encode()))),
            Some(None) => {}
            None => {
                self.states_decode = false;
                findings.push(rebuild(of, key, "it does not decode"));
            }
        }
    }

    /// The state map of all rows has the root that stands in the last header.
    fn states_end(&mut self, walk: &Walk) -> Option<ScrubStep> {
        let header = walk.last_header.as_ref().filter(|_| std::mem::replace(&mut self.states_decode, false))?;
        let mut states = std::mem::take(&mut self.states);
        states.sort_unstable();
        let ascend = states.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let mut map = StateMap::new();
        if ascend {
            map.update(&states);
        }
        if ascend && map.root() == header.state_root {
            return None;
        }
        let detail = format!("they do not have the state root that stands in the header of block {}", header.height);
        let what = "the rows of assets and positions".to_owned();
        let finding = Finding { what, detail, height: Some(header.height), remedy: Remedy::Rebuild };
        Some(ScrubStep { bytes: 0, findings: vec![finding] })
    }
}

fn rebuild(of: Of, key: &[u8], detail: &str) -> Finding {
    let what = format!("row {} of table {}", hex(key), of.name());
    Finding { what, detail: detail.to_owned(), height: None, remedy: Remedy::Rebuild }
}

/// As this node has it in memory; else it goes, and is asked for again.
fn attestation_fix(ledger: &Ledger, key: &[u8]) -> RowFix {
    let state = ledger.state();
    let kept = number(key.get(..8).unwrap_or_default()).and_then(|height| state.seals.waiting.get(&height));
    let kept = kept.and_then(|waiting| {
        let name = std::str::from_utf8(key.get(9..)?).ok()?;
        let attested = if key[8] == 0 { &waiting.attested } else { &waiting.other_roots };
        attested.get(name)
    });
    RowFix(match kept {
        Some(attestation) => Fix::Put(Of::Attestations, key.to_vec(), attestation.encode()),
        None => Fix::Remove(Of::Attestations, key.to_vec()),
    })
}

fn number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.try_into().ok()?))
}

/// Whether the block that a value begins with is as `fits` says. If the manifest cannot be read, that is found elsewhere.
fn leads_to(stored: &Stored<'_, Snapshot>, value: &[u8], fits: impl FnOnce(&ManifestRow) -> bool) -> bool {
    let Some(height) = value.first_chunk() else { return false };
    match ManifestRow::read(stored.rows, u64::from_be_bytes(*height)) {
        Ok(row) => row.is_some_and(|row| fits(&row)),
        Err(_) => true,
    }
}

/// Whether a subtree of this level and number is complete.
fn is_kept(walk: &Walk, key: &[u8]) -> bool {
    let Some((level, index)) = key.split_first() else { return false };
    let end = number(index).and_then(|index| index.checked_add(1)?.checked_mul(1 << level.min(&63)));
    KEPT_LEVELS.contains(level) && end.is_some_and(|end| end == 0 || is_in(&walk.log, end - 1))
}

/// Whether the log reaches that far; it is not known behind a block that could not be read.
fn is_in(log: &Option<bulla_sealing::Frontier>, leaf_index: u64) -> bool {
    log.as_ref().is_none_or(|log| leaf_index < log.size())
}

fn is_spent(stored: &Stored<'_, Snapshot>, key: &[u8], value: &[u8]) -> bool {
    match PriorRow::decode(value) {
        Some(PriorRow::Leaf(leaf_index)) => {
            made_by(stored, Some(leaf_index), |record| record.transfer.record_id.as_bytes() == key)
        }
        Some(PriorRow::Refused(height, refused)) => match stored.block(height) {
            Ok(block) => refused.transfer.record_id.as_bytes() == key && block.refused.contains(&refused),
            Err(_) => true,
        },
        None => false,
    }
}

/// Whether the record at this leaf is as `fits` says. If its block cannot be read, that is found elsewhere.
fn made_by(stored: &Stored<'_, Snapshot>, leaf_index: Option<u64>, fits: impl FnOnce(&Record) -> bool) -> bool {
    let Some(leaf_index) = leaf_index else { return false };
    match stored.leaf(leaf_index) {
        Ok(Some(leaf)) => Record::decode(&leaf).is_ok_and(|record| fits(&record)),
        Ok(None) => false,
        Err(_) => true,
    }
}

/// Whether the record at this leaf opened an incident, and the other one closed it, if there is one.
fn is_incident(stored: &Stored<'_, Snapshot>, key: &[u8], value: &[u8]) -> bool {
    let is_open = number(value) == Some(NO_LEAF);
    made_by(stored, number(key), Record::opens_incident)
        && (is_open || made_by(stored, number(value), |record| record.closes_incident() == number(key)))
}

/// Rows in one step.
const ROWS: usize = 4_096;
