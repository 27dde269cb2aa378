//! Looking an asset up among proven claims: which keys must be shown, and what they say together.

use crate::{AssetId, DecodeError, PartyId, State};

/// What a proof says of one key: the bytes of its state, or that there is none.
pub type Claimed<'a> = (&'a [u8; 32], Option<&'a [u8]>);

/// Why claims do not answer a question, although each of them is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The claims are about other keys than those that answer the question.
    #[error("the proof is about something else")]
    OtherKeys,
    /// A state does not decode.
    #[error("the state does not decode")]
    State(#[source] DecodeError),
    /// A state stands under the key of another one.
    #[error("the state does not stand under its own key")]
    OtherKey,
}

/// The keys that answer what is so of an asset: its own if it is unique, and the position of `party`, or of nobody, if
/// it is counted.
///
/// Where there is a state, one claim shows it. That there is none takes both: else an asset could be denied by showing
/// that it has no state of the other sort.
pub fn lookup_keys(asset_id: AssetId, party: Option<PartyId>) -> [[u8; 32]; 2] {
    [State::asset_key(asset_id), State::position_key(asset_id, party.unwrap_or(PartyId::NIL))]
}

/// What proven claims say of an asset, or of one party's units of it; `None` when there is nothing.
///
/// # Errors
/// When they are not the claims that answer it.
pub fn look_up(
    asset_id: AssetId,
    party: Option<PartyId>,
    claims: &[Claimed<'_>],
) -> Result<Option<State>, LookupError> {
    let keys = lookup_keys(asset_id, party);
    match *claims {
        [(first, None), (second, None)] if [*first, *second] == keys => Ok(None),
        [(key, Some(bytes))] if keys.contains(key) => {
            let state = State::decode(bytes).map_err(LookupError::State)?;
            if state.key() == *key { Ok(Some(state)) } else { Err(LookupError::OtherKey) }
        }
        _ => Err(LookupError::OtherKeys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    const DESK: AssetId = AssetId::from_bytes([1; 16]);
    const ANNA: PartyId = PartyId::from_bytes([2; 16]);

    #[test]
    fn one_state_is_shown_by_one_claim_and_its_absence_by_two() {
        let position = Position { asset_id: DESK, party_id: ANNA, available: 7, seq: 0, last_leaf: 9 };
        let state = State::Position(position);
        let (key, bytes) = (state.key(), state.encode());
        let shown: &[Claimed<'_>] = &[(&key, Some(&bytes))];
        assert_eq!(look_up(DESK, Some(ANNA), shown), Ok(Some(state)));
        assert_eq!(look_up(DESK, None, shown), Err(LookupError::OtherKeys));

        let [unique, counted] = lookup_keys(DESK, Some(ANNA));
        assert_eq!(look_up(DESK, Some(ANNA), &[(&unique, None), (&counted, None)]), Ok(None));
        assert_eq!(look_up(DESK, Some(ANNA), &[(&unique, None)]), Err(LookupError::OtherKeys));
        assert_eq!(look_up(DESK, Some(ANNA), &[(&counted, None)]), Err(LookupError::OtherKeys));
        assert_eq!(look_up(DESK, Some(ANNA), &[(&unique, Some(&bytes))]), Err(LookupError::OtherKey));
    }
}
