//! Routes that write: one act, a batch of them, or a body of encoded transfers.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bulla_client::{
    AssetRequest, BatchAnswer, BatchRequest, ClassRequest, ItemAnswer, PartyRequest, Problem, Recorded, Stage, Time,
    TransferRequest, WaitQuery,
};
use bulla_ledger::{RecordId, Rejection};
use bulla_node::config::LimitsSection;
use bulla_node::{Answer, Batch, Item, SubmitError};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::app::App;
use super::body::{Json, Posted, parse};
use super::catch_up::prepare;
use super::errors::{ApiError, Cause, Fault};
use super::extract::Params;
use super::{compact, metrics, promise};

// What callers are told about batches is what a node takes at most.
const _: () = assert!(BatchRequest::TRANSFERS_MAX == LimitsSection::BATCH_RECORDS_MAX as usize);

/// Make a party known.
#[utoipa::path(
    post, path = "/v1/parties", tag = "write", params(WaitQuery), request_body = PartyRequest,
    responses(
        (status = 200, description = "Recorded, or sealed if that was waited for.", body = Recorded),
        (status = 202, description = "Recorded; the wait for sealing passed its limit.", body = Recorded),
        (status = "default", description = "Not done.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn enroll(
    State(app): State<App>,
    Params(query): Params<WaitQuery>,
    Json(request): Json<PartyRequest>,
) -> Result<Response, ApiError> {
    one(&app, request.into(), query).await
}

/// Make an asset class known.
#[utoipa::path(
    post, path = "/v1/classes", tag = "write", params(WaitQuery), request_body = ClassRequest,
    responses(
        (status = 200, description = "Recorded, or sealed if that was waited for.", body = Recorded),
        (status = 202, description = "Recorded; the wait for sealing passed its limit.", body = Recorded),
        (status = "default", description = "Not done.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn define(
    State(app): State<App>,
    Params(query): Params<WaitQuery>,
    Json(request): Json<ClassRequest>,
) -> Result<Response, ApiError> {
    one(&app, request.into(), query).await
}

/// Register an asset.
#[utoipa::path(
    post, path = "/v1/assets", tag = "write", params(WaitQuery), request_body = AssetRequest,
    responses(
        (status = 200, description = "Recorded, or sealed if that was waited for.", body = Recorded),
        (status = 202, description = "Recorded; the wait for sealing passed its limit.", body = Recorded),
        (status = "default", description = "Not done.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn register(
    State(app): State<App>,
    Params(query): Params<WaitQuery>,
    Json(request): Json<AssetRequest>,
) -> Result<Response, ApiError> {
    one(&app, request.into(), query).await
}

/// The query string of `POST /v1/transfers`.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TransfersQuery {
    /// As for the other routes that write.
    #[serde(default)]
    #[param(inline)]
    wait: Stage,
    /// As for the other routes that write; not for a body of encoded transfers.
    #[serde(default)]
    promise: bool,
    /// For a body of encoded transfers: all of them or none of them.
    #[serde(default)]
    atomic: bool,
}

/// Do one act, or a batch of them.
///
/// A body of `application/json` is one act, or an object with `transfers` and perhaps `atomic`. A
/// body of `application/vnd.bulla.transfers` is a run of 128-byte requests, answered in JSON or, to
/// those who accept `application/vnd.bulla.answers`, with 32 bytes for each.
///
/// A batch that is not atomic is answered 200, whatever became of its transfers: the answer has a
/// result for each. An atomic one that is not done is answered with the problem of the transfer
/// that stood in the way, which `index` names; nothing of it is recorded.
#[utoipa::path(
    post, path = "/v1/transfers", tag = "write", params(TransfersQuery),
    request_body(
        description = "One act or several.",
        content(
            (TransferRequest = "application/json"),
            (BatchRequest = "application/json"),
            (Vec<u8> = "application/vnd.bulla.transfers"),
        ),
    ),
    responses(
        (status = 200, description = "Recorded, or sealed if that was waited for.", content(
            (Recorded = "application/json"),
            (BatchAnswer = "application/json"),
            (Vec<u8> = "application/vnd.bulla.answers"),
        )),
        (status = 202, description = "As 200; but the wait for sealing passed its limit.", body = Recorded),
        (status = "default", description = "Not done.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn transfers(
    State(app): State<App>,
    Params(query): Params<TransfersQuery>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, ApiError> {
    let body = match posted {
        Posted::Json(body) => body,
        Posted::Transfers(_) if query.promise => {
            let detail = "promises go with acts in JSON; GET /v1/records/{id}/promise gives that of any record";
            return Err(ApiError::request(Fault::InvalidQuery, detail));
        }
        Posted::Transfers(body) => {
            return compact::transfers(&app, &headers, body, query.atomic, query.wait).await;
        }
    };
    let peek: Peek = parse(&body)?;
    let asked = WaitQuery { wait: query.wait, promise: query.promise };
    match peek.transfers {
        None => one(&app, parse(&body)?, asked).await,
        Some(_) => {
            let (atomic, requests) = read_batch(&app, &body)?;
            several(&app, atomic, requests, asked).await
        }
    }
}

/// Tells a batch from a single act.
#[derive(Deserialize)]
struct Peek {
    transfers: Option<IgnoredAny>,
}

/// A batch whose transfers are not read yet, so that what is wrong with one can be told by its index.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBatch<'a> {
    #[serde(default)]
    atomic: bool,
    #[serde(borrow)]
    transfers: Vec<&'a RawValue>,
}

fn read_batch(app: &App, body: &[u8]) -> Result<(bool, Vec<TransferRequest>), ApiError> {
    let batch: RawBatch<'_> = parse(body)?;
    check_count(app, batch.transfers.len())?;
    let requests = batch
        .transfers
        .iter()
        .enumerate()
        .map(|(index, raw)| parse(raw.get().as_bytes()).map_err(|error: ApiError| error.at(index)));
    Ok((batch.atomic, requests.collect::<Result<_, _>>()?))
}

/// Refuses empty batches and too long ones.
pub(super) fn check_count(app: &App, count: usize) -> Result<(), ApiError> {
    let count_max = usize::try_from(app.limits().batch_records_max).unwrap_or(usize::MAX);
    match count {
        0 => Err(ApiError::request(Fault::InvalidRequest, "a batch has at least one transfer")),
        _ if count > count_max => Err(ApiError::request(
            Fault::TooManyTransfers,
            format!("a batch has at most {count_max} transfers, this one has {count}"),
        )),
        _ => Ok(()),
    }
}

async fn one(app: &App, request: TransferRequest, asked: WaitQuery) -> Result<Response, ApiError> {
    let item = match prepare(app, vec![request]).await?.pop() {
        Some(prepared) => prepared?,
        None => return Err(Cause::Internal("one request gave no item".to_owned()).into()),
    };
    one_item(app, item, asked).await
}

/// Records one request that is put together already.
pub(super) async fn one_item(app: &App, item: Item, asked: WaitQuery) -> Result<Response, ApiError> {
    let record_id = item.transfer.record_id;
    let answer = in_time(app, app.node.submit(item)).await?;
    metrics::count(std::slice::from_ref(&answer));
    let stage = wait_for(app, asked.wait, std::slice::from_ref(&answer)).await;
    let mut recorded = recorded(record_id, &answer, stage)?;
    if asked.promise {
        promise::add(app, vec![&mut recorded]).await;
    }
    Ok((status(asked.wait, stage), axum::Json(recorded)).into_response())
}

async fn several(
    app: &App,
    atomic: bool,
    requests: Vec<TransferRequest>,
    asked: WaitQuery,
) -> Result<Response, ApiError> {
    let mut items = Vec::with_capacity(requests.len());
    // One result for each request: the problem it has already, or where its answer will be.
    let mut results = Vec::with_capacity(requests.len());
    for (index, prepared) in prepare(app, requests).await?.into_iter().enumerate() {
        match prepared {
            Ok(item) => {
                results.push(Ok((item.transfer.record_id, items.len())));
                items.push(item);
            }
            Err(error) if atomic => return Err(error.at(index)),
            Err(error) => results.push(Err(error.at(index))),
        }
    }
    let answers = submit(app, atomic, items).await?;
    let stage = wait_for(app, asked.wait, &answers).await;
    let results = results.into_iter().enumerate().map(|(index, result)| {
        let answered = result
            .and_then(|(record_id, at)| recorded(record_id, &answers[at], stage).map_err(|error| error.at(index)));
        match answered {
            Ok(recorded) => ItemAnswer::Recorded(recorded),
            Err(error) => ItemAnswer::Problem(error.problem()),
        }
    });
    let mut answer = BatchAnswer { results: results.collect() };
    if asked.promise {
        let recorded = answer.results.iter_mut().filter_map(|result| match result {
            ItemAnswer::Recorded(recorded) => Some(recorded),
            ItemAnswer::Problem(_) => None,
        });
        promise::add(app, recorded.collect()).await;
    }
    Ok((status(asked.wait, stage), axum::Json(answer)).into_response())
}

/// Submits a batch; of an atomic one that was rejected, the error is that of the culprit.
pub(super) async fn submit(app: &App, atomic: bool, items: Vec<Item>) -> Result<Vec<Answer>, ApiError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let count = items.len();
    let answers = in_time(app, app.node.submit_batch(Batch { atomic, items })).await?;
    assert_eq!(answers.len(), count, "a batch has one answer for each of its items");
    metrics::count(&answers);
    let culprit = answers.iter().enumerate().find_map(|(index, answer)| match answer {
        Answer::Rejected { rejection } if *rejection != Rejection::BatchRejected => {
            Some(ApiError::from(*rejection).at(index))
        }
        _ => None,
    });
    match culprit {
        Some(error) if atomic => Err(error),
        _ => Ok(answers),
    }
}

/// Waits for the last of what was recorded to be sealed, if that was asked for.
pub(super) async fn wait_for(app: &App, wait: Stage, answers: &[Answer]) -> Stage {
    let heights = answers.iter().filter_map(|answer| match answer {
        Answer::Recorded { height, .. } => Some(*height),
        Answer::Rejected { .. } => None,
    });
    let limit = Duration::from_millis(u64::from(app.limits().wait_sealed_ms_max));
    match (wait, heights.max()) {
        (Stage::Sealed, Some(height)) if app.node.wait_sealed(height, limit).await => Stage::Sealed,
        // Nothing was recorded, so there is nothing to wait for.
        (Stage::Sealed, None) => Stage::Sealed,
        _ => Stage::Recorded,
    }
}

/// 200, or 202 when what was waited for is still to come.
pub(super) fn status(wait: Stage, stage: Stage) -> StatusCode {
    match stage < wait {
        true => StatusCode::ACCEPTED,
        false => StatusCode::OK,
    }
}

/// The answer to one transfer.
pub(super) fn recorded(record_id: RecordId, answer: &Answer, stage: Stage) -> Result<Recorded, ApiError> {
    match *answer {
        Answer::Rejected { rejection } => Err(rejection.into()),
        Answer::Recorded { leaf_index, height, table_id, time_us, repeated } => Ok(Recorded {
            record_id: record_id.0,
            stage,
            leaf_index,
            height,
            table_id,
            time: Time::from_micros(time_us),
            repeated,
            promise: None,
        }),
    }
}

async fn in_time<T>(app: &App, submitted: impl Future<Output = Result<T, SubmitError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(app.request_time(), submitted).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Cause::TimedOut.into()),
    }
}
