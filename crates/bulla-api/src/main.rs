//! The program `bulla`.
fn main() {}
