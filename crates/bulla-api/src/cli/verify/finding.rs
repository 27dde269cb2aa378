//! What a verification found: each finding says what, where, and what it means for whoever reads it.

use std::path::{Path, PathBuf};

use bulla_client::{AuditError, ClientError};
use bulla_sealing::{Checkpoint, SealError};
use serde_json::{Value, json};

use super::super::exit::chain;
use super::super::print::count;
use super::super::{Exit, Failure, Printer};

/// Something that is not as it should be, or could not be seen.
#[derive(Debug)]
pub(super) struct Finding {
    /// A word for programs, such as `split_view`.
    pub(super) code: &'static str,
    /// Whether bytes contradict what was signed. If not, nothing is proven either way.
    pub(super) proves_tampering: bool,
    /// Whose it is: the URL of a server, or a file.
    pub(super) at: String,
    /// Which bytes, leaf or block, and what is wrong with them.
    pub(super) what: String,
    /// What follows for the reader.
    pub(super) means: &'static str,
    /// Files that show it to anybody else.
    pub(super) evidence: Vec<PathBuf>,
}

impl Finding {
    /// Bytes contradict what was signed.
    pub(super) fn tampering(code: &'static str, at: &str, what: String, means: &'static str) -> Finding {
        Finding { code, proves_tampering: true, at: at.to_owned(), what, means, evidence: Vec::new() }
    }

    /// Something could not be checked.
    pub(super) fn unchecked(code: &'static str, at: &str, what: String, means: &'static str) -> Finding {
        Finding { proves_tampering: false, ..Finding::tampering(code, at, what, means) }
    }

    /// A checkpoint that the policy does not accept.
    pub(super) fn seal(at: &str, error: &SealError) -> Finding {
        let what = format!("its checkpoint is not sealed under the policy: {}", chain(error));
        match error {
            SealError::UnknownOrigin { .. } => Finding::unchecked("other_ledger", at, what, OTHER_LEDGER),
            SealError::BadSignature { .. } => Finding::tampering("bad_signature", at, what, BAD_SIGNATURE),
            SealError::NotACheckpoint(_) | SealError::RepeatedSignature { .. } => {
                Finding::unchecked("no_checkpoint", at, what, NOTHING_PROVEN)
            }
            _ => Finding::unchecked("signature_missing", at, what, SIGNATURE_MISSING),
        }
    }

    /// A log that is not the one that was signed, or that could not be read.
    pub(super) fn audit(at: &str, error: &AuditError) -> Finding {
        match error {
            AuditError::Client(error) => Finding::client(at, error),
            AuditError::Length { .. } => Finding::unchecked("cut_short", at, error.to_string(), NOTHING_PROVEN),
            AuditError::AlteredTile { .. } => Finding::tampering("altered_tile", at, error.to_string(), ALTERED),
            AuditError::AlteredEntry { .. } => Finding::tampering("altered_entry", at, error.to_string(), ALTERED),
            AuditError::Broken(broken) if broken.unknown => {
                Finding::unchecked("unknown_format", at, broken.to_string(), UNKNOWN_FORMAT)
            }
            AuditError::Broken(broken) => Finding::tampering("broken_rule", at, broken.to_string(), BROKEN_RULE),
        }
    }

    /// No answer, or none that can be used.
    pub(super) fn client(at: &str, error: &ClientError) -> Finding {
        let code = if matches!(error, ClientError::Unreachable(_)) { "unreachable" } else { "no_answer" };
        Finding::unchecked(code, at, chain(error), NOTHING_PROVEN)
    }

    fn to_json(&self) -> Value {
        json!({
            "finding": self.code,
            "proves_tampering": self.proves_tampering,
            "at": self.at,
            "what": self.what,
            "means": self.means,
            "evidence": self.evidence,
        })
    }

    fn to_words(&self) -> String {
        let kind = if self.proves_tampering { "TAMPERING" } else { "not checked" };
        let mut text = format!("{kind}: {}, {}\n  what:  {}\n  means: {}", self.code, self.at, self.what, self.means);
        for file in &self.evidence {
            text += &format!("\n  kept:  {}", file.display());
        }
        text
    }
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Whether anything contradicts what was signed.
    pub(super) fn prove_tampering(&self) -> bool {
        self.0.iter().any(|finding| finding.proves_tampering)
    }

    /// How the command ends.
    pub(super) fn exit(&self) -> Exit {
        match (self.prove_tampering(), self.0.is_empty()) {
            (true, _) => Exit::No,
            (false, false) => Exit::CouldNot,
            (false, true) => Exit::Done,
        }
    }

    /// Prints `value` with the findings in it, or `words` and the findings after them.
    pub(super) fn show(&self, printer: &Printer, mut value: Value, words: &str) -> Exit {
        let exit = self.exit();
        value["proven"] = json!(exit == Exit::Done);
        value["exit"] = json!(exit as u8);
        value["findings"] = self.0.iter().map(Finding::to_json).collect();
        printer.show(&value, || {
            let mut text = words.trim_end().to_owned();
            for finding in &self.0 {
                text += &format!("\n\n{}", finding.to_words());
            }
            let proving = self.0.iter().filter(|finding| finding.proves_tampering).count() as u64;
            match exit {
                Exit::No => text += &format!("\n\n{} that something was changed", count(proving, "proof")),
                Exit::CouldNot => text += "\n\nnot everything could be checked; what could be is as it was sealed",
                _ => {}
            }
            text.trim_start().to_owned()
        });
        exit
    }
}

/// Keeps a signed note as a file, for others to see.
pub(super) fn keep_evidence(directory: &Path, checkpoint: &Checkpoint, note: &str) -> Result<PathBuf, Failure> {
    let root = checkpoint.root.to_string();
    let path = directory.join(format!("evidence-{}-{}.checkpoint", checkpoint.size, &root[..16]));
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&path, note))
        .map_err(|error| Failure::caused(format_args!("cannot keep the evidence in {}", path.display()), &error))?;
    Ok(path)
}

const NOTHING_PROVEN: &str = "nothing is proven by this, neither that all is well nor that something was changed; ask \
    again, or another server";
const OTHER_LEDGER: &str = "the server, or the policy, is of another ledger; nothing is known about the one you asked \
    about. Check --url, and get the policy from the operator";
const SIGNATURE_MISSING: &str = "somebody whom you ask to sign did not, so this is no seal; do not rely on anything \
    that this server says until it shows one";
const BAD_SIGNATURE: &str = "the checkpoint or the signature was changed after it was signed, by the server or on the \
    way from it; do not rely on anything that this server says";
const ALTERED: &str = "these bytes are not what all servers signed; the server, its disk, or something on the way from \
    it changed them. The other servers can still show what was sealed";
const BROKEN_RULE: &str = "all servers signed something that breaks the rules of the ledger, so none of them checked \
    it; do not rely on this ledger before its operator has explained this";
const UNKNOWN_FORMAT: &str = "this may be right in a format newer than this program; use a newer release to verify it";
