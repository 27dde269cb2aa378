//! The bit-flip sweep as a command: every bit of a small data directory, or a sample of them.
//!
//! `cargo run --release -p bulla-tests --bin sweep -- --full`, or `-- --sample 20000`; `--threads 2`, and
//! `--only raft.redb` for the files whose path holds that, `--one-by-one` to flip what nothing reaches a bit at a time
//! too, which takes hours. Ends with 1 when anything went unnoticed.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bulla_tests::sweep::{Flip, Original, State, Tally, every_bit, sample, sweep};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, default: usize| value(name).and_then(|value| value.parse().ok()).unwrap_or(default);
    let only = value("--only").unwrap_or_default();
    let full = arguments.iter().any(|argument| argument == "--full");
    // Damage makes redb panic here and there; that is contained, and one message for each would hide the rest.
    std::panic::set_hook(Box::new(|_| {}));

    let mut tally = Tally::default();
    for state in State::ALL {
        let original = Original::new(state);
        // What is the same file in both directories is swept once.
        let once = |path: &str| path.contains(&only) && (state == State::Stopped || path.ends_with(".redb"));
        let mut groups = match full {
            true => every_bit(&original, !arguments.iter().any(|argument| argument == "--one-by-one"), once),
            false => sample(&original, number("--sample", 20_000), number("--seed", 1) as u64),
        };
        groups.retain(|group| once(&original.files[group[0].file as usize].0.display().to_string()));
        tally.add(watched(&original, &groups, number("--threads", 2)));
    }
    println!("{tally}");
    tally.failures.iter().for_each(|failure| println!("{failure}"));
    if tally.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Sweeps, and says every now and then how far it has come.
fn watched(original: &Original, groups: &[Vec<Flip>], threads: usize) -> Tally {
    let (began, done, told) = (Instant::now(), AtomicUsize::new(0), AtomicUsize::new(0));
    sweep(original, groups, threads, &|count| {
        let done = done.fetch_add(count, Ordering::Relaxed) + count;
        let seconds = began.elapsed().as_secs() as usize;
        if seconds / 10 > told.fetch_max(seconds / 10, Ordering::Relaxed) {
            eprintln!("{:?}: {done} of {} groups after {seconds} s", original.state, groups.len());
        }
    })
}
