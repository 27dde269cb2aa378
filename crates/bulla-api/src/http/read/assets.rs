//! Assets as they stand now, and their histories.

use axum::Json;
use axum::extract::State;
use bulla_client::{AssetView, HoldingView, Named, Page, PageQuery, Problem, RecordAnswer, RecordView};
use bulla_ledger::{AssetId, PartyId, Rejection};
use bulla_node::Holding;
use serde::Deserialize;

use crate::http::app::App;
use crate::http::errors::{ApiError, Missing};
use crate::http::extract::{Params, Segment};
use crate::http::page::Piece;
use crate::http::prepare::{asset_named, party_named};
use crate::http::view::Viewer;

/// Assets, in the order of their ids.
#[utoipa::path(get, path = "/v1/assets", tag = "read", params(PageQuery), responses(
    (status = 200, body = Page<AssetView>),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn assets(
    State(app): State<App>,
    Params(query): Params<PageQuery>,
) -> Result<Json<Page<AssetView>>, ApiError> {
    let piece = Piece::<AssetId>::new(&query)?;
    app.read(move |node, ledger| {
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        let rows = ledger.assets(piece.after, piece.reach())?;
        piece.page(rows, |asset| asset.asset_id, |asset| viewer.asset(asset)).map(Json)
    })
    .await
}

/// An asset as it stands now, by id or name.
#[utoipa::path(get, path = "/v1/assets/{id}", tag = "read",
    params(("id" = Named, Path, description = "UUID or name.")), responses(
    (status = 200, body = AssetView),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn asset(State(app): State<App>, Segment(named): Segment<Named>) -> Result<Json<AssetView>, ApiError> {
    app.read(move |node, ledger| {
        let id = asset_named(node.ledger_id(), &named)?;
        let asset = ledger.asset(id)?.ok_or(Rejection::UnknownAsset)?;
        Ok(Json(Viewer { ledger_id: node.ledger_id(), ledger }.asset(&asset)?))
    })
    .await
}

/// Who has how much of a quantity asset, in the order of party ids.
#[utoipa::path(get, path = "/v1/assets/{id}/positions", tag = "read",
    params(("id" = Named, Path, description = "UUID or name."), PageQuery), responses(
    (status = 200, body = Page<HoldingView>),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn positions(
    State(app): State<App>,
    Segment(named): Segment<Named>,
    Params(query): Params<PageQuery>,
) -> Result<Json<Page<HoldingView>>, ApiError> {
    let piece = Piece::<PartyId>::new(&query)?;
    app.read(move |node, ledger| {
        let id = asset_named(node.ledger_id(), &named)?;
        let asset = ledger.asset(id)?.ok_or(Rejection::UnknownAsset)?;
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        let rows = ledger.positions_of_asset(id, piece.after, piece.reach())?;
        piece
            .page(
                rows,
                |position| position.party_id,
                |position| {
                    let holding = Holding { asset, position: Some(*position) };
                    viewer.holding(position.party_id, &holding)
                },
            )
            .map(Json)
    })
    .await
}

/// The query string of a history.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Of a quantity asset: the position of this party, by id or name.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    party: Option<Named>,
    /// `next` of the piece before; from the newest record without it.
    #[serde(default)]
    after: Option<String>,
    /// How many records at most, 1 to 1,000; 100 unless given.
    #[serde(default)]
    limit: Option<usize>,
}

/// The records of an asset, newest first.
///
/// Of a quantity asset: those of `party`'s position, or without it those of the asset's own chain
/// (registration, issues, redemptions, amendments).
#[utoipa::path(get, path = "/v1/assets/{id}/history", tag = "read",
    params(("id" = Named, Path, description = "UUID or name."), HistoryQuery), responses(
    (status = 200, body = Page<RecordView>),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn history(
    State(app): State<App>,
    Segment(named): Segment<Named>,
    Params(query): Params<HistoryQuery>,
) -> Result<Json<Page<RecordView>>, ApiError> {
    let piece = Piece::<u64>::new(&PageQuery { after: query.after, limit: query.limit })?;
    app.read(move |node, ledger| {
        let id = asset_named(node.ledger_id(), &named)?;
        ledger.asset(id)?.ok_or(Rejection::UnknownAsset)?;
        let party = match &query.party {
            Some(party) => {
                let id = party_named(node.ledger_id(), party)?;
                Some(ledger.party(id)?.ok_or(Missing::Party)?.party_id)
            }
            None => None,
        };
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        let rows = ledger.history(id, party, piece.after, piece.reach())?;
        piece
            .page(
                rows,
                |record| record.leaf_index,
                |record| match viewer.record(record.transfer.record_id, false)? {
                    RecordAnswer::Recorded(view) => Ok(*view),
                    RecordAnswer::Rejected(_) => Err(ApiError::from(Missing::Record)),
                },
            )
            .map(Json)
    })
    .await
}
