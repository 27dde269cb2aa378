//! The scrubber of this node: how far it has come, and a pass for whoever asks.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bulla_client::{DamagedView, Problem, ScrubAsked, ScrubView, ScrubbedView, Time};
use bulla_node::{Node, ScrubStatus};
use metrics::{counter, gauge};

use super::app::App;

/// Has this server read everything that it stores, now, and put right what it finds damaged. How far it has come
/// stands in `/v1/cluster`.
#[utoipa::path(post, path = "/v1/scrub", tag = "operate", responses(
    (status = 202, body = ScrubAsked),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn scrub(State(app): State<App>) -> (StatusCode, Json<ScrubAsked>) {
    let asked = ScrubAsked { node_id: app.node.identity().node_id, passes: app.node.scrub_now() };
    (StatusCode::ACCEPTED, Json(asked))
}

/// What the scrubber has done. Where this server keeps its data is left out.
pub(crate) fn view(node: &Node) -> ScrubView {
    let ScrubStatus { passes, running, last, found, healed, damaged } = node.scrub_status();
    let data_dir = format!("{}/", node.options().data_dir.display());
    let damaged = damaged.into_iter().map(|one| DamagedView {
        what: format!("{}: {}", one.what, one.detail).replace(&data_dir, ""),
        height: one.height,
        since: Time::from_micros(one.since_us),
        waits_for: one.waits_for.replace(&data_dir, ""),
    });
    ScrubView {
        passes,
        running_percent: running.map(|running| running.percent()),
        last: last.map(|last| ScrubbedView {
            ended: Time::from_micros(last.ended_us),
            duration_ms: last.duration_ms,
            bytes: last.bytes,
            found: last.found,
        }),
        found,
        healed,
        damaged: damaged.collect(),
    }
}

/// Takes what the scrubber has done as metrics.
pub(super) fn measure(app: &App, node: &str) {
    let status = app.node.scrub_status();
    let labels = [("node", node.to_owned())];
    counter!("bulla_scrub_passes_total", &labels).absolute(status.passes);
    counter!("bulla_scrub_found_total", &labels).absolute(status.found);
    counter!("bulla_scrub_healed_total", &labels).absolute(status.healed);
    gauge!("bulla_scrub_damaged", &labels).set(status.damaged.len() as f64);
    gauge!("bulla_scrub_progress", &labels)
        .set(status.running.map_or(1.0, |running| f64::from(running.percent()) / 100.0));
    if let Some(last) = status.last {
        gauge!("bulla_scrub_last_end_seconds", &labels).set(last.ended_us as f64 / 1e6);
        gauge!("bulla_scrub_last_duration_seconds", &labels).set(last.duration_ms as f64 / 1e3);
    }
}
