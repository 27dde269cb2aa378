//! What one core takes for what a ledger does most, against what SHA-256 alone takes.
//!
//! `cargo bench -p bulla-benches --bench micro`

mod cpu;
mod states;
mod stored;

use bulla_sealing::{Frontier, leaf_hash};

use self::cpu::{Spread, repeat};

const LEAVES: usize = 65_536;

fn main() {
    let (leaf_ns, append_ns) = tree();
    println!("leaf hash, 176 bytes:         {leaf_ns} ns");
    println!("tree append:                  {append_ns} ns");
    let tree_ns = leaf_ns.median + append_ns.median;
    println!("the tree alone:               {:.2} M leaves/s", 1_000.0 / tree_ns);
    states::measure(100_000);
    states::measure(1_000_000);
    stored::measure(tree_ns);
}

/// Nanoseconds for a leaf hash, and for appending it.
fn tree() -> (Spread, Spread) {
    let leaves: Vec<[u8; 176]> = (0..LEAVES).map(|number| [number as u8; 176]).collect();
    let mut hashes = Vec::with_capacity(LEAVES);
    let leaf_ns = repeat(LEAVES, || {
        hashes.clear();
        hashes.extend(leaves.iter().map(|leaf| leaf_hash(leaf)));
    });
    let append_ns = repeat(LEAVES, || {
        let mut log = Frontier::new();
        log.extend(&hashes);
        assert_eq!(log.size(), LEAVES as u64);
    });
    (leaf_ns, append_ns)
}
