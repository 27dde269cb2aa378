//! The body of a request: of a media type that the route takes, no longer and no slower than allowed.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bulla_client::TRANSFERS_MEDIA_TYPE;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::app::App;
use super::errors::{ApiError, Fault};

/// A body as it arrived.
pub(crate) enum Posted {
    /// `application/json`.
    Json(Bytes),
    /// `application/vnd.bulla.transfers`.
    Transfers(Bytes),
}

/// A JSON body of one shape.
pub(crate) struct Json<T>(pub(crate) T);

impl FromRequest<App> for Posted {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Posted, ApiError> {
        let kind = match media_type(request.headers()).as_deref() {
            Some("application/json") => Posted::Json,
            Some(TRANSFERS_MEDIA_TYPE) => Posted::Transfers,
            _ => return Err(unsupported("application/json or application/vnd.bulla.transfers")),
        };
        Ok(kind(receive(request.into_body(), app).await?))
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Json<T>, ApiError> {
        if media_type(request.headers()).as_deref() != Some("application/json") {
            return Err(unsupported("application/json"));
        }
        let body = receive(request.into_body(), app).await?;
        Ok(Json(parse(&body)?))
    }
}

/// Reads a JSON object.
///
/// # Errors
/// `malformed_json` when it is no JSON, `invalid_request` when it is not of this shape.
pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    // Serde would take an array for the fields in their order: nobody should come to rely on that.
    if body.trim_ascii_start().first() == Some(&b'{') {
        serde_json::from_slice(body).map_err(|error| refused(body, error))
    } else {
        Err(refused(body, "a request is a JSON object"))
    }
}

/// Whether it is JSON at all is asked again here: serde blames the syntax for some wrong types.
fn refused(body: &[u8], error: impl ToString) -> ApiError {
    match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(_) => ApiError::request(Fault::InvalidRequest, error),
        Err(error) => ApiError::request(Fault::MalformedJson, format!("the body is not JSON: {error}")),
    }
}

async fn receive(body: Body, app: &App) -> Result<Bytes, ApiError> {
    let bytes_max = usize::try_from(app.limits().body_bytes_max).unwrap_or(usize::MAX);
    let time = Duration::from_millis(u64::from(app.limits().body_ms_max));
    match tokio::time::timeout(time, collect(body, bytes_max)).await {
        Ok(received) => received,
        Err(_) => Err(ApiError::request(
            Fault::BodyTooSlow,
            format!("the body was not complete after {} ms", time.as_millis()),
        )),
    }
}

async fn collect(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let mut pieces = body.into_data_stream();
    let mut received = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| ApiError::request(Fault::BodyIncomplete, error))?;
        if received.len() + piece.len() > bytes_max {
            let detail = format!("a body has at most {bytes_max} bytes");
            return Err(ApiError::request(Fault::BodyTooLarge, detail));
        }
        received.extend_from_slice(&piece);
    }
    Ok(received.freeze())
}

/// The media type without its parameters, in lower case.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next()?.trim().to_ascii_lowercase())
}

fn unsupported(takes: &str) -> ApiError {
    ApiError::request(Fault::UnsupportedMediaType, format!("this route takes {takes}"))
}
