//! Which path leads where, and what every request goes through.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use bulla_client::Named;
use bulla_node::Node;
use tower_http::trace::TraceLayer;

use super::app::App;
use super::errors::{ApiError, Fault};
use super::read::{assets, blocks, cluster, incidents, parties, proofs, records, tiles, timestamps};
use super::{erase, home, metrics, openapi, promise, scrub, write};
use crate::timestamped::Timestamps;
use crate::witnessed::Witnesses;

/// The header by which a caller says which ledger it means, and a node which one it has.
pub const LEDGER_HEADER: &str = "bulla-ledger";

/// A path, the methods it has, and what answers them.
pub(super) struct Route {
    pub(super) path: &'static str,
    /// Named here as well, so that a test can hold the description against the routes.
    #[cfg_attr(not(test), expect(dead_code))]
    pub(super) methods: &'static [&'static str],
    handler: fn() -> MethodRouter<App>,
}

pub(super) const ROUTES: [Route; 38] = [
    Route { path: "/", methods: &["GET"], handler: || get(home::home) },
    Route { path: "/checkpoint", methods: &["GET"], handler: || get(tiles::checkpoint) },
    Route { path: "/checkpoint/{size}", methods: &["GET"], handler: || get(tiles::checkpoint_of_size) },
    Route { path: "/checkpoint/{size}/seal", methods: &["GET"], handler: || get(timestamps::seal_of_size) },
    Route { path: "/checkpoint/{size}/timestamp", methods: &["GET"], handler: || get(timestamps::timestamp_of_size) },
    Route { path: "/livez", methods: &["GET"], handler: || get(cluster::live) },
    Route { path: "/metrics", methods: &["GET"], handler: || get(metrics::scrape) },
    Route { path: "/openapi.json", methods: &["GET"], handler: || get(openapi::openapi) },
    Route { path: "/policy", methods: &["GET"], handler: || get(tiles::policy) },
    Route { path: "/readyz", methods: &["GET"], handler: || get(cluster::ready) },
    Route { path: "/tile/{*path}", methods: &["GET"], handler: || get(tiles::tile) },
    Route { path: "/timestamp", methods: &["GET"], handler: || get(timestamps::timestamp) },
    Route { path: "/v1/assets", methods: &["GET", "POST"], handler: || get(assets::assets).post(write::register) },
    Route { path: "/v1/assets/{id}", methods: &["GET"], handler: || get(assets::asset) },
    Route { path: "/v1/assets/{id}/certificate", methods: &["GET"], handler: || get(proofs::certificate) },
    Route { path: "/v1/assets/{id}/certificate.html", methods: &["GET"], handler: || get(proofs::certificate_page) },
    Route { path: "/v1/assets/{id}/history", methods: &["GET"], handler: || get(assets::history) },
    Route { path: "/v1/assets/{id}/positions", methods: &["GET"], handler: || get(assets::positions) },
    Route { path: "/v1/assets/{id}/proof", methods: &["GET"], handler: || get(proofs::proof) },
    Route { path: "/v1/blocks/{height}", methods: &["GET"], handler: || get(blocks::block) },
    Route { path: "/v1/checkpoint", methods: &["GET"], handler: || get(tiles::checkpoint_v1) },
    Route { path: "/v1/classes", methods: &["GET", "POST"], handler: || get(parties::classes).post(write::define) },
    Route { path: "/v1/classes/{id}", methods: &["GET"], handler: || get(parties::class) },
    Route { path: "/v1/cluster", methods: &["GET"], handler: || get(cluster::cluster) },
    Route { path: "/v1/incidents", methods: &["GET"], handler: || get(incidents::incidents) },
    Route { path: "/v1/parties", methods: &["GET", "POST"], handler: || get(parties::parties).post(write::enroll) },
    Route { path: "/v1/parties/{id}", methods: &["GET"], handler: || get(parties::party) },
    Route { path: "/v1/parties/{id}/holdings", methods: &["GET"], handler: || get(parties::holdings) },
    Route { path: "/v1/policy", methods: &["GET"], handler: || get(tiles::policy_v1) },
    Route { path: "/v1/records/{id}", methods: &["GET"], handler: || get(records::record) },
    Route { path: "/v1/records/{id}/promise", methods: &["GET"], handler: || get(promise::promise) },
    Route { path: "/v1/records/{id}/erase", methods: &["POST"], handler: || axum::routing::post(erase::erase) },
    Route { path: "/v1/records/{id}/receipt", methods: &["GET"], handler: || get(records::receipt) },
    Route { path: "/v1/scrub", methods: &["POST"], handler: || axum::routing::post(scrub::scrub) },
    Route { path: "/v1/tables/{id}", methods: &["GET"], handler: || get(blocks::table) },
    Route { path: "/v1/timestamp", methods: &["GET"], handler: || get(timestamps::timestamp_v1) },
    Route { path: "/v1/transfers", methods: &["POST"], handler: || axum::routing::post(write::transfers) },
    Route { path: "/vkeys", methods: &["GET"], handler: || get(tiles::verifier_keys) },
];

/// The HTTP API of `node`, to be served by [`super::HttpServer`] or called in a test.
pub fn router(node: Node) -> Router {
    router_with(node, Witnesses::default(), Timestamps::default())
}

/// The same, with the cosignatures of these witnesses, and these timestamps.
pub(crate) fn router_with(node: Node, witnesses: Witnesses, timestamps: Timestamps) -> Router {
    metrics::recorder();
    let app = App { node, witnesses, timestamps };
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), name_the_ledger))
        .layer(from_fn(metrics::observe))
        .layer(TraceLayer::new_for_http())
        .with_state(app)
}

async fn unknown_route(request: Request) -> ApiError {
    let detail = format!("there is no route {}; GET /openapi.json lists them", request.uri().path());
    ApiError::request(Fault::UnknownRoute, detail)
}

async fn method_not_allowed(request: Request) -> ApiError {
    let detail = format!("{} has no method {}", request.uri().path(), request.method());
    ApiError::request(Fault::MethodNotAllowed, detail)
}

/// Refuses a request that is meant for another ledger, and says in every answer which one this is.
async fn name_the_ledger(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    let ledger_id = app.node.ledger_id();
    if let Some(value) = request.headers().get(LEDGER_HEADER) {
        match value.to_str().map(Named::from) {
            Ok(Named::Id(meant)) if meant == ledger_id => {}
            Ok(Named::Id(meant)) => {
                let detail = format!("the request is meant for ledger {meant}, this is {ledger_id}");
                return Err(ApiError::request(Fault::WrongLedger, detail));
            }
            _ => return Err(ApiError::request(Fault::BadId, "the header Bulla-Ledger is a UUID")),
        }
    }
    let mut response = next.run(request).await;
    let value = HeaderValue::from_str(&ledger_id.to_string()).expect("a UUID is a header value");
    response.headers_mut().insert(LEDGER_HEADER, value);
    Ok(response)
}
