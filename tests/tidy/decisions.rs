//! Decisions: numbered without gaps, of one form, and listed.

use crate::assert_none;
use crate::tree::{entries, read};

const DIRECTORY: &str = "crates/decisions";

#[test]
fn every_decision_is_numbered_and_listed() {
    let list = read(&format!("{DIRECTORY}/README.md"));
    let decisions: Vec<String> = entries(DIRECTORY).into_iter().filter(|name| name != "README.md").collect();
    assert!(!decisions.is_empty(), "{DIRECTORY} holds no decision");

    let mut violations = Vec::new();
    for (name, number) in decisions.iter().zip(1..) {
        let title = read(&format!("{DIRECTORY}/{name}")).lines().next().unwrap_or("").to_owned();
        if !name.starts_with(&format!("{number:04}-")) || !name.ends_with(".md") {
            violations.push(format!("{name} is not called {number:04}-<what>.md"));
        }
        let Some(title) = title.strip_prefix(&format!("# {number}. ")) else {
            violations.push(format!("{name} does not begin with `# {number}. <what>`"));
            continue;
        };
        if !list.contains(&format!("[{number}. {title}]({name})")) {
            violations.push(format!("the README does not list [{number}. {title}]({name})"));
        }
    }
    let listed = list.matches(".md)").count();
    if listed != decisions.len() {
        violations.push(format!("the README lists {listed} of {} decisions", decisions.len()));
    }
    assert_none(&violations, "number and list decisions in the order in which they were made");
}

#[test]
fn every_decision_says_why_what_and_what_follows() {
    let mut violations = Vec::new();
    for name in entries(DIRECTORY).iter().filter(|name| *name != "README.md") {
        let text = read(&format!("{DIRECTORY}/{name}"));
        let parts = ["**Context.**", "**Decision.**", "**Consequence.**"];
        let places: Vec<Option<usize>> = parts.iter().map(|part| text.find(part)).collect();
        if places.contains(&None) || !places.is_sorted() {
            violations.push(format!("{name} is not made of {}", parts.join(" ")));
        }
    }
    assert_none(&violations, "write the three in this order");
}
