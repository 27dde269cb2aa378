//! What went wrong with servers' copies.

use axum::Json;
use axum::extract::State;
use bulla_client::{IncidentView, Page, PageQuery, Problem};

use crate::http::app::App;
use crate::http::errors::ApiError;
use crate::http::extract::Params;
use crate::http::page::Piece;
use crate::http::view::Viewer;

/// Incidents, in the order in which they were recorded, those that are over as well.
#[utoipa::path(get, path = "/v1/incidents", tag = "operate", params(PageQuery), responses(
    (status = 200, body = Page<IncidentView>),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn incidents(
    State(app): State<App>,
    Params(query): Params<PageQuery>,
) -> Result<Json<Page<IncidentView>>, ApiError> {
    let piece = Piece::<u64>::new(&query)?;
    app.read(move |node, ledger| {
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        let rows = ledger.incidents(piece.after, piece.reach())?;
        piece.page(rows, |incident| incident.opened.leaf_index, |incident| viewer.incident(incident)).map(Json)
    })
    .await
}
