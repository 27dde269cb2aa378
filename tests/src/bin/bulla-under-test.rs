//! The program `bulla`, built by this package so that its tests know where it is.

use std::process::ExitCode;

fn main() -> ExitCode {
    bulla_api::main()
}
