//! Whether a request may happen, and what follows: facts in, outcome out.

use crate::{Asset, Class, Facts, Field, Party, Position, Prior, Record, Rejection, Transfer, check_form, rules};

/// How far the world may be ahead of the ledger's clock, in microseconds.
pub const EVENT_TIME_AHEAD_US_MAX: u64 = 300_000_000;

/// Where and when a record goes, if the request is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The next index of the log.
    pub leaf_index: u64,
    /// Record time, POSIX microseconds; the caller never lets it decrease.
    pub time_us: u64,
}

/// The answer to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "most answers are acceptances, and none is kept")]
pub enum Outcome {
    /// It happens.
    Accepted(Effects),
    /// It happened before; nothing happens now.
    AlreadyAccepted {
        /// Where the first one stands.
        leaf_index: u64,
    },
    /// It does not happen. [`Rejection::is_final`] says whether the id is spent.
    Rejected(Rejection),
    /// It was refused for ever before, for this reason.
    AlreadyRejected(Rejection),
}

/// What an accepted request changes: one new record, and the new state of every row it touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effects {
    /// The new leaf.
    pub record: Record,
    /// The asset, when its row is new or changed.
    pub asset: Option<Asset>,
    /// Of a quantity asset: the `from` position, then the `to` position.
    pub positions: [Option<Position>; 2],
    /// A new party.
    pub party: Option<Party>,
    /// A new class.
    pub class: Option<Class>,
}

/// The rules. The same arguments give the same outcome on every node and for ever; nothing is
/// allocated.
///
/// ```
/// use bulla_ledger::{
///     Facts, Outcome, PartyId, Place, RecordId, ReferenceLedger, Transfer, decide,
/// };
///
/// let ledger = ReferenceLedger::new(1);
/// let request = Transfer::enroll(RecordId::from_bytes([9; 16]), PartyId::from_bytes([2; 16]));
/// let facts = Facts::gather(&request, None, &ledger)?;
/// let place = Place { leaf_index: ledger.next_leaf_index(), time_us: 1_700_000_000_000_000 };
/// let Outcome::Accepted(effects) = decide(&request, &facts, place) else { panic!() };
/// assert_eq!(effects.record.leaf_index, 1);
/// assert_eq!(effects.party.map(|party| party.party_id), Some(request.to));
/// # Ok::<(), std::convert::Infallible>(())
/// ```
///
/// # Panics
/// When `facts` contradict themselves: they were gathered for another request, or the rows they
/// were gathered from are not a ledger's.
pub fn decide(transfer: &Transfer, facts: &Facts, place: Place) -> Outcome {
    if let Err(rejection) = check_form(transfer).and(facts.payload) {
        return Outcome::Rejected(rejection);
    }
    if let Some(prior) = &facts.prior {
        return repeat(transfer, prior, facts.same_payload);
    }
    if transfer.event_time_us > place.time_us.saturating_add(EVENT_TIME_AHEAD_US_MAX) {
        return Outcome::Rejected(Rejection::EventTimeInFuture);
    }
    match rules::apply(transfer, facts, place) {
        Ok(effects) => Outcome::Accepted(effects),
        Err(rejection) => Outcome::Rejected(rejection),
    }
}

/// The first answer again, if the request is the first one again.
fn repeat(transfer: &Transfer, prior: &Prior, same_payload: bool) -> Outcome {
    let (Prior::Accepted { transfer: first, .. } | Prior::Rejected { transfer: first, .. }) = prior;
    assert_eq!(transfer.record_id, first.record_id, "the prior request has the same record id");
    if let Some(field) = difference(transfer, first, same_payload) {
        return Outcome::Rejected(Rejection::ExistsWithDifferentContent(field));
    }
    match *prior {
        Prior::Accepted { leaf_index, .. } => Outcome::AlreadyAccepted { leaf_index },
        Prior::Rejected { rejection, .. } => Outcome::AlreadyRejected(rejection),
    }
}

/// The first field, in order of [`Field`], in which a request differs from the first of its id.
fn difference(transfer: &Transfer, first: &Transfer, same_payload: bool) -> Option<Field> {
    let flags = |t: &Transfer| [t.quantity_asset, t.moves_title, t.moves_custody];
    [
        (Field::Act, transfer.act == first.act),
        (Field::Flags, flags(transfer) == flags(first)),
        (Field::Asset, transfer.asset_id == first.asset_id),
        (Field::From, transfer.from == first.from),
        (Field::To, transfer.to == first.to),
        (Field::Quantity, transfer.quantity == first.quantity),
        (Field::EventTime, transfer.event_time_us == first.event_time_us),
        (Field::Payload, same_payload),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}
