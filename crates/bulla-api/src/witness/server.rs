//! The one route of a witness, and the status of each answer as C2SP tlog-witness fixes it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bulla_sealing::WitnessRefusal as Refusal;

use super::Witness;
use super::cosign::NotCosigned;
use crate::cli::chain;

/// Most bytes of a request: a proof of 63 hashes and a checkpoint with 256 signatures fit.
const BODY_BYTES_MAX: usize = 131_072;

/// The longest that a caller may take to send them.
const BODY_TIME_MAX: Duration = Duration::from_secs(15);

/// The witness, to be served below any prefix.
pub(crate) fn router(witness: Arc<Witness>) -> Router {
    Router::new().route("/add-checkpoint", post(add_checkpoint)).with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Body) -> Response {
    let Ok(body) = tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_BYTES_MAX)).await else {
        return said(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time");
    };
    let Ok(body) = body else {
        return said(StatusCode::BAD_REQUEST, "the body is cut off, or larger than any request");
    };
    // On a thread that waits for the disk, and goes on when the caller does not wait.
    let judged = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body, now_s())).await;
    match judged {
        Ok(Ok(cosigned)) => {
            // A note is its text, an empty line, and what was asked for.
            let lines = cosigned.to_string().split_off(cosigned.text.len() + 1);
            ([(CONTENT_TYPE, "text/plain; charset=utf-8")], lines).into_response()
        }
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => {
            tracing::error!(%error, "a request ended early");
            said(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed")
        }
    }
}

fn refused(refusal: &NotCosigned) -> Response {
    let status = match refusal {
        NotCosigned::Refused(Refusal::OtherSize { latest_size }) => {
            let size = format!("{latest_size}\n");
            return (StatusCode::CONFLICT, [(CONTENT_TYPE, "text/x.tlog.size")], size).into_response();
        }
        NotCosigned::Malformed(_) => StatusCode::BAD_REQUEST,
        NotCosigned::UnknownLog { .. } => StatusCode::NOT_FOUND,
        NotCosigned::Refused(Refusal::NotACheckpoint(_) | Refusal::OldAboveNew { .. }) => StatusCode::BAD_REQUEST,
        NotCosigned::Refused(Refusal::NotSealed(_)) => StatusCode::FORBIDDEN,
        NotCosigned::Refused(Refusal::EmptyRoot | Refusal::NeedlessProof | Refusal::Inconsistent { .. }) => {
            // Signed by the log and all its servers, and no continuation: a person should look.
            tracing::warn!(reason = chain(refusal), "a signed checkpoint was refused");
            StatusCode::UNPROCESSABLE_ENTITY
        }
        NotCosigned::Failed(_) => {
            tracing::error!(reason = chain(refusal), "nothing can be cosigned");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    said(status, &chain(refusal))
}

fn said(status: StatusCode, sentence: &str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{sentence}\n")).into_response()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("the clock is set after 1970").as_secs()
}
