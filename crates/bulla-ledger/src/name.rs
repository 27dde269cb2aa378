//! Names that people give to assets, parties and classes, and the ids that follow from them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::{AssetId, ClassId, PartyId};

/// The longest name, in bytes of NFC UTF-8.
pub const NAME_BYTES_MAX: usize = 128;

/// A name as the ledger hashes it: Unicode NFC, 1 to [`NAME_BYTES_MAX`] bytes, no control
/// characters, no white space at either end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No characters at all.
    #[error("a name must not be empty")]
    Empty,
    /// Longer than [`NAME_BYTES_MAX`] after normalisation.
    #[error("a name is at most {NAME_BYTES_MAX} bytes of UTF-8; this one has {0}")]
    TooLong(usize),
    /// Line breaks, tabs, zero bytes and the like.
    #[error("a name must not contain control characters")]
    ControlCharacter,
    /// A name that cannot be told by eye from another one.
    #[error("a name must not begin or end with white space")]
    OuterWhiteSpace,
}

impl Name {
    /// Reads a name, and brings it to NFC, so that two ways to type an accent are one name.
    ///
    /// ```
    /// use bulla_ledger::{Name, NameError};
    ///
    /// assert_eq!(Name::parse("Cafe\u{301}")?, Name::parse("Caf\u{e9}")?);
    /// assert_eq!(Name::parse(" desk"), Err(NameError::OuterWhiteSpace));
    /// # Ok::<(), NameError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name: String = text.nfc().collect();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong(name.len()));
        }
        if name.chars().any(char::is_control) {
            return Err(NameError::ControlCharacter);
        }
        if name.trim().len() != name.len() {
            return Err(NameError::OuterWhiteSpace);
        }
        Ok(Self(name))
    }

    /// The name in NFC.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

/// The asset that people call `name` in the ledger `ledger`. Anybody can check that the two belong
/// together; no lookup table is needed.
pub fn asset_id(ledger: Uuid, name: &Name) -> AssetId {
    AssetId(named(ledger, 1, name))
}

/// The party that people call `name` in the ledger `ledger`.
pub fn party_id(ledger: Uuid, name: &Name) -> PartyId {
    PartyId(named(ledger, 2, name))
}

/// The asset class that people call `name` in the ledger `ledger`.
pub fn class_id(ledger: Uuid, name: &Name) -> ClassId {
    ClassId(named(ledger, 3, name))
}

/// A UUIDv8 of the first sixteen bytes of
/// `SHA-256("bulla/name/v1\0" || ledger || kind || name)`.
fn named(ledger: Uuid, kind: u8, name: &Name) -> Uuid {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(b"bulla/name/v1\0")
        .chain_update(ledger.as_bytes())
        .chain_update([kind])
        .chain_update(name.as_str())
        .finalize()
        .into();
    Uuid::new_v8(*hash.first_chunk().expect("32 bytes hold 16"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: Uuid = Uuid::from_u128(0x0123_4567_89ab_8def_8123_4567_89ab_cdef);

    /// The expected ids were computed by another program, from format.md alone.
    #[test]
    fn a_name_leads_to_the_same_id_for_ever_and_to_another_for_each_kind() {
        let name = Name::parse("tag:LAPTOP-0042").unwrap();
        let ids = [
            asset_id(LEDGER, &name).to_string(),
            party_id(LEDGER, &name).to_string(),
            class_id(LEDGER, &name).to_string(),
        ];
        assert_eq!(
            ids,
            [
                "ac3845fb-3b96-8d76-8e7e-b150c51a9c21",
                "a97ad8cc-b52b-86f8-b621-ef2621e4a2af",
                "01437f1a-94be-87e0-a0ea-a933ab0700bc",
            ]
        );
        assert_ne!(asset_id(Uuid::nil(), &name), asset_id(LEDGER, &name));
    }

    #[test]
    fn two_ways_to_type_an_accent_are_one_name() {
        let [one, two] = ["Caf\u{e9}", "Cafe\u{301}"].map(|text| Name::parse(text).unwrap());
        assert_eq!(one, two);
        assert_eq!(asset_id(LEDGER, &two).to_string(), "a5f7b269-be70-8d7e-bfd8-dd10fd94f5d1");
    }

    #[test]
    fn what_cannot_be_told_apart_on_paper_is_no_name() {
        for (text, error) in [
            ("", NameError::Empty),
            (" desk", NameError::OuterWhiteSpace),
            ("desk\u{a0}", NameError::OuterWhiteSpace),
            ("desk\n", NameError::ControlCharacter),
            ("de\0sk", NameError::ControlCharacter),
            ("de\u{85}sk", NameError::ControlCharacter),
        ] {
            assert_eq!(Name::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(Name::parse("the desk").unwrap().as_str(), "the desk");
    }

    #[test]
    fn length_counts_in_bytes_after_normalisation() {
        assert!(Name::parse(&"a".repeat(128)).is_ok());
        assert_eq!(Name::parse(&"a".repeat(129)), Err(NameError::TooLong(129)));
        // 192 bytes as typed, 128 in NFC.
        assert!(Name::parse(&"e\u{301}".repeat(64)).is_ok());
        assert_eq!(Name::parse(&"e\u{301}".repeat(65)), Err(NameError::TooLong(130)));
    }
}
