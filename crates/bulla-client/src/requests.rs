//! What a caller sends: one request for each act, and a batch of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Document, Named, Quantity, Time};

/// What a record does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Registers an asset of a class; a unique one belongs to `to` from then on.
    Register,
    /// Brings `quantity` of a quantity asset into the hands of `to`.
    Issue,
    /// Moves an asset, or a quantity of it, from one party to another.
    #[default]
    Transfer,
    /// Ends a unique asset; nothing moves it afterwards.
    Retire,
    /// Takes `quantity` of a quantity asset out of the hands of `from`.
    Redeem,
    /// Adds a payload to the history of an asset; moves nothing.
    Amend,
    /// Tells of something that went wrong with a server's copy, or was put right. Servers do, nobody else.
    Incident,
    /// Says that the payload of a record was destroyed; asked for at a route of its own.
    Erase,
    /// Makes a party known.
    Enroll,
    /// Makes an asset class known.
    Define,
}

impl Act {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Act::Register => "register",
            Act::Issue => "issue",
            Act::Transfer => "transfer",
            Act::Retire => "retire",
            Act::Redeem => "redeem",
            Act::Amend => "amend",
            Act::Incident => "incident",
            Act::Erase => "erase",
            Act::Enroll => "enroll",
            Act::Define => "define",
        }
    }
}

/// Why a payload is erased, as `POST /v1/records/{id}/erase` takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    /// The caller's own UUID for the notice; the server makes one (version 7) when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<Uuid>,
    /// Why. Kept with the notice for ever, so it should not repeat what is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What moves when a unique asset is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Moves {
    /// Title and custody: `from` owns and holds it, `to` will.
    Both,
    /// The title only: the owner changes, the holder stays.
    Title,
    /// The custody only: the holder changes, the owner stays.
    Custody,
}

/// How the assets of a class are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Each asset is one thing with one owner and one holder.
    Unique,
    /// An asset is a quantity, spread over the positions of parties.
    Quantity,
}

/// One act, as `POST /v1/transfers` takes it; without `act` it is a transfer.
///
/// | act | takes |
/// |---|---|
/// | `enroll` | `party` |
/// | `define` | `class`, `kind`, `scale` (quantity classes, 0 unless given) |
/// | `register` | `asset`, `class`, `to` (unique assets: the first owner) |
/// | `issue` | `asset`, `to`, `quantity` |
/// | `transfer` | `asset`, `from`, `to`, and `quantity` or `moves` (`both` unless given) |
/// | `retire` | `asset`, `from` (its owner) |
/// | `redeem` | `asset`, `from`, `quantity` |
/// | `amend` | `asset`, `payload` |
///
/// Each takes `record_id`, `payload` and `event_time` besides. A field that an act does not take is
/// refused, so that nothing a caller wrote is silently left out of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// The caller's own UUID for this record: a retry under the same one changes nothing twice.
    /// The server makes one (version 7) when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<Uuid>,
    /// What to do.
    #[serde(default)]
    pub act: Act,
    /// The asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<Named>,
    /// The asset class, to register or define.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Named>,
    /// The party to enroll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<Named>,
    /// The party that gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Named>,
    /// The party that receives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Named>,
    /// How much of a quantity asset, in decimal text scaled by its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// What moves of a unique asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<Moves>,
    /// How the assets of the class to define are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Decimal digits that the class to define counts, 0 to 38.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// When it happened in the world, when that is not the time of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Time>,
    /// Anything worth saying, kept byte for byte and committed to under a fresh salt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Document>,
}

/// Several acts in one request, as `POST /v1/transfers` also takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// All of them or none of them; otherwise each for itself.
    #[serde(default)]
    pub atomic: bool,
    /// The acts, in order; at most 8,190.
    pub transfers: Vec<TransferRequest>,
}

impl BatchRequest {
    /// Most transfers of a batch.
    pub const TRANSFERS_MAX: usize = 8_190;
}

/// Makes a party known: `POST /v1/parties`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyRequest {
    /// As in [`TransferRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<Uuid>,
    /// The party.
    pub party: Named,
    /// As in [`TransferRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Time>,
    /// As in [`TransferRequest`]; a party called by name gets `{"name": ...}` when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Document>,
}

/// Makes an asset class known: `POST /v1/classes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassRequest {
    /// As in [`TransferRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<Uuid>,
    /// The class.
    pub class: Named,
    /// How its assets are counted.
    pub kind: Kind,
    /// Decimal digits that a quantity class counts, 0 to 38; 0 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// As in [`TransferRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Time>,
    /// As in [`TransferRequest`]; a class called by name gets `{"name": ...}` when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Document>,
}

/// Registers an asset: `POST /v1/assets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetRequest {
    /// As in [`TransferRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<Uuid>,
    /// The asset.
    pub asset: Named,
    /// Its class.
    pub class: Named,
    /// Who owns and holds a unique asset at first; left out for a quantity asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Named>,
    /// As in [`TransferRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Time>,
    /// As in [`TransferRequest`]; an asset called by name gets `{"name": ...}` when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Document>,
}

impl From<PartyRequest> for TransferRequest {
    fn from(request: PartyRequest) -> TransferRequest {
        TransferRequest {
            record_id: request.record_id,
            act: Act::Enroll,
            party: Some(request.party),
            event_time: request.event_time,
            payload: request.payload,
            ..TransferRequest::default()
        }
    }
}

impl From<ClassRequest> for TransferRequest {
    fn from(request: ClassRequest) -> TransferRequest {
        TransferRequest {
            record_id: request.record_id,
            act: Act::Define,
            class: Some(request.class),
            kind: Some(request.kind),
            scale: request.scale,
            event_time: request.event_time,
            payload: request.payload,
            ..TransferRequest::default()
        }
    }
}

impl From<AssetRequest> for TransferRequest {
    fn from(request: AssetRequest) -> TransferRequest {
        TransferRequest {
            record_id: request.record_id,
            act: Act::Register,
            asset: Some(request.asset),
            class: Some(request.class),
            to: request.owner,
            event_time: request.event_time,
            payload: request.payload,
            ..TransferRequest::default()
        }
    }
}
