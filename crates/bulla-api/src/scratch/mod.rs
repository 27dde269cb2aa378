//! A cluster on this machine for a while: three server processes in a temporary directory, and what is told of them.
//!
//! The servers are processes of this very program, they are spoken to over HTTP, and they end however the story goes.

mod check;
mod directory;
mod servers;
mod telling;

use std::ops::AsyncFnOnce;

use bulla_node::config::ClusterConfig;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Exit, Failure, Printer};
pub(crate) use check::{check, signers, wait, wait_sealed};
use directory::Directory;
pub(crate) use servers::Cluster;
pub(crate) use telling::{Telling, seconds};

/// What a cluster is wanted for.
pub(crate) struct Purpose {
    /// One word for it: it stands in the name of the directory, and in what is said when it is interrupted.
    pub(crate) name: &'static str,
    /// Whether the servers go on running after the story, until Ctrl-C.
    pub(crate) keep: bool,
}

/// Prepares three servers, of which `set` may change the configuration, has the story told with them, prints what it
/// comes to, and ends the servers.
///
/// # Errors
/// The story's own, with where the logs of the servers are kept; and when the cluster cannot be prepared.
pub(crate) async fn run(
    purpose: Purpose,
    printer: &Printer,
    set: impl FnOnce(&mut ClusterConfig),
    story: impl AsyncFnOnce(&mut Cluster, &Telling) -> Result<Value, Failure>,
) -> Result<Exit, Failure> {
    let Purpose { name, keep } = purpose;
    let telling = Telling::new(printer);
    let directory = Directory::new(name)
        .map_err(|error| Failure::caused(format_args!("cannot make a temporary directory for the {name}"), &error))?;
    let mut cluster = Cluster::prepare(directory.path(), set)?;
    let told = tokio::select! {
        told = story(&mut cluster, &telling) => told,
        () = interrupted() => {
            return Err(Failure::could_not(format!("the {name} was interrupted; its servers are stopped")));
        }
    };
    match told {
        Ok(summary) => {
            printer.show_json(&summary);
            match keep {
                true => keep_running(&cluster, &telling).await,
                false => {
                    telling.say(&format!("`bulla {name} --keep` leaves the servers running, to look around in them."))
                }
            }
            Ok(Exit::Done)
        }
        Err(failure) => {
            cluster.end();
            let kept = directory.keep();
            Err(failure.and(&format!("the logs of the servers are in {}", kept.display())))
        }
    }
}

/// Leaves the servers to whoever wants to look around.
async fn keep_running(cluster: &Cluster, telling: &Telling) {
    telling.say(&format!("\nThe servers go on running. Look around at {}", cluster.url(0)));
    telling.say(&format!("  export BULLA_URL={}", cluster.urls().join(",")));
    telling.say("  bulla cluster status; bulla asset list; bulla party list");
    telling.say("  bulla policy > policy.txt; bulla verify --policy policy.txt");
    telling.say("Press Ctrl-C to stop them.");
    interrupted().await;
}

/// Resolves at Ctrl-C, or when a service manager asks to end.
async fn interrupted() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
