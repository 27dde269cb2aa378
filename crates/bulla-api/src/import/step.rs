//! What a row of a file asks the ledger to record, one thing at a time.

use bulla_client::{Act, Document, Kind, TransferRequest};

use super::ids;

/// When a step is sent, within the rows that are sent together. The steps of one stage keep the
/// order of the rows, so that an asset moves as the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Parties and classes.
    Prepare,
    /// Assets.
    Register,
    /// Everything that moves an asset or changes how much of it there is.
    Move,
}

impl Stage {
    /// All stages, in order.
    pub(crate) const ALL: [Stage; 3] = [Stage::Prepare, Stage::Register, Stage::Move];

    fn of(act: Act) -> Stage {
        match act {
            Act::Enroll | Act::Define => Stage::Prepare,
            Act::Register => Stage::Register,
            Act::Issue | Act::Transfer | Act::Retire | Act::Redeem | Act::Amend | Act::Incident | Act::Erase => {
                Stage::Move
            }
        }
    }
}

/// One thing to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// When it is sent.
    pub(crate) stage: Stage,
    /// Other rows and other files ask for the very same thing, so finding it already there is no
    /// reason to refuse a row.
    pub(crate) shared: bool,
    /// The request, with its record id.
    pub(crate) request: TransferRequest,
}

impl Step {
    /// A party, under an id that every import gives it. Without a payload it carries its name.
    pub(crate) fn enroll(party: &str, payload: Option<Document>) -> Step {
        Step::shared(TransferRequest {
            record_id: Some(ids::shared("party", party)),
            act: Act::Enroll,
            party: Some(party.into()),
            payload,
            ..TransferRequest::default()
        })
    }

    /// A class, under an id that every import gives it. `scale` is for quantity classes.
    pub(crate) fn define(class: &str, kind: Kind, scale: u8) -> Step {
        Step::shared(TransferRequest {
            record_id: Some(ids::shared("class", class)),
            act: Act::Define,
            class: Some(class.into()),
            kind: Some(kind),
            scale: (kind == Kind::Quantity).then_some(scale),
            ..TransferRequest::default()
        })
    }

    /// A stock item, under an id that every import gives it.
    pub(crate) fn register_stock(asset: &str, class: &str) -> Step {
        Step::shared(TransferRequest {
            record_id: Some(ids::shared("stock", asset)),
            act: Act::Register,
            asset: Some(asset.into()),
            class: Some(class.into()),
            ..TransferRequest::default()
        })
    }

    /// Something that one row alone asks for.
    pub(crate) fn of_row(request: TransferRequest) -> Step {
        Step { stage: Stage::of(request.act), shared: false, request }
    }

    fn shared(request: TransferRequest) -> Step {
        Step { stage: Stage::of(request.act), shared: true, request }
    }
}
