//! The ledger held against the reference ledger, through closes, stores, seals and restarts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulla_ledger::{AssetId, Claimed, Outcome, PartyId, Payload, Record, ReferenceLedger, State, Transfer, look_up};
use bulla_sealing::{Checkpoint, Hash, Policy, leaf_hash, state_value, subtree_root};
use bulla_storage::{
    Answer, AttestOutcome, Batch, CertificateAnswer, ClosedTable, Closing, Entry, Holding, ReceiptAnswer, StateAnswer,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::node::{Node, attestation, party_id};
use crate::requests::{batches, opening};

const VOTERS: u8 = 2;

/// The state of every unique asset and of every position.
fn states(reference: &ReferenceLedger) -> Vec<State> {
    let unique: Vec<_> = reference.assets().filter_map(|asset| State::of_asset(&asset)).collect();
    unique.into_iter().chain(reference.positions().map(State::Position)).collect()
}

/// The root of the state map by its definition: a subtree with one state is that state.
fn state_root(states: Vec<State>, depth: usize) -> Hash {
    let hash = |prefix: u8, left: &[u8; 32], right: &[u8; 32]| {
        Hash(Sha256::digest([&[prefix][..], left, right].concat()).into())
    };
    match states.as_slice() {
        [] => Hash::ZERO,
        [state] => hash(2, &state.key(), &state_value(&state.encode()).0),
        _ => {
            let is_right = |state: &State| state.key()[depth / 8] >> (7 - depth % 8) & 1 == 1;
            let (right, left) = states.into_iter().partition(is_right);
            hash(3, &state_root(left, depth + 1).0, &state_root(right, depth + 1).0)
        }
    }
}

/// What may happen to a node.
#[derive(Debug, Clone)]
enum Step {
    Apply(u64, Vec<Batch>),
    Close(u64),
    /// Voter, and how many closed tables above the lowest that is not sealed.
    Attest(u8, u64),
    Store,
    Restart,
    Reset,
}

/// What the Raft log of the node holds.
#[derive(Debug, Clone)]
enum Logged {
    Apply(u64, Vec<Batch>, Vec<Vec<Answer>>),
    Close(u64, u64, Checkpoint),
    Attest(u64, u8, Checkpoint, AttestOutcome),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..1_000u64, batches()).prop_map(|(time, batches)| Step::Apply(time, batches)),
        3 => (0..1_000u64).prop_map(Step::Close),
        6 => (1..=VOTERS, 0..3u64).prop_map(|(voter, above)| Step::Attest(voter, above)),
        3 => Just(Step::Store),
        1 => Just(Step::Restart),
        1 => Just(Step::Reset),
    ];
    prop::collection::vec(step, 1..80)
}

struct World {
    node: Node,
    log: Vec<Logged>,
    reference: ReferenceLedger,
    leaf_hashes: Vec<Hash>,
    /// First leaf of the open table.
    first_leaf: usize,
    last_time_us: u64,
    payloads: BTreeMap<u64, Payload>,
    checkpoints: Vec<Checkpoint>,
    /// The reference ledger as it was when each table closed.
    closed: Vec<ReferenceLedger>,
}

impl World {
    fn new() -> Self {
        let node = Node::new(VOTERS);
        let genesis = node.identity.genesis.encode();
        let mut world = Self {
            node,
            log: Vec::new(),
            reference: ReferenceLedger::new(1),
            leaf_hashes: vec![leaf_hash(&genesis)],
            first_leaf: 0,
            last_time_us: 0,
            payloads: BTreeMap::new(),
            checkpoints: Vec::new(),
            closed: Vec::new(),
        };
        world.apply(1, opening());
        world
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Apply(time_us, batches) => self.apply(time_us, batches),
            Step::Close(closed_us) => self.close(closed_us),
            Step::Attest(voter, above) => self.attest(voter, above),
            Step::Store => self.store(),
            Step::Restart => {
                self.node.reopen();
                self.replay();
            }
            Step::Reset => {
                self.node.ledger().reset_open().unwrap();
                self.replay();
            }
        }
    }

    fn apply(&mut self, time_us: u64, batches: Vec<Batch>) {
        let answers = self.node.ledger().apply_requests(time_us, &batches).unwrap();
        self.last_time_us = self.last_time_us.max(time_us);
        for (batch, answers) in batches.iter().zip(&answers) {
            let items: Vec<_> = batch.items.iter().map(|item| (item.transfer, item.payload.clone())).collect();
            let outcomes = self.reference.submit_batch(&items, batch.atomic, self.last_time_us);
            for ((item, outcome), answer) in batch.items.iter().zip(&outcomes).zip(answers) {
                self.check_answer(outcome, answer);
                if let Outcome::Accepted(effects) = outcome {
                    self.leaf_hashes.push(leaf_hash(&effects.record.encode()));
                    if let Some(payload) = &item.payload {
                        self.payloads.insert(effects.record.leaf_index, payload.clone());
                    }
                }
            }
        }
        self.log.push(Logged::Apply(time_us, batches, answers));
    }

    fn check_answer(&self, outcome: &Outcome, answer: &Answer) {
        let expected = match outcome {
            Outcome::Accepted(effects) => (effects.record.leaf_index, false),
            Outcome::AlreadyAccepted { leaf_index } => (*leaf_index, true),
            Outcome::Rejected(rejection) | Outcome::AlreadyRejected(rejection) => {
                assert_eq!(answer, &Answer::Rejected { rejection: *rejection });
                return;
            }
        };
        let Answer::Recorded { leaf_index, height, table_id, time_us, repeated } = answer else {
            panic!("{answer:?} instead of {expected:?}");
        };
        assert_eq!((*leaf_index, *repeated), expected);
        assert_eq!(*time_us, self.reference.record_at(*leaf_index).unwrap().time_us);
        let table = self.node.ledger().table(*height).unwrap().unwrap();
        assert_eq!(table.table_id, *table_id);
        assert!((table.first_leaf..table.first_leaf + table.records).contains(leaf_index));
    }

    fn close(&mut self, closed_us: u64) {
        let closed = self.close_on_node(closed_us, self.log.len() as u64);
        let header = closed.header();
        assert_eq!(header.records_root, subtree_root(&self.leaf_hashes[self.first_leaf..]));
        assert_eq!(header.log_root, subtree_root(&self.leaf_hashes));
        assert_eq!(header.state_root, state_root(states(&self.reference), 0));
        assert_eq!(header.opened_us.max(self.last_time_us).max(closed_us), header.closed_us);
        self.leaf_hashes.push(leaf_hash(&header.encode()));
        assert_eq!(closed.checkpoint().root, subtree_root(&self.leaf_hashes));
        self.closed.push(self.reference.clone());
        self.reference.skip_leaf();
        self.first_leaf = self.leaf_hashes.len();
        self.last_time_us = header.closed_us;
        self.checkpoints.push(closed.checkpoint().clone());
        self.log.push(Logged::Close(closed_us, self.log.len() as u64, closed.checkpoint().clone()));
    }

    fn close_on_node(&self, closed_us: u64, at: u64) -> Arc<ClosedTable> {
        let ledger = self.node.ledger();
        let replay_from = (at + 1).to_be_bytes().to_vec();
        let height = ledger.open_table().height;
        let closing = Closing { closed_us, raft_term: 1, raft_index: at, replay_from };
        assert!(ledger.close(height + 1, closing.clone()).is_none());
        ledger.close(height, closing).unwrap()
    }

    fn attest(&mut self, voter: u8, above: u64) {
        let height = self.node.ledger().sealing_status().sealed_height.map_or(0, |sealed| sealed + 1) + above;
        if height >= self.checkpoints.len() as u64 {
            return;
        }
        let checkpoint = self.checkpoints[height as usize].clone();
        let outcome = self.node.ledger().attest(height, &attestation(voter, &checkpoint)).unwrap();
        self.log.push(Logged::Attest(height, voter, checkpoint, outcome));
    }

    fn store(&self) {
        if let Some(oldest) = self.node.ledger().closed_tables().first() {
            self.node.ledger().store(oldest).unwrap();
            let from_disk = self.node.ledger().checkpoint_from_disk(oldest.height()).unwrap();
            assert_eq!(&from_disk, oldest.checkpoint());
        }
    }

    /// Applies again what came after the last stored block. Everything must come out as it did the first time.
    fn replay(&self) {
        let ledger = self.node.ledger();
        let from = ledger.durable().replay_from.map_or(0, |at| u64::from_be_bytes(at.try_into().unwrap()));
        for logged in &self.log[from as usize..] {
            match logged {
                Logged::Apply(time_us, batches, answers) => {
                    assert_eq!(&ledger.apply_requests(*time_us, batches).unwrap(), answers);
                }
                Logged::Close(closed_us, at, checkpoint) => {
                    assert_eq!(self.close_on_node(*closed_us, *at).checkpoint(), checkpoint);
                }
                Logged::Attest(height, voter, checkpoint, outcome) => {
                    assert_eq!(&ledger.attest(*height, &attestation(*voter, checkpoint)).unwrap(), outcome);
                }
            }
        }
    }

    fn check_rows(&self) {
        let (ledger, reference) = (self.node.ledger(), &self.reference);
        assert_eq!(ledger.assets(None, usize::MAX).unwrap(), reference.assets().collect::<Vec<_>>());
        assert_eq!(ledger.parties(None, usize::MAX).unwrap(), reference.parties().collect::<Vec<_>>());
        assert_eq!(ledger.classes(None, usize::MAX).unwrap(), reference.classes().collect::<Vec<_>>());
        for asset in reference.assets() {
            let mut positions = ledger.positions_of_asset(asset.asset_id, None, usize::MAX).unwrap();
            positions.extend(ledger.position(asset.asset_id, bulla_ledger::PartyId::NIL).unwrap());
            positions.sort_by_key(|position| position.party_id);
            let expected: Vec<_> =
                reference.positions().filter(|position| position.asset_id == asset.asset_id).collect();
            assert_eq!(positions, expected);
        }
        assert_eq!(ledger.size(), self.leaf_hashes.len() as u64);
    }

    fn check_pages(&self) {
        let ledger = self.node.ledger();
        let (mut assets, mut after) = (Vec::new(), None);
        while let Some(asset) = ledger.assets(after, 1).unwrap().first() {
            after = Some(asset.asset_id);
            assets.push(*asset);
        }
        assert_eq!(assets, self.reference.assets().collect::<Vec<_>>());
    }

    fn check_holdings(&self) {
        for party in 0..5 {
            let party = party_id(party);
            let holding = |asset: bulla_ledger::Asset| {
                let position = self.reference.position(asset.asset_id, party).filter(|position| position.available > 0);
                let holds = !asset.retired && (asset.owner == party || asset.holder == party);
                (holds || position.is_some()).then_some(Holding { asset, position })
            };
            let expected: Vec<_> = self.reference.assets().filter_map(holding).collect();
            assert_eq!(self.node.ledger().holdings(party, None, usize::MAX).unwrap(), expected);
        }
    }

    fn check_records(&self) {
        let ledger = self.node.ledger();
        let sealed = ledger.sealing_status().sealed_height;
        let stored = ledger.durable().height;
        for record in self.reference.records() {
            let view = ledger.record(record.transfer.record_id).unwrap().unwrap();
            assert_eq!(view.entry, Entry::Recorded(*record));
            assert_eq!(view.sealed, sealed.is_some_and(|sealed| view.height <= sealed));
            assert_eq!(ledger.record_at(record.leaf_index).unwrap(), Some(*record));
            assert_eq!(ledger.payload(record.leaf_index).unwrap().as_ref(), self.payloads.get(&record.leaf_index));
            let ready = view.sealed && stored.is_some_and(|stored| view.height <= stored);
            match ledger.receipt(record.leaf_index, true).unwrap() {
                ReceiptAnswer::Ready(receipt) => {
                    assert!(ready);
                    receipt.verify(&bulla_sealing::Policy::from_config(&self.node.identity.genesis).unwrap()).unwrap();
                }
                answer => assert_eq!((answer, ready), (ReceiptAnswer::NotSealed, false)),
            }
        }
    }

    /// Histories are what a scan over all records finds.
    fn check_histories(&self) {
        for asset in self.reference.assets() {
            for party in (0..5).map(party_id).map(Some).chain([None]) {
                let concerns = |transfer: &Transfer| match (asset.quantity_asset, party) {
                    (_, Some(party)) => transfer.from == party || transfer.to == party,
                    (true, None) => self.moves_outstanding(transfer),
                    (false, None) => true,
                };
                let of_asset = |record: &&Record| record.transfer.asset_id == asset.asset_id;
                let mut expected: Vec<Record> = self
                    .reference
                    .records()
                    .filter(of_asset)
                    .filter(|record| concerns(&record.transfer))
                    .copied()
                    .collect();
                expected.reverse();
                let ledger = self.node.ledger();
                let history = ledger.history(asset.asset_id, party, None, usize::MAX).unwrap();
                assert_eq!(history, expected);
                let (mut paged, mut before) = (Vec::new(), None);
                while let Some(record) = ledger.history(asset.asset_id, party, before, 1).unwrap().first() {
                    before = Some(record.leaf_index);
                    paged.push(*record);
                }
                assert_eq!(paged, expected);
            }
        }
    }

    /// Every state there was when the last sealed and stored table closed is proven, and every other is proven absent.
    fn check_proofs(&self) {
        let ledger = self.node.ledger();
        let policy = Policy::from_config(&self.node.identity.genesis).unwrap();
        let Some(height) = ledger.sealing_status().sealed_height.min(ledger.durable().height) else {
            assert_eq!(ledger.asset_proof(AssetId::NIL, None).unwrap(), StateAnswer::NotSealed);
            return;
        };
        let then = &self.closed[height as usize];
        let assets = self.reference.assets().map(|asset| asset.asset_id).chain([AssetId::from_bytes([9; 16])]);
        for (asset_id, party) in
            assets.flat_map(|id| (0..5).map(party_id).map(Some).chain([None]).map(move |party| (id, party)))
        {
            let position = then.position(asset_id, party.unwrap_or(PartyId::NIL)).map(State::Position);
            let expected = then.asset(asset_id).and_then(|asset| State::of_asset(&asset)).or(position);
            let StateAnswer::Ready(proof) = ledger.asset_proof(asset_id, party).unwrap() else { panic!("{height}") };
            let verified = proof.verify(&policy).unwrap();
            assert_eq!(verified.header.height, height);
            let claims: Vec<Claimed<'_>> =
                verified.states.iter().map(|(key, state)| (&key.0, state.as_deref())).collect();
            assert_eq!(look_up(asset_id, party, &claims), Ok(expected));
            match ledger.certificate(asset_id, party).unwrap() {
                CertificateAnswer::Ready(certificate) => {
                    assert_eq!(certificate.records.len() as u64, expected.unwrap().seq() + 1);
                }
                answer => assert_eq!((answer, expected), (CertificateAnswer::Unknown, None)),
            }
        }
    }

    fn moves_outstanding(&self, transfer: &Transfer) -> bool {
        use bulla_ledger::Act::{Amend, Issue, Redeem, Register};
        matches!(transfer.act, Register | Issue | Redeem | Amend)
    }

    fn check_all(&self) {
        self.check_rows();
        self.check_pages();
        self.check_holdings();
        self.check_records();
        self.check_histories();
        self.check_proofs();
        let stored = self.node.ledger().durable().height.map_or(0, |height| height + 1);
        let verified = self.node.ledger().verify_all(&mut |_| {}).unwrap();
        assert_eq!(verified.blocks, stored);
        assert_eq!(verified.checkpoint, stored.checked_sub(1).map(|last| self.checkpoints[last as usize].clone()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_row_root_and_history_is_the_reference_ledgers(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.check_all();
        world.node.reopen();
        world.replay();
        world.check_all();
        world.close(0);
        while !world.node.ledger().closed_tables().is_empty() {
            world.store();
        }
        world.check_all();
        world.node.reopen();
        world.check_all();
    }
}
