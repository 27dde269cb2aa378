//! The state map: a block of 65,535 assets that changed hands, at some number of assets.

use bulla_ledger::{AssetId, State};
use bulla_sealing::{Hash, StateMap, state_value};
use uuid::Uuid;

use super::cpu::{RUNS, elapsed_ns, spread};

const CHANGES: u64 = 65_535;

pub fn measure(assets: u64) {
    let resident = resident_bytes();
    let mut map = StateMap::new();
    for first in (0..assets).step_by(CHANGES as usize) {
        map.update(&changes(first..assets.min(first + CHANGES), 0, assets));
    }
    let bytes = (resident_bytes() - resident) / assets as f64;
    println!("state map of {assets} assets:   {bytes:.0} bytes an asset");
    let (mut keys, mut alone, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS as u64 {
        let mut block = Vec::new();
        let first = run * CHANGES;
        keys.push(elapsed_ns(|| block = changes(first..first + CHANGES, run, assets)));
        alone.push(elapsed_ns(|| map.update(&block)));
    }
    // As a node does it, which can still prove what was so before the block.
    let mut before = map.clone();
    for run in 0..RUNS as u64 {
        let first = run * CHANGES;
        let block = changes(first..first + CHANGES, 100 + run, assets);
        kept.push(elapsed_ns(|| map.update(&block)));
        assert_ne!(before.root(), map.root());
        before = map.clone();
    }
    for (name, runs) in
        [("keys and values, hashed and sorted", keys), ("update", alone), ("update, the map before it kept", kept)]
    {
        println!("  {name:<36}{} ns a record", spread(runs.iter().map(|ns| ns / CHANGES as f64).collect()));
    }
}

/// Keys and values, in order, of assets far from each other.
fn changes(numbers: std::ops::Range<u64>, seq: u64, assets: u64) -> Vec<(Hash, Hash)> {
    let mut changes: Vec<(Hash, Hash)> = numbers
        .map(|number| {
            let asset_id = AssetId(Uuid::from_u64_pair(2 << 32, number % assets));
            let mut state = [7; 72];
            state[56..64].copy_from_slice(&seq.to_be_bytes());
            (Hash(State::asset_key(asset_id)), state_value(&state))
        })
        .collect();
    changes.sort_unstable();
    changes
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells how much memory is resident");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    4_096.0 * pages.expect("resident pages come second")
}
