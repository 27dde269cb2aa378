//! What no sequence of requests can break, however senseless the requests are.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use bulla_ledger::{
    Act, Asset, AssetId, Class, ClassId, Effects, Facts, NO_LEAF, Outcome, Party, PartyId, Payload,
    Place, Position, Prior, Record, RecordId, ReferenceLedger, Rejection, Source, Transfer, decide,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const NOW_US: u64 = 1_700_000_000_000_000;

type Item = (Transfer, Option<Payload>);

/// A world so small that requests meet: few ids of each kind, and earlier requests come again,
/// some of them altered.
fn requests() -> impl Strategy<Value = Vec<Item>> {
    let again = proptest::option::weighted(0.2, (any::<prop::sample::Index>(), 0..20u8));
    proptest::collection::vec((item(), again), 1..120).prop_map(|items| {
        let opening = opening().into_iter().map(|transfer| (transfer, None));
        let mut requests: Vec<Item> = opening.collect();
        for (item, again) in items {
            requests.push(match again {
                Some((earlier, how)) => {
                    let (transfer, payload) = requests[earlier.index(requests.len())].clone();
                    (altered(transfer, how), payload)
                }
                None => item,
            });
        }
        requests
    })
}

/// So that most stories get somewhere.
fn opening() -> [Transfer; 9] {
    let mut n = 0;
    [
        Transfer::enroll(record(0), party(1)),
        Transfer::enroll(record(0), party(2)),
        Transfer::enroll(record(0), party(3)),
        Transfer::define(record(0), class(1), false, 0),
        Transfer::define(record(0), class(2), true, 2),
        Transfer::register(record(0), asset(1), class(1), party(1)),
        Transfer::register_quantity(record(0), asset(2), class(2)),
        Transfer::issue(record(0), asset(2), party(1), 9),
        Transfer::issue(record(0), asset(2), party(2), 3),
    ]
    .map(|transfer| {
        n += 1;
        Transfer {
            record_id: record(200 + n),
            ..transfer
        }
    })
}

fn item() -> impl Strategy<Value = Item> {
    let nearly_sensible = (sensible(), 0..20u8).prop_map(|(transfer, how)| altered(transfer, how));
    let transfer = prop_oneof![4 => sensible(), 1 => nearly_sensible, 1 => senseless()];
    let event_time_us = prop_oneof![
        8 => Just(0),
        1 => Just(NOW_US + 300_000_000),
        1 => Just(NOW_US + 300_000_001),
    ];
    let payload = prop_oneof![
        3 => Just(None),
        1 => (0..3u8, 0..3u8).prop_map(|(salt, text)| {
            Some(Payload { salt: [salt; 32], bytes: vec![text] })
        }),
    ];
    (
        transfer,
        event_time_us,
        payload,
        any::<prop::sample::Index>(),
    )
        .prop_map(|(transfer, event_time_us, payload, odd)| {
            let transfer = transfer.happened_at(event_time_us);
            match payload {
                Some(payload) if odd.index(20) == 0 => (transfer, Some(payload)),
                Some(payload) => (transfer.with_payload(&payload), Some(payload)),
                None => (transfer, None),
            }
        })
}

fn sensible() -> impl Strategy<Value = Transfer> {
    let quantity = prop_oneof![6 => 1..5u128, 1 => Just(u128::MAX), 1 => Just(u128::MAX - 12)];
    (0..60u8, 1..4u8, 1..4u8, 1..5u8, 1..5u8, quantity, 0..13u8).prop_map(
        |(record_id, asset_id, class_id, from, to, quantity, shape)| {
            let (id, a, c) = (record(record_id), asset(asset_id), class(class_id));
            let (from, to) = (party(from), party(to));
            match shape {
                0 => Transfer::register(id, a, c, to),
                1 => Transfer::register_quantity(id, a, c),
                2 => Transfer::issue(id, a, to, quantity),
                3 | 4 => Transfer::transfer(id, a, from, to),
                5 => Transfer::custody(id, a, from, to),
                6 => Transfer::title(id, a, from, to),
                7 | 8 => Transfer::send(id, a, from, to, quantity),
                9 => Transfer::redeem(id, a, from, quantity),
                10 if record_id % 4 == 0 => Transfer::retire(id, a, from),
                10 => Transfer::amend(id, a, [record_id; 32]),
                11 => Transfer::amend_quantity(id, a, [record_id; 32]),
                _ if record_id % 2 == 0 => Transfer::enroll(id, to),
                _ => Transfer::define(id, c, quantity.is_multiple_of(2), (quantity % 40) as u8),
            }
        },
    )
}

fn senseless() -> impl Strategy<Value = Transfer> {
    (any::<[u8; 6]>(), 0..8usize, any::<[bool; 4]>()).prop_map(|(n, act, flags)| Transfer {
        record_id: record(n[0] % 60),
        asset_id: asset(n[1] % 4),
        from: party(n[2] % 5),
        to: party(n[3] % 5),
        quantity: u128::from(n[4] % 3),
        event_time_us: 0,
        act: Act::ALL[act],
        quantity_asset: flags[0],
        moves_title: flags[1],
        moves_custody: flags[2],
        payload_commit: flags[3].then_some([n[5] % 2; 32]),
    })
}

/// The same request, perhaps with something changed.
fn altered(transfer: Transfer, how: u8) -> Transfer {
    let mut altered = transfer;
    match how {
        0 => altered.record_id = RecordId::NIL,
        1 => altered.asset_id = asset(1),
        2 => altered.asset_id = AssetId::NIL,
        3 => altered.from = party(1),
        4 => altered.from = PartyId::NIL,
        5 => altered.to = party(2),
        6 => altered.to = PartyId::NIL,
        7 => altered.quantity += u128::from(altered.quantity < 99),
        8 => altered.quantity = 39,
        9 => altered.event_time_us = 1,
        10 => altered.quantity_asset = !altered.quantity_asset,
        11 => altered.moves_title = !altered.moves_title,
        12 => altered.moves_custody = !altered.moves_custody,
        13 => altered.payload_commit = None,
        14 => altered.payload_commit = Some([1; 32]),
        _ => {}
    }
    altered
}

const fn record(n: u8) -> RecordId {
    RecordId::from_bytes([n; 16])
}

const fn asset(n: u8) -> AssetId {
    AssetId::from_bytes([n; 16])
}

/// The same bytes as assets and classes: ids of different kinds must never meet.
const fn party(n: u8) -> PartyId {
    PartyId::from_bytes([n; 16])
}

const fn class(n: u8) -> ClassId {
    ClassId::from_bytes([n; 16])
}

/// The ledger as storage keeps it: rows, changed by nothing but the effects of `decide`.
#[derive(Default)]
struct Rows {
    records: BTreeMap<u64, Record>,
    priors: BTreeMap<RecordId, Prior>,
    assets: BTreeMap<AssetId, Asset>,
    positions: BTreeMap<(AssetId, PartyId), Position>,
    parties: BTreeMap<PartyId, Party>,
    classes: BTreeMap<ClassId, Class>,
}

impl Rows {
    fn submit(&mut self, (transfer, payload): &Item) -> Outcome {
        let Ok(facts) = Facts::gather(transfer, payload.as_ref(), self);
        let place = Place {
            leaf_index: self.records.len() as u64 + 1,
            time_us: NOW_US,
        };
        let outcome = decide(transfer, &facts, place);
        match outcome {
            Outcome::Accepted(effects) => {
                self.write(&effects);
                let leaf_index = effects.record.leaf_index;
                let salt = payload.as_ref().map(|payload| payload.salt);
                let prior = Prior::Accepted {
                    transfer: *transfer,
                    leaf_index,
                    salt,
                };
                self.priors.insert(transfer.record_id, prior);
            }
            Outcome::Rejected(rejection) if rejection.is_final() => {
                let prior = Prior::Rejected {
                    transfer: *transfer,
                    rejection,
                };
                self.priors.insert(transfer.record_id, prior);
            }
            _ => {}
        }
        outcome
    }

    fn write(&mut self, effects: &Effects) {
        self.records
            .insert(effects.record.leaf_index, effects.record);
        self.assets
            .extend(effects.asset.map(|row| (row.asset_id, row)));
        self.parties
            .extend(effects.party.map(|row| (row.party_id, row)));
        self.classes
            .extend(effects.class.map(|row| (row.class_id, row)));
        let positions = effects.positions.into_iter().flatten();
        self.positions
            .extend(positions.map(|row| ((row.asset_id, row.party_id), row)));
    }

    fn after(requests: &[Item]) -> Self {
        let mut rows = Self::default();
        for item in requests {
            rows.submit(item);
        }
        rows
    }

    /// Every chain there is: whose, its last sequence number, its last leaf.
    fn chains(&self) -> Vec<(AssetId, PartyId, u64, u64)> {
        let unique = self.assets.values().filter(|row| !row.quantity_asset);
        let unique = unique.map(|row| (row.asset_id, PartyId::NIL, row.seq, row.last_leaf));
        let positions = self.positions.values();
        let positions = positions.map(|row| (row.asset_id, row.party_id, row.seq, row.last_leaf));
        unique.chain(positions).collect()
    }
}

impl Source for Rows {
    type Error = Infallible;

    fn prior(&self, record_id: RecordId) -> Result<Option<Prior>, Infallible> {
        Ok(self.priors.get(&record_id).copied())
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, Infallible> {
        Ok(self.assets.get(&asset_id).copied())
    }

    fn position(&self, asset: AssetId, party: PartyId) -> Result<Option<Position>, Infallible> {
        Ok(self.positions.get(&(asset, party)).copied())
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, Infallible> {
        Ok(self.parties.get(&party_id).copied())
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, Infallible> {
        Ok(self.classes.get(&class_id).copied())
    }
}

fn refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(_) | Outcome::AlreadyRejected(_))
}

proptest! {
    #[test]
    fn the_rules_and_the_reference_agree_on_every_answer_and_every_row(requests in requests()) {
        let mut rows = Rows::default();
        let mut reference = ReferenceLedger::new(1);
        for (transfer, payload) in &requests {
            let expected = reference.submit(transfer, payload.as_ref(), NOW_US);
            prop_assert_eq!(rows.submit(&(*transfer, payload.clone())), expected);
        }
        prop_assert!(rows.records.values().eq(reference.records()));
        prop_assert!(rows.assets.into_values().eq(reference.assets()));
        prop_assert!(rows.positions.into_values().eq(reference.positions()));
        prop_assert!(rows.parties.into_values().eq(reference.parties()));
        prop_assert!(rows.classes.into_values().eq(reference.classes()));
        for (record_id, prior) in rows.priors {
            prop_assert_eq!(Some(prior), reference.prior(record_id));
        }
    }

    #[test]
    fn what_the_parties_have_is_what_is_outstanding(requests in requests()) {
        let rows = Rows::after(&requests);
        let mut held: BTreeMap<AssetId, u128> = BTreeMap::new();
        for ((asset, party), position) in &rows.positions {
            if !party.is_nil() {
                *held.entry(*asset).or_default() += position.available;
            }
        }
        for row in rows.assets.values().filter(|row| row.quantity_asset) {
            let outstanding = rows.positions[&(row.asset_id, PartyId::NIL)].available;
            prop_assert_eq!(held.remove(&row.asset_id).unwrap_or(0), outstanding);
        }
        prop_assert!(held.is_empty());
    }

    #[test]
    fn a_unique_asset_has_exactly_one_owner_and_one_holder(requests in requests()) {
        let rows = Rows::after(&requests);
        for row in rows.assets.values() {
            let somebody = |party: PartyId| rows.parties.contains_key(&party);
            prop_assert_eq!(somebody(row.owner), !row.quantity_asset);
            prop_assert_eq!(somebody(row.holder), !row.quantity_asset);
            let positions = rows.positions.keys().filter(|(asset, _)| *asset == row.asset_id);
            prop_assert_eq!(positions.count() > 0, row.quantity_asset);
        }
    }

    #[test]
    fn a_record_id_takes_effect_at_most_once(requests in requests()) {
        let rows = Rows::after(&[&requests[..], &requests[..]].concat());
        let mut seen = BTreeSet::new();
        for record in rows.records.values() {
            prop_assert!(seen.insert(record.transfer.record_id));
        }
    }

    #[test]
    fn the_links_of_a_chain_lead_through_every_record_of_it_to_its_first(requests in requests()) {
        let rows = Rows::after(&requests);
        let mut links_walked = 0;
        for (asset, party, last_seq, last_leaf) in rows.chains() {
            let mut leaf_index = Some(last_leaf);
            for seq in (0..=last_seq).rev() {
                let record = &rows.records[&leaf_index.expect("no gap before seq 0")];
                prop_assert_eq!(record.transfer.asset_id, asset);
                let counted_here = !record.transfer.quantity_asset
                    || record.transfer.positions_touched()[0] == Some(party);
                if counted_here {
                    prop_assert_eq!(record.asset_seq, seq);
                }
                leaf_index = record.previous(party);
                links_walked += usize::from(leaf_index.is_some());
            }
            prop_assert_eq!(leaf_index, None);
        }
        let links = rows.records.values().flat_map(|record| [record.prev_leaf, record.prev_leaf_to]);
        prop_assert_eq!(links.filter(|&link| link != NO_LEAF).count(), links_walked);
    }

    #[test]
    fn asking_again_gives_the_first_answer_and_changes_nothing(requests in requests()) {
        let mut rows = Rows::default();
        let first: Vec<Outcome> = requests.iter().map(|item| rows.submit(item)).collect();
        let records = rows.records.clone();
        for ((transfer, payload), first) in requests.into_iter().zip(first) {
            let expected = match first {
                Outcome::Accepted(effects) => {
                    Outcome::AlreadyAccepted { leaf_index: effects.record.leaf_index }
                }
                Outcome::Rejected(rejection) if rejection.is_final() => {
                    Outcome::AlreadyRejected(rejection)
                }
                // Its id was free then, and may have been used since.
                Outcome::Rejected(Rejection::EventTimeInFuture) => continue,
                answered_again => answered_again,
            };
            prop_assert_eq!(rows.submit(&(transfer, payload.clone())), expected);
            // A client that has forgotten the salt of the first time.
            let fresh = payload.map(|payload| Payload { salt: [0xFF; 32], ..payload });
            if let (Some(fresh), Outcome::Accepted(_)) = (fresh, first) {
                let again = (transfer.with_payload(&fresh), Some(fresh));
                prop_assert_eq!(rows.submit(&again), expected);
            }
        }
        prop_assert_eq!(rows.records, records);
    }

    #[test]
    fn an_atomic_batch_happens_as_a_whole_or_not_at_all(requests in requests(), size in 1..7usize) {
        let mut ledger = ReferenceLedger::new(1);
        for transfer in opening() {
            ledger.submit(&transfer, None, NOW_US);
        }
        for batch in requests[opening().len()..].chunks(size) {
            let before: Vec<Record> = ledger.records().copied().collect();
            let outcomes = ledger.submit_batch(batch, true, NOW_US);
            let failed = outcomes.iter().any(refused);
            let added = ledger.records().count() - before.len();
            let accepted = |outcome: &&Outcome| matches!(outcome, Outcome::Accepted(_));
            prop_assert_eq!(added, outcomes.iter().filter(accepted).count());
            prop_assert!(!(failed && added > 0));
            let reasons = outcomes.iter().filter(|outcome| {
                refused(outcome) && **outcome != Outcome::Rejected(Rejection::BatchRejected)
            });
            prop_assert_eq!(reasons.count(), usize::from(failed));

            let after: Vec<Record> = ledger.records().copied().collect();
            let again = ledger.submit_batch(batch, true, NOW_US);
            prop_assert!(ledger.records().eq(&after));
            for (first, again) in outcomes.into_iter().zip(again) {
                let expected = match first {
                    Outcome::Accepted(effects) => {
                        Outcome::AlreadyAccepted { leaf_index: effects.record.leaf_index }
                    }
                    Outcome::Rejected(rejection) if rejection.is_final() => {
                        Outcome::AlreadyRejected(rejection)
                    }
                    answered_again => answered_again,
                };
                prop_assert_eq!(again, expected);
            }
        }
    }

    #[test]
    fn every_record_and_row_survives_its_bytes(requests in requests()) {
        let rows = Rows::after(&requests);
        for record in rows.records.values() {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(*record));
            prop_assert_eq!(Transfer::decode(&record.transfer.encode()), Ok(record.transfer));
        }
        for row in rows.assets.values() {
            prop_assert_eq!(Asset::decode(&row.encode()), Ok(*row));
        }
        for row in rows.positions.values() {
            prop_assert_eq!(Position::decode(&row.encode()), Ok(*row));
        }
        for row in rows.parties.values() {
            prop_assert_eq!(Party::decode(&row.encode()), Ok(*row));
        }
        for row in rows.classes.values() {
            prop_assert_eq!(Class::decode(&row.encode()), Ok(*row));
        }
    }
}

/// Otherwise the claims above would say less than they seem to.
#[test]
fn the_requests_these_claims_are_tried_on_meet_nearly_every_answer() {
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<Rejection, u32> = BTreeMap::new();
    let mut acts: BTreeMap<(Act, bool), u32> = BTreeMap::new();
    for _ in 0..256 {
        let mut rows = Rows::default();
        for item in requests()
            .new_tree(&mut runner)
            .expect("requests can be made")
            .current()
        {
            match rows.submit(&item) {
                Outcome::Accepted(effects) => {
                    let transfer = effects.record.transfer;
                    *acts
                        .entry((transfer.act, transfer.quantity_asset))
                        .or_default() += 1;
                }
                Outcome::Rejected(rejection) => *met.entry(rejection).or_default() += 1,
                _ => {}
            }
        }
    }
    let often = |rejection: &&Rejection| met.get(rejection).is_none_or(|&times| times < 5);
    let seldom: Vec<_> = Rejection::ALL.iter().filter(often).collect();
    assert_eq!(
        seldom,
        [&Rejection::PayloadTooLong, &Rejection::BatchRejected]
    );
    assert_eq!(
        acts.values().filter(|&&times| times >= 5).count(),
        11,
        "{acts:?}"
    );
}
