//! What a caller calls an asset, a party or a class: its UUID, or its name.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// An asset, party or class by UUID or by name.
///
/// A text in the form `8-4-4-4-12` hexadecimal digits is a UUID; anything else is a name, from
/// which the ledger derives the id. Nobody needs a table to check that the two belong together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// The id itself.
    Id(Uuid),
    /// A name, as given: the rules for names are checked where the ledger is known.
    Name(String),
}

impl From<&str> for Named {
    fn from(text: &str) -> Named {
        // Uuid also reads forms without hyphens or with braces; a name may well look like those.
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == uuid::fmt::Hyphenated::LENGTH => Named::Id(id),
            _ => Named::Name(text.to_owned()),
        }
    }
}

impl From<String> for Named {
    fn from(text: String) -> Named {
        Named::from(text.as_str())
    }
}

impl From<Uuid> for Named {
    fn from(id: Uuid) -> Named {
        Named::Id(id)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Id(id) => id.fmt(f),
            Named::Name(name) => f.write_str(name),
        }
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Named, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Named::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(Named::from(text), Named::Id(text.parse().unwrap()));
        let plain = text.replace('-', "");
        for name in [plain.as_str(), &format!("{{{text}}}"), &format!("urn:uuid:{text}"), "tag:LAPTOP-0042"] {
            assert_eq!(Named::from(name), Named::Name(name.to_owned()));
        }
    }
}
