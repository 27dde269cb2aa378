//! What the ledger knows at the moment: rows, each with bytes of a fixed length.

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

macro_rules! codec {
    ($($row:ident $len:literal),*) => {$(
        impl $row {
            /// Bytes of an encoded row.
            pub const LEN: usize = $len;
            /// The row's bytes.
            pub fn encode(&self) -> [u8; Self::LEN] {
                todo!()
            }
            /// Reads a row; what it returns encodes to the same bytes again.
            pub fn decode(_bytes: &[u8]) -> Result<Self, DecodeError> {
                todo!()
            }
        }
    )*};
}
codec!(Asset 96, Position 64, Party 24, Class 32);
