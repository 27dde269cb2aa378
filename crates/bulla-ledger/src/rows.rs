//! What the ledger knows at the moment: rows, each with bytes of a fixed length.

use crate::bytes::{at, exactly, put, zero};
use crate::{AssetId, ClassId, DecodeError, PartyId};

/// An asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asset {
    /// Which.
    pub asset_id: AssetId,
    /// Its class.
    pub class_id: ClassId,
    /// Counted in units, not unique.
    pub quantity_asset: bool,
    /// The owner; nil for a quantity asset.
    pub owner: PartyId,
    /// The holder; nil for a quantity asset.
    pub holder: PartyId,
    /// Out of the ledger for ever; owner and holder are the last ones.
    pub retired: bool,
    /// Records about it before the last one. A quantity asset's stays 0 here: its own chain is
    /// counted in the position of nobody.
    pub seq: u64,
    /// The leaf that registered it.
    pub registered_leaf: u64,
    /// The leaf of the last record about it; a quantity asset's stays `registered_leaf`.
    pub last_leaf: u64,
}

/// How many units of a quantity asset a party has. The position of nobody (party nil) is the
/// asset's own chain and counts what is outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// Of which asset.
    pub asset_id: AssetId,
    /// Whose.
    pub party_id: PartyId,
    /// Units it has.
    pub available: u128,
    /// Records that touched it before the last one.
    pub seq: u64,
    /// The leaf of the last record that touched it.
    pub last_leaf: u64,
}

/// Somebody known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Party {
    /// Who.
    pub party_id: PartyId,
    /// The leaf that enrolled it.
    pub leaf_index: u64,
}

/// A class of assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class {
    /// Which.
    pub class_id: ClassId,
    /// Its assets are counted in units, not unique.
    pub quantity: bool,
    /// Decimal digits of a quantity: 0 to 38.
    pub scale: u8,
    /// The leaf that defined it.
    pub leaf_index: u64,
}

impl Asset {
    /// Bytes of an encoded row:
    /// `asset_id 16 | class_id 16 | owner 16 | holder 16 | flags 1 | reserved 7 | seq 8 |
    /// registered_leaf 8 | last_leaf 8`, flags bit 0 quantity asset, bit 1 retired.
    pub const LEN: usize = 96;

    /// The row's bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(&mut bytes, 0, self.asset_id.as_bytes());
        put(&mut bytes, 16, self.class_id.as_bytes());
        put(&mut bytes, 32, self.owner.as_bytes());
        put(&mut bytes, 48, self.holder.as_bytes());
        put(&mut bytes, 64, &[u8::from(self.quantity_asset) | u8::from(self.retired) << 1]);
        put(&mut bytes, 72, &self.seq.to_be_bytes());
        put(&mut bytes, 80, &self.registered_leaf.to_be_bytes());
        put(&mut bytes, 88, &self.last_leaf.to_be_bytes());
        bytes
    }

    /// Reads a row. What it returns encodes to the same bytes again.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes: &[u8; Self::LEN] = exactly(bytes)?;
        let [quantity_asset, retired] = two_bits(at(bytes, 64))?;
        zero(bytes, 65..72)?;
        Ok(Self {
            asset_id: AssetId::from_bytes(at(bytes, 0)),
            class_id: ClassId::from_bytes(at(bytes, 16)),
            quantity_asset,
            owner: PartyId::from_bytes(at(bytes, 32)),
            holder: PartyId::from_bytes(at(bytes, 48)),
            retired,
            seq: u64::from_be_bytes(at(bytes, 72)),
            registered_leaf: u64::from_be_bytes(at(bytes, 80)),
            last_leaf: u64::from_be_bytes(at(bytes, 88)),
        })
    }
}

impl Position {
    /// Bytes of an encoded row: `asset_id 16 | party_id 16 | available 16 | seq 8 | last_leaf 8`.
    pub const LEN: usize = 64;

    /// The row's bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(&mut bytes, 0, self.asset_id.as_bytes());
        put(&mut bytes, 16, self.party_id.as_bytes());
        put(&mut bytes, 32, &self.available.to_be_bytes());
        put(&mut bytes, 48, &self.seq.to_be_bytes());
        put(&mut bytes, 56, &self.last_leaf.to_be_bytes());
        bytes
    }

    /// Reads a row. What it returns encodes to the same bytes again.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes: &[u8; Self::LEN] = exactly(bytes)?;
        Ok(Self {
            asset_id: AssetId::from_bytes(at(bytes, 0)),
            party_id: PartyId::from_bytes(at(bytes, 16)),
            available: u128::from_be_bytes(at(bytes, 32)),
            seq: u64::from_be_bytes(at(bytes, 48)),
            last_leaf: u64::from_be_bytes(at(bytes, 56)),
        })
    }
}

impl Party {
    /// Bytes of an encoded row: `party_id 16 | leaf_index 8`.
    pub const LEN: usize = 24;

    /// The row's bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(&mut bytes, 0, self.party_id.as_bytes());
        put(&mut bytes, 16, &self.leaf_index.to_be_bytes());
        bytes
    }

    /// Reads a row. What it returns encodes to the same bytes again.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes: &[u8; Self::LEN] = exactly(bytes)?;
        Ok(Self { party_id: PartyId::from_bytes(at(bytes, 0)), leaf_index: u64::from_be_bytes(at(bytes, 16)) })
    }
}

impl Class {
    /// Bytes of an encoded row: `class_id 16 | flags 1 | scale 1 | reserved 6 | leaf_index 8`,
    /// flags bit 0 quantity class.
    pub const LEN: usize = 32;

    /// The row's bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(&mut bytes, 0, self.class_id.as_bytes());
        put(&mut bytes, 16, &[u8::from(self.quantity)]);
        put(&mut bytes, 17, &[self.scale]);
        put(&mut bytes, 24, &self.leaf_index.to_be_bytes());
        bytes
    }

    /// Reads a row. What it returns encodes to the same bytes again.
    ///
    /// # Errors
    /// When the bytes are not such a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes: &[u8; Self::LEN] = exactly(bytes)?;
        let [quantity, false] = two_bits(at(bytes, 16))? else {
            return Err(DecodeError::UnknownFlag(bytes[16]));
        };
        zero(bytes, 18..24)?;
        let [scale] = at(bytes, 17);
        Ok(Self {
            class_id: ClassId::from_bytes(at(bytes, 0)),
            quantity,
            scale,
            leaf_index: u64::from_be_bytes(at(bytes, 24)),
        })
    }
}

/// Bits 0 and 1 of a flag byte that has no others.
fn two_bits([flags]: [u8; 1]) -> Result<[bool; 2], DecodeError> {
    if flags > 0b11 {
        return Err(DecodeError::UnknownFlag(flags));
    }
    Ok([flags & 1 != 0, flags & 2 != 0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::dump;
    use expect_test::expect_file;
    use proptest::prelude::*;

    const ASSET: Asset = Asset {
        asset_id: AssetId::from_bytes([0xA5; 16]),
        class_id: ClassId::from_bytes([0xC1; 16]),
        quantity_asset: false,
        owner: PartyId::from_bytes([0xF0; 16]),
        holder: PartyId::from_bytes([0x70; 16]),
        retired: true,
        seq: 0x2222_2222_2222_2222,
        registered_leaf: 0x1111_1111_1111_1111,
        last_leaf: 0x3333_3333_3333_3333,
    };
    const POSITION: Position = Position {
        asset_id: AssetId::from_bytes([0xA5; 16]),
        party_id: PartyId::from_bytes([0x70; 16]),
        available: 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10,
        seq: 0x2222_2222_2222_2222,
        last_leaf: 0x3333_3333_3333_3333,
    };
    const PARTY: Party = Party { party_id: PartyId::from_bytes([0x70; 16]), leaf_index: 0x1111_1111_1111_1111 };
    const CLASS: Class = Class {
        class_id: ClassId::from_bytes([0xC1; 16]),
        quantity: true,
        scale: 2,
        leaf_index: 0x1111_1111_1111_1111,
    };

    #[test]
    fn rows_have_these_bytes() {
        let dumps = [
            dump("asset", &ASSET.encode()),
            dump("position", &POSITION.encode()),
            dump("party", &PARTY.encode()),
            dump("class", &CLASS.encode()),
        ];
        expect_file!["../golden/rows.txt"].assert_eq(&dumps.concat());
    }

    #[test]
    fn every_combination_of_flags_is_read_back() {
        for [first, second] in [[false, false], [false, true], [true, false], [true, true]] {
            let asset = Asset { quantity_asset: first, retired: second, ..ASSET };
            assert_eq!(Asset::decode(&asset.encode()), Ok(asset));
            let class = Class { quantity: first, ..CLASS };
            assert_eq!(Class::decode(&class.encode()), Ok(class));
        }
    }

    /// Bytes that are a row except, perhaps, for one byte.
    fn nearly<const LEN: usize>(row: [u8; LEN]) -> impl Strategy<Value = Vec<u8>> {
        (0..LEN, any::<u8>(), proptest::option::weighted(0.1, 0..LEN)).prop_map(move |(offset, byte, short)| {
            let mut bytes = row.to_vec();
            bytes[offset] = byte;
            bytes.truncate(short.unwrap_or(LEN));
            bytes
        })
    }

    proptest! {
        #[test]
        fn accepted_rows_are_written_back_as_they_were(
            asset in nearly(ASSET.encode()),
            position in nearly(POSITION.encode()),
            party in nearly(PARTY.encode()),
            class in nearly(CLASS.encode()),
        ) {
            if let Ok(row) = Asset::decode(&asset) {
                prop_assert_eq!(&row.encode()[..], asset);
            }
            if let Ok(row) = Position::decode(&position) {
                prop_assert_eq!(&row.encode()[..], position);
            }
            if let Ok(row) = Party::decode(&party) {
                prop_assert_eq!(&row.encode()[..], party);
            }
            if let Ok(row) = Class::decode(&class) {
                prop_assert_eq!(&row.encode()[..], class);
            }
        }
    }
}
