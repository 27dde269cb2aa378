//! Rows held against what the blocks say that they are.

use bulla_ledger::{Act, Class, NO_LEAF, Party, Record};
use bulla_sealing::{Hash, subtree_root};

use crate::error::StorageError;
use crate::finding::{Finding, Fix, Remedy, RowFix};
use crate::proven::KEPT_LEVELS;
use crate::rows::{Of, Rows, Snapshot, summed};

/// Holds rows against what they should be.
pub(crate) struct RowCheck<'a> {
    rows: &'a Snapshot,
    height: u64,
    /// Bytes of the rows that are right.
    pub(crate) bytes: u64,
    wrong: Vec<Result<RowFix, Finding>>,
}

impl<'a> RowCheck<'a> {
    pub(crate) fn new(rows: &'a Snapshot, height: u64) -> Self {
        Self { rows, height, bytes: 0, wrong: Vec::new() }
    }

    pub(crate) fn expect(&mut self, of: Of, key: Vec<u8>, value: Vec<u8>) {
        match self.rows.raw(of, &key) {
            Ok(Some(stored)) if stored == summed(of, &key, &value) => self.bytes += (key.len() + stored.len()) as u64,
            Ok(_) => self.wrong.push(Ok(put(of, key, value))),
            Err(error) => self.wrong.push(Err(unreadable(&error))),
        }
    }

    pub(crate) fn enrolment_or_definition(&mut self, record: &Record) {
        let (transfer, leaf_index) = (&record.transfer, record.leaf_index);
        match (transfer.act, transfer.class_id()) {
            (Act::Enroll, _) => {
                let party = Party { party_id: transfer.to, leaf_index };
                self.expect(Of::Parties, party.party_id.as_bytes().to_vec(), party.encode().to_vec());
            }
            (Act::Define, Some(class_id)) => {
                let scale = u8::try_from(transfer.quantity).unwrap_or(u8::MAX);
                let class = Class { class_id, quantity: transfer.quantity_asset, scale, leaf_index };
                self.expect(Of::Classes, class_id.as_bytes().to_vec(), class.encode().to_vec());
            }
            _ => {}
        }
    }

    /// That a payload was erased, and which incident is open. The record that closes one comes after the one that opened
    /// it, so what that one may say is not known yet.
    pub(crate) fn notices(&mut self, record: &Record) {
        let leaf = |leaf_index: u64| leaf_index.to_be_bytes().to_vec();
        if let Some(target) = record.erases() {
            self.expect(Of::Erased, leaf(target), leaf(record.leaf_index));
        }
        if let Some(opened) = record.closes_incident() {
            self.expect(Of::Incidents, leaf(opened), leaf(record.leaf_index));
        }
        let key = leaf(record.leaf_index);
        if record.opens_incident() && self.rows.get(Of::Incidents, &key).is_ok_and(|row| row.is_some()) {
            self.bytes += 20;
        } else if record.opens_incident() {
            self.expect(Of::Incidents, key, leaf(NO_LEAF));
        }
    }

    /// One finding a table; what cannot be read at all comes once.
    pub(crate) fn findings(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut fixes = Vec::new();
        for wrong in self.wrong {
            match wrong {
                Ok(fix) => fixes.push(fix),
                Err(finding) => return vec![finding],
            }
        }
        for of in Of::ALL {
            let of_table = |fix: &&RowFix| matches!(&fix.0, Fix::Put(table, _, _) if *table == of);
            let fixes: Vec<RowFix> = fixes.iter().filter(of_table).cloned().collect();
            if !fixes.is_empty() {
                findings.push(Finding::rows(of, "it is not what its block says", Some(self.height), fixes));
            }
        }
        findings
    }
}

pub(crate) fn put(of: Of, key: Vec<u8>, value: Vec<u8>) -> RowFix {
    RowFix(Fix::Put(of, key, value))
}

/// Pages of the database are damaged: nothing can be written there either.
pub(crate) fn unreadable(error: &StorageError) -> Finding {
    let what = "the database of the ledger".to_owned();
    Finding { what, detail: error.to_string(), height: None, remedy: Remedy::Rebuild }
}

/// The roots that are kept as rows, computed again from leaf hashes as they come.
#[derive(Debug, Default)]
pub(crate) struct KeptRoots {
    /// For each kept level, what is below it and not complete; and how many are.
    levels: [(Vec<Hash>, u64); KEPT_LEVELS.len()],
}

impl KeptRoots {
    /// Level, number and root of every subtree that these leaves complete.
    pub(crate) fn push_all(&mut self, leaf_hashes: &[Hash]) -> Vec<(u8, u64, Hash)> {
        let mut complete = Vec::new();
        for leaf_hash in leaf_hashes {
            let mut hash = *leaf_hash;
            for (level, (below, count)) in KEPT_LEVELS.iter().zip(&mut self.levels) {
                below.push(hash);
                if below.len() < 256 {
                    break;
                }
                hash = subtree_root(below);
                below.clear();
                complete.push((*level, *count, hash));
                *count += 1;
            }
        }
        complete
    }
}
