//! The whole ledger in a few maps: slow, plain, and the oracle of every other implementation.

mod reads;
mod reasons;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Act, AssetId, Class, ClassId, Effects, NO_LEAF, Outcome, Party, PartyId, Payload, Prior, Record, RecordId,
    Rejection, Transfer,
};

/// A ledger in memory, written independently of [`crate::decide`], so that each can be held against
/// the other. It keeps every chain as a list, and reads sequence numbers and links off it.
///
/// ```
/// use bulla_ledger::{Outcome, PartyId, RecordId, ReferenceLedger, Rejection, Transfer};
///
/// let mut ledger = ReferenceLedger::new(1);
/// let anna = PartyId::from_bytes([2; 16]);
/// let first = Transfer::enroll(RecordId::from_bytes([8; 16]), anna);
/// let second = Transfer::enroll(RecordId::from_bytes([9; 16]), anna);
/// assert!(matches!(ledger.submit(&first, None, 0), Outcome::Accepted(_)));
/// assert_eq!(ledger.submit(&first, None, 0), Outcome::AlreadyAccepted { leaf_index: 1 });
/// assert_eq!(ledger.submit(&second, None, 0), Outcome::Rejected(Rejection::PartyExists));
/// assert_eq!(ledger.submit(&second, None, 0), Outcome::AlreadyRejected(Rejection::PartyExists));
/// ```
#[derive(Debug, Clone)]
pub struct ReferenceLedger {
    next_leaf_index: u64,
    records: BTreeMap<u64, Record>,
    priors: BTreeMap<RecordId, Prior>,
    parties: BTreeMap<PartyId, Party>,
    classes: BTreeMap<ClassId, Class>,
    /// The registration of each asset.
    registered: BTreeMap<AssetId, Record>,
    owners: BTreeMap<AssetId, PartyId>,
    holders: BTreeMap<AssetId, PartyId>,
    retired: BTreeSet<AssetId>,
    /// Of quantity assets; nobody (party nil) has what is outstanding.
    units: BTreeMap<(AssetId, PartyId), u128>,
    /// Leaf indexes, oldest first. A unique asset's chain is under party nil.
    chains: BTreeMap<(AssetId, PartyId), Vec<u64>>,
    /// Records whose payloads were erased.
    erased: BTreeSet<RecordId>,
    /// Incidents that were closed.
    closed: BTreeSet<RecordId>,
}

impl ReferenceLedger {
    /// An empty ledger, whose first record will stand at `first_leaf_index`.
    pub const fn new(first_leaf_index: u64) -> Self {
        Self {
            next_leaf_index: first_leaf_index,
            records: BTreeMap::new(),
            priors: BTreeMap::new(),
            parties: BTreeMap::new(),
            classes: BTreeMap::new(),
            registered: BTreeMap::new(),
            owners: BTreeMap::new(),
            holders: BTreeMap::new(),
            retired: BTreeSet::new(),
            units: BTreeMap::new(),
            chains: BTreeMap::new(),
            erased: BTreeSet::new(),
            closed: BTreeSet::new(),
        }
    }

    /// Answers one request at `time_us` (POSIX microseconds), or at the time of the last record if
    /// that is later.
    pub fn submit(&mut self, transfer: &Transfer, payload: Option<&Payload>, time_us: u64) -> Outcome {
        let last = self.records.last_key_value();
        let time_us = last.map_or(time_us, |(_, last)| last.time_us.max(time_us));
        let outcome = self.judge(transfer, payload, time_us);
        if let Outcome::Rejected(rejection) = outcome {
            self.spend(transfer, rejection);
        }
        outcome
    }

    /// Answers several requests in order, each knowing what the ones before it did.
    ///
    /// If `atomic`, all take effect or none does. The first item that is refused gets its reason
    /// and, when that is final, spends its id. The others are then
    /// [`BatchRejected`](Rejection::BatchRejected), which spends nothing, except those that had
    /// been accepted before the batch: they stay so.
    pub fn submit_batch(&mut self, items: &[(Transfer, Option<Payload>)], atomic: bool, time_us: u64) -> Vec<Outcome> {
        let before = atomic.then(|| self.clone());
        let mut outcomes = Vec::new();
        for (failed, (transfer, payload)) in items.iter().enumerate() {
            let outcome = self.submit(transfer, payload.as_ref(), time_us);
            outcomes.push(outcome);
            let refused = matches!(outcome, Outcome::Rejected(_) | Outcome::AlreadyRejected(_));
            if let (true, Some(before)) = (refused, &before) {
                self.clone_from(before);
                return self.refuse_batch(items, failed, outcome);
            }
        }
        outcomes
    }

    fn refuse_batch(&mut self, items: &[(Transfer, Option<Payload>)], failed: usize, outcome: Outcome) -> Vec<Outcome> {
        let others =
            |(transfer, payload): &(Transfer, Option<Payload>)| match self.judge_repeat(transfer, payload.as_ref()) {
                Some(accepted @ Outcome::AlreadyAccepted { .. }) => accepted,
                _ => Outcome::Rejected(Rejection::BatchRejected),
            };
        let mut outcomes: Vec<Outcome> = items.iter().map(others).collect();
        outcomes[failed] = outcome;
        if let Outcome::Rejected(rejection) = outcome {
            self.spend(&items[failed].0, rejection);
        }
        outcomes
    }

    fn judge(&mut self, transfer: &Transfer, payload: Option<&Payload>, time_us: u64) -> Outcome {
        if let Some(rejection) = reasons::of_form(transfer, payload).into_iter().min() {
            return Outcome::Rejected(rejection);
        }
        if let Some(outcome) = self.judge_repeat(transfer, payload) {
            return outcome;
        }
        if let Some(rejection) = reasons::of_state(self, transfer, time_us).into_iter().min() {
            return Outcome::Rejected(rejection);
        }
        Outcome::Accepted(self.record(transfer, payload, time_us))
    }

    /// The answer to a request whose record id is taken.
    fn judge_repeat(&self, transfer: &Transfer, payload: Option<&Payload>) -> Option<Outcome> {
        let prior = self.priors.get(&transfer.record_id)?;
        if let Some(rejection) = reasons::of_repeat(transfer, payload, prior).into_iter().min() {
            return Some(Outcome::Rejected(rejection));
        }
        Some(match *prior {
            Prior::Accepted { leaf_index, .. } => Outcome::AlreadyAccepted { leaf_index },
            Prior::Rejected { rejection, .. } => Outcome::AlreadyRejected(rejection),
        })
    }

    fn spend(&mut self, transfer: &Transfer, rejection: Rejection) {
        if rejection.is_final() {
            let prior = Prior::Rejected { transfer: *transfer, rejection };
            assert_eq!(self.priors.insert(transfer.record_id, prior), None);
        }
    }

    fn record(&mut self, transfer: &Transfer, payload: Option<&Payload>, time_us: u64) -> Effects {
        let leaf_index = self.next_leaf_index;
        self.next_leaf_index += 1;
        let chains = chains_of(transfer);
        let mut record = Record {
            leaf_index,
            transfer: *transfer,
            asset_seq: 0,
            prev_leaf: NO_LEAF,
            prev_leaf_to: NO_LEAF,
            ref_leaf: NO_LEAF,
            time_us,
        };
        if let Some(chain) = chains.first() {
            let leaves = self.chains.entry(*chain).or_default();
            record.asset_seq = leaves.len() as u64;
            record.prev_leaf = leaves.last().copied().unwrap_or(NO_LEAF);
            leaves.push(leaf_index);
        }
        if let Some(chain) = chains.get(1) {
            let leaves = self.chains.entry(*chain).or_default();
            record.prev_leaf_to = leaves.last().copied().unwrap_or(NO_LEAF);
            leaves.push(leaf_index);
        }
        if transfer.act == Act::Register {
            record.ref_leaf = self.classes[&ClassId(transfer.from.0)].leaf_index;
        }
        if let Some((leaf_index, _)) = self.recorded(RecordId(transfer.asset_id.0))
            && matches!(transfer.act, Act::Incident | Act::Erase)
        {
            record.ref_leaf = leaf_index;
        }
        let salt = payload.map(|payload| payload.salt);
        let prior = Prior::Accepted { transfer: *transfer, leaf_index, salt, erased: false };
        assert_eq!(self.priors.insert(transfer.record_id, prior), None);
        self.records.insert(leaf_index, record);
        self.change(&record);

        let quantity = transfer.quantity_asset;
        let asset = if quantity && transfer.act != Act::Register { None } else { self.asset(transfer.asset_id) };
        let row = |chain: Option<&(AssetId, PartyId)>| {
            chain.and_then(|&(asset_id, party_id)| self.position(asset_id, party_id))
        };
        Effects {
            record,
            asset: asset.filter(|_| !chains.is_empty()),
            positions: [row(chains.first()), row(chains.get(1))],
            party: self.party(transfer.to).filter(|_| transfer.act == Act::Enroll),
            class: self.class(ClassId(transfer.asset_id.0)).filter(|_| transfer.act == Act::Define),
        }
    }

    fn change(&mut self, record: &Record) {
        let Transfer { asset_id, from, to, quantity, quantity_asset, .. } = record.transfer;
        match record.transfer.act {
            Act::Enroll => {
                let party = Party { party_id: to, leaf_index: record.leaf_index };
                self.parties.insert(to, party);
            }
            Act::Define => {
                let class_id = ClassId(asset_id.0);
                let scale = quantity as u8;
                let class = Class { class_id, quantity: quantity_asset, scale, leaf_index: record.leaf_index };
                self.classes.insert(class_id, class);
            }
            Act::Register => {
                self.registered.insert(asset_id, *record);
                if quantity_asset {
                    self.units.insert((asset_id, PartyId::NIL), 0);
                } else {
                    self.owners.insert(asset_id, to);
                    self.holders.insert(asset_id, to);
                }
            }
            Act::Issue => {
                *self.units.entry((asset_id, PartyId::NIL)).or_default() += quantity;
                *self.units.entry((asset_id, to)).or_default() += quantity;
            }
            Act::Transfer if quantity_asset => {
                *self.units.entry((asset_id, from)).or_default() -= quantity;
                *self.units.entry((asset_id, to)).or_default() += quantity;
            }
            Act::Transfer => {
                if record.transfer.moves_title {
                    self.owners.insert(asset_id, to);
                }
                if record.transfer.moves_custody {
                    self.holders.insert(asset_id, to);
                }
            }
            Act::Retire => {
                self.retired.insert(asset_id);
            }
            Act::Redeem => {
                *self.units.entry((asset_id, PartyId::NIL)).or_default() -= quantity;
                *self.units.entry((asset_id, from)).or_default() -= quantity;
            }
            Act::Amend => {}
            Act::Incident => {
                self.closed.extend(record.transfer.subject());
            }
            Act::Erase => {
                let target = RecordId(asset_id.0);
                self.erased.insert(target);
                if let Some(Prior::Accepted { salt, erased, .. }) = self.priors.get_mut(&target) {
                    (*salt, *erased) = (None, true);
                }
            }
        }
    }
}

/// The chains that a record of this request lengthens, the one that `asset_seq` counts first.
fn chains_of(transfer: &Transfer) -> Vec<(AssetId, PartyId)> {
    let Transfer { asset_id, from, to, quantity_asset, .. } = *transfer;
    match transfer.act {
        Act::Enroll | Act::Define | Act::Incident | Act::Erase => vec![],
        Act::Issue | Act::Transfer | Act::Redeem if quantity_asset => {
            vec![(asset_id, from), (asset_id, to)]
        }
        _ => vec![(asset_id, PartyId::NIL)],
    }
}
