//! Accept promises, for those who ask: this node's signed word about what it has applied.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bulla_client::{Problem, Recorded};
use bulla_ledger::RecordId;
use uuid::Uuid;

use super::app::App;
use super::catch_up::until_known;
use super::errors::{ApiError, Missing};
use super::extract::Segment;

/// This server's accept promise of a record: a signed note, which anybody can hold against what is sealed later.
///
/// It is no receipt. Once the record is sealed, its receipt says more; the promise is given all the same.
#[utoipa::path(get, path = "/v1/records/{id}/promise", tag = "prove",
    params(("id" = Uuid, Path, description = "The record id.")), responses(
    (status = 200, description = "The promise.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn promise(State(app): State<App>, Segment(id): Segment<Uuid>) -> Result<Response, ApiError> {
    let given = promises(&app, vec![RecordId(id)]).await?;
    let text = given.and_then(|mut given| given.pop()).ok_or(Missing::Record)?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// Puts promises into answers. What is recorded stays recorded: when this node cannot promise it, the answers go without.
pub(super) async fn add(app: &App, answers: Vec<&mut Recorded>) {
    let record_ids = answers.iter().map(|recorded| RecordId(recorded.record_id)).collect();
    match promises(app, record_ids).await {
        Ok(Some(given)) => {
            for (recorded, promise) in answers.into_iter().zip(given) {
                recorded.promise = Some(promise);
            }
        }
        // The leader has them, and this node not within a moment.
        Ok(None) => {}
        Err(error) => tracing::error!(problem = error.problem().code, "what was recorded could not be promised"),
    }
}

/// One promise for each record, over what this node's own ledger holds; `None` when it lacks one of them.
async fn promises(app: &App, record_ids: Vec<RecordId>) -> Result<Option<Vec<String>>, ApiError> {
    let record_ids: Arc<[RecordId]> = record_ids.into();
    let attempt = || {
        let record_ids = Arc::clone(&record_ids);
        app.read(move |node, _| {
            let mut given = Vec::with_capacity(record_ids.len());
            for record_id in record_ids.iter() {
                match node.promise(*record_id)? {
                    Some(note) => given.push(note.to_string()),
                    None => return Ok(None),
                }
            }
            Ok(Some(given))
        })
    };
    until_known(app, attempt, Option::is_none).await
}
