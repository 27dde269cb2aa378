//! What no sequence of requests can break, however senseless the requests are.

mod custody;
mod requests;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use bulla_ledger::{
    Act, Asset, AssetId, Class, Field, NO_LEAF, Outcome, Party, PartyId, Payload, Position, Record, ReferenceLedger,
    Rejection, Transfer,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::requests::{opening, requests};
use crate::rows::Rows;

/// When everything happens.
const NOW_US: u64 = 1_700_000_000_000_000;

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
                // What it was compared with is no more.
                Outcome::Rejected(Rejection::ExistsWithDifferentContent(Field::Payload))
                    if rows.subjects[&transfer.record_id].erased =>
                {
                    continue;
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
            for ((first, again), (transfer, _)) in outcomes.into_iter().zip(again).zip(batch) {
                let expected = match first {
                    // What it was compared with is no more.
                    Outcome::Rejected(Rejection::ExistsWithDifferentContent(Field::Payload))
                        if ledger.is_erased(transfer.record_id) =>
                    {
                        continue;
                    }
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
    for _ in 0..512 {
        let mut rows = Rows::default();
        for item in requests().new_tree(&mut runner).expect("requests can be made").current() {
            match rows.submit(&item) {
                Outcome::Accepted(effects) => {
                    let transfer = effects.record.transfer;
                    *acts.entry((transfer.act, transfer.quantity_asset)).or_default() += 1;
                }
                Outcome::Rejected(rejection) => *met.entry(rejection).or_default() += 1,
                _ => {}
            }
        }
    }
    let often = |rejection: &&Rejection| met.get(rejection).is_none_or(|&times| times < 5);
    let seldom: Vec<_> = Rejection::ALL.iter().filter(often).collect();
    assert_eq!(seldom, [&Rejection::PayloadTooLong, &Rejection::BatchRejected]);
    assert_eq!(acts.len(), 14, "each act on each kind of asset it is for");
    assert!(acts.values().all(|&times| times >= 5), "{acts:?}");
}
