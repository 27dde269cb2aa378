//! Short stories: requests in, answers out, line by line.

mod batches;
mod moves;
mod refusals;
mod repeats;

use bulla_ledger::{
    AssetId, ClassId, Facts, Outcome, PartyId, Payload, Place, RecordId, ReferenceLedger, Transfer, decide,
};
use expect_test::Expect;

const NOW_US: u64 = 1_700_000_000_000_000;

/// Tells the story of one request a line. The only place that calls the ledger; each request is
/// judged by the rules and by the reference, which must agree.
fn check(requests: &[Transfer], expect: &Expect) {
    let mut ledger = begun();
    let story: String = requests.iter().map(|request| tell(&mut ledger, request, None)).collect();
    expect.assert_eq(&story);
}

fn tell(ledger: &mut ReferenceLedger, request: &Transfer, payload: Option<&Payload>) -> String {
    let Ok(facts) = Facts::gather(request, payload, ledger);
    let place = Place { leaf_index: ledger.next_leaf_index(), time_us: NOW_US };
    let outcome = decide(request, &facts, place);
    assert_eq!(ledger.submit(request, payload, NOW_US), outcome);
    format!("{} -> {}\n", request.act.name(), answer(&outcome))
}

fn answer(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted(effects) => {
            let record = effects.record;
            let mut told = format!("leaf {}, seq {}", record.leaf_index, record.asset_seq);
            if let Some(asset) = effects.asset.filter(|asset| !asset.quantity_asset) {
                let [owner, holder] = [asset.owner, asset.holder].map(initial);
                told += &format!(", owner {owner}, holder {holder}");
                told += if asset.retired { ", retired" } else { "" };
            }
            for position in effects.positions.into_iter().flatten() {
                told += &format!(", {} has {}", initial(position.party_id), position.available);
            }
            told
        }
        Outcome::AlreadyAccepted { leaf_index } => format!("already leaf {leaf_index}"),
        Outcome::Rejected(rejection) => format!("{:03} {rejection}", rejection.code()),
        Outcome::AlreadyRejected(rejection) => format!("already {:03}", rejection.code()),
    }
}

fn initial(party: PartyId) -> char {
    if party.is_nil() { '-' } else { char::from(party.as_bytes()[0]) }
}

const ANNA: PartyId = PartyId::from_bytes([b'A'; 16]);
const BERT: PartyId = PartyId::from_bytes([b'B'; 16]);
const CARA: PartyId = PartyId::from_bytes([b'C'; 16]);
const NOBODY_KNOWN: PartyId = PartyId::from_bytes([b'X'; 16]);
const DESK: AssetId = AssetId::from_bytes([b'd'; 16]);
const GRAIN: AssetId = AssetId::from_bytes([b'g'; 16]);
const NEW: AssetId = AssetId::from_bytes([b'n'; 16]);
const FURNITURE: ClassId = ClassId::from_bytes([b'f'; 16]);
const KILOGRAMS: ClassId = ClassId::from_bytes([b'k'; 16]);

const fn id(n: u8) -> RecordId {
    RecordId::from_bytes([n; 16])
}

/// Anna, Bert and Cara are known; Anna has the desk and 10 of the grain.
fn begun() -> ReferenceLedger {
    let mut ledger = ReferenceLedger::new(1);
    for (n, request) in (200..).zip([
        Transfer::enroll(id(1), ANNA),
        Transfer::enroll(id(1), BERT),
        Transfer::enroll(id(1), CARA),
        Transfer::define(id(1), FURNITURE, false, 0),
        Transfer::define(id(1), KILOGRAMS, true, 3),
        Transfer::register(id(1), DESK, FURNITURE, ANNA),
        Transfer::register_quantity(id(1), GRAIN, KILOGRAMS),
        Transfer::issue(id(1), GRAIN, ANNA, 10),
    ]) {
        let request = Transfer { record_id: id(n), ..request };
        assert!(matches!(ledger.submit(&request, None, NOW_US), Outcome::Accepted(_)));
    }
    ledger
}
