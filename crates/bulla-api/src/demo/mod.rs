//! The whole story on one machine: three servers record, seal, lose one of them, recover, and are verified.
//!
//! Nothing here is staged. Each step is checked before it is told; a check that fails ends the demo with what failed.

mod story;

use crate::cli::{Demo, Exit, Failure, Printer};
use crate::scratch::{self, Purpose};

/// Runs the demo, and ends its servers however it goes.
pub(crate) async fn run(demo: &Demo, printer: &Printer) -> Result<Exit, Failure> {
    let purpose = Purpose { name: "demo", keep: demo.keep };
    let set = |config: &mut bulla_node::config::ClusterConfig| {
        config.seal.records_max = RECORDS_MAX;
        config.limits.batch_records_max = RECORDS_MAX;
    };
    scratch::run(purpose, printer, set, async |cluster, telling| story::tell(demo, cluster, telling).await).await
}

/// Records of a block at most: few, so that a short story has several blocks.
const RECORDS_MAX: u32 = 511;
