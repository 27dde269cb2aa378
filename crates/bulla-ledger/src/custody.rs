//! Custody: from what is so now back to the beginning, one record at a time.

use crate::{Act, DecodeError, NO_LEAF, Position, Record, State, UniqueState};

/// A state, and every record that led to it.
///
/// A record says what it changed, and the state says which record was the last and how many there were. So each record
/// can be undone, and the one before it is named and counted: from a state that is proven, a chain of records that are
/// proven either leads back to nothing, or something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custody {
    /// What is so now.
    pub state: State,
    /// Every record of the chain, newest first.
    pub records: Vec<Record>,
}

/// Why records are not the ones that led to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CustodyError {
    /// The state's bytes are not a state.
    #[error("the state does not decode")]
    State(#[source] DecodeError),
    /// The state is proven under the key of another asset or position.
    #[error("the state does not stand under its own key")]
    OtherKey,
    /// A leaf is no record.
    #[error("record {place} of the chain does not decode")]
    Record {
        /// Its place, the newest being 0.
        place: usize,
        /// Why not.
        #[source]
        error: DecodeError,
    },
    /// A record does not undo.
    #[error("record {place} of the chain does not belong there")]
    Undo {
        /// Its place, the newest being 0.
        place: usize,
        /// Why not.
        #[source]
        error: UndoError,
    },
    /// The records end before the first one of the chain.
    #[error("{missing} more records lead to this state")]
    Missing {
        /// How many are not there.
        missing: u64,
    },
    /// Records follow the first one of the chain.
    #[error("the chain begins before its last record")]
    Superfluous,
}

impl CustodyError {
    /// True when the bytes may well be valid for a newer program.
    pub fn cannot_verify(&self) -> bool {
        match self {
            Self::State(error) | Self::Record { error, .. } => error.cannot_verify(),
            _ => false,
        }
    }
}

/// Why a record is not the one that led to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UndoError {
    /// The state names another leaf as its last.
    #[error("the last record stands at leaf {last_leaf}, this one at {leaf_index}")]
    OtherLeaf {
        /// The leaf that the state names.
        last_leaf: u64,
        /// Where the record stands.
        leaf_index: u64,
    },
    /// The record is of another asset or position.
    #[error("it is of another asset or position")]
    OtherChain,
    /// The record's number in its chain is another.
    #[error("it is number {asset_seq} of its chain and not {seq}")]
    OtherSeq {
        /// The number that the state calls for.
        seq: u64,
        /// The number that the record has.
        asset_seq: u64,
    },
    /// The record did not make the state what it is.
    #[error("what it did does not lead to what was so afterwards")]
    OtherOutcome,
    /// The link to the record before it is missing, leads upwards, or is there where nothing came before.
    #[error("its link to the record before it is wrong")]
    Link,
}

impl Custody {
    /// Checks that these leaves, newest first, are all the records that led to a state which is proven to stand under
    /// `key`. That the leaves are in the log is for the caller to check.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check<'a>(
        key: &[u8; 32],
        state: &[u8],
        leaves: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Custody, CustodyError> {
        let state = State::decode(state).map_err(CustodyError::State)?;
        if state.key() != *key {
            return Err(CustodyError::OtherKey);
        }
        let (mut records, mut now) = (Vec::new(), Some(state));
        for (place, leaf) in leaves.into_iter().enumerate() {
            let after = now.ok_or(CustodyError::Superfluous)?;
            let record = Record::decode(leaf).map_err(|error| CustodyError::Record { place, error })?;
            now = after.before(&record).map_err(|error| CustodyError::Undo { place, error })?;
            records.push(record);
        }
        match now {
            Some(earlier) => Err(CustodyError::Missing { missing: earlier.seq().saturating_add(1) }),
            None => Ok(Custody { state, records }),
        }
    }
}

impl State {
    /// What was so before `record`, the last one that led to this state; `None` when it was the first.
    ///
    /// # Errors
    /// When it did not lead to this state.
    pub fn before(&self, record: &Record) -> Result<Option<State>, UndoError> {
        let (seq, last_leaf) = (self.seq(), self.last_leaf());
        if record.leaf_index != last_leaf {
            return Err(UndoError::OtherLeaf { last_leaf, leaf_index: record.leaf_index });
        }
        if record.transfer.asset() != Some(self.asset_id()) {
            return Err(UndoError::OtherChain);
        }
        let (earlier, link) = match self {
            State::Unique(state) => (undone_unique(state, record)?.map(State::Unique), record.prev_leaf),
            State::Position(position) => {
                let (earlier, link) = undone_position(position, record)?;
                (earlier.map(State::Position), link)
            }
        };
        // Registered, issued to for the first time, sent to for the first time: nothing came before exactly then.
        let linked =
            if seq == 0 { link == NO_LEAF && earlier.is_none() } else { link < last_leaf && earlier.is_some() };
        match linked {
            true => Ok(earlier.map(|earlier| earlier.numbered(seq - 1, link))),
            false => Err(UndoError::Link),
        }
    }

    fn numbered(self, seq: u64, last_leaf: u64) -> State {
        match self {
            State::Unique(state) => State::Unique(UniqueState { seq, last_leaf, ..state }),
            State::Position(position) => State::Position(Position { seq, last_leaf, ..position }),
        }
    }
}

/// The asset before the record, not numbered yet; `None` before its registration.
fn undone_unique(state: &UniqueState, record: &Record) -> Result<Option<UniqueState>, UndoError> {
    let transfer = &record.transfer;
    if transfer.quantity_asset {
        return Err(UndoError::OtherChain);
    }
    check_seq(state.seq, record)?;
    let UniqueState { owner, holder, retired, .. } = *state;
    let (from, to) = (transfer.from, transfer.to);
    let (earlier, fits) = match transfer.act {
        Act::Register => (None, !retired && owner == to && holder == to),
        Act::Transfer => {
            let (title, custody) = (transfer.moves_title, transfer.moves_custody);
            let moved = UniqueState {
                owner: if title { from } else { owner },
                holder: if custody { from } else { holder },
                ..*state
            };
            (Some(moved), !retired && (title || custody) && (!title || owner == to) && (!custody || holder == to))
        }
        Act::Retire => (Some(UniqueState { retired: false, ..*state }), retired && owner == from),
        Act::Amend => (Some(*state), !retired),
        Act::Issue | Act::Redeem | Act::Enroll | Act::Define | Act::Incident | Act::Erase => {
            return Err(UndoError::OtherChain);
        }
    };
    if fits { Ok(earlier) } else { Err(UndoError::OtherOutcome) }
}

/// The position before the record, not numbered yet, and the record's link in its chain; `None` before the first.
fn undone_position(position: &Position, record: &Record) -> Result<(Option<Position>, u64), UndoError> {
    let Position { party_id, available, seq, .. } = *position;
    let transfer = &record.transfer;
    let [from, to] = transfer.positions_touched();
    let (is_from, is_to) = (from == Some(party_id), to == Some(party_id));
    let link = match (is_from, is_to) {
        (true, _) => {
            check_seq(seq, record)?;
            record.prev_leaf
        }
        (false, true) => record.prev_leaf_to,
        (false, false) => return Err(UndoError::OtherChain),
    };
    let quantity = transfer.quantity;
    let earlier = match (transfer.act, party_id.is_nil()) {
        (Act::Register | Act::Amend, true) => Some(available),
        // What is outstanding grows by an issue, which comes from nobody, and shrinks by a redemption.
        (Act::Issue, true) => available.checked_sub(quantity),
        (Act::Redeem, true) => available.checked_add(quantity),
        (Act::Issue | Act::Transfer | Act::Redeem, false) if is_from => available.checked_add(quantity),
        (Act::Issue | Act::Transfer, false) => available.checked_sub(quantity),
        _ => return Err(UndoError::OtherChain),
    };
    let earlier = earlier.ok_or(UndoError::OtherOutcome)?;
    // The asset's own chain begins with its registration and with nothing else.
    let begins = if party_id.is_nil() { transfer.act == Act::Register } else { seq == 0 };
    match (begins, earlier) {
        (true, 0) => Ok((None, link)),
        (true, _) => Err(UndoError::OtherOutcome),
        (false, available) => Ok((Some(Position { available, ..*position }), link)),
    }
}

fn check_seq(seq: u64, record: &Record) -> Result<(), UndoError> {
    match record.asset_seq == seq {
        true => Ok(()),
        false => Err(UndoError::OtherSeq { seq, asset_seq: record.asset_seq }),
    }
}
