//! Processor time of this thread: what else runs on the machine does not count, though it slows memory down.

use std::fmt;

/// Of several runs, a unit.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

/// Nanoseconds of processor time for one of the `units` that a run of `act` does.
pub fn repeat(units: usize, mut act: impl FnMut()) -> Spread {
    spread((0..RUNS).map(|_| elapsed_ns(&mut act) / units as f64).collect())
}

/// Nanoseconds of processor time that `act` takes.
pub fn elapsed_ns(act: impl FnOnce()) -> f64 {
    let started = now_ns();
    act();
    (now_ns() - started) as f64
}

/// Of at least one run.
pub fn spread(mut runs: Vec<f64>) -> Spread {
    runs.sort_by(f64::total_cmp);
    Spread { least: runs[0], median: runs[runs.len() / 2], most: runs[runs.len() - 1] }
}

fn now_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells a thread's processor time");
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).expect("nanoseconds on a processor come first")
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7.1} ({:.1} to {:.1})", self.median, self.least, self.most)
    }
}

pub const RUNS: usize = 9;
