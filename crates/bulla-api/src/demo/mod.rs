//! The whole story on one machine: three servers record, seal, lose one of them, recover, and are verified.
//!
//! Nothing here is staged. The servers are processes of this very program, they are spoken to over HTTP,
//! and each step is checked before it is told; a check that fails ends the demo with what failed.

mod check;
mod directory;
mod servers;
mod story;
mod telling;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Demo, Exit, Failure, Printer};
use directory::Directory;
use servers::Cluster;
use telling::Telling;

/// Runs the demo, and ends its servers however it goes.
pub(crate) async fn run(demo: &Demo, printer: &Printer) -> Result<Exit, Failure> {
    let telling = Telling::new(printer);
    let directory =
        Directory::new().map_err(|error| Failure::caused("cannot make a temporary directory for the demo", &error))?;
    let mut cluster = Cluster::prepare(directory.path())?;
    let told = tokio::select! {
        told = story::tell(demo, &mut cluster, &telling) => told,
        () = interrupted() => return Err(Failure::could_not("the demo was interrupted; its servers are stopped")),
    };
    match told {
        Ok(summary) => {
            printer.show_json(&summary);
            match demo.keep {
                true => keep_running(&cluster, &telling).await,
                false => telling.say("`bulla demo --keep` leaves the servers running, to look around in them."),
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
