//! Why a request was not done, as RFC 9457 `application/problem+json`.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A refusal or a failure, for people (`detail`) and for programs (`code`, `retryable`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, in one stable word in `snake_case`: the only member to branch on.
    pub code: String,
    /// What went wrong, in a sentence.
    pub detail: String,
    /// The same request, under the same record id, may well succeed later.
    pub retryable: bool,
    /// Which transfer of a batch it is about, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
}

impl Problem {
    /// The media type of a problem.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.detail)?;
        match self.index {
            Some(index) => write!(f, " (transfer {index} of the batch)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}
