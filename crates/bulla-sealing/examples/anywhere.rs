//! Verifies a receipt with nothing but memory: compiled to WASM, it asks nothing of the host that it runs in.
//!
//! ```sh
//! cargo run -p bulla-sealing --example anywhere
//! cargo build -p bulla-sealing --example anywhere --target wasm32-unknown-unknown
//! ```
//!
//! There is nowhere to print to. It ends when the receipt verifies, and does not with any bit of it changed; else it
//! panics, which a host of WASM sees as a trap. `.ci/run` runs it in one.

use bulla_sealing::{Policy, verify_receipt};

const RECEIPT: &[u8] = include_bytes!("../tests/golden/receipt.tlog-proof");
const POLICY: &str = include_str!("../tests/golden/policy");

fn main() {
    let policy = Policy::parse(POLICY).expect("the policy was kept as it was written");
    let verified = verify_receipt(RECEIPT, &policy).expect("the receipt was kept as it was written");
    assert_eq!(verified.header.height, 1);

    let mut receipt = RECEIPT.to_vec();
    for bit in 0..8 * receipt.len() {
        receipt[bit / 8] ^= 1 << (bit % 8);
        assert!(verify_receipt(&receipt, &policy).is_err(), "bit {bit} of the receipt was changed unnoticed");
        receipt[bit / 8] ^= 1 << (bit % 8);
    }
}
