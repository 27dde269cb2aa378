//! The rules of the ledger: what a transfer is, whether it may happen, the frozen bytes of a record.
#![doc = include_str!("../DESIGN.md")]

mod bytes;
mod decide;
mod decode_error;
mod form;
mod ids;
mod name;
mod payload;
mod record;
mod reference;
mod rejection;
mod rows;
mod transfer;

pub use decide::{EVENT_TIME_AHEAD_US_MAX, Effects, Facts, Outcome, Place, Prior, Source, decide};
pub use decode_error::DecodeError;
pub use form::{SCALE_MAX, check_form, check_payload};
pub use ids::{AssetId, ClassId, NO_LEAF, ParseIdError, PartyId, RecordId};
pub use name::{NAME_BYTES_MAX, Name, NameError, asset_id, class_id, party_id};
pub use payload::{PAYLOAD_BYTES_MAX, Payload, commit};
pub use record::{Record, leaf_kind};
pub use reference::ReferenceLedger;
pub use rejection::{Field, Rejection, Side};
pub use rows::{Asset, Class, Party, Position};
pub use transfer::{Act, Transfer};
