//! The cluster as this node sees it, and whether the node is of use.

use axum::Json;
use axum::extract::State;
use bulla_client::{
    ClusterView, MemberView, OtherRootView, Problem, ProgressView, QuarantineView, Role, Time, UnsealedView,
};
use bulla_node::{ClusterStatus, MemberStatus, Node, QuarantineStatus};

use crate::http::app::App;
use crate::http::errors::{ApiError, Cause};
use crate::http::scrub;

/// The cluster as this node sees it.
#[utoipa::path(get, path = "/v1/cluster", tag = "operate", responses(
    (status = 200, body = ClusterView),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn cluster(State(app): State<App>) -> Json<ClusterView> {
    let (witnesses, timestamps) = (app.witnesses.views(), app.timestamps.view());
    Json(ClusterView { witnesses, timestamps, ..cluster_view(&app.node).await })
}

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "operate", responses(
    (status = 200, description = "It does.", body = String, content_type = "text/plain"),
))]
pub(crate) async fn live() -> &'static str {
    "live\n"
}

/// The node can record: it reaches a leader, and that reaches a majority of the servers.
#[utoipa::path(get, path = "/readyz", tag = "operate", responses(
    (status = 200, description = "It does.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, ApiError> {
    let status = app.node.status().await;
    match (status.quarantine, status.leader) {
        (Some(QuarantineStatus { reason, waits_for, .. }), _) => Err(Cause::Quarantined { reason, waits_for }.into()),
        (None, Some(_)) => Ok("ready\n"),
        (None, None) => Err(Cause::NotReady.into()),
    }
}

pub(crate) async fn cluster_view(node: &Node) -> ClusterView {
    let status = node.status().await;
    let urls = &node.options().urls;
    let url = |member: &MemberStatus| urls.iter().find(|(id, _)| *id == member.node_id).map(|(_, url)| url.clone());
    let members =
        status.members.iter().map(|member| MemberView { url: url(member), ..member_view(&status, member) }).collect();
    ClusterView {
        ledger_id: node.ledger_id(),
        origin: node.policy().origin().to_owned(),
        node_id: status.node_id,
        leader: status.leader,
        term: status.term,
        recorded_size: status.recorded_size,
        sealed_height: status.sealed_height,
        members,
        unsealed: status
            .unsealed
            .into_iter()
            .map(|table| UnsealedView {
                height: table.height,
                table_id: table.table_id,
                closed: Time::from_micros(table.closed_us),
                waiting_for: table.waiting_for,
                other_roots: table
                    .other_roots
                    .into_iter()
                    .map(|other| OtherRootView { name: other.node_name, root: other.root.into() })
                    .collect(),
            })
            .collect(),
        scrub: Some(scrub::view(node)),
        quarantine: status.quarantine.map(|quarantine| QuarantineView {
            reason: quarantine.reason,
            since: Time::from_micros(quarantine.since_us),
            waits_for: quarantine.waits_for,
        }),
        witnesses: Vec::new(),
        timestamps: None,
    }
}

fn member_view(status: &ClusterStatus, member: &MemberStatus) -> MemberView {
    MemberView {
        node_id: member.node_id,
        name: member.name.clone(),
        url: None,
        role: match member.role {
            bulla_node::Role::Leader => Role::Leader,
            bulla_node::Role::Follower => Role::Follower,
        },
        attested_height: attested_height(status, &member.name),
        progress: member.progress.as_ref().map(|progress| ProgressView {
            reachable: progress.reachable,
            matched_index: progress.matched_index,
            lag_entries: progress.lag_entries,
            heard_ms: progress.heard_ms,
        }),
    }
}

/// Members sign in order of height, so the first table that waits for one tells how far it came.
fn attested_height(status: &ClusterStatus, name: &str) -> Option<u64> {
    let waiting = status.unsealed.iter().find(|table| table.waiting_for.iter().any(|by| by == name));
    match waiting {
        Some(table) => table.height.checked_sub(1),
        None => status.unsealed.last().map(|table| table.height).or(status.sealed_height),
    }
}
