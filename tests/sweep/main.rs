//! The promise: a bit that flipped in a file of the data directory is noticed, or changes nothing, and we know why.

use bulla_tests::sweep::{Original, State, Tally, every_bit, sample, sweep};

/// A fair share of the bits of every file; `cargo run --release -p bulla-tests --bin sweep -- --full` tries them all.
#[test]
fn a_flipped_bit_is_noticed_or_harmless_for_a_reason() {
    let mut tally = Tally::default();
    for state in State::ALL {
        let original = Original::new(state);
        tally.add(sweep(&original, &sample(&original, SAMPLE, SEED), THREADS, &|_| {}));
    }
    assert!(tally.flips() >= State::ALL.len() * SAMPLE, "{tally}");
    assert!(tally.failures.is_empty(), "{tally}\n{}", tally.failures.join("\n"));
}

/// The first page of a database says which commit counts: every bit of it that has a meaning is tried.
#[test]
fn every_bit_that_says_which_commit_counts_is_noticed_or_repaired() {
    let mut tally = Tally::default();
    for state in State::ALL {
        let original = Original::new(state);
        let mut groups = every_bit(&original, true, |path| path.ends_with(".redb"));
        groups.retain(|group| group.len() == 1 && group[0].at < HEADER_LEN);
        tally.add(sweep(&original, &groups, THREADS, &|_| {}));
    }
    assert_eq!(tally.flips(), 2 * State::ALL.len() * 8 * HEADER_LEN as usize, "{tally}");
    assert!(tally.failures.is_empty(), "{tally}\n{}", tally.failures.join("\n"));
}

const SAMPLE: usize = 2_000;
const SEED: u64 = 20_261_122;
const THREADS: usize = 2;
/// Magic number, flags, sizes, and both commit slots: see redb's `docs/design.md`.
const HEADER_LEN: u32 = 320;
