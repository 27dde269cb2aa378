//! The OpenAPI description, gathered from the routes themselves.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;

use super::read::{assets, blocks, cluster, incidents, parties, proofs, records, tiles, timestamps};
use super::{erase, home, metrics, openapi, promise, scrub, write};

/// The HTTP API of a bulla node.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "bulla",
        description = "The HTTP API of a bulla node: who handed which asset to whom, recorded by several \
            servers and sealed by all of them.\n\nA refusal is application/problem+json with a stable \
            `code`; `retryable` says whether the same request, under the same record id, may succeed \
            later. Lists come in pages. The header `Bulla-Ledger` may name the ledger that a request is \
            meant for; another ledger refuses it."
    ),
    paths(
        write::enroll,
        write::define,
        write::register,
        write::transfers,
        parties::parties,
        parties::party,
        parties::holdings,
        parties::classes,
        parties::class,
        assets::assets,
        assets::asset,
        assets::positions,
        assets::history,
        proofs::proof,
        proofs::certificate,
        proofs::certificate_page,
        erase::erase,
        records::record,
        records::receipt,
        promise::promise,
        blocks::table,
        blocks::block,
        tiles::checkpoint,
        tiles::checkpoint_v1,
        tiles::checkpoint_of_size,
        tiles::tile,
        tiles::verifier_keys,
        timestamps::seal_of_size,
        timestamps::timestamp_of_size,
        timestamps::timestamp,
        timestamps::timestamp_v1,
        tiles::policy,
        tiles::policy_v1,
        cluster::cluster,
        incidents::incidents,
        cluster::live,
        cluster::ready,
        scrub::scrub,
        metrics::scrape,
        openapi::openapi,
        home::home,
    )
)]
struct Description;

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operate", responses(
    (status = 200, description = "OpenAPI 3.1.", content_type = "application/json"),
))]
pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], text()).into_response()
}

/// The description as JSON text.
pub(super) fn text() -> String {
    Description::openapi().to_json().expect("a description can be written as JSON")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::routes::ROUTES;

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let description: serde_json::Value = serde_json::from_str(&text()).unwrap();
        let described: BTreeSet<(String, String)> = description["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(move |method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let routed: BTreeSet<(String, String)> = ROUTES
            .iter()
            .flat_map(|route| {
                let methods = route.methods.iter();
                methods.map(|method| (route.path.replace("{*", "{"), (*method).to_owned()))
            })
            .collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        let text = text();
        let description: serde_json::Value = serde_json::from_str(&text).unwrap();
        let schemas = description["components"]["schemas"].as_object().unwrap();
        let referred = text.split("\"#/components/schemas/").skip(1);
        for name in referred.map(|rest| rest.split('"').next().unwrap()) {
            assert!(schemas.contains_key(name), "{name} is not described");
        }
    }
}
