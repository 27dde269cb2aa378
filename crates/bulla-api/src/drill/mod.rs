//! Drills: what is promised for bad days, done to a scratch cluster and watched.

mod books;
mod story;
mod tampering;

use crate::cli::{Exit, Failure, Printer, TamperDrill};
use crate::scratch::{self, Purpose};

/// Tampers with the servers of a scratch cluster, one after the other, and says who noticed.
pub(crate) async fn tamper(drill: &TamperDrill, printer: &Printer) -> Result<Exit, Failure> {
    let purpose = Purpose { name: "drill tamper", keep: drill.keep };
    let set = |config: &mut bulla_node::config::ClusterConfig| {
        // Long enough for a record to be tampered with while its table is open.
        config.seal.age_ms_max = 1_500;
        // A scrubber that has next to nothing to read need not rest long.
        config.scrub.pause_ms = 500;
    };
    scratch::run(purpose, printer, set, async |cluster, telling| story::tell(drill.keep, cluster, telling).await).await
}
