//! How a command ends: its exit code, and one sentence when it did not do what it was asked.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use bulla_client::{ClientError, Problem};
use serde_json::json;

/// The exit codes, as `bulla --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// The ledger said no, or verification proved that something was changed.
    No = 1,
    /// It could not be done.
    CouldNot = 2,
    /// No server answered, or none can serve now.
    Unreachable = 3,
    /// Recorded, but not sealed in time.
    NotSealed = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command did not do what it was asked, in a sentence that says what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    sentence: String,
    /// The code that the server gave, for programs.
    code: Option<String>,
}

impl Failure {
    fn new(exit: Exit, sentence: impl Into<String>) -> Failure {
        Failure { exit, sentence: sentence.into(), code: None }
    }

    /// The same for programs, on one line.
    pub(crate) fn to_json(&self) -> String {
        json!({ "error": self.sentence, "code": self.code, "exit": self.exit as u8 }).to_string()
    }

    /// The ledger said no, or a proof failed.
    pub(crate) fn no(sentence: impl Into<String>) -> Failure {
        Failure::new(Exit::No, sentence)
    }

    /// It could not be done.
    pub(crate) fn could_not(sentence: impl Into<String>) -> Failure {
        Failure::new(Exit::CouldNot, sentence)
    }

    /// The same, with what caused it.
    pub(crate) fn caused(what: impl fmt::Display, error: &(dyn Error + 'static)) -> Failure {
        Failure::could_not(format!("{what}: {}", chain(error)))
    }

    /// The same, with something to add.
    pub(crate) fn and(mut self, more: &str) -> Failure {
        let end = if self.sentence.ends_with('?') { "" } else { ";" };
        self.sentence = format!("{}{end} {more}", self.sentence);
        self
    }

    /// It is recorded, and not sealed yet.
    pub(crate) fn unsealed(sentence: impl Into<String>) -> Failure {
        Failure::new(Exit::NotSealed, sentence)
    }

    /// Nobody answered.
    pub(crate) fn unreachable(sentence: impl Into<String>) -> Failure {
        Failure::new(Exit::Unreachable, sentence)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        match &error {
            ClientError::Unreachable(_) => Failure::unreachable(format!(
                "no server answered ({}); is the cluster running, and is --url (or BULLA_URL) one of its servers?",
                root_cause(&error)
            )),
            ClientError::Refused(problem) => refused(problem),
            ClientError::NoPolicy => Failure::could_not(
                "this needs a policy, the keys to believe: get one from the operator and give it with --policy FILE",
            ),
            ClientError::Receipt(_)
            | ClientError::Promise(_)
            | ClientError::Seal(_)
            | ClientError::SomethingElse { .. } => Failure::no(chain(&error)),
            _ => Failure::could_not(chain(&error)),
        }
    }
}

/// What the server said, with the exit code that its kind has.
fn refused(problem: &Problem) -> Failure {
    let exit = match problem.status {
        _ if problem.retryable => Exit::Unreachable,
        404 | 409 | 410 | 422 => Exit::No,
        400..500 => Exit::CouldNot,
        _ => Exit::Unreachable,
    };
    let mut failure = Failure::new(exit, format!("{} ({})", problem.detail, problem.code));
    failure.code = Some(problem.code.clone());
    match to_do(&problem.code) {
        Some(to_do) => failure.and(to_do),
        None => failure,
    }
}

/// What somebody at a shell can do about a refusal, where the ledger's own sentence cannot know it.
fn to_do(code: &str) -> Option<&'static str> {
    Some(match code {
        "unknown_party" => "`bulla party list` shows the parties there are, `bulla party add` adds one",
        "unknown_class" => "`bulla class list` shows the classes there are, `bulla class add` adds one",
        "unknown_asset" => "`bulla asset list` shows the assets there are, `bulla asset register` registers one",
        "not_the_owner" | "not_the_holder" | "insufficient_quantity" => "`bulla asset show` says who has it",
        "wrong_asset_kind" => {
            "single things have an --owner, quantities a --quantity; `bulla class list` tells which its class is of"
        }
        "exists_with_different_content" => "a new record needs a new --record-id",
        _ => return None,
    })
}

/// What an error comes down to.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// An error and everything that caused it, on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // Some libraries repeat the cause in their own message.
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}
