//! What is counted and measured, for Prometheus.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bulla_node::Answer;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::app::App;

/// How often measurements are folded into their buckets, whether anybody asks for them or not.
pub(super) const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of the buckets of latencies, seconds.
const LATENCY_SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The recorder of this process, installed at the first call.
///
/// A program that embeds the server may have installed its own before: then that one counts, and
/// `/metrics` has nothing to show.
pub(super) fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder =
            PrometheusBuilder::new().set_buckets(&LATENCY_SECONDS).expect("there is a bucket").build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics stays empty");
        }
        describe();
        handle
    })
}

/// Counts the answers to transfers.
pub(super) fn count(answers: &[Answer]) {
    let (mut recorded, mut repeated) = (0, 0);
    for answer in answers {
        match answer {
            Answer::Recorded { repeated: false, .. } => recorded += 1,
            Answer::Recorded { repeated: true, .. } => repeated += 1,
            Answer::Rejected { rejection } => {
                counter!("bulla_rejected_total", "code" => rejection.name()).increment(1);
            }
        }
    }
    counter!("bulla_recorded_total").increment(recorded);
    counter!("bulla_repeated_total").increment(repeated);
}

/// Counts and times every request by its route, so that ids in paths make no new series.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    // A caller may make up methods; no series for each of them.
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    };
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    histogram!("bulla_http_request_seconds", "method" => method, "route" => route.clone()).record(started.elapsed());
    counter!("bulla_http_requests_total", "method" => method, "route" => route, "status" => status).increment(1);
    response
}

/// Metrics, as Prometheus reads them.
#[utoipa::path(get, path = "/metrics", tag = "operate", responses(
    (status = 200, description = "Prometheus text.", body = String, content_type = "text/plain"),
))]
pub(super) async fn scrape(State(app): State<App>) -> Response {
    measure(&app).await;
    let text = recorder().render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Takes the state of the node as gauges. Nodes of one process are told apart by their ids.
async fn measure(app: &App) {
    let status = app.node.status().await;
    let node = status.node_id.to_string();
    let oldest_us = status.unsealed.first().map(|table| app.node.now_us().saturating_sub(table.closed_us));
    let values = [
        ("bulla_recorded_size", status.recorded_size as f64),
        ("bulla_sealed_height", status.sealed_height.map_or(-1.0, |height| height as f64)),
        ("bulla_open_table_records", app.node.ledger().open_table().records as f64),
        ("bulla_unsealed_tables", status.unsealed.len() as f64),
        ("bulla_oldest_unsealed_seconds", oldest_us.map_or(0.0, |us| us as f64 / 1e6)),
        ("bulla_leader", f64::from(u8::from(status.leader == Some(status.node_id)))),
        ("bulla_leader_id", status.leader.map_or(0.0, |leader| leader as f64)),
        ("bulla_term", status.term as f64),
        ("bulla_quarantined", f64::from(u8::from(status.quarantine.is_some()))),
    ];
    // Of the log, not of this process: so it is set, and counts on where it was.
    if let Ok((incidents, open)) = app.node.ledger().incident_count() {
        counter!("bulla_incidents_total", "node" => node.clone()).absolute(incidents);
        gauge!("bulla_open_incidents", "node" => node.clone()).set(open as f64);
    }
    for (name, value) in values {
        gauge!(name, "node" => node.clone()).set(value);
    }
    for member in &status.members {
        let waiting = status.unsealed.iter().filter(|table| table.waiting_for.contains(&member.name));
        gauge!("bulla_tables_waiting_for", "node" => node.clone(), "member" => member.name.clone())
            .set(waiting.count() as f64);
    }
    super::scrub::measure(app, &node);
    for witness in app.witnesses.views() {
        let labels = [("node", node.clone()), ("witness", witness.name)];
        gauge!("bulla_witness_size", &labels).set(witness.cosigned_size.unwrap_or(0) as f64);
        gauge!("bulla_witness_lag_leaves", &labels).set(witness.lag_leaves as f64);
        gauge!("bulla_witness_failing", &labels).set(f64::from(u8::from(witness.problem.is_some())));
    }
    if let Some(view) = app.timestamps.view() {
        let labels = [("node", node)];
        gauge!("bulla_timestamp_size", &labels).set(view.stamped_size.unwrap_or(0) as f64);
        gauge!("bulla_timestamp_failing", &labels).set(f64::from(u8::from(view.problem.is_some())));
    }
}

fn describe() {
    describe_counter!("bulla_recorded_total", "transfers recorded through this server");
    describe_counter!("bulla_repeated_total", "transfers that had been recorded before");
    describe_counter!("bulla_rejected_total", "transfers rejected, by code");
    describe_counter!("bulla_incidents_total", "incidents recorded: something was wrong with a server's copy");
    describe_gauge!("bulla_open_incidents", "incidents that are not closed");
    describe_counter!("bulla_http_requests_total", "requests, by method, route and status");
    describe_histogram!("bulla_http_request_seconds", "time to answer, seconds");
    describe_gauge!("bulla_recorded_size", "leaves recorded, headers included");
    describe_gauge!("bulla_sealed_height", "height of the newest sealed block; -1 before the first");
    describe_gauge!("bulla_open_table_records", "records in the open table");
    describe_gauge!("bulla_unsealed_tables", "closed tables that wait for signatures");
    describe_gauge!("bulla_oldest_unsealed_seconds", "age of the oldest of them, seconds");
    describe_gauge!("bulla_leader", "1 when this node leads");
    describe_gauge!("bulla_leader_id", "the leader's node id; 0 when none is known");
    describe_gauge!("bulla_term", "the Raft term");
    describe_gauge!("bulla_quarantined", "1 while this node takes no part and rebuilds its ledger from its peers");
    describe_gauge!("bulla_tables_waiting_for", "closed tables that a member has not signed");
    describe_counter!("bulla_scrub_passes_total", "passes over everything stored since the node started");
    describe_counter!("bulla_scrub_found_total", "things that were found damaged");
    describe_counter!("bulla_scrub_healed_total", "of those, what was put right");
    describe_gauge!("bulla_scrub_damaged", "things that are damaged now");
    describe_gauge!("bulla_scrub_progress", "how much of the pass that is going on is done; 1 between passes");
    describe_gauge!("bulla_scrub_last_end_seconds", "when the last pass ended, POSIX time");
    describe_gauge!("bulla_scrub_last_duration_seconds", "how long the last pass took");
    describe_gauge!(
        "bulla_witness_size",
        "leaves of the newest checkpoint that a witness cosigned; 0 before the first"
    );
    describe_gauge!("bulla_witness_lag_leaves", "sealed leaves that a witness has not cosigned");
    describe_gauge!("bulla_witness_failing", "1 when a witness did not cosign when it was asked last");
    describe_gauge!("bulla_timestamp_size", "leaves of the newest checkpoint that has a timestamp; 0 before the first");
    describe_gauge!("bulla_timestamp_failing", "1 when the authority gave no timestamp when it was asked last");
}
