//! What this machine can do at most, measured just before everything else.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

/// Physical limits to give ratios to; absolute figures of a shared machine prove nothing.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Appends of 4 KiB made durable by `fdatasync`, a second.
    pub syncs_per_s: f64,
    /// Leaf hashes of 176-byte records on one core, a second.
    pub leaf_hashes_per_s: f64,
}

impl Limits {
    /// Measures for about two seconds.
    ///
    /// # Panics
    /// When the temporary directory cannot be written.
    pub fn measure() -> Limits {
        let mut file = tempfile::tempfile().expect("a temporary file");
        let syncs_per_s = rate(|| {
            file.write_all(&[7; 4_096]).expect("the disk takes a write");
            file.sync_data().expect("the disk syncs");
        });
        let leaf = [7; 176];
        let leaf_hashes_per_s = 1_000.0
            * rate(|| {
                (0..1_000).for_each(|_| {
                    std::hint::black_box(bulla_sealing::leaf_hash(std::hint::black_box(&leaf)));
                })
            });
        Limits { syncs_per_s, leaf_hashes_per_s }
    }
}

/// How often a second `act` can be done.
fn rate(mut act: impl FnMut()) -> f64 {
    let (started, mut times) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_secs(1) {
        act();
        times += 1;
    }
    f64::from(times) / started.elapsed().as_secs_f64()
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this machine: {:.0} fdatasync/s, {:.0} leaf hashes/s on one core",
            self.syncs_per_s, self.leaf_hashes_per_s
        )
    }
}
