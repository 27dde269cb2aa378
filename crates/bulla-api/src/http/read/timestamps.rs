//! Seals, and the timestamps that an authority outside (RFC 3161) gave them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LOCATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_client::{Problem, Time, Timestamp, TimestampView};
use bulla_node::Ledger;
use bulla_sealing::SignedNote;
use serde::Deserialize;

use super::tiles::decimal;
use crate::http::app::App;
use crate::http::errors::{ApiError, Missing};
use crate::http::extract::Params;
use crate::timestamped::Timestamps;

/// From which size on a timestamp is wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FromQuery {
    /// Leaves: the first timestamp that covers so many of them, and with them every record before. Without it, the
    /// newest timestamp.
    #[serde(default)]
    from: Option<u64>,
}

/// The seal of exactly this many leaves: the checkpoint with the signatures of the log and of all servers, and no
/// other line. These are the bytes that timestamps are of.
#[utoipa::path(get, path = "/checkpoint/{size}/seal", tag = "prove",
    params(("size" = u64, Path, description = "Leaves, the block's header included.")), responses(
    (status = 200, description = "The signed note.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn seal_of_size(State(app): State<App>, Path(size): Path<String>) -> Result<Response, ApiError> {
    let size = decimal(&size).ok_or(Missing::CheckpointOfSize)?;
    let seal = app.read(move |_, ledger| seal(ledger, size)).await?;
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, seal.to_string()).into_response())
}

/// The timestamp of the seal of exactly this many leaves, if this server has one: a DER TimeStampResp, as the
/// authority sent it.
#[utoipa::path(get, path = "/checkpoint/{size}/timestamp", tag = "prove",
    params(("size" = u64, Path, description = "Leaves, the block's header included.")), responses(
    (status = 200, description = "The reply of RFC 3161.", content_type = "application/timestamp-reply"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn timestamp_of_size(State(app): State<App>, Path(size): Path<String>) -> Result<Response, ApiError> {
    let size = decimal(&size).ok_or(Missing::CheckpointOfSize)?;
    let timestamps = app.timestamps.clone();
    let kept = app.read(move |_, ledger| kept(ledger, &timestamps, size)).await?;
    Ok(reply(kept))
}

/// The newest timestamp, or the first one that covers so many leaves: a DER TimeStampResp. `Content-Location` says
/// which checkpoint's it is.
#[utoipa::path(get, path = "/timestamp", tag = "prove", params(FromQuery), responses(
    (status = 200, description = "The reply of RFC 3161.", content_type = "application/timestamp-reply"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn timestamp(State(app): State<App>, Params(query): Params<FromQuery>) -> Result<Response, ApiError> {
    Ok(reply(wanted(&app, query).await?))
}

/// The same with the seal that it is of, in one answer.
#[utoipa::path(get, path = "/v1/timestamp", tag = "prove", params(FromQuery), responses(
    (status = 200, body = TimestampView),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn timestamp_v1(
    State(app): State<App>,
    Params(query): Params<FromQuery>,
) -> Result<Json<TimestampView>, ApiError> {
    let Kept { size, seal, reply, timestamp } = wanted(&app, query).await?;
    Ok(Json(TimestampView {
        size,
        time: Time::from_micros(timestamp.time_s.saturating_mul(1_000_000)),
        seal: seal.to_string(),
        reply: STANDARD.encode(reply),
    }))
}

/// A timestamp and what it is of.
struct Kept {
    size: u64,
    seal: SignedNote,
    reply: Vec<u8>,
    timestamp: Timestamp,
}

async fn wanted(app: &App, query: FromQuery) -> Result<Kept, ApiError> {
    let timestamps = app.timestamps.clone();
    app.read(move |_, ledger| {
        let size = match query.from {
            Some(from) => timestamps.first_from(from),
            None => timestamps.newest(),
        };
        kept(ledger, &timestamps, size.ok_or(Missing::Timestamp)?)
    })
    .await
}

fn kept(ledger: &Ledger, timestamps: &Timestamps, size: u64) -> Result<Kept, ApiError> {
    let seal = seal(ledger, size)?;
    let (reply, timestamp) = timestamps.of_seal(size, &seal).ok_or(Missing::Timestamp)?;
    Ok(Kept { size, seal, reply, timestamp })
}

fn seal(ledger: &Ledger, size: u64) -> Result<SignedNote, ApiError> {
    Ok(ledger.checkpoint_of_size(size)?.ok_or(Missing::CheckpointOfSize)?)
}

fn reply(kept: Kept) -> Response {
    let whose = format!("/checkpoint/{}/timestamp", kept.size);
    // Another server has another timestamp of the same seal, so no cache may give this one in its place for ever.
    let headers = [(CONTENT_TYPE, Timestamp::MEDIA_TYPE), (CACHE_CONTROL, "no-cache")];
    (headers, [(CONTENT_LOCATION, whose)], kept.reply).into_response()
}
