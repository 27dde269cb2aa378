//! An agreed tree: one that a majority of all voters signed.

use std::collections::BTreeSet;

use bulla_sealing::{Attestation, Checkpoint, ConfigLeaf, Hash, verify_attestation};

/// A tree at the end of a block that a majority of all voters of the configuration signed. There is no other way to
/// make one than with their signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedTree {
    height: u64,
    size: u64,
    root: Hash,
}

/// Too few voters signed a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{valid} of {needed} servers needed signed this root; ask again when more of them have")]
pub struct TooFew {
    /// Voters whose signature over this tree verifies.
    pub valid: usize,
    /// More than half of all voters.
    pub needed: usize,
}

impl AgreedTree {
    /// The tree of `checkpoint` as the end of block `height`, if enough of the attestations are by voters of `config`
    /// over it. Attestations to other trees, by others, or not valid do not count.
    ///
    /// # Errors
    /// [`TooFew`].
    pub fn new<'a>(
        config: &ConfigLeaf,
        height: u64,
        checkpoint: &Checkpoint,
        attestations: impl IntoIterator<Item = &'a Attestation>,
    ) -> Result<Self, TooFew> {
        let signed = |attestation: &&Attestation| {
            let voter = config.nodes.iter().find(|node| node.name == attestation.node_name);
            voter.is_some_and(|voter| verify_attestation(&voter.public_key, checkpoint, attestation).is_ok())
        };
        let names: BTreeSet<&str> =
            attestations.into_iter().filter(signed).map(|attestation| attestation.node_name.as_str()).collect();
        match (names.len(), majority(config.nodes.len())) {
            (valid, needed) if valid < needed => Err(TooFew { valid, needed }),
            _ => Ok(Self { height, size: checkpoint.size, root: checkpoint.root }),
        }
    }

    /// Height of the block.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// Leaves of the log up to the end of the block.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of that log.
    pub fn root(&self) -> Hash {
        self.root
    }
}

/// More than half of so many voters.
pub(crate) fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

#[cfg(test)]
mod tests {
    use bulla_sealing::{ConfigNode, SigningKey, cosign};

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn config(voters: u8) -> ConfigLeaf {
        let node = |seed| ConfigNode { name: name(seed), public_key: key(seed).verifying_key().to_bytes() };
        ConfigLeaf::genesis("ledger.example", key(200).verifying_key().to_bytes(), (1..=voters).map(node).collect())
            .unwrap()
    }

    fn name(seed: u8) -> String {
        format!("node-{seed}")
    }

    fn checkpoint(root: u8) -> Checkpoint {
        Checkpoint { origin: "ledger.example".into(), size: 9, root: Hash([root; 32]) }
    }

    /// How many of `signers` count towards the tree of root 1.
    fn valid(voters: u8, signers: &[(u8, u8)]) -> usize {
        let attestations: Vec<Attestation> =
            signers.iter().map(|(seed, root)| cosign(&key(*seed), &name(*seed), &checkpoint(*root), 1_000)).collect();
        match AgreedTree::new(&config(voters), 4, &checkpoint(1), &attestations) {
            Ok(agreed) => {
                assert_eq!((agreed.height(), agreed.size(), agreed.root()), (4, 9, Hash([1; 32])));
                usize::MAX
            }
            Err(few) => few.valid,
        }
    }

    #[test]
    fn more_than_half_of_all_voters_must_have_signed_the_same_root() {
        assert_eq!(valid(3, &[(1, 1), (2, 1)]), usize::MAX);
        assert_eq!(valid(3, &[(1, 1), (2, 2)]), 1);
        assert_eq!(valid(4, &[(1, 1), (2, 1)]), 2, "half is not more than half");
        assert_eq!(valid(5, &[(1, 1), (2, 1), (3, 1)]), usize::MAX);
        assert_eq!(valid(2, &[(1, 1)]), 1, "of two servers neither outvotes the other");
    }

    #[test]
    fn nobody_counts_twice_and_a_stranger_does_not_count() {
        assert_eq!(valid(3, &[(1, 1), (1, 1), (9, 1)]), 1);
    }

    #[test]
    fn a_signature_by_another_key_does_not_count() {
        let forged = cosign(&key(9), &name(2), &checkpoint(1), 1_000);
        let honest = cosign(&key(1), &name(1), &checkpoint(1), 1_000);
        let few = AgreedTree::new(&config(3), 4, &checkpoint(1), [&honest, &forged]).unwrap_err();
        assert_eq!(few, TooFew { valid: 1, needed: 2 });
    }
}
