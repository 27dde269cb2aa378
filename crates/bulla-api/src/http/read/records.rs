//! Single records and their receipts.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bulla_client::{ErasedView, PayloadQuery, Problem, RecordAnswer};
use bulla_ledger::RecordId;
use bulla_node::{Entry, ReceiptAnswer};
use uuid::Uuid;

use crate::http::app::App;
use crate::http::errors::{ApiError, Missing};
use crate::http::extract::{Params, Segment};
use crate::http::view::Viewer;

/// What became of a record id.
#[utoipa::path(get, path = "/v1/records/{id}", tag = "read",
    params(("id" = Uuid, Path, description = "The record id."), PayloadQuery), responses(
    (status = 200, body = RecordAnswer),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn record(
    State(app): State<App>,
    Segment(id): Segment<Uuid>,
    Params(query): Params<PayloadQuery>,
) -> Result<Json<RecordAnswer>, ApiError> {
    app.read(move |node, ledger| {
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        viewer.record(RecordId(id), query.payload).map(Json)
    })
    .await
}

/// The receipt of a record: a C2SP tlog-proof, which anybody can verify offline.
///
/// `not_sealed` while its block waits for signatures. When the payload was asked for but erased, the receipt is without it,
/// and the header `Bulla-Payload` says so, with the leaf of the notice and its time.
#[utoipa::path(get, path = "/v1/records/{id}/receipt", tag = "prove",
    params(("id" = Uuid, Path, description = "The record id."), PayloadQuery), responses(
    (status = 200, description = "The receipt.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn receipt(
    State(app): State<App>,
    Segment(id): Segment<Uuid>,
    Params(query): Params<PayloadQuery>,
) -> Result<Response, ApiError> {
    let witnesses = app.witnesses.clone();
    let (text, erased) = app
        .read(move |node, ledger| {
            let view = ledger.record(RecordId(id))?.ok_or(Missing::Record)?;
            let Entry::Recorded(record) = view.entry else {
                return Err(Missing::Record.into());
            };
            match ledger.receipt_at(record.leaf_index, query.payload, |own_size| witnesses.best_from(own_size))? {
                ReceiptAnswer::Ready(mut receipt) => {
                    witnesses.cosign(&mut receipt.checkpoint);
                    let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
                    let erased = if query.payload { viewer.erased(record.leaf_index)? } else { None };
                    receipt.to_text().map(|text| (text, erased)).map_err(|_| Missing::ReceiptSize.into())
                }
                ReceiptAnswer::NotSealed => Err(Missing::Seal.into()),
                ReceiptAnswer::Unknown => Err(Missing::Record.into()),
            }
        })
        .await?;
    let mut response = ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response();
    if let Some(ErasedView { leaf_index, time, .. }) = erased {
        let told = format!("erased; leaf={leaf_index}; time={time}");
        let told = HeaderValue::from_str(&told).expect("numbers and times are header values");
        response.headers_mut().insert(PAYLOAD_HEADER, told);
    }
    Ok(response)
}

/// The header that says why a receipt has no payload.
const PAYLOAD_HEADER: &str = "bulla-payload";
