//! Proofs of what is so of an asset, and certificates of how it came about.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::response::{Html, IntoResponse, Response};
use bulla_client::{Named, Problem, ProvenCustody};
use bulla_ledger::{AssetId, PartyId, Rejection};
use bulla_node::{CertificateAnswer, Ledger, StateAnswer};
use bulla_sealing::Certificate;
use serde::Deserialize;
use uuid::Uuid;

use crate::http::app::App;
use crate::http::certificate_page;
use crate::http::errors::{ApiError, Cause, Missing};
use crate::http::extract::{Params, Segment};
use crate::http::prepare::{asset_named, party_named};
use crate::http::view::Viewer;

/// Whose units of a quantity asset are meant.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PositionQuery {
    /// Of a quantity asset: the position of this party, by id or name; without it, what is outstanding.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    party: Option<Named>,
}

/// The proof of what is so of an asset as of the last sealed block, or that there is no such asset.
///
/// A `bulla/state-proof@v1`, which anybody can verify offline. `not_sealed` while no block is.
#[utoipa::path(get, path = "/v1/assets/{id}/proof", tag = "prove",
    params(("id" = Named, Path, description = "UUID or name."), PositionQuery), responses(
    (status = 200, description = "The proof.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn proof(
    State(app): State<App>,
    Segment(named): Segment<Named>,
    Params(query): Params<PositionQuery>,
) -> Result<Response, ApiError> {
    let text = app
        .read(move |node, ledger| {
            let (asset_id, party) = meant(node.ledger_id(), &named, &query)?;
            match ledger.asset_proof(asset_id, party)? {
                StateAnswer::Ready(proof) => Ok(proof.to_text()),
                StateAnswer::NotSealed => Err(Missing::Seal.into()),
            }
        })
        .await?;
    Ok(plain(text))
}

/// The certificate of an asset: what is so as of the last sealed block, and every record that led to it.
///
/// A `bulla/certificate@v1`, which anybody can verify offline; or for `Accept: text/html` the same as
/// `/v1/assets/{id}/certificate.html`. `not_sealed` while the asset is in no sealed block.
#[utoipa::path(get, path = "/v1/assets/{id}/certificate", tag = "prove",
    params(("id" = Named, Path, description = "UUID or name."), PositionQuery), responses(
    (status = 200, description = "The certificate.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn certificate(
    state: State<App>,
    named: Segment<Named>,
    query: Params<PositionQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = match accepts.contains("text/html") {
        true => certificate_page(state, named, query).await?,
        false => certificate_text(state, named, query).await?,
    };
    response.headers_mut().insert(VARY, ACCEPT.into());
    Ok(response)
}

/// A page that says what the certificate proves, to be read or printed.
///
/// The page itself proves nothing: the certificate does.
#[utoipa::path(get, path = "/v1/assets/{id}/certificate.html", tag = "prove",
    params(("id" = Named, Path, description = "UUID or name."), PositionQuery), responses(
    (status = 200, description = "The page.", body = String, content_type = "text/html"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn certificate_page(
    State(app): State<App>,
    Segment(named): Segment<Named>,
    Params(query): Params<PositionQuery>,
) -> Result<Response, ApiError> {
    let html = app
        .read(move |node, ledger| {
            let (asset_id, party) = meant(node.ledger_id(), &named, &query)?;
            let certificate = certificate_of(ledger, asset_id, party)?;
            let proven = ProvenCustody::of(&certificate, node.policy()).map_err(|error| {
                Cause::Internal(format!("a certificate that was verified does not verify: {error}"))
            })?;
            certificate_page::page(&Viewer { ledger_id: node.ledger_id(), ledger }, &proven)
        })
        .await?;
    let headers =
        [(CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'")];
    Ok((headers, Html(html)).into_response())
}

async fn certificate_text(
    State(app): State<App>,
    Segment(named): Segment<Named>,
    Params(query): Params<PositionQuery>,
) -> Result<Response, ApiError> {
    let text = app
        .read(move |node, ledger| {
            let (asset_id, party) = meant(node.ledger_id(), &named, &query)?;
            Ok(certificate_of(ledger, asset_id, party)?.to_text())
        })
        .await?;
    Ok(plain(text))
}

fn certificate_of(ledger: &Ledger, asset_id: AssetId, party: Option<PartyId>) -> Result<Certificate, ApiError> {
    match ledger.certificate(asset_id, party)? {
        CertificateAnswer::Ready(certificate) => Ok(*certificate),
        CertificateAnswer::NotSealed => Err(Missing::Seal.into()),
        CertificateAnswer::TooLong { .. } => Err(Missing::CertificateSize.into()),
        CertificateAnswer::Unknown => {
            let asset = ledger.asset(asset_id)?.ok_or(Rejection::UnknownAsset)?;
            let position = ledger.position(asset_id, party.unwrap_or(PartyId::NIL))?;
            // It is there now, so it is only too new.
            match !asset.quantity_asset || position.is_some() {
                true => Err(Missing::Seal.into()),
                false => Err(Missing::Position.into()),
            }
        }
    }
}

fn meant(ledger: Uuid, named: &Named, query: &PositionQuery) -> Result<(AssetId, Option<PartyId>), ApiError> {
    let party = query.party.as_ref().map(|party| party_named(ledger, party)).transpose()?;
    Ok((asset_named(ledger, named)?, party))
}

fn plain(text: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
