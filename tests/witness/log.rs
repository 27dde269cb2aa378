//! A log of two servers that signs whatever tree it is told to, honest or not.

use bulla_sealing::*;
use uuid::Uuid;

/// Its leaves; every one is a number, so that a fork is one number changed.
#[derive(Clone)]
pub struct Log {
    pub origin: &'static str,
    pub leaves: Vec<u64>,
}

impl Log {
    pub fn of(origin: &'static str, size: u64) -> Log {
        Log { origin, leaves: (0..size).collect() }
    }

    pub fn policy(&self) -> Policy {
        let nodes = self.nodes().map(|node| {
            let key = node.verifier_key();
            ConfigNode { name: key.name, public_key: key.public_key }
        });
        let log_key = self.log_key().verifying_key().to_bytes();
        Policy::new(self.origin, Uuid::nil(), log_key, nodes.to_vec(), vec![]).unwrap()
    }

    /// The signed checkpoint of the first `size` leaves.
    pub fn checkpoint(&self, size: usize) -> SignedNote {
        let root = if size == 0 { EMPTY_ROOT } else { subtree_root(&self.hashes()[..size]) };
        let checkpoint = Checkpoint { origin: self.origin.into(), size: size as u64, root };
        let signature = LogSigner::new(self.log_key(), self.origin).sign(&checkpoint);
        let attestations = self.nodes().map(|node| node.cosign(&checkpoint, 1_700_000_000));
        signed_checkpoint(&self.policy(), &checkpoint, &signature, &attestations).unwrap()
    }

    /// The request to go on from `old_size` to `size` leaves.
    pub fn request(&self, old_size: u64, size: usize) -> AddCheckpoint {
        let proof = match old_size {
            0 => vec![],
            _ => consistency_proof(old_size, size as u64, &self.hashes()[..]).unwrap(),
        };
        AddCheckpoint { old_size, proof, checkpoint: self.checkpoint(size) }
    }

    fn hashes(&self) -> Vec<Hash> {
        self.leaves.iter().map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect()
    }

    fn log_key(&self) -> SigningKey {
        SigningKey::from_bytes(&leaf_hash(self.origin.as_bytes()).0)
    }

    fn nodes(&self) -> [Cosigner; 2] {
        ["alpha", "beta"].map(|name| {
            let seed = leaf_hash(format!("{name} of {}", self.origin).as_bytes());
            Cosigner::new(SigningKey::from_bytes(&seed.0), name)
        })
    }
}
