//! What a caller is answered when it writes.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Problem, Time};

/// How far a record has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// A majority of the servers has it on disk.
    #[default]
    Recorded,
    /// Every server has it, said so, and signed.
    Sealed,
}

/// What to wait for before answering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// `recorded` unless given. Waiting for `sealed` has a limit: past it the answer is 202 and says
    /// `recorded`, which remains true.
    #[serde(default)]
    #[param(inline)]
    pub wait: Stage,
    /// Whether the answer is to carry the server's accept promise. It costs a signature, so it is asked for.
    #[serde(default)]
    pub promise: bool,
}

/// A record is in the ledger, at this place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recorded {
    /// The caller's UUID for it, or the one the server made.
    pub record_id: Uuid,
    /// How far it has come.
    pub stage: Stage,
    /// Its place in the ledger's Merkle log.
    pub leaf_index: u64,
    /// The height of the block that its table is or will be.
    pub height: u64,
    /// The record table that holds it.
    pub table_id: Uuid,
    /// When it was recorded.
    pub time: Time,
    /// True when it had been recorded before: this is then the first answer again.
    pub repeated: bool,
    /// The accept promise of the server that answers, when it was asked for: a signed note, no receipt. It is left out when
    /// that server has not got the record within a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<String>,
}

/// One answer for each transfer of a batch, in the same order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchAnswer {
    /// The answers.
    pub results: Vec<ItemAnswer>,
}

/// What became of one transfer of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ItemAnswer {
    /// It is in the ledger.
    Recorded(Recorded),
    /// It is not; the others of the batch are not touched by that.
    Problem(Problem),
}
