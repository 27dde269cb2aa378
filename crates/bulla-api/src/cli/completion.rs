//! `bulla completion`: so that the shell knows the commands too.

use clap::Args;
use clap_complete::Shell;

use super::print::print;
use super::{Exit, Failure, Printer, command};

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell to write for
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self, _: &Printer) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "bulla", &mut script);
        print(&String::from_utf8_lossy(&script));
        Ok(Exit::Done)
    }
}
