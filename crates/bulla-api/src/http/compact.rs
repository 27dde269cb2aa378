//! Bodies of encoded transfers: parsed by position, answered in as few bytes when that is accepted.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bulla_client::{ANSWERS_MEDIA_TYPE, BatchAnswer, CompactAnswer, ItemAnswer, Stage};
use bulla_ledger::{Act, Transfer};
use bulla_node::{Answer, Item};
use bytes::{Bytes, BytesMut};

use super::app::App;
use super::errors::{ApiError, Fault};
use super::write::{check_count, recorded, status, submit, wait_for};

/// Records a body of 128-byte requests.
///
/// What a caller commits to in them it keeps itself: a payload cannot travel along.
pub(super) async fn transfers(
    app: &App,
    headers: &HeaderMap,
    body: Bytes,
    atomic: bool,
    wait: Stage,
) -> Result<Response, ApiError> {
    let transfers = decode(app, &body)?;
    let items = transfers.iter().map(|transfer| Item { transfer: *transfer, payload: None });
    let answers = submit(app, atomic, items.collect()).await?;
    let stage = wait_for(app, wait, &answers).await;
    let status = status(wait, stage);
    if wants_compact(headers) {
        let mut bytes = BytesMut::with_capacity(answers.len() * CompactAnswer::LEN);
        for answer in &answers {
            bytes.extend_from_slice(&compact(answer).encode());
        }
        return Ok((status, [(CONTENT_TYPE, ANSWERS_MEDIA_TYPE)], bytes.freeze()).into_response());
    }
    let results = transfers.iter().zip(&answers).enumerate().map(|(index, (transfer, answer))| {
        match recorded(transfer.record_id, answer, stage) {
            Ok(recorded) => ItemAnswer::Recorded(recorded),
            Err(error) => ItemAnswer::Problem(error.at(index).problem()),
        }
    });
    let answer = BatchAnswer { results: results.collect() };
    Ok((status, axum::Json(answer)).into_response())
}

fn decode(app: &App, body: &[u8]) -> Result<Vec<Transfer>, ApiError> {
    let (requests, []) = body.as_chunks::<{ Transfer::LEN }>() else {
        let detail = format!("a body of transfers has 128 bytes for each, this one has {}", body.len());
        return Err(ApiError::request(Fault::MalformedTransfer, detail));
    };
    check_count(app, requests.len())?;
    let decoded = requests.iter().enumerate().map(|(index, bytes)| {
        let transfer = Transfer::decode(bytes).map_err(|error| ApiError::request(Fault::MalformedTransfer, error));
        transfer.and_then(refuse_notices).map_err(|error| error.at(index))
    });
    decoded.collect()
}

/// Incidents are reported by servers alone, and erasures have a route of their own: who may ask for a transfer may not
/// ask for those.
fn refuse_notices(transfer: Transfer) -> Result<Transfer, ApiError> {
    match transfer.act {
        Act::Incident | Act::Erase => {
            let detail = format!("an act of kind {:02x} cannot be sent as a transfer", transfer.act.code());
            Err(ApiError::request(Fault::MalformedTransfer, detail))
        }
        _ => Ok(transfer),
    }
}

fn compact(answer: &Answer) -> CompactAnswer {
    match *answer {
        Answer::Recorded { leaf_index, height, time_us, repeated, .. } => {
            CompactAnswer::Recorded { leaf_index, height, time_us, repeated }
        }
        Answer::Rejected { rejection } => CompactAnswer::Rejected { code: rejection.code() },
    }
}

fn wants_compact(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts
        .flat_map(|value| value.split(','))
        .any(|range| range.split(';').next().is_some_and(|media| media.trim() == ANSWERS_MEDIA_TYPE))
}
