//! What a story waits for, and what it does not take on trust.

use std::time::{Duration, Instant};

use bulla_client::{Client, ClusterView};
use bulla_sealing::Sealed;

use super::servers::Cluster;
use crate::cli::Failure;

/// Longest wait for anything that should take a second or two.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// Asks a client for its view of the cluster until `enough` says so.
///
/// # Errors
/// When that does not happen in half a minute, or a server falls meanwhile; `what` says what was waited for.
pub(crate) async fn wait(
    cluster: &mut Cluster,
    client: &Client,
    what: &str,
    enough: impl Fn(&ClusterView) -> bool,
) -> Result<ClusterView, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(name) = cluster.fallen() {
            return Err(Failure::could_not(format!("{name} ended by itself while this waited for {what}")));
        }
        // While servers start, or a leader is elected, there may be no answer at all.
        let seen = client.cluster().await;
        match seen {
            Ok(view) if enough(&view) => return Ok(view),
            _ if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            Ok(view) => {
                return Err(Failure::could_not(format!(
                    "waited {PATIENCE:?} in vain for {what}; {} leaves are recorded, sealed height is {:?}, unsealed: {:?}",
                    view.recorded_size, view.sealed_height, view.unsealed
                )));
            }
            Err(error) => return Err(Failure::from(error).and(&format!("this was waiting for {what}"))),
        }
    }
}

/// Waits until everything that was recorded is sealed, as each running server sees it; says up to which block.
pub(crate) async fn wait_sealed(cluster: &mut Cluster, leaf_index: u64) -> Result<u64, Failure> {
    let mut height = 0;
    for at in cluster.running() {
        let client = cluster.client_at(at)?;
        let what = format!("{} to have the seal of leaf {leaf_index}", cluster.name(at));
        let deadline = Instant::now() + PATIENCE;
        height = loop {
            let view = wait(cluster, &client, &what, |view| view.sealed_height.is_some()).await?;
            let sealed = view.sealed_height.expect("just waited for");
            if client.block(sealed).await.is_ok_and(|block| block.leaf_index >= leaf_index) {
                break sealed;
            }
            check(Instant::now() < deadline, &format!("waited in vain for {what}"))?;
            tokio::time::sleep(PAUSE).await;
        };
    }
    Ok(height)
}

/// Who signed a block, verified.
pub(crate) async fn signers(client: &Client, height: u64) -> Result<Sealed, Failure> {
    let block = client.block(height).await?;
    let note = block.checkpoint.ok_or_else(|| Failure::no(format!("block {height} has no checkpoint")))?;
    let note = bulla_sealing::SignedNote::parse(note.as_bytes())
        .map_err(|error| Failure::no(format!("the checkpoint of block {height} is no signed note: {error}")))?;
    let policy = client.policy().expect("the clients of a scratch cluster have a policy");
    policy.verify(&note).map_err(|error| Failure::no(format!("block {height} is not sealed: {error}")))
}

/// A check that must hold for the story to be true.
pub(crate) fn check(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::no(format!("a check failed: {otherwise}"))) }
}
