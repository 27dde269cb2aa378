//! The cluster as this node sees it, and whether the node is of use.

use axum::Json;
use axum::extract::State;
use bulla_client::{ClusterView, MemberView, Problem, ProgressView, Role, Time, UnsealedView};
use bulla_node::{ClusterStatus, MemberStatus, Node};

use crate::http::app::App;
use crate::http::errors::{ApiError, Cause};

/// The cluster as this node sees it.
#[utoipa::path(get, path = "/v1/cluster", tag = "operate", responses(
    (status = 200, body = ClusterView),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn cluster(State(app): State<App>) -> Json<ClusterView> {
    Json(cluster_view(&app.node).await)
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
    match reaches_majority(&app.node.status().await.members) {
        true => Ok("ready\n"),
        false => Err(Cause::NotReady.into()),
    }
}

/// Whether a leader answered, and itself hears from a majority. One that is gone is still known for a while,
/// and for ever where there is no majority to elect another.
fn reaches_majority(members: &[MemberStatus]) -> bool {
    let reachable = |member: &&MemberStatus| member.progress.as_ref().is_some_and(|progress| progress.reachable);
    2 * members.iter().filter(reachable).count() > members.len()
}

pub(crate) async fn cluster_view(node: &Node) -> ClusterView {
    let status = node.status().await;
    let members = status.members.iter().map(|member| member_view(&status, member)).collect();
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
            })
            .collect(),
    }
}

fn member_view(status: &ClusterStatus, member: &MemberStatus) -> MemberView {
    MemberView {
        node_id: member.node_id,
        name: member.name.clone(),
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

#[cfg(test)]
mod tests {
    use bulla_node::{MemberProgress, Role};

    use super::*;

    fn members(reachable: &[Option<bool>]) -> Vec<MemberStatus> {
        let progress = |node_id, reachable| MemberProgress {
            node_id,
            matched_index: None,
            lag_entries: 0,
            heard_ms: None,
            reachable,
        };
        (1..)
            .zip(reachable)
            .map(|(node_id, reachable)| MemberStatus {
                node_id,
                name: format!("node-{node_id}"),
                role: if node_id == 1 { Role::Leader } else { Role::Follower },
                progress: reachable.map(|reachable| progress(node_id, reachable)),
            })
            .collect()
    }

    #[test]
    fn a_node_is_ready_while_its_leader_answers_and_reaches_a_majority() {
        assert!(reaches_majority(&members(&[Some(true)])));
        assert!(reaches_majority(&members(&[Some(true), Some(true), Some(false)])));
        assert!(!reaches_majority(&members(&[Some(true), Some(false), Some(false)])));
        // A leader is known and does not answer: nothing is known of anybody.
        assert!(!reaches_majority(&members(&[None, None, None])));
    }
}
