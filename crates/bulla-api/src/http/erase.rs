//! Erasing: what was said about a record is destroyed on every server; that it was said, and when, stays provable.

use axum::extract::State;
use axum::response::Response;
use bulla_client::{EraseRequest, Problem, Recorded, WaitQuery};
use bulla_ledger::{Payload, RecordId, Transfer};
use bulla_node::Item;
use uuid::Uuid;

use super::app::App;
use super::body::Json;
use super::errors::{ApiError, Cause};
use super::extract::{Params, Segment};
use super::write::one_item;

/// Destroy the payload of a record, and its salt.
///
/// From the answer on no server tells the payload. Its bytes leave every server's disk within the time that the server is
/// configured with, an hour unless set otherwise. The record itself, every proof and every receipt stay valid; a notice
/// that the payload was erased is a record of its own. This cannot be taken back.
#[utoipa::path(
    post, path = "/v1/records/{id}/erase", tag = "write",
    params(("id" = Uuid, Path, description = "The record id."), WaitQuery), request_body = EraseRequest,
    responses(
        (status = 200, description = "The notice is recorded, or sealed if that was waited for.", body = Recorded),
        (status = 202, description = "Recorded; the wait for sealing passed its limit.", body = Recorded),
        (status = "default", description = "Not done.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn erase(
    State(app): State<App>,
    Segment(id): Segment<Uuid>,
    Params(query): Params<WaitQuery>,
    Json(request): Json<EraseRequest>,
) -> Result<Response, ApiError> {
    let record_id = RecordId(request.record_id.unwrap_or_else(Uuid::now_v7));
    let transfer = Transfer::erase(record_id, RecordId(id));
    let item = match &request.reason {
        None => Item { transfer, payload: None },
        Some(reason) => {
            let mut salt = [0; 32];
            getrandom::fill(&mut salt).map_err(|error| Cause::Internal(format!("no random salt: {error}")))?;
            let payload = Payload { salt, bytes: serde_json::json!({ "reason": reason }).to_string().into_bytes() };
            Item { transfer: transfer.with_payload(&payload), payload: Some(payload) }
        }
    };
    one_item(&app, item, query).await
}
