//! The promise: no bytes that anybody sends make a decoder panic, hang, or accept two forms of one thing.

use std::panic::catch_unwind;

use bulla_tests::fuzz::{Mutator, TARGETS, inputs, keep, seeds};

/// Every input that is kept, and so many made of them. `FUZZ_ROUNDS` and `FUZZ_SEED` say otherwise.
#[test]
fn no_input_breaks_a_decoder() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (rounds, seed) = (number("FUZZ_ROUNDS").unwrap_or(ROUNDS), number("FUZZ_SEED").unwrap_or(SEED));
    let mut broken = Vec::new();
    for (name, target) in TARGETS {
        let kept = [inputs("corpus", name), inputs("regressions", name)].concat();
        let corpus: Vec<Vec<u8>> = kept.into_iter().map(|(_, bytes)| bytes).collect();
        assert!(!corpus.is_empty(), "{name} has no corpus: see tests/fuzz/README.md");
        let mut mutator = Mutator::new(seed);
        let mutated = (0..rounds).map(|_| mutator.next(&corpus));
        let all = corpus.iter().cloned().chain(mutated);
        let failing = all.into_iter().find(|input| catch_unwind(|| target(input)).is_err());
        broken.extend(failing.map(|input| (name, keep("regressions", name, &input))));
    }
    assert!(broken.is_empty(), "with FUZZ_SEED={seed}: {broken:#?}");
}

/// Else the loop would only ever try what is refused at its first byte.
#[test]
fn every_decoder_is_given_something_that_it_accepts() {
    for (name, target) in TARGETS {
        assert!(inputs("corpus", name).iter().any(|(_, bytes)| target(bytes)), "{name}");
    }
}

/// Not a test: gives each target those of the seeds that are its own. New targets need it once.
#[test]
#[ignore = "it writes into this repository"]
fn the_corpus_is_seeded() {
    let seeds = seeds();
    for (name, target) in TARGETS {
        let own: Vec<&Vec<u8>> = seeds.iter().filter(|seed| target(seed)).collect();
        println!("{name}: {} seeds", own.len());
        for seed in own.iter().step_by(own.len().div_ceil(SEEDS_MAX).max(1)) {
            keep("corpus", name, seed);
        }
    }
}

const ROUNDS: u64 = 2_000;
const SEED: u64 = 20_261_122;
const SEEDS_MAX: usize = 12;
