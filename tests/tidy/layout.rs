//! The top level: what belongs to the product, what convention puts beside it, and nothing else.

use crate::assert_none;
use crate::tree::{entries, read};

const PRODUCT: [&str; 6] = ["Cargo.toml", "README.md", "benches", "cluster.toml", "crates", "tests"];
const CONVENTION: [&str; 7] =
    ["CHANGELOG.md", "Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT", "clippy.toml", "deny.toml", "rustfmt.toml"];

#[test]
fn the_top_level_holds_the_product_and_nothing_else() {
    let ignored = read(".gitignore");
    let is_ignored = |name: &str| ignored.lines().any(|line| line.trim_matches('/') == name);
    let names = entries("");
    let known =
        |name: &&String| PRODUCT.contains(&name.as_str()) || CONVENTION.contains(&name.as_str()) || is_ignored(name);
    let strange: Vec<String> = names.iter().filter(|name| !known(name)).cloned().collect();
    assert_none(&strange, "give it a place inside, or delete it");

    let expected = PRODUCT.iter().chain(&CONVENTION).map(|name| (*name).to_owned());
    let missing: Vec<String> = expected.filter(|name| !names.contains(name)).collect();
    assert_none(&missing, "these are missing");
}
