//! A node on HTTP: the routes, and the server that listens.
//!
//! ```text
//!   socket ──▶ server ──▶ routes ──▶ write ──prepare──▶ Node::submit ──▶ answer
//!                            │   └──▶ read  ──────────▶ Ledger ──view──▶ JSON
//!                            └─ whatever goes wrong ──▶ errors ────────▶ problem+json
//! ```

mod app;
mod body;
mod catch_up;
mod certificate_page;
mod compact;
mod erase;
mod errors;
mod extract;
mod home;
mod metrics;
mod openapi;
mod page;
mod prepare;
mod promise;
mod read;
mod routes;
mod scrub;
mod server;
mod view;
mod write;

pub(crate) use routes::router_with;
pub use routes::{LEDGER_HEADER, router};
pub use server::HttpServer;
