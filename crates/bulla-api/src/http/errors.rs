//! The one place where refusals and failures become HTTP answers: every code, status and sentence.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bulla_client::Problem;
use bulla_ledger::Rejection;
use bulla_node::{StorageError, SubmitError};

/// Why a request was not done.
#[derive(Debug)]
pub(crate) struct ApiError {
    cause: Cause,
    index: Option<usize>,
}

/// What went wrong, before it is put into words.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The ledger says no.
    Rejected(Rejection),
    /// No majority recorded it.
    Submit(SubmitError),
    /// This node cannot read its own data.
    Storage(StorageError),
    /// The request is not one of this API.
    Request(Fault, String),
    /// What was asked for is not here, or not yet.
    Missing(Missing),
    /// The answer took longer than a request may.
    TimedOut,
    /// This node reaches no leader with a majority, so it cannot record.
    NotReady,
    /// This node rebuilds its ledger, so it takes no part.
    Quarantined {
        /// Why.
        reason: String,
        /// What has to happen next.
        waits_for: String,
    },
    /// A defect of the server.
    Internal(String),
}

/// What is wrong with a request, whatever the ledger holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The body is not JSON.
    MalformedJson,
    /// The body is JSON of another shape, or says what an act does not take.
    InvalidRequest,
    /// The compact body is no run of 128-byte requests.
    MalformedTransfer,
    /// The query string has something else than the route takes.
    InvalidQuery,
    /// A path segment or header is no UUID where one is needed.
    BadId,
    /// A name breaks the rules for names.
    BadName,
    /// A quantity has more decimals than its class counts, or is more than the ledger counts.
    BadQuantity,
    /// The header `Bulla-Ledger` names another ledger.
    WrongLedger,
    /// More transfers in a batch than allowed.
    TooManyTransfers,
    /// A longer body than allowed.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The connection failed before the body was complete.
    BodyIncomplete,
    /// The body is of a media type that the route does not take.
    UnsupportedMediaType,
    /// No route has this path.
    UnknownRoute,
    /// The route has no such method.
    MethodNotAllowed,
}

/// What a reader asked for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No such party.
    Party,
    /// No such record id.
    Record,
    /// No such table.
    Table,
    /// No such stored block.
    Block,
    /// The record's block is not sealed yet.
    Seal,
    /// Nothing is sealed yet.
    Checkpoint,
    /// No sealed block ends with so many leaves.
    CheckpointOfSize,
    /// The sealed log has no such tile or bundle.
    Tile,
    /// This server has no such timestamp.
    Timestamp,
    /// A receipt with this payload would be longer than receipts may be.
    ReceiptSize,
    /// More records led to what is so than a certificate may have.
    CertificateSize,
    /// The party never had units of the asset.
    Position,
}

impl ApiError {
    /// About one transfer of a batch.
    pub(crate) fn at(mut self, index: usize) -> ApiError {
        self.index = Some(index);
        self
    }

    pub(crate) fn request(fault: Fault, detail: impl ToString) -> ApiError {
        Cause::Request(fault, detail.to_string()).into()
    }

    /// Whether the cause is that this node does not know an asset or a class.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.cause, Cause::Rejected(Rejection::UnknownAsset | Rejection::UnknownClass))
    }

    /// The answer to the caller.
    pub(crate) fn problem(&self) -> Problem {
        let (status, code, retryable) = match &self.cause {
            Cause::Rejected(rejection) => (rejection_status(*rejection), rejection.name(), false),
            Cause::Submit(error) => submit(error),
            Cause::Request(fault, _) => request(*fault),
            Cause::Missing(missing) => self::missing(*missing),
            Cause::Storage(StorageError::DiskFull { .. }) => (StatusCode::INSUFFICIENT_STORAGE, "disk_full", true),
            Cause::Storage(StorageError::Quarantined { .. }) | Cause::Quarantined { .. } => quarantined(),
            Cause::Storage(_) => (StatusCode::INTERNAL_SERVER_ERROR, "storage_failed", true),
            Cause::TimedOut => (StatusCode::SERVICE_UNAVAILABLE, "timed_out", true),
            Cause::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not_ready", true),
            Cause::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error", true),
        };
        Problem {
            title: status.canonical_reason().unwrap_or("Refused").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: self.detail(),
            retryable,
            index: self.index,
        }
    }

    fn detail(&self) -> String {
        match &self.cause {
            Cause::Rejected(rejection) => rejection.to_string(),
            Cause::Submit(error) => error.to_string(),
            Cause::Request(_, detail) => detail.clone(),
            Cause::Missing(missing) => sentence(*missing).to_owned(),
            // Paths and causes are for the operator, who finds them in the log.
            Cause::Storage(error @ StorageError::Quarantined { .. }) => {
                format!("{error}; GET /v1/cluster says what it waits for")
            }
            Cause::Quarantined { reason, waits_for } => {
                format!("this server is quarantined: {reason}; it waits for {waits_for}; ask another server meanwhile")
            }
            Cause::Storage(_) => "this node cannot use its data directory; ask another one".to_owned(),
            Cause::TimedOut => "there was no answer in time; it may have been recorded all the same, \
                 so send it again with the same record ids"
                .to_owned(),
            Cause::NotReady => {
                "this node reaches no leader with a majority of the servers; ask another one, or later".to_owned()
            }
            Cause::Internal(_) => "this node failed to answer; its log says why".to_owned(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match &self.cause {
            // It was told when it began, and is not told again to everybody who asks.
            Cause::Storage(StorageError::Quarantined { .. }) => {}
            Cause::Storage(error) => tracing::error!(error = error as &dyn std::error::Error, "data directory failed"),
            Cause::Internal(detail) => tracing::error!(detail, "request failed"),
            _ => {}
        }
        problem_response(&self.problem())
    }
}

/// A problem as an HTTP answer.
pub(crate) fn problem_response(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).expect("strings and numbers can be written as JSON");
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if problem.retryable {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

impl From<Cause> for ApiError {
    fn from(cause: Cause) -> ApiError {
        ApiError { cause, index: None }
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> ApiError {
        Cause::Rejected(rejection).into()
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> ApiError {
        Cause::Submit(error).into()
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> ApiError {
        Cause::Storage(error).into()
    }
}

impl From<Missing> for ApiError {
    fn from(missing: Missing) -> ApiError {
        Cause::Missing(missing).into()
    }
}

/// 422 the request can never be right, 409 the ledger as it is forbids it, 404 it speaks of
/// something that the ledger does not know.
fn rejection_status(rejection: Rejection) -> StatusCode {
    use Rejection::*;
    match rejection {
        NilRecordId | NilAsset | NilClass | NilParty(_) | AssetMustBeNil | PartyMustBeNil(_) | SameParty
        | FlagsNotForAct | MovesNothing | SplitsQuantity | ZeroQuantity | QuantityNotOne | QuantityNotZero
        | ScaleTooLarge | PayloadRequired | PayloadNotCommitted | PayloadTooLong | PayloadMismatch
        | EventTimeInFuture => StatusCode::UNPROCESSABLE_ENTITY,
        UnknownParty(_) | UnknownClass | UnknownAsset | UnknownRecord => StatusCode::NOT_FOUND,
        ExistsWithDifferentContent(_)
        | AssetExists
        | PartyExists
        | ClassExists
        | WrongAssetKind
        | AssetRetired
        | NotTheOwner
        | NotTheHolder
        | InsufficientQuantity
        | QuantityOverflow
        | NotAnIncident
        | IncidentClosed
        | NothingToErase
        | AlreadyErased
        | BatchRejected => StatusCode::CONFLICT,
    }
}

fn submit(error: &SubmitError) -> (StatusCode, &'static str, bool) {
    match error {
        SubmitError::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", true),
        SubmitError::Overloaded => (StatusCode::TOO_MANY_REQUESTS, "overloaded", true),
        SubmitError::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "disk_full", true),
        SubmitError::Quarantined => quarantined(),
        SubmitError::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopped", true),
        SubmitError::TooManyRecords { .. } => too_many_transfers(),
        SubmitError::TooManyBytes { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "batch_too_large", false),
    }
}

fn request(fault: Fault) -> (StatusCode, &'static str, bool) {
    match fault {
        Fault::MalformedJson => (StatusCode::BAD_REQUEST, "malformed_json", false),
        Fault::InvalidRequest => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", false),
        Fault::MalformedTransfer => (StatusCode::BAD_REQUEST, "malformed_transfer", false),
        Fault::InvalidQuery => (StatusCode::BAD_REQUEST, "invalid_query", false),
        Fault::BadId => (StatusCode::BAD_REQUEST, "bad_id", false),
        Fault::BadName => (StatusCode::UNPROCESSABLE_ENTITY, "bad_name", false),
        Fault::BadQuantity => (StatusCode::UNPROCESSABLE_ENTITY, "bad_quantity", false),
        Fault::WrongLedger => (StatusCode::CONFLICT, "wrong_ledger", false),
        Fault::TooManyTransfers => too_many_transfers(),
        Fault::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", false),
        Fault::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "body_too_slow", true),
        Fault::BodyIncomplete => (StatusCode::BAD_REQUEST, "body_incomplete", false),
        Fault::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", false),
        Fault::UnknownRoute => (StatusCode::NOT_FOUND, "unknown_route", false),
        Fault::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", false),
    }
}

fn missing(missing: Missing) -> (StatusCode, &'static str, bool) {
    match missing {
        Missing::Party => (StatusCode::NOT_FOUND, "unknown_party", false),
        Missing::Record => (StatusCode::NOT_FOUND, "unknown_record", false),
        Missing::Table => (StatusCode::NOT_FOUND, "unknown_table", false),
        Missing::Block => (StatusCode::NOT_FOUND, "unknown_block", false),
        Missing::Seal => (StatusCode::CONFLICT, "not_sealed", true),
        Missing::Checkpoint => (StatusCode::NOT_FOUND, "no_checkpoint", true),
        Missing::CheckpointOfSize => (StatusCode::NOT_FOUND, "unknown_checkpoint", false),
        Missing::Tile => (StatusCode::NOT_FOUND, "unknown_tile", false),
        Missing::Timestamp => (StatusCode::NOT_FOUND, "unknown_timestamp", false),
        Missing::ReceiptSize => (StatusCode::UNPROCESSABLE_ENTITY, "receipt_too_large", false),
        Missing::CertificateSize => (StatusCode::UNPROCESSABLE_ENTITY, "certificate_too_large", false),
        Missing::Position => (StatusCode::NOT_FOUND, "unknown_position", false),
    }
}

fn sentence(missing: Missing) -> &'static str {
    match missing {
        Missing::Party => "this ledger knows no such party",
        Missing::Record => "this ledger knows no such record id",
        Missing::Table => "this node has no such record table",
        Missing::Block => "this node has no such block; its table may still be open",
        Missing::Seal => "the record's block is not sealed yet: not every server has signed",
        Missing::Checkpoint => "no block is sealed yet",
        Missing::CheckpointOfSize => "no sealed block ends with this many leaves",
        Missing::Tile => "the sealed log has no such tile, or not so much of it yet",
        Missing::Timestamp => {
            "this server has no such timestamp, or not yet: not every checkpoint gets one, and other servers have their own"
        }
        Missing::ReceiptSize => "with this payload the receipt would be too long; ask without it",
        Missing::CertificateSize => "more than 10,000 records led to what is so; ask for the proof and the history",
        Missing::Position => "the party never had units of this asset",
    }
}

fn quarantined() -> (StatusCode, &'static str, bool) {
    (StatusCode::SERVICE_UNAVAILABLE, "quarantined", true)
}

fn too_many_transfers() -> (StatusCode, &'static str, bool) {
    (StatusCode::PAYLOAD_TOO_LARGE, "too_many_transfers", false)
}
