//! A SHA-256 hash on the wire: 64 lower-case hexadecimal digits.

use std::fmt;

use bulla_sealing::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A hash that the API shows, in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub Hash);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Hash> for Digest {
    fn from(hash: Hash) -> Digest {
        Digest(hash)
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Digest {
        Digest(Hash(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Digest).map_err(|_| serde::de::Error::custom("a hash is 64 hexadecimal digits"))
    }
}
