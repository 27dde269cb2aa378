//! The grammar of the command line holds together.

use clap::FromArgMatches;

use super::{Arguments, Command, command};

fn parsed(line: &str) -> Arguments {
    let matches = command().try_get_matches_from(line.split(' ')).unwrap_or_else(|error| panic!("{error}"));
    Arguments::from_arg_matches(&matches).unwrap()
}

#[test]
fn the_grammar_holds_together() {
    command().debug_assert();
}

#[test]
fn only_commands_that_talk_to_a_cluster_list_its_settings() {
    let help = |line: &str| command().try_get_matches_from(line.split(' ')).unwrap_err().to_string();
    assert!(help("bulla verify --help").contains("--url"));
    assert!(!help("bulla serve --help").contains("--url"));
    assert!(help("bulla serve --help").contains("--json"));
}

#[test]
fn settings_of_all_commands_stand_before_or_after_the_command() {
    for line in
        ["bulla --url http://a party list", "bulla party --url http://a list", "bulla party list --url http://a"]
    {
        assert_eq!(parsed(line).common.servers.urls(), ["http://a"], "{line}");
    }
    for line in ["bulla --url http://a --json sample --out x", "bulla sample --json --out x --url http://a"] {
        let arguments = parsed(line);
        assert!(arguments.common.json && matches!(arguments.command, Command::Sample(_)), "{line}");
    }
}
