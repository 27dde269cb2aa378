//! The vectors: made by one command, never changed after, and judged as they say.

use std::fs;

use serde_json::Value;

use crate::judge::judge;
use crate::{make, path};

const FOLDER: &str = "tests/golden/vectors";

/// A file of vectors as it was kept.
pub fn kept(name: &str) -> Value {
    let file = path(FOLDER).join(format!("{name}.json"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap()
}

/// The paths of all files of vectors.
pub fn files() -> Vec<String> {
    make::FILES.map(|(name, _)| path(FOLDER).join(format!("{name}.json")).to_str().unwrap().to_owned()).to_vec()
}

#[test]
fn every_vector_is_judged_as_it_says() {
    for (name, _) in make::FILES {
        let file = kept(name);
        for case in file["cases"].as_array().unwrap() {
            let judged = judge(file["sort"].as_str().unwrap(), case, &file["policies"]);
            for field in ["holds", "error", "cannot_verify"] {
                assert_eq!(judged.get(field), case.get(field), "{name}: {}", case["name"]);
            }
        }
    }
}

#[test]
fn no_vector_has_changed_since_it_was_made() {
    for (name, made) in make::FILES {
        let (kept, made) = (kept(name), made());
        let cases = |file: &Value| file["cases"].as_array().unwrap().clone();
        for (kept, made) in cases(&kept).iter().zip(cases(&made)) {
            assert_eq!(*kept, made, "{name}");
        }
        assert_eq!(kept, made, "{name}");
    }
}

/// A file that nobody reads would be a promise that nobody keeps.
#[test]
fn every_file_of_vectors_is_judged_and_described() {
    let mut found: Vec<String> = fs::read_dir(path(FOLDER)).unwrap().map(|entry| name_of(&entry.unwrap())).collect();
    found.sort();
    let mut made: Vec<String> = make::FILES.iter().map(|(name, _)| format!("{name}.json")).collect();
    made.push("README.md".into());
    made.sort();
    assert_eq!(found, made);
    let readme = fs::read_to_string(path(FOLDER).join("README.md")).unwrap();
    for (name, _) in make::FILES {
        assert!(readme.contains(&format!("| [{name}]({name}.json) |")), "the README says nothing of {name}");
    }
}

fn name_of(entry: &fs::DirEntry) -> String {
    entry.file_name().into_string().unwrap()
}

#[test]
fn no_two_vectors_of_a_file_have_one_name() {
    for (name, _) in make::FILES {
        let file = kept(name);
        let mut names: Vec<&str> =
            file["cases"].as_array().unwrap().iter().map(|case| case["name"].as_str().unwrap()).collect();
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{name}");
    }
}

/// Not a test: writes the vectors. The README beside them says when.
#[test]
#[ignore = "it writes into this repository, on purpose"]
fn the_vectors_are_made() {
    fs::create_dir_all(path(FOLDER)).unwrap();
    for (name, made) in make::FILES {
        let text = serde_json::to_string_pretty(&made()).unwrap();
        fs::write(path(FOLDER).join(format!("{name}.json")), text + "\n").unwrap();
    }
}
