//! Parties, what they have, and asset classes.

use axum::Json;
use axum::extract::State;
use bulla_client::{ClassView, HoldingView, Named, Page, PageQuery, PartyView, Problem};
use bulla_ledger::{AssetId, ClassId, PartyId, Rejection};

use crate::http::app::App;
use crate::http::errors::{ApiError, Missing};
use crate::http::extract::{Params, Segment};
use crate::http::page::Piece;
use crate::http::prepare::{class_named, party_named};
use crate::http::view::Viewer;

/// Parties, in the order of their ids.
#[utoipa::path(get, path = "/v1/parties", tag = "read", params(PageQuery), responses(
    (status = 200, body = Page<PartyView>),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn parties(
    State(app): State<App>,
    Params(query): Params<PageQuery>,
) -> Result<Json<Page<PartyView>>, ApiError> {
    let piece = Piece::<PartyId>::new(&query)?;
    app.read(move |node, ledger| {
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        let rows = ledger.parties(piece.after, piece.reach())?;
        piece.page(rows, |party| party.party_id, |party| viewer.party(party)).map(Json)
    })
    .await
}

/// A party, by id or name.
#[utoipa::path(get, path = "/v1/parties/{id}", tag = "read",
    params(("id" = Named, Path, description = "UUID or name.")), responses(
    (status = 200, body = PartyView),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn party(State(app): State<App>, Segment(named): Segment<Named>) -> Result<Json<PartyView>, ApiError> {
    app.read(move |node, ledger| {
        let id = party_named(node.ledger_id(), &named)?;
        let party = ledger.party(id)?.ok_or(Missing::Party)?;
        Ok(Json(Viewer { ledger_id: node.ledger_id(), ledger }.party(&party)?))
    })
    .await
}

/// What a party owns, holds or has units of, in the order of asset ids.
#[utoipa::path(get, path = "/v1/parties/{id}/holdings", tag = "read",
    params(("id" = Named, Path, description = "UUID or name."), PageQuery), responses(
    (status = 200, body = Page<HoldingView>),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn holdings(
    State(app): State<App>,
    Segment(named): Segment<Named>,
    Params(query): Params<PageQuery>,
) -> Result<Json<Page<HoldingView>>, ApiError> {
    let piece = Piece::<AssetId>::new(&query)?;
    app.read(move |node, ledger| {
        let id = party_named(node.ledger_id(), &named)?;
        ledger.party(id)?.ok_or(Missing::Party)?;
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        let rows = ledger.holdings(id, piece.after, piece.reach())?;
        piece.page(rows, |holding| holding.asset.asset_id, |holding| viewer.holding(id, holding)).map(Json)
    })
    .await
}

/// Asset classes, in the order of their ids.
#[utoipa::path(get, path = "/v1/classes", tag = "read", params(PageQuery), responses(
    (status = 200, body = Page<ClassView>),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn classes(
    State(app): State<App>,
    Params(query): Params<PageQuery>,
) -> Result<Json<Page<ClassView>>, ApiError> {
    let piece = Piece::<ClassId>::new(&query)?;
    app.read(move |node, ledger| {
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        let rows = ledger.classes(piece.after, piece.reach())?;
        piece.page(rows, |class| class.class_id, |class| viewer.class(class)).map(Json)
    })
    .await
}

/// An asset class, by id or name.
#[utoipa::path(get, path = "/v1/classes/{id}", tag = "read",
    params(("id" = Named, Path, description = "UUID or name.")), responses(
    (status = 200, body = ClassView),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn class(State(app): State<App>, Segment(named): Segment<Named>) -> Result<Json<ClassView>, ApiError> {
    app.read(move |node, ledger| {
        let id = class_named(node.ledger_id(), &named)?;
        let class = ledger.class(id)?.ok_or(Rejection::UnknownClass)?;
        Ok(Json(Viewer { ledger_id: node.ledger_id(), ledger }.class(&class)?))
    })
    .await
}
