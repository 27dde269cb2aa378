//! Policies and their files: whose keys can be asked for, and how that is written.

mod small_ledger;

use bulla_sealing::*;
use expect_test::expect_file;
use small_ledger::*;

#[test]
fn a_policy_file_lists_nodes_and_witnesses_and_asks_for_all_nodes() {
    let config = config();
    let witness = vec![node("walter")];
    let policy = Policy::new(ORIGIN, config.ledger_id, config.log_key, config.nodes, witness).unwrap();
    let text = policy.to_text();
    assert_eq!(Policy::parse(&text), Ok(policy));
    expect_file!["golden/policy"].assert_eq(&text);
}

/// The policy file of the small ledger with one line replaced; its error, or `None`.
fn policy_error(line: usize, replacement: &str) -> Option<String> {
    let text = policy().to_text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[line - 1] = replacement;
    Policy::parse(&lines.join("\n")).err().map(|error| error.to_string())
}

#[test]
fn a_policy_file_may_be_written_by_hand() {
    assert_eq!(policy_error(1, ""), None);
    assert_eq!(policy_error(1, " \t # a comment"), None);
    assert_eq!(policy_error(6, "\tgroup  voters 3 alpha\tbeta gamma "), None);
    let url = format!("witness a {} https://alpha.example/", node("alpha").verifier_key());
    assert_eq!(policy_error(3, &url).unwrap(), "line 6: \"alpha\" is not defined above");
    let text = policy().to_text().replace("witness alpha", "witness a");
    let text = text.replace("all alpha", "all a");
    assert_eq!(Policy::parse(&text), Ok(policy()));
}

#[test]
fn a_ledger_id_has_one_spelling() {
    let id = policy().ledger_id();
    let log = policy().log_verifier_key();
    for other in [id.to_string().to_uppercase(), id.simple().to_string(), id.braced().to_string()] {
        let expected = format!("line 2: write the ledger id as 8-4-4-4-12 lower-case hexadecimal digits, {id}");
        assert_eq!(policy_error(2, &format!("log {log} urn:uuid:{other}")), Some(expected), "{other}");
    }
    assert_eq!(policy_error(2, &format!("log {log} urn:uuid:{id}")), None);
}

#[test]
fn a_wrong_policy_file_names_the_line() {
    let log = policy().log_verifier_key();
    let ledger = format!("urn:uuid:{}", policy().ledger_id());
    let check = |line, replacement: &str, expected: &str| {
        assert_eq!(policy_error(line, replacement).unwrap(), expected, "{replacement}");
    };
    let log_form = "line 2: expected `log <verifier key> urn:uuid:<ledger id>`";
    check(2, &format!("log {log}"), log_form);
    check(2, &format!("log {log} https://ledger.example"), log_form);
    check(2, "", "there is no `log` line");
    check(2, &format!("log x {ledger}"), "line 2: the verifier key is wrong");
    let wrong_type = "the key is of the wrong signature type; a log's is 01, a witness's 04";
    let alpha = node("alpha").verifier_key();
    check(2, &format!("log {alpha} {ledger}"), &format!("line 2: {wrong_type}"));
    check(3, &format!("witness alpha {log}"), &format!("line 3: {wrong_type}"));
    check(3, &format!("log {log} {ledger}"), "line 3: the log is given twice");
    check(4, &format!("witness alpha {alpha}"), "line 4: alpha is given twice");
    check(4, &format!("witness a2 {alpha}"), "line 6: \"beta\" is not defined above");
    check(6, "group voters all alpha beta beta", "line 6: beta is given twice");
    check(6, "group voters all", "line 6: expected `group <name> <all, any or k> <name>...`");
    check(6, "group voters +3 alpha beta gamma", "line 6: expected `group <name> <all, any or k> <name>...`");
    let not_all = "a seal carries the signatures of all nodes; ask for `all` of them";
    check(6, "group voters 2 alpha beta gamma", &format!("line 6: {not_all}"));
    check(6, "group voters any alpha beta", &format!("line 6: {not_all}"));
    check(6, "group voters 4 alpha beta gamma", "line 6: a group asks for at least 1 and at most all of its members");
    check(6, "group voters 0 alpha beta gamma", "line 6: a group asks for at least 1 and at most all of its members");
    check(7, "quorum none", &format!("line 7: {not_all}"));
    check(7, "quorum all", "line 7: \"all\" is not defined above");
    check(7, "", "there is no `quorum` line");
    check(1, "trust everybody", "line 1: expected one of the words log, witness, group and quorum");
    check(1, "# \u{7}", "line 1: control characters other than tab and newline are not allowed");
}

/// The policy of the small ledger that demands one of two groups of witnesses.
fn demanding() -> Policy {
    let config = config();
    let witnesses = ["walter", "xenia", "yves", "zoe"].map(node).to_vec();
    let policy = Policy::new(ORIGIN, config.ledger_id, config.log_key, config.nodes, witnesses).unwrap();
    let one = |name: &str| Quorum::Witness(name.into());
    let group = |name: &str, needed, members| Quorum::Group { name: name.into(), needed, members };
    let friends = group("friends", 2, vec![one("walter"), one("xenia"), one("yves")]);
    policy.demanding(group("outside", 1, vec![friends, one("zoe")])).unwrap()
}

#[test]
fn a_policy_file_may_demand_witnesses_beside_all_nodes() {
    let text = demanding().to_text();
    assert_eq!(Policy::parse(&text), Ok(demanding()));
    let groups: Vec<&str> =
        text.lines().skip_while(|line| line.starts_with('#') || !line.starts_with("group")).collect();
    let expected = [
        "group voters all alpha beta gamma",
        "group friends 2 walter xenia yves",
        "group outside 1 friends zoe",
        "group voters+witnesses all voters outside",
        "quorum voters+witnesses",
    ];
    assert_eq!(groups, expected);
    let by_hand = text.replace("group outside 1 friends zoe\n", "").replace("voters outside", "voters friends");
    let quorum = Policy::parse(&by_hand).unwrap().quorum().unwrap().to_string();
    assert_eq!(quorum, "2 of (walter, xenia, yves)");
    let single = by_hand.replace("voters friends", "voters zoe");
    assert_eq!(Policy::parse(&single).unwrap().quorum(), Some(&Quorum::Witness("zoe".into())));
}

#[test]
fn a_demand_for_witnesses_never_weakens_that_for_nodes_and_counts_nobody_twice() {
    let refused = |from: &str, to: &str| {
        let text = demanding().to_text();
        assert!(text.contains(from));
        Policy::parse(&text.replace(from, to)).unwrap_err().to_string()
    };
    let not_all = "a seal carries the signatures of all nodes; ask for `all` of them";
    assert!(refused("voters+witnesses all voters", "voters+witnesses 1 voters").ends_with(not_all));
    assert!(refused("group voters all", "group voters 2").ends_with(not_all));
    let not_two = "the quorum is `all` of the nodes, or `all` of two: the group of nodes, then the witnesses";
    assert!(refused("all voters outside", "all voters").ends_with(not_two));
    assert!(refused("quorum voters+witnesses", "quorum outside").ends_with(not_all));
    assert!(refused("1 friends zoe", "1 friends walter").ends_with("walter is given twice"));
    assert!(refused("1 friends zoe", "1 friends alpha").ends_with("alpha is given twice"));
    assert!(refused("group friends 2", "group friends 4").ends_with("at most all of its members"));
    assert!(refused("1 friends zoe", "1 friends outside").ends_with("\"outside\" is not defined above"));

    let one = Quorum::Witness("stranger".into());
    assert_eq!(demanding().demanding(one), Err(KeyError::NotAWitness { name: "stranger".into() }));
    let group = Quorum::Group { name: "voters".into(), needed: 1, members: vec![Quorum::Witness("zoe".into())] };
    assert_eq!(demanding().demanding(group), Err(KeyError::ReservedName { name: "voters".into() }));
}

#[test]
fn a_quorum_of_one_witness_is_a_ledger_of_one_node() {
    let text = policy().to_text().replace("quorum voters", "quorum beta");
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.nodes(), [node("beta")]);
    assert_eq!(policy.witnesses(), [node("alpha"), node("gamma")]);
}

#[test]
fn keys_that_could_be_mistaken_for_each_other_are_refused() {
    let log_key = log_key().verifying_key().to_bytes();
    let genesis = |nodes: Vec<ConfigNode>| ConfigLeaf::genesis(ORIGIN, log_key, nodes).unwrap_err();
    let named = |name: &str| ConfigNode { name: name.into(), ..node("alpha") };
    let twin = |name: &str, public_key| ConfigNode { name: name.into(), public_key };
    let name = || "beta".to_owned();
    assert_eq!(genesis(vec![]), KeyError::NoNodes);
    assert_eq!(genesis(vec![node("beta"), node("beta")]), KeyError::SameName { name: name() });
    let shared = twin("beta", node("alpha").public_key);
    assert_eq!(genesis(vec![node("alpha"), shared]), KeyError::SameKey { name: name() });
    assert_eq!(genesis(vec![twin("beta", log_key)]), KeyError::SameKey { name: name() });
    // The neutral element: every signature of zeros would verify under a lax rule.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(genesis(vec![twin("beta", neutral)]), KeyError::BadKey { name: name() });
    for word in ["none", "voters"] {
        assert_eq!(genesis(vec![named(word)]), KeyError::ReservedName { name: word.into() });
    }
    let long = "x".repeat(256);
    for bad in ["", "a b", "a+b", "a\u{2003}b", "a\nb", "a\u{7f}", &long] {
        assert_eq!(genesis(vec![named(bad)]), KeyError::BadName { name: bad.into() });
    }
    let many = vec![node("alpha"); NODES_MAX + 1];
    assert_eq!(genesis(many), KeyError::TooManyNodes { count: NODES_MAX + 1 });
}
