//! From what a caller wrote to what the ledger decides on: names become ids, decimals become units.

use std::collections::HashMap;

use bulla_client::{Act, Document, Kind, Moves, Named, Quantity, QuantityError, TransferRequest};
use bulla_ledger::{
    AssetId, ClassId, Name, PartyId, Payload, RecordId, Rejection, Transfer, asset_id, class_id, party_id,
};
use bulla_node::{Item, Ledger};
use uuid::Uuid;

use super::errors::{ApiError, Cause, Fault};

/// Turns the requests of one body into items, in their order.
///
/// It remembers what the requests before define and register, so that a batch may define a class,
/// register an asset in it and issue some, although the ledger knows of none of it yet.
pub(crate) struct Preparation<'a> {
    ledger_id: Uuid,
    ledger: &'a Ledger,
    classes: HashMap<ClassId, u8>,
    assets: HashMap<AssetId, Registered>,
}

/// What has to be known of an asset to count it.
#[derive(Clone, Copy)]
struct Registered {
    class: ClassId,
    quantity_asset: bool,
}

/// Whether a request can only be understood by looking its asset up.
pub(crate) fn needs_lookup(request: &TransferRequest) -> bool {
    request.quantity.is_some() || request.act == Act::Amend
}

impl<'a> Preparation<'a> {
    pub(crate) fn new(ledger_id: Uuid, ledger: &'a Ledger) -> Preparation<'a> {
        Preparation { ledger_id, ledger, classes: HashMap::new(), assets: HashMap::new() }
    }

    /// One request as an item. Its record id is the caller's, or else a new one.
    ///
    /// # Errors
    /// What the caller wrote cannot be said, or speaks of an asset that this node does not know.
    pub(crate) fn item(&mut self, request: &TransferRequest) -> Result<Item, ApiError> {
        refuse_surplus(request)?;
        let record_id = RecordId(request.record_id.unwrap_or_else(Uuid::now_v7));
        let payload = self.payload(request)?;
        let mut transfer = self.transfer(request, record_id)?;
        if let Some(time) = request.event_time {
            if time.micros == 0 {
                return Err(invalid("event_time is after 1970-01-01T00:00:00Z"));
            }
            transfer = transfer.happened_at(time.micros);
        }
        if let Some(payload) = &payload {
            transfer = transfer.with_payload(payload);
        }
        Ok(Item { transfer, payload })
    }

    fn transfer(&mut self, request: &TransferRequest, id: RecordId) -> Result<Transfer, ApiError> {
        Ok(match request.act {
            Act::Enroll => Transfer::enroll(id, self.party("party", &request.party)?),
            Act::Define => {
                let class = self.class(request)?;
                let quantity = needed("kind", &request.kind)? == &Kind::Quantity;
                let scale = request.scale.unwrap_or(0);
                self.classes.insert(class, scale);
                Transfer::define(id, class, quantity, scale)
            }
            Act::Register => {
                let (asset, class) = (self.asset(request)?, self.class(request)?);
                let quantity_asset = request.to.is_none();
                self.assets.insert(asset, Registered { class, quantity_asset });
                match quantity_asset {
                    true => Transfer::register_quantity(id, asset, class),
                    false => Transfer::register(id, asset, class, self.party("to", &request.to)?),
                }
            }
            Act::Issue => {
                let asset = self.asset(request)?;
                let quantity = self.units(asset, needed("quantity", &request.quantity)?)?;
                Transfer::issue(id, asset, self.party("to", &request.to)?, quantity)
            }
            Act::Redeem => {
                let asset = self.asset(request)?;
                let quantity = self.units(asset, needed("quantity", &request.quantity)?)?;
                Transfer::redeem(id, asset, self.party("from", &request.from)?, quantity)
            }
            Act::Transfer => {
                let asset = self.asset(request)?;
                let from = self.party("from", &request.from)?;
                let to = self.party("to", &request.to)?;
                match (&request.quantity, request.moves) {
                    (Some(quantity), None) => Transfer::send(id, asset, from, to, self.units(asset, quantity)?),
                    (None, None | Some(Moves::Both)) => Transfer::transfer(id, asset, from, to),
                    (None, Some(Moves::Title)) => Transfer::title(id, asset, from, to),
                    (None, Some(Moves::Custody)) => Transfer::custody(id, asset, from, to),
                    (Some(_), Some(_)) => {
                        return Err(invalid("a transfer takes quantity or moves, not both"));
                    }
                }
            }
            Act::Retire => Transfer::retire(id, self.asset(request)?, self.party("from", &request.from)?),
            Act::Amend => {
                let asset = self.asset(request)?;
                needed("payload", &request.payload)?;
                // The commitment is put in with the payload, as for every other act.
                match self.registered(asset)?.quantity_asset {
                    true => Transfer::amend_quantity(id, asset, [0; 32]),
                    false => Transfer::amend(id, asset, [0; 32]),
                }
            }
            Act::Incident => return Err(invalid("only servers report incidents")),
            Act::Erase => return Err(invalid("a payload is erased by POST /v1/records/{id}/erase")),
        })
    }

    fn asset(&self, request: &TransferRequest) -> Result<AssetId, ApiError> {
        asset_named(self.ledger_id, needed("asset", &request.asset)?)
    }

    fn class(&self, request: &TransferRequest) -> Result<ClassId, ApiError> {
        class_named(self.ledger_id, needed("class", &request.class)?)
    }

    fn party(&self, field: &str, party: &Option<Named>) -> Result<PartyId, ApiError> {
        party_named(self.ledger_id, needed(field, party)?)
    }

    fn units(&self, asset: AssetId, quantity: &Quantity) -> Result<u128, ApiError> {
        let class = self.registered(asset)?.class;
        let scale = match self.classes.get(&class) {
            Some(scale) => *scale,
            None => self.ledger.class(class)?.ok_or(Rejection::UnknownClass)?.scale,
        };
        quantity.units(scale).map_err(|error: QuantityError| ApiError::request(Fault::BadQuantity, error))
    }

    fn registered(&self, asset: AssetId) -> Result<Registered, ApiError> {
        if let Some(asset) = self.ledger.asset(asset)? {
            return Ok(Registered { class: asset.class_id, quantity_asset: asset.quantity_asset });
        }
        Ok(*self.assets.get(&asset).ok_or(Rejection::UnknownAsset)?)
    }

    fn payload(&self, request: &TransferRequest) -> Result<Option<Payload>, ApiError> {
        let named = match request.act {
            Act::Enroll => &request.party,
            Act::Define => &request.class,
            Act::Register => &request.asset,
            _ => &None,
        };
        let bytes = match (&request.payload, named) {
            (Some(payload), _) => payload.as_str().to_owned(),
            (None, Some(Named::Name(text))) => default_payload(&name(text)?),
            (None, _) => return Ok(None),
        };
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|error| Cause::Internal(format!("no random salt: {error}")))?;
        Ok(Some(Payload { salt, bytes: bytes.into_bytes() }))
    }
}

/// The payload of what is made known by name without one: without it nobody could list names.
fn default_payload(name: &Name) -> String {
    serde_json::json!({ "name": name.as_str() }).to_string()
}

/// The name in the payload of a record that made something known.
pub(crate) fn name_in(payload: &Payload) -> Option<Name> {
    let text = std::str::from_utf8(&payload.bytes).ok()?;
    Name::parse(&Document::parse(text).ok()?.string_at("name")?).ok()
}

/// The asset that a caller calls so.
pub(crate) fn asset_named(ledger: Uuid, named: &Named) -> Result<AssetId, ApiError> {
    Ok(match named {
        Named::Id(id) => AssetId(*id),
        Named::Name(text) => asset_id(ledger, &name(text)?),
    })
}

/// The party that a caller calls so.
pub(crate) fn party_named(ledger: Uuid, named: &Named) -> Result<PartyId, ApiError> {
    Ok(match named {
        Named::Id(id) => PartyId(*id),
        Named::Name(text) => party_id(ledger, &name(text)?),
    })
}

/// The class that a caller calls so.
pub(crate) fn class_named(ledger: Uuid, named: &Named) -> Result<ClassId, ApiError> {
    Ok(match named {
        Named::Id(id) => ClassId(*id),
        Named::Name(text) => class_id(ledger, &name(text)?),
    })
}

fn name(text: &str) -> Result<Name, ApiError> {
    Name::parse(text).map_err(|error| ApiError::request(Fault::BadName, error))
}

fn needed<'r, T>(field: &str, value: &'r Option<T>) -> Result<&'r T, ApiError> {
    value.as_ref().ok_or_else(|| invalid(&format!("the field {field} is missing")))
}

/// Refuses what the act does not take: it would be left out of the record without a word.
fn refuse_surplus(request: &TransferRequest) -> Result<(), ApiError> {
    let takes: &[&str] = match request.act {
        Act::Enroll => &["party"],
        Act::Define => &["class", "kind", "scale"],
        Act::Register => &["asset", "class", "to"],
        Act::Issue => &["asset", "to", "quantity"],
        Act::Transfer => &["asset", "from", "to", "quantity", "moves"],
        Act::Retire => &["asset", "from"],
        Act::Redeem => &["asset", "from", "quantity"],
        Act::Amend => &["asset"],
        Act::Incident | Act::Erase => &[],
    };
    let given = [
        ("asset", request.asset.is_some()),
        ("class", request.class.is_some()),
        ("party", request.party.is_some()),
        ("from", request.from.is_some()),
        ("to", request.to.is_some()),
        ("quantity", request.quantity.is_some()),
        ("moves", request.moves.is_some()),
        ("kind", request.kind.is_some()),
        ("scale", request.scale.is_some()),
    ];
    match given.iter().find(|(field, given)| *given && !takes.contains(field)) {
        None => Ok(()),
        Some((field, _)) => Err(invalid(&format!("the act {} does not take the field {field}", request.act.as_str()))),
    }
}

fn invalid(detail: &str) -> ApiError {
    ApiError::request(Fault::InvalidRequest, detail)
}
