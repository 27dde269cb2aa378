//! What became of a promise: what was sealed keeps it, breaks it, or says nothing about it.

use std::fmt;

use uuid::Uuid;

use crate::hash::{Hash, leaf_hash};
use crate::header::Header;
use crate::leaf::with_leaf_index;
use crate::promise::VerifiedPromise;
use crate::verify::Verified;

/// What sealed evidence says about a promise. `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The promised leaf is sealed, where and in the table that was promised.
    Kept,
    /// Promise and seal exclude each other: together they prove that the node gave its word and broke it.
    Broken(Breach),
    /// The evidence is about something else.
    NotComparable,
}

/// How a promise was broken; the first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// Another leaf is sealed in the promised place.
    OtherLeaf {
        /// Hash of the leaf that is there.
        found: Hash,
    },
    /// The promised record is sealed in another place.
    Elsewhere {
        /// Where it is.
        leaf_index: u64,
    },
    /// The promised place is in the block of another table.
    OtherTable {
        /// That table's id.
        found: Uuid,
    },
    /// The promised table was sealed without the promised place.
    NotInTable {
        /// Its first leaf.
        first_leaf: u64,
        /// Its last leaf, which is its header.
        last_leaf: u64,
    },
}

impl VerifiedPromise {
    /// Holds the promise against a receipt that was verified under the same policy.
    ///
    /// That of the promised record keeps it or breaks it. That of another record breaks it if it stands in the promised
    /// place, or if its block shows that the promised place is not in the promised table.
    pub fn held_against(&self, receipt: &Verified) -> Fate {
        let breach =
            self.broken_by_leaf(receipt.leaf_index, &receipt.record).or_else(|| self.broken_by_block(&receipt.header));
        match breach {
            Some(breach) => Fate::Broken(breach),
            None if receipt.leaf_index == self.promise.leaf_index => Fate::Kept,
            None => Fate::NotComparable,
        }
    }

    /// Holds the promise against a record that is proven to stand at `leaf_index` of the same log: of a receipt, or of a
    /// certificate.
    pub fn broken_by_leaf(&self, leaf_index: u64, leaf: &[u8]) -> Option<Breach> {
        let promised = &self.promise;
        let found = leaf_hash(leaf);
        if leaf_index == promised.leaf_index {
            return (found != promised.leaf_hash).then_some(Breach::OtherLeaf { found });
        }
        // A leaf says where it stands, so the same record elsewhere has another hash.
        let moved = with_leaf_index(leaf, promised.leaf_index).map(|leaf| leaf_hash(&leaf));
        let is_promised = found == promised.leaf_hash || moved == Some(promised.leaf_hash);
        is_promised.then_some(Breach::Elsewhere { leaf_index })
    }

    /// Holds the promise against the header of a block that is proven to be in the same log.
    pub fn broken_by_block(&self, header: &Header) -> Option<Breach> {
        let promised = &self.promise;
        let (first_leaf, last_leaf) = (header.first_leaf, header.leaf_index);
        let is_here = (first_leaf..=last_leaf).contains(&promised.leaf_index);
        let found = header.leaf_hash();
        match (is_here, header.table_id == promised.table_id) {
            (true, _) if promised.leaf_index == last_leaf && promised.leaf_hash != found => {
                Some(Breach::OtherLeaf { found })
            }
            (true, false) => Some(Breach::OtherTable { found: header.table_id }),
            (false, true) => Some(Breach::NotInTable { first_leaf, last_leaf }),
            _ => None,
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Kept => f.write_str("kept: the promised leaf is sealed, where and in the table that was promised"),
            Fate::Broken(breach) => write!(f, "broken: {breach}"),
            Fate::NotComparable => f.write_str(
                "not comparable: what is sealed here is another record, and says nothing about the promised place",
            ),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::OtherLeaf { found } => write!(f, "another leaf is sealed in the promised place, with hash {found}"),
            Breach::Elsewhere { leaf_index } => {
                write!(f, "the promised record is sealed elsewhere, as leaf {leaf_index}")
            }
            Breach::OtherTable { found } => write!(f, "the promised place is in the block of another table, {found}"),
            Breach::NotInTable { first_leaf, last_leaf } => {
                write!(
                    f,
                    "the promised table was sealed without the promised place, as leaves {first_leaf} to {last_leaf}"
                )
            }
        }
    }
}
