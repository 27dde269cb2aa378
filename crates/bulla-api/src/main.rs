//! The program `bulla`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bulla_api::main()
}
