//! What a caller reads of a server's scrubber: how far it has come, and what it found damaged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// What a server's scrubber has done since the server started, and is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScrubView {
    /// Passes over all that is stored that were completed.
    pub passes: u64,
    /// How much of the pass that is going on is done, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_percent: Option<u8>,
    /// The last pass that was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ScrubbedView>,
    /// Things found damaged.
    pub found: u64,
    /// Of those, how many were put right.
    pub healed: u64,
    /// What is damaged now, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<DamagedView>,
}

/// A completed pass of a scrubber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScrubbedView {
    /// When it ended.
    pub ended: Time,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Bytes that it read.
    pub bytes: u64,
    /// Things that it found damaged.
    pub found: u64,
}

/// Something that is damaged on a server and could not be put right yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DamagedView {
    /// What it is, and what about it is wrong.
    pub what: String,
    /// Its block, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// When it was found.
    pub since: Time,
    /// What has to happen for it to be put right, for people.
    pub waits_for: String,
}

/// The answer to the request for a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScrubAsked {
    /// The server that makes it.
    pub node_id: u64,
    /// How many passes that server has completed once it is.
    pub passes: u64,
}
