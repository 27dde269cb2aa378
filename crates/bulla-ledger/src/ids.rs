//! Who and what a record speaks of: four kinds of UUID that cannot be mistaken for each other.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Stands where a leaf index would, when there is no such leaf: the first record of a chain has no
/// previous one.
pub const NO_LEAF: u64 = u64::MAX;

/// The text is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID; write it as 8-4-4-4-12 hexadecimal digits")]
pub struct ParseIdError(#[source] uuid::Error);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Sixteen zero bytes: nobody, nothing.
            pub const NIL: Self = Self(Uuid::nil());

            /// The id whose bytes, in network order, are `bytes`. Every value is an id.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes in network order, as they stand in records.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Whether this is [`Self::NIL`].
            pub const fn is_nil(&self) -> bool {
                self.0.is_nil()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::try_parse(text).map(Self).map_err(ParseIdError)
            }
        }
    };
}

id! {
    /// The client's own id of one request, unique in the ledger for ever (UUIDv7 advised). Sending
    /// the same request again under the same id is safe: it takes effect once.
    RecordId
}
id! {
    /// One asset: a single thing, or a kind of thing that is counted.
    AssetId
}
id! {
    /// Somebody who can own or hold assets. [`PartyId::NIL`] is nobody: the far side of an issue
    /// or a redemption.
    PartyId
}
id! {
    /// A class of assets: whether they are unique or counted, and with how many decimal digits.
    ClassId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_and_read_as_a_uuid() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        let record_id: RecordId = text.parse().unwrap();
        assert_eq!(record_id.to_string(), text);
        assert_eq!(RecordId::from_bytes(*record_id.as_bytes()), record_id);
        assert!("desk".parse::<AssetId>().is_err());
    }

    #[test]
    fn only_zeros_are_nil() {
        assert!(PartyId::NIL.is_nil());
        assert!(PartyId::from_bytes([0; 16]).is_nil());
        assert!(!PartyId::from_bytes([1; 16]).is_nil());
    }
}
