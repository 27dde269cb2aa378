//! Quorums: which of the known witnesses must have signed before a verifier believes.

use std::fmt;

use crate::keys::{ConfigNode, KeyError};

/// A demand on witnesses: one of them, or so many out of several such demands.
///
/// ```
/// use bulla_sealing::Quorum;
/// let one = |name: &str| Quorum::Witness(name.into());
/// let two = Quorum::Group { name: "outside".into(), needed: 2, members: vec![one("w1"), one("w2"), one("w3")] };
/// assert!(two.is_met(&["w1", "w3"]) && !two.is_met(&["w3", "w4"]));
/// assert_eq!(two.to_string(), "2 of (w1, w2, w3)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// The witness of this key name must have signed.
    Witness(String),
    /// So many of the members must be met.
    Group {
        /// What the policy file calls the group.
        name: String,
        /// How many members must be met: at least one, at most all.
        needed: usize,
        /// The demands that are counted.
        members: Vec<Quorum>,
    },
}

impl Quorum {
    /// Whether the signatures of those of these names are enough.
    pub fn is_met(&self, signed: &[&str]) -> bool {
        match self {
            Quorum::Witness(name) => signed.contains(&name.as_str()),
            Quorum::Group { needed, members, .. } => {
                members.iter().filter(|member| member.is_met(signed)).count() >= *needed
            }
        }
    }

    /// Checks that the quorum names known witnesses, each at most once, so that nobody counts twice.
    pub(crate) fn check(&self, nodes: &[ConfigNode], witnesses: &[ConfigNode]) -> Result<(), KeyError> {
        let mut names = Vec::new();
        self.collect(&mut names);
        for (place, (name, is_group)) in names.iter().enumerate() {
            let known = |those: &[ConfigNode]| those.iter().any(|one| one.name == *name);
            match is_group {
                false if !known(witnesses) => return Err(KeyError::NotAWitness { name: (*name).to_owned() }),
                true if known(witnesses) || known(nodes) => {
                    return Err(KeyError::SameName { name: (*name).to_owned() });
                }
                true if !can_name_a_group(name) => return Err(KeyError::ReservedName { name: (*name).to_owned() }),
                _ if names[..place].iter().any(|(earlier, _)| earlier == name) => {
                    return Err(KeyError::SameName { name: (*name).to_owned() });
                }
                _ => {}
            }
        }
        self.check_counts()
    }

    fn check_counts(&self) -> Result<(), KeyError> {
        let Quorum::Group { name, needed, members } = self else { return Ok(()) };
        match (1..=members.len()).contains(needed) {
            true => members.iter().try_for_each(Quorum::check_counts),
            false => Err(KeyError::BadThreshold { name: name.clone(), needed: *needed, members: members.len() }),
        }
    }

    fn collect<'q>(&'q self, names: &mut Vec<(&'q str, bool)>) {
        match self {
            Quorum::Witness(name) => names.push((name, false)),
            Quorum::Group { name, members, .. } => {
                names.push((name, true));
                members.iter().for_each(|member| member.collect(names));
            }
        }
    }

    /// What the policy file calls it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Quorum::Witness(name) | Quorum::Group { name, .. } => name,
        }
    }

    /// The group lines of the policy file, those that are referred to first.
    pub(crate) fn write_groups(&self, text: &mut String) {
        if let Quorum::Group { name, needed, members } = self {
            members.iter().for_each(|member| member.write_groups(text));
            let members: Vec<&str> = members.iter().map(Quorum::name).collect();
            *text += &format!("group {name} {needed} {}\n", members.join(" "));
        }
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quorum::Witness(name) => f.write_str(name),
            Quorum::Group { needed, members, .. } => {
                let members: Vec<String> = members.iter().map(Quorum::to_string).collect();
                write!(f, "{needed} of ({})", members.join(", "))
            }
        }
    }
}

/// The group of nodes, and the group of nodes and witnesses, in the policy files that are written here. No key can
/// have the second name, so no ledger has a node that is in its way.
pub(crate) const VOTERS: &str = "voters";
pub(crate) const VOTERS_AND_WITNESSES: &str = "voters+witnesses";

fn can_name_a_group(name: &str) -> bool {
    let plain = !name.is_empty() && !name.starts_with('#') && !name.contains(|c: char| c <= ' ' || c == '\u{7f}');
    plain && !["none", VOTERS, VOTERS_AND_WITNESSES].contains(&name)
}
