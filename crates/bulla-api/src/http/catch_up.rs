//! Understands the requests of one body, and gives a follower a moment to know what they speak of.

use std::sync::Arc;
use std::time::Duration;

use bulla_client::TransferRequest;
use bulla_node::{Event, Item};
use tokio::sync::broadcast::error::RecvError;

use super::app::App;
use super::errors::ApiError;
use super::prepare::{Preparation, needs_lookup};

/// How long a follower waits for a record that its leader has and it has not.
const CATCH_UP: Duration = Duration::from_secs(1);

/// One item for each request, in their order, or what is wrong with it.
///
/// # Errors
/// Only when this node cannot answer at all.
pub(super) async fn prepare(
    app: &App,
    requests: Vec<TransferRequest>,
) -> Result<Vec<Result<Item, ApiError>>, ApiError> {
    if !requests.iter().any(needs_lookup) {
        let mut preparation = Preparation::new(app.node.ledger_id(), app.node.ledger());
        return Ok(requests.iter().map(|request| preparation.item(request)).collect());
    }
    let requests = Arc::new(requests);
    let attempt = || {
        let requests = requests.clone();
        app.read(move |node, ledger| {
            let mut preparation = Preparation::new(node.ledger_id(), ledger);
            Ok(requests.iter().map(|request| preparation.item(request)).collect::<Vec<_>>())
        })
    };
    until_known(app, attempt, |prepared: &Vec<_>| lacks(prepared)).await
}

/// Attempts something again, after each record that arrives, as long as the outcome lacks something.
///
/// A follower may be a moment behind: what the leader acknowledged to this very caller may be
/// unknown here. So unknown is believed only after a moment.
///
/// # Errors
/// Those of the attempt.
pub(super) async fn until_known<T, A>(
    app: &App,
    attempt: impl Fn() -> A,
    lacks: impl Fn(&T) -> bool,
) -> Result<T, ApiError>
where
    A: Future<Output = Result<T, ApiError>>,
{
    let mut events = app.node.watch();
    let outcome = attempt().await?;
    if !lacks(&outcome) || is_leader(app).await {
        return Ok(outcome);
    }
    let caught_up = async {
        loop {
            match events.recv().await {
                Ok(Event::Recorded { .. }) | Err(RecvError::Lagged(_)) => {}
                Ok(_) => continue,
                Err(RecvError::Closed) => return attempt().await,
            }
            match attempt().await {
                Ok(outcome) if lacks(&outcome) => {}
                done => return done,
            }
        }
    };
    match tokio::time::timeout(CATCH_UP, caught_up).await {
        Ok(done) => done,
        Err(_) => Ok(outcome),
    }
}

fn lacks(prepared: &[Result<Item, ApiError>]) -> bool {
    prepared.iter().any(|item| item.as_ref().is_err_and(ApiError::is_unknown))
}

async fn is_leader(app: &App) -> bool {
    let status = app.node.status().await;
    status.leader == Some(status.node_id)
}
