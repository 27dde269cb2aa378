//! Every state leads back to nothing through its own records, and through no others.

use bulla_ledger::{Custody, CustodyError, State};
use proptest::prelude::*;

use crate::requests::{Item, requests};
use crate::rows::Rows;

fn states(rows: &Rows) -> Vec<State> {
    let unique = rows.assets.values().filter_map(State::of_asset);
    unique.chain(rows.positions.values().copied().map(State::Position)).collect()
}

/// The leaves that a state's chain is made of, newest first.
fn leaves(rows: &Rows, state: &State) -> Vec<Vec<u8>> {
    let newest = Some(state.last_leaf());
    let chain = std::iter::successors(newest, |leaf_index| rows.records[leaf_index].previous(state.chain()));
    chain.map(|leaf_index| rows.records[&leaf_index].encode().to_vec()).collect()
}

fn check(state: &State, leaves: &[Vec<u8>]) -> Result<Custody, CustodyError> {
    Custody::check(&state.key(), &state.encode(), leaves.iter().map(Vec::as_slice))
}

proptest! {
    #[test]
    fn every_state_is_what_its_records_made_it(requests in requests()) {
        let rows = Rows::after(&requests);
        for state in states(&rows) {
            let leaves = leaves(&rows, &state);
            let custody = check(&state, &leaves);
            prop_assert!(custody.is_ok(), "{custody:?}");
            prop_assert_eq!(custody.unwrap().records.len() as u64, state.seq() + 1);
        }
    }

    #[test]
    fn a_chain_with_a_record_left_out_or_added_is_refused(requests in requests(), place in any::<prop::sample::Index>()) {
        let rows = Rows::after(&requests);
        for state in states(&rows) {
            let whole = leaves(&rows, &state);
            let place = place.index(whole.len());
            let mut shorter = whole.clone();
            let one = shorter.remove(place);
            prop_assert!(check(&state, &shorter).is_err());
            let mut longer = whole;
            longer.insert(place, one);
            prop_assert!(check(&state, &longer).is_err());
        }
    }

    #[test]
    fn the_state_before_a_record_is_the_one_that_was(requests in requests()) {
        let later = Rows::after(&requests);
        let Some(last) = later.records.values().next_back() else { return Ok(()) };
        let recorded = requests.iter().rposition(|(transfer, _)| transfer.record_id == last.transfer.record_id);
        let first: Option<usize> = requests.iter().position(|(transfer, _)| transfer.record_id == last.transfer.record_id);
        // Whatever came between was a repeat or a refusal.
        let earlier: &[Item] = &requests[..first.or(recorded).unwrap()];
        let earlier = Rows::after(earlier);
        prop_assume!(earlier.records.len() + 1 == later.records.len());
        for state in states(&later) {
            let was = states(&earlier).into_iter().find(|was| was.key() == state.key());
            match state.last_leaf() == last.leaf_index {
                true => prop_assert_eq!(state.before(last), Ok(was)),
                false => prop_assert_eq!(Some(state), was),
            }
        }
    }
}

#[test]
fn a_state_under_the_key_of_another_is_refused() {
    let rows = Rows::after(&crate::requests::opening().map(|transfer| (transfer, None)));
    let states = states(&rows);
    let other = Custody::check(&states[1].key(), &states[0].encode(), []);
    assert_eq!(other, Err(CustodyError::OtherKey));
    assert_eq!(check(&states[0], &[]), Err(CustodyError::Missing { missing: states[0].seq() + 1 }));
}
