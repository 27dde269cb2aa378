//! What this verifier has seen: the signed checkpoints by which it would notice a history that is taken back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use bulla_sealing::{Checkpoint, Policy, SignedNote};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::Failure;
use super::super::exit::chain;

/// A checkpoint that satisfied the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// The signed note, verbatim.
    pub(super) note: String,
    pub(super) checkpoint: Checkpoint,
    /// Names of the servers that signed.
    pub(super) signers: Vec<String>,
}

impl Signed {
    pub(super) fn verify(note: &SignedNote, policy: &Policy) -> Result<Signed, bulla_sealing::SealError> {
        let sealed = policy.verify(note)?;
        let signers = sealed.nodes.into_iter().chain(sealed.witnesses).map(|signer| signer.name).collect();
        Ok(Signed { note: note.to_string(), checkpoint: sealed.checkpoint, signers })
    }

    /// Reads a signed checkpoint from a file of the verifier's own.
    pub(super) fn read(path: &Path, policy: &Policy) -> Result<Signed, Failure> {
        let bytes =
            fs::read(path).map_err(|error| Failure::caused(format_args!("cannot read {}", path.display()), &error))?;
        Signed::parse(&bytes, policy)
            .map_err(|why| Failure::could_not(format!("{} is no sealed checkpoint: {why}", path.display())))
    }

    fn parse(note: &[u8], policy: &Policy) -> Result<Signed, String> {
        let note = SignedNote::parse(note).map_err(|error| chain(&error))?;
        Signed::verify(&note, policy).map_err(|error| chain(&error))
    }
}

/// The state file, which no other verification uses meanwhile.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    ledger_id: Uuid,
    /// The largest log ever seen.
    pub(super) newest: Option<Signed>,
    /// The last that each server showed, by URL.
    pub(super) servers: BTreeMap<String, Signed>,
    _lock: File,
}

/// As the file has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    ledger_id: Uuid,
    newest: Option<String>,
    servers: BTreeMap<String, String>,
}

impl State {
    /// Reads the file; an empty state when there is none yet.
    pub(super) fn open(path: &Path, policy: &Policy) -> Result<State, Failure> {
        let failed = |what: &'static str| {
            let path = path.to_owned();
            move |error: std::io::Error| {
                Failure::caused(format_args!("cannot {what} the state file {}", path.display()), &error)
            }
        };
        let lock = File::create(beside(path, "lock")).map_err(failed("lock"))?;
        lock.lock().map_err(failed("lock"))?;
        let ledger_id = policy.ledger_id();
        let mut state = State { path: path.to_owned(), ledger_id, newest: None, servers: BTreeMap::new(), _lock: lock };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(state),
            Err(error) => return Err(failed("read")(error)),
        };
        let damaged = |why: String| {
            Failure::could_not(format!(
                "the state file {} cannot be used: {why}; without it nobody would notice a history that was taken \
                 back, so find out what happened to it before you name a new one",
                path.display()
            ))
        };
        let written: Written = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if written.ledger_id != ledger_id {
            return Err(damaged(format!("it is about ledger {}, and the policy about {ledger_id}", written.ledger_id)));
        }
        let signed = |note: &String| Signed::parse(note.as_bytes(), policy).map_err(damaged);
        state.newest = written.newest.as_ref().map(signed).transpose()?;
        for (url, note) in &written.servers {
            state.servers.insert(url.clone(), signed(note)?);
        }
        Ok(state)
    }

    /// Takes in what a server showed. Nothing smaller ever replaces anything larger.
    pub(super) fn saw(&mut self, url: &str, signed: &Signed) {
        let larger =
            |before: Option<&Signed>| before.is_none_or(|before| before.checkpoint.size < signed.checkpoint.size);
        if larger(self.servers.get(url)) {
            self.servers.insert(url.to_owned(), signed.clone());
        }
        if larger(self.newest.as_ref()) {
            self.newest = Some(signed.clone());
        }
    }

    /// Replaces the file, all of it or nothing.
    pub(super) fn save(&self) -> Result<(), Failure> {
        let note = |signed: &Signed| signed.note.clone();
        let written = Written {
            ledger_id: self.ledger_id,
            newest: self.newest.as_ref().map(note),
            servers: self.servers.iter().map(|(url, signed)| (url.clone(), note(signed))).collect(),
        };
        let text = serde_json::to_string_pretty(&written).expect("notes can be written as JSON") + "\n";
        replace(&self.path, text.as_bytes())
    }
}

/// Replaces a file, so that a power cut leaves the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let partial = beside(path, "partial");
    let written = || {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    };
    written().map_err(|error| Failure::caused(format_args!("cannot write {}", path.display()), &error))
}

/// `name.end`, in the same directory.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}
