//! The rules of the ledger: what a transfer is, whether it may happen, the frozen bytes of a record.
#![doc = include_str!("../DESIGN.md")]

mod bytes;
mod custody;
mod decide;
mod decode_error;
mod facts;
mod flags;
mod form;
mod ids;
mod incident;
mod lookup;
mod name;
mod payload;
mod record;
mod reference;
mod rejection;
mod requests;
mod rows;
mod rules;
mod state;
mod transfer;

pub use custody::{Custody, CustodyError, UndoError};
pub use decide::{EVENT_TIME_AHEAD_US_MAX, Effects, Outcome, Place, decide};
pub use decode_error::DecodeError;
pub use facts::{Facts, Prior, Source, Subject};
pub use form::{SCALE_MAX, check_form, check_payload};
pub use ids::{AssetId, ClassId, NO_LEAF, ParseIdError, PartyId, RecordId};
pub use incident::{incident_closed_id, incident_id};
pub use lookup::{Claimed, LookupError, look_up, lookup_keys};
pub use name::{NAME_BYTES_MAX, Name, NameError, asset_id, class_id, party_id};
pub use payload::{PAYLOAD_BYTES_MAX, Payload, commit};
pub use record::{Record, leaf_kind};
pub use reference::ReferenceLedger;
pub use rejection::{Field, Rejection, Side};
pub use rows::{Asset, Class, Party, Position};
pub use state::{State, UniqueState};
pub use transfer::{Act, Transfer};
