//! The witness: its logs, and the one order in which a cosignature comes to be.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use bulla_sealing::{
    AddCheckpoint, Checkpoint, Cosigner, MalformedRequest, Policy, SignedNote, VerifierKey, WitnessRefusal,
};

use super::WitnessError;
use super::state::StateDirectory;

/// One key, and the logs that it cosigns.
pub(crate) struct Witness {
    cosigner: Cosigner,
    state: StateDirectory,
    logs: BTreeMap<String, Log>,
}

struct Log {
    policy: Policy,
    /// What was cosigned last. Held while a request is judged, written down and answered, so that of two requests
    /// from the same size one comes too late.
    latest: Mutex<Option<Checkpoint>>,
}

/// Why a request gets no cosignature.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCosigned {
    #[error("the body is not an add-checkpoint request")]
    Malformed(#[from] MalformedRequest),
    #[error("this witness does not know the log {origin:?}")]
    UnknownLog { origin: String },
    #[error(transparent)]
    Refused(#[from] WitnessRefusal),
    #[error("the checkpoint could not be written down")]
    Failed(#[from] WitnessError),
}

impl Witness {
    /// A witness of the logs of these policies, with what `state` says that it cosigned.
    pub(crate) fn open(cosigner: Cosigner, state: &Path, policies: Vec<Policy>) -> Result<Witness, WitnessError> {
        let state = StateDirectory::open(state, cosigner.verifier_key())?;
        let mut logs = BTreeMap::new();
        for policy in policies {
            let origin = policy.origin().to_owned();
            let latest = Mutex::new(state.load(&origin)?);
            if logs.insert(origin.clone(), Log { policy, latest }).is_some() {
                return Err(WitnessError::SameLog { origin });
            }
        }
        Ok(Witness { cosigner, state, logs })
    }

    /// The key by which others know this witness.
    pub(crate) fn verifier_key(&self) -> VerifierKey {
        self.cosigner.verifier_key()
    }

    /// Judges a request at this time, POSIX seconds. What it returns is the checkpoint with the witness's one line.
    pub(super) fn add_checkpoint(&self, body: &[u8], time_s: u64) -> Result<SignedNote, NotCosigned> {
        let request = AddCheckpoint::parse(body)?;
        let origin = request.origin();
        let log = self.logs.get(origin).ok_or_else(|| NotCosigned::UnknownLog { origin: origin.to_owned() })?;
        let mut latest = log.latest.lock().expect("no panic while a log is held");
        let checkpoint = request.judge(&log.policy, latest.as_ref())?;
        let line = self.cosigner.cosign(&checkpoint, time_s).note_line(&self.verifier_key());
        let cosigned = SignedNote { text: checkpoint.to_string(), signatures: vec![line] };
        // First the disk, then memory, then the caller: see the module's invariant. The same log again needs no disk.
        if latest.as_ref() != Some(&checkpoint) {
            self.state.store(origin, &cosigned)?;
            *latest = Some(checkpoint);
        }
        Ok(cosigned)
    }
}
