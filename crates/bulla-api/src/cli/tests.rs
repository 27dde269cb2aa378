//! The grammar of the command line holds together.

use clap::CommandFactory;

use super::Arguments;

#[test]
fn the_grammar_holds_together() {
    Arguments::command().debug_assert();
}
