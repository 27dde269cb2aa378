//! What stands in the URL of a request, or the problem with it.

use std::error::Error;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use bulla_client::Named;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::errors::{ApiError, Fault};

/// The one variable segment of a path.
pub(crate) struct Segment<T>(pub(crate) T);

/// The query string.
pub(crate) struct Params<T>(pub(crate) T);

/// What a path segment can be.
pub(crate) trait FromSegment: Sized {
    fn from_segment(text: &str) -> Result<Self, ApiError>;
}

impl<T: FromSegment, S: Send + Sync> FromRequestParts<S> for Segment<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Segment<T>, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| ApiError::request(Fault::BadId, error))?;
        T::from_segment(&text).map(Segment)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params<T>, ApiError> {
        let Query(params) = Query::from_request_parts(parts, state)
            .await
            .map_err(|error| ApiError::request(Fault::InvalidQuery, innermost(&error)))?;
        Ok(Params(params))
    }
}

/// What is wrong with it, without the words of the library around that.
fn innermost(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => innermost(cause),
        None => error.to_string(),
    }
}

impl FromSegment for Named {
    fn from_segment(text: &str) -> Result<Named, ApiError> {
        Ok(Named::from(text))
    }
}

impl FromSegment for Uuid {
    fn from_segment(text: &str) -> Result<Uuid, ApiError> {
        match Named::from(text) {
            Named::Id(id) => Ok(id),
            Named::Name(_) => Err(ApiError::request(Fault::BadId, format!("{text:?} is no UUID"))),
        }
    }
}

impl FromSegment for u64 {
    fn from_segment(text: &str) -> Result<u64, ApiError> {
        u64::from_str(text).map_err(|_| ApiError::request(Fault::BadId, format!("{text:?} is no height")))
    }
}

/// A record table, by its id or its height.
pub(crate) enum TableKey {
    Id(Uuid),
    Height(u64),
}

impl FromSegment for TableKey {
    fn from_segment(text: &str) -> Result<TableKey, ApiError> {
        let id = Uuid::from_segment(text).map(TableKey::Id);
        id.or_else(|_| u64::from_segment(text).map(TableKey::Height))
            .map_err(|_| ApiError::request(Fault::BadId, format!("{text:?} is neither a UUID nor a height")))
    }
}
