//! The ledger's side of witnessing: what is sealed is shown to each witness, and its cosignatures are kept and handed out.
//!
//! ```text
//!   Node ──Sealed──▶ push: one task a witness ──HTTP──▶ witness
//!                        │ cosignature, verified
//!                        ▼
//!                     Kept: <data>/witnessed/<key>     one file a witness
//!                        │
//!   /checkpoint, /checkpoint/<size>, receipts ◀── lines that verify again
//! ```
//!
//! **Invariant:** nothing waits for a witness. Recording and sealing know nothing of this module; whoever asks for a
//! checkpoint or receipt gets it with the cosignatures that are there.
//!
//! Every server asks for itself, so none depends on the leader, or on what another one kept. A server that was late
//! for one checkpoint gets the next one cosigned, and that covers everything before it: see [`Witnesses::best_from`].

mod kept;
mod push;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulla_client::{WitnessClient, WitnessError, WitnessView};
use bulla_node::Node;
use bulla_node::config::ClusterWitness;
use bulla_sealing::{Checkpoint, ConfigNode, KeyError, Policy, SignedNote, VerifierKey};
use tokio::task::JoinSet;

use kept::Kept;

/// Why witnessing cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WitnessesError {
    #[error("the witnesses of the configuration cannot be used; correct their [[witness]] sections")]
    Keys(#[from] KeyError),
    #[error("the cosignatures in {} cannot be read; check the disk and the permissions", path.display())]
    Kept {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("witnesses cannot be asked")]
    Client(#[from] WitnessError),
}

/// The witnesses of this server. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Witnesses(Arc<Vec<One>>);

struct One {
    url: String,
    key: VerifierKey,
    client: WitnessClient,
    kept: Kept,
    progress: Mutex<Progress>,
}

/// How far a witness has come, and what was in its way.
#[derive(Debug, Clone, Default)]
struct Progress {
    /// Leaves of the newest sealed checkpoint that it was to cosign.
    sealed_size: u64,
    problem: Option<String>,
}

impl Witnesses {
    /// The witnesses of the configuration, with what was kept of them in the data directory.
    pub(crate) fn open(
        configured: &[ClusterWitness],
        data: &Path,
        policy: &Policy,
    ) -> Result<Witnesses, WitnessesError> {
        let keys = configured.iter().map(|one| &one.key);
        let keys = keys.map(|key| ConfigNode { name: key.name.clone(), public_key: key.public_key });
        // The rules for a policy with them are those for being told apart from the servers.
        Policy::new(policy.origin(), policy.ledger_id(), *policy.log_key(), policy.nodes().to_vec(), keys.collect())?;
        let directory = data.join("witnessed");
        let open = |one: &ClusterWitness| {
            let name: String = one.key.public_key.iter().map(|byte| format!("{byte:02x}")).collect();
            let path = directory.join(name);
            Ok(One {
                url: one.url.clone(),
                key: one.key.clone(),
                client: WitnessClient::new(&one.url, one.key.clone(), TIME_MAX)?,
                kept: Kept::open(&path).map_err(|source| WitnessesError::Kept { path, source })?,
                progress: Mutex::default(),
            })
        };
        Ok(Witnesses(Arc::new(configured.iter().map(open).collect::<Result<_, WitnessesError>>()?)))
    }

    /// Shows to each of them what `node` seals, until the tasks are dropped.
    pub(crate) fn follow(&self, node: &Node) -> JoinSet<()> {
        (0..self.0.len()).map(|place| push::follow(node.clone(), self.clone(), place)).collect()
    }

    /// Whether a checkpoint with this many cosignatures lacks none.
    pub(crate) fn all_signed(&self, signed: usize) -> bool {
        signed == self.0.len()
    }

    /// Adds the cosignatures that are kept of a checkpoint, each verified again; returns how many.
    pub(crate) fn cosign(&self, note: &mut SignedNote) -> usize {
        let Ok(Checkpoint { size, .. }) = note.text.parse() else { return 0 };
        let before = note.signatures.len();
        for one in self.0.iter() {
            let Some(line) = said(one, one.kept.line(&one.key, size)).flatten() else { continue };
            note.signatures.push(line);
            if !matches!(one.key.cosigned(note), Ok(Some(_))) {
                tracing::warn!(witness = one.key.name, size, "a cosignature that was kept does not verify");
                note.signatures.pop();
            }
        }
        note.signatures.len() - before
    }

    /// The size of the checkpoint that a receipt is best made against: of those from `own_size` on, the first that all
    /// witnesses cosigned; else the first that all but one did, and so on; else the one of `own_size` itself.
    pub(crate) fn best_from(&self, own_size: u64) -> u64 {
        let most = self.0.len();
        (1..=most).rev().find_map(|signers| self.first_with(signers, own_size)).unwrap_or(own_size)
    }

    /// The first size from `from` on that so many witnesses cosigned.
    fn first_with(&self, signers: usize, from: u64) -> Option<u64> {
        let mut from = from;
        for _ in 0..LOOKS_MAX {
            let next = |one: &One| said(one, one.kept.first_from(from)).flatten();
            let mut sizes: Vec<u64> = self.0.iter().filter_map(next).collect();
            sizes.sort_unstable();
            // Below the size that is `signers`th there cannot be so many on one.
            let candidate = *sizes.get(signers - 1)?;
            if sizes.iter().filter(|size| **size == candidate).count() >= signers {
                return Some(candidate);
            }
            from = candidate;
        }
        None
    }

    /// How far each has come.
    pub(crate) fn views(&self) -> Vec<WitnessView> {
        let view = |one: &One| {
            let progress = one.progress.lock().expect("no panic while progress is held").clone();
            let cosigned_size = one.kept.last_size();
            WitnessView {
                name: one.key.name.clone(),
                url: one.url.clone(),
                cosigned_size,
                lag_leaves: progress.sealed_size.saturating_sub(cosigned_size.unwrap_or(0)),
                problem: progress.problem,
            }
        };
        self.0.iter().map(view).collect()
    }
}

/// What was read, unless the disk failed: then the answer goes without it.
fn said<T>(one: &One, read: std::io::Result<T>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(witness = one.key.name, %error, "kept cosignatures cannot be read")).ok()
}

impl fmt::Debug for Witnesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|one| &one.key.name)).finish()
    }
}

/// The longest that a witness may take to answer.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Looks at the files before the search for one common checkpoint is given up: witnesses that are up cosign the same.
const LOOKS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use bulla_sealing::{Cosigner, NoteSignature, SigningKey};

    use super::*;

    /// Which checkpoint receipts are made against, asked from every size below 10, when each witness cosigned these.
    fn best(cosigned: [&[u64]; 3]) -> Vec<u64> {
        let key = |seed, name: &str| Cosigner::new(SigningKey::from_bytes(&[seed; 32]), name).verifier_key();
        let node = ConfigNode { name: "node-1".into(), public_key: key(1, "node-1").public_key };
        let log_key = key(2, "log").public_key;
        let policy = Policy::new("log.example", uuid::Uuid::nil(), log_key, vec![node], vec![]).unwrap();
        let configured = [3, 4, 5].map(|seed| ClusterWitness {
            url: "http://127.0.0.1:9".to_owned(),
            key: key(seed, &format!("witness-{seed}")),
        });
        let data = tempfile::tempdir().unwrap();
        let witnesses = Witnesses::open(&configured, data.path(), &policy).unwrap();
        for (one, sizes) in witnesses.0.iter().zip(cosigned) {
            for &size in sizes {
                let line = NoteSignature { name: one.key.name.clone(), key_id: 0, signature: vec![0; 72] };
                one.kept.keep(size, &line).unwrap();
            }
        }
        (1..10).map(|own_size| witnesses.best_from(own_size)).collect()
    }

    #[test]
    fn a_receipt_is_made_against_the_first_checkpoint_that_most_witnesses_cosigned() {
        // All three on 4 and 9: whatever comes before is covered by those.
        assert_eq!(best([&[2, 4, 6, 9], &[4, 5, 9], &[1, 4, 6, 9]]), [4, 4, 4, 4, 9, 9, 9, 9, 9]);
        // All three never; two on 3, and on 8.
        assert_eq!(best([&[3, 5, 8], &[3, 6], &[4, 8, 9]]), [3, 3, 3, 8, 8, 8, 8, 8, 9]);
        assert_eq!(best([&[], &[5], &[]]), [5, 5, 5, 5, 5, 6, 7, 8, 9]);
        assert_eq!(best([&[], &[], &[]]), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
}
