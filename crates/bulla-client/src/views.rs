//! What a caller reads of the ledger: parties, classes, assets, holdings and records.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Act, Digest, Document, Kind, Moves, Problem, Quantity, Stage, Time};

/// A piece of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The piece, in the order of the list.
    pub items: Vec<T>,
    /// What to give as `after` for the next piece; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which piece of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next` of the piece before; from the start without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many items at most, 1 to 1,000; 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl PageQuery {
    /// Most items of a page.
    pub const LIMIT_MAX: usize = 1_000;
    /// Items of a page unless asked otherwise.
    pub const LIMIT_DEFAULT: usize = 100;
}

/// Whether to send the payload along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PayloadQuery {
    /// Payload and salt are left out unless asked for, so that copies do not outlive an erasure.
    #[serde(default)]
    pub payload: bool,
}

/// A party that the ledger knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartyView {
    /// Its id.
    pub party_id: Uuid,
    /// Its name, when the payload of its record has a `name` that this id is derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The leaf of the record that made it known.
    pub leaf_index: u64,
}

/// An asset class that the ledger knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassView {
    /// Its id.
    pub class_id: Uuid,
    /// Its name, when the payload of its record has a `name` that this id is derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How its assets are counted.
    pub kind: Kind,
    /// Decimal digits of its quantities.
    pub scale: u8,
    /// The leaf of the record that made it known.
    pub leaf_index: u64,
}

/// An asset as it stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetView {
    /// Its id.
    pub asset_id: Uuid,
    /// Its name, when the payload of its registration has a `name` that this id is derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its class.
    pub class_id: Uuid,
    /// How it is counted.
    pub kind: Kind,
    /// A retired asset moves no more.
    pub retired: bool,
    /// Who owns a unique asset (of a retired one: the last who did).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Uuid>,
    /// Who holds a unique asset (of a retired one: the last who did).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Uuid>,
    /// How much of a quantity asset was issued and not redeemed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outstanding: Option<Quantity>,
    /// How many records its own chain has after the registration.
    pub seq: u64,
    /// The leaf of its registration.
    pub registered_leaf: u64,
    /// The leaf of the newest record of its own chain.
    pub last_leaf: u64,
}

/// What one party has of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldingView {
    /// The asset.
    pub asset_id: Uuid,
    /// The party.
    pub party_id: Uuid,
    /// How the asset is counted.
    pub kind: Kind,
    /// The party owns the unique asset.
    pub owns: bool,
    /// The party holds the unique asset.
    pub holds: bool,
    /// How much of the quantity asset the party has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<Quantity>,
    /// The leaf of the newest record that touched it.
    pub last_leaf: u64,
}

/// What became of a record id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordAnswer {
    /// It names a record of the ledger.
    Recorded(Box<RecordView>),
    /// It was spent on a request that the ledger refused for good.
    Rejected(RejectedView),
}

/// A record id that was spent on a refused request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectedView {
    /// The id.
    pub record_id: Uuid,
    /// Why it was refused.
    pub problem: Problem,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    /// Its id.
    pub record_id: Uuid,
    /// What it did.
    pub act: Act,
    /// Its place in the ledger's Merkle log.
    pub leaf_index: u64,
    /// When it was recorded.
    pub time: Time,
    /// When it happened in the world, when the caller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Time>,
    /// The height of the block that its table is or will be.
    pub height: u64,
    /// The record table that holds it.
    pub table_id: Uuid,
    /// How far it has come.
    pub stage: Stage,
    /// The asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<Uuid>,
    /// The record that this one is about: whose payload it erases, or the incident that it closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<Uuid>,
    /// The class that was defined, or that the asset was registered in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_id: Option<Uuid>,
    /// The party that was enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party_id: Option<Uuid>,
    /// The party that gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Uuid>,
    /// The party that received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Uuid>,
    /// How much of a quantity asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// What moved of a unique asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<Moves>,
    /// How the assets of the defined class are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Decimal digits of the defined class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// Its number in the chain of its asset, or of the giving position.
    pub asset_seq: u64,
    /// The leaf before it in that chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_leaf: Option<u64>,
    /// The leaf before it in the chain of the receiving position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_leaf_to: Option<u64>,
    /// The leaf that it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_leaf: Option<u64>,
    /// What commits to the payload: a hash over salt and payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_commit: Option<Digest>,
    /// The salt, when the payload was asked for and not erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Digest>,
    /// The payload, when it was asked for and not erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Document>,
    /// That the payload was erased, when it was. What commits to it stays, and every proof with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<ErasedView>,
}

/// That the payload of a record was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasedView {
    /// The record id of the notice that says so.
    pub record_id: Uuid,
    /// The notice's place in the ledger's Merkle log.
    pub leaf_index: u64,
    /// When the notice was recorded.
    pub time: Time,
}

/// Something that went wrong with a server's copy of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentView {
    /// Whether it is not over yet.
    pub open: bool,
    /// What its record says; left out when that was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<IncidentTold>,
    /// The record that told of it, with its payload.
    pub record: RecordView,
    /// The record that told of its end, with its payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<RecordView>,
}

/// What the payload of an incident says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentTold {
    /// What went wrong, as one word.
    pub incident: String,
    /// The server whose copy it is.
    pub server: String,
    /// The height of the block that it is in.
    #[serde(default)]
    pub height: Option<u64>,
    /// The leaf that it is in.
    #[serde(default)]
    pub leaf_index: Option<u64>,
    /// What was found in the place of something else: a root or a SHA-256, in hexadecimal.
    #[serde(default)]
    pub found: Option<String>,
    /// The same in a sentence.
    pub what: String,
    /// What proves it, as it was signed.
    #[serde(default)]
    pub evidence: Option<String>,
    /// The server that noticed it.
    pub noticed_by: String,
    /// Whether it was put right when it was reported.
    pub healed: bool,
}
