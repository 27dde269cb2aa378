//! States: what is to be proven of a unique asset or of a position, in fixed bytes and under a key of its own.

use sha2::{Digest, Sha256};

use crate::bytes::{at, exactly, put, zero};
use crate::{Asset, AssetId, DecodeError, PartyId, Position};

/// What is so now of a unique asset, or of one party's position in a quantity asset.
///
/// The state of a quantity asset as a whole is the position of nobody. So every asset has exactly one of two keys,
/// [`State::asset_key`] and [`State::position_key`] of [`PartyId::NIL`], and an id that has neither is of no asset.
///
/// ```text
/// unique    asset_id 16 │ holder 16 │ owner 16     │ status 1 │ zero 7 │ seq 8 │ last_leaf 8    72 bytes
/// position  asset_id 16 │ party 16  │ available 16 │ zero 16           │ seq 8 │ last_leaf 8    80 bytes
/// ```
///
/// Status is 0, or 1 when the asset is retired. Integers are big-endian. The zero bytes of a position are room for
/// units that are reserved, which no act does yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Of a unique asset.
    Unique(UniqueState),
    /// Of one party's units, or of what is outstanding.
    Position(Position),
}

/// What is so now of a unique asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UniqueState {
    /// Which.
    pub asset_id: AssetId,
    /// Who has it.
    pub holder: PartyId,
    /// Whose it is.
    pub owner: PartyId,
    /// Out of the ledger for ever; owner and holder are the last ones.
    pub retired: bool,
    /// Records about it before the last one.
    pub seq: u64,
    /// The leaf of the last record about it.
    pub last_leaf: u64,
}

impl State {
    /// Of an asset as a row has it; `None` for a quantity asset, whose states are its positions.
    pub fn of_asset(asset: &Asset) -> Option<State> {
        let Asset { asset_id, holder, owner, retired, seq, last_leaf, .. } = *asset;
        let state = UniqueState { asset_id, holder, owner, retired, seq, last_leaf };
        (!asset.quantity_asset).then_some(State::Unique(state))
    }

    /// Where the state of a unique asset stands: `SHA-256("bulla/state/v1\0" || asset_id)`.
    pub fn asset_key(asset_id: AssetId) -> [u8; 32] {
        Sha256::new().chain_update(b"bulla/state/v1\0").chain_update(asset_id.as_bytes()).finalize().into()
    }

    /// Where the state of a position stands: `SHA-256("bulla/position/v1\0" || asset_id || party_id)`.
    pub fn position_key(asset_id: AssetId, party_id: PartyId) -> [u8; 32] {
        let sha = Sha256::new().chain_update(b"bulla/position/v1\0").chain_update(asset_id.as_bytes());
        sha.chain_update(party_id.as_bytes()).finalize().into()
    }

    /// Where this state stands.
    pub fn key(&self) -> [u8; 32] {
        match self {
            State::Unique(state) => State::asset_key(state.asset_id),
            State::Position(position) => State::position_key(position.asset_id, position.party_id),
        }
    }

    /// Of which asset.
    pub fn asset_id(&self) -> AssetId {
        match self {
            State::Unique(state) => state.asset_id,
            State::Position(position) => position.asset_id,
        }
    }

    /// Whose chain of records led here: the position's party, nobody for a unique asset.
    pub fn chain(&self) -> PartyId {
        match self {
            State::Unique(_) => PartyId::NIL,
            State::Position(position) => position.party_id,
        }
    }

    /// Records in that chain before the last one.
    pub fn seq(&self) -> u64 {
        match self {
            State::Unique(state) => state.seq,
            State::Position(position) => position.seq,
        }
    }

    /// The last leaf of that chain.
    pub fn last_leaf(&self) -> u64 {
        match self {
            State::Unique(state) => state.last_leaf,
            State::Position(position) => position.last_leaf,
        }
    }

    /// The state's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            State::Unique(state) => state.encode().to_vec(),
            State::Position(position) => encode_position(position).to_vec(),
        }
    }

    /// Reads a state. What it returns encodes to the same bytes again.
    ///
    /// # Errors
    /// When the bytes are not a state.
    pub fn decode(bytes: &[u8]) -> Result<State, DecodeError> {
        match bytes.len() {
            UniqueState::LEN => UniqueState::decode(bytes).map(State::Unique),
            _ => decode_position(bytes).map(State::Position),
        }
    }
}

impl UniqueState {
    const LEN: usize = 72;

    fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(&mut bytes, 0, self.asset_id.as_bytes());
        put(&mut bytes, 16, self.holder.as_bytes());
        put(&mut bytes, 32, self.owner.as_bytes());
        put(&mut bytes, 48, &[self.retired.into()]);
        put(&mut bytes, 56, &self.seq.to_be_bytes());
        put(&mut bytes, 64, &self.last_leaf.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes: &[u8; Self::LEN] = exactly(bytes)?;
        let [status] = at(bytes, 48);
        if status > 1 {
            return Err(DecodeError::UnknownFlag(status));
        }
        zero(bytes, 49..56)?;
        Ok(Self {
            asset_id: AssetId::from_bytes(at(bytes, 0)),
            holder: PartyId::from_bytes(at(bytes, 16)),
            owner: PartyId::from_bytes(at(bytes, 32)),
            retired: status == 1,
            seq: u64::from_be_bytes(at(bytes, 56)),
            last_leaf: u64::from_be_bytes(at(bytes, 64)),
        })
    }
}

fn encode_position(position: &Position) -> [u8; POSITION_LEN] {
    let mut bytes = [0; POSITION_LEN];
    put(&mut bytes, 0, position.asset_id.as_bytes());
    put(&mut bytes, 16, position.party_id.as_bytes());
    put(&mut bytes, 32, &position.available.to_be_bytes());
    put(&mut bytes, 64, &position.seq.to_be_bytes());
    put(&mut bytes, 72, &position.last_leaf.to_be_bytes());
    bytes
}

fn decode_position(bytes: &[u8]) -> Result<Position, DecodeError> {
    let bytes: &[u8; POSITION_LEN] = exactly(bytes)?;
    zero(bytes, 48..64)?;
    Ok(Position {
        asset_id: AssetId::from_bytes(at(bytes, 0)),
        party_id: PartyId::from_bytes(at(bytes, 16)),
        available: u128::from_be_bytes(at(bytes, 32)),
        seq: u64::from_be_bytes(at(bytes, 64)),
        last_leaf: u64::from_be_bytes(at(bytes, 72)),
    })
}

const POSITION_LEN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::dump;
    use expect_test::expect_file;
    use proptest::prelude::*;

    const UNIQUE: State = State::Unique(UniqueState {
        asset_id: AssetId::from_bytes([0xA5; 16]),
        holder: PartyId::from_bytes([0x70; 16]),
        owner: PartyId::from_bytes([0xF0; 16]),
        retired: true,
        seq: 0x2222_2222_2222_2222,
        last_leaf: 0x3333_3333_3333_3333,
    });
    const POSITION: State = State::Position(Position {
        asset_id: AssetId::from_bytes([0xA5; 16]),
        party_id: PartyId::from_bytes([0x70; 16]),
        available: 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10,
        seq: 0x2222_2222_2222_2222,
        last_leaf: 0x3333_3333_3333_3333,
    });

    #[test]
    fn states_and_their_keys_have_these_bytes() {
        let dumps = [
            dump("state of a unique asset", &UNIQUE.encode()),
            dump("key of a unique asset", &UNIQUE.key()),
            dump("state of a position", &POSITION.encode()),
            dump("key of a position", &POSITION.key()),
        ];
        expect_file!["../golden/states.txt"].assert_eq(&dumps.concat());
    }

    proptest! {
        #[test]
        fn accepted_states_are_written_back_as_they_were(
            state in prop_oneof![Just(UNIQUE), Just(POSITION)], offset in 0..90usize, byte in any::<u8>(),
        ) {
            let mut bytes = state.encode();
            match bytes.get_mut(offset) {
                Some(old) => *old = byte,
                None => bytes.truncate(offset - 10),
            }
            if let Ok(state) = State::decode(&bytes) {
                prop_assert_eq!(state.encode(), bytes);
            }
        }
    }
}
