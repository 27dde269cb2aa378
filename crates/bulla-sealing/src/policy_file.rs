//! The policy as a text file, in the words of C2SP tlog-policy.

use uuid::Uuid;

use crate::checkpoint::canonical_u64;
use crate::keys::{ConfigNode, KeyError};
use crate::policy::Policy;
use crate::quorum::{Quorum, VOTERS, VOTERS_AND_WITNESSES};
use crate::vkey::{SignatureType, VerifierKey, VerifierKeyError};

/// Why text is not a policy file for one ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A control character other than tab and newline.
    #[error("line {line}: control characters other than tab and newline are not allowed")]
    ControlCharacter {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A line that is not of one of the known forms.
    #[error("line {line}: expected {expected}")]
    Form {
        /// Number of the line, from 1.
        line: usize,
        /// The form that was expected.
        expected: &'static str,
    },
    /// A ledger id in another spelling than the one in which everything else writes it.
    #[error("line {line}: write the ledger id as 8-4-4-4-12 lower-case hexadecimal digits, {expected}")]
    LedgerId {
        /// Number of the line, from 1.
        line: usize,
        /// The same id, as it is written.
        expected: Uuid,
    },
    /// The key is not a verifier key.
    #[error("line {line}: the verifier key is wrong")]
    VerifierKey {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        source: VerifierKeyError,
    },
    /// A log's key where a cosigner's belongs, or the other way round.
    #[error("line {line}: the key is of the wrong signature type; a log's is 01, a witness's 04")]
    KeyOfWrongType {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A name that no line before defines as a witness, or as the group.
    #[error("line {line}: {name:?} is not defined above")]
    UndefinedName {
        /// Number of the line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// Something given twice that there is once.
    #[error("line {line}: {what} is given twice")]
    Twice {
        /// Number of the line, from 1.
        line: usize,
        /// What it is.
        what: String,
    },
    /// The quorum is met without one of its members.
    #[error("line {line}: a seal carries the signatures of all nodes; ask for `all` of them")]
    NotAll {
        /// Number of the line, from 1.
        line: usize,
    },
    /// The quorum is neither of nodes alone, nor of nodes and witnesses.
    #[error("line {line}: the quorum is `all` of the nodes, or `all` of two: the group of nodes, then the witnesses")]
    NotTwo {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A group asks for none of its members, or for more than there are.
    #[error("line {line}: a group asks for at least 1 and at most all of its members")]
    Threshold {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A line that must be there is not.
    #[error("there is no `{word}` line")]
    Missing {
        /// First word of the line.
        word: &'static str,
    },
    /// The names or keys cannot be used together.
    #[error("names or keys are not usable")]
    Keys(#[from] KeyError),
}

impl Policy {
    /// Parses a policy file.
    ///
    /// ```text
    /// log <verifier key> urn:uuid:<ledger id>
    /// witness <name> <verifier key> [<url>]         one per node, and per known witness
    /// group voters all <name>...                    the nodes
    /// quorum voters                                 a seal by all nodes is enough; or else:
    ///
    /// group outside <k, any or all> <name>...       witnesses, and groups of them
    /// group sealed all voters outside               first the nodes, then the witnesses
    /// quorum sealed
    /// ```
    ///
    /// The words are those of C2SP tlog-policy, whose log line has room for a URL of the
    /// application's choosing: here it names the ledger. Comments (`#`), empty lines, spaces and
    /// tabs are as there, and so are groups: each name is a member of at most one. There is one
    /// log, and `all` nodes is what a seal means here, so a quorum that is met without one of them
    /// is refused rather than weakened to.
    ///
    /// # Errors
    /// With the number of the line that is wrong.
    ///
    /// ```
    /// use bulla_sealing::{ConfigNode, Policy, SigningKey};
    /// let public = |seed| SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
    /// let node = ConfigNode { name: "alpha".into(), public_key: public(2) };
    /// let policy = Policy::new("bulla.example", uuid::Uuid::nil(), public(1), vec![node], vec![])?;
    /// assert_eq!(Policy::parse(&policy.to_text())?, policy);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str) -> Result<Policy, PolicyError> {
        let mut lines = Lines::default();
        for (index, content) in text.split('\n').enumerate() {
            lines.read(index + 1, content)?;
        }
        lines.policy()
    }

    /// Writes the policy file, as [`Policy::parse`] reads it.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "# Whose signatures seal a block of this ledger.\nlog {} {URN}{}\n",
            self.log_verifier_key(),
            self.ledger_id()
        );
        for node in self.nodes().iter().chain(self.witnesses()) {
            text += &format!("witness {} {}\n", node.name, node.verifier_key());
        }
        let names: Vec<&str> = self.nodes().iter().map(|node| node.name.as_str()).collect();
        text += &format!("group {VOTERS} all {}\n", names.join(" "));
        match self.quorum() {
            None => text += &format!("quorum {VOTERS}\n"),
            Some(quorum) => {
                quorum.write_groups(&mut text);
                let demanded = quorum.name();
                text += &format!("group {VOTERS_AND_WITNESSES} all {VOTERS} {demanded}\n");
                text += &format!("quorum {VOTERS_AND_WITNESSES}\n");
            }
        }
        text
    }
}

/// What the lines so far said.
#[derive(Default)]
struct Lines {
    log: Option<(VerifierKey, Uuid)>,
    witnesses: Vec<(String, ConfigNode)>,
    groups: Vec<Group>,
    /// Number of the line, and the name.
    quorum: Option<(usize, String)>,
}

struct Group {
    line: usize,
    name: String,
    needed: usize,
    members: Vec<String>,
}

impl Lines {
    fn read(&mut self, line: usize, content: &str) -> Result<(), PolicyError> {
        if content.contains(|c: char| c != '\t' && c.is_ascii_control()) {
            return Err(PolicyError::ControlCharacter { line });
        }
        let words: Vec<&str> = content.split([' ', '\t']).filter(|w| !w.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key, url] => self.read_log(line, key, url),
            ["witness", name, key] | ["witness", name, key, _] => self.read_witness(line, name, key),
            ["group", name, threshold, members @ ..] if !members.is_empty() => {
                self.read_group(line, name, threshold, members)
            }
            ["quorum", name] => self.read_quorum(line, name),
            [first, ..] => Err(PolicyError::Form {
                line,
                expected: match *first {
                    "log" => LOG_FORM,
                    "witness" => "`witness <name> <verifier key> [<url>]`",
                    "group" => GROUP_FORM,
                    "quorum" => "`quorum <name>`",
                    _ => "one of the words log, witness, group and quorum",
                },
            }),
        }
    }

    fn read_log(&mut self, line: usize, key: &str, url: &str) -> Result<(), PolicyError> {
        once(line, "the log", self.log.is_some())?;
        let id = url.strip_prefix(URN).ok_or(PolicyError::Form { line, expected: LOG_FORM })?;
        let ledger_id = uuid_in(id).ok_or(PolicyError::Form { line, expected: LOG_FORM })?;
        if ledger_id.to_string() != id {
            return Err(PolicyError::LedgerId { line, expected: ledger_id });
        }
        self.log = Some((read_key(line, key, SignatureType::Log)?, ledger_id));
        Ok(())
    }

    fn read_witness(&mut self, line: usize, name: &str, key: &str) -> Result<(), PolicyError> {
        once(line, name, self.defines(name))?;
        let key = read_key(line, key, SignatureType::Cosignature)?;
        let node = ConfigNode { name: key.name, public_key: key.public_key };
        self.witnesses.push((name.to_owned(), node));
        Ok(())
    }

    fn read_group(&mut self, line: usize, name: &str, threshold: &str, members: &[&str]) -> Result<(), PolicyError> {
        once(line, name, self.defines(name))?;
        for (index, member) in members.iter().enumerate() {
            let elsewhere = self.groups.iter().any(|group| group.members.iter().any(|other| other == member));
            once(line, member, elsewhere || members[..index].contains(member))?;
            if *member == "none" || !self.defines(member) {
                return Err(undefined(line, member));
            }
        }
        let needed = match threshold {
            "all" => Some(members.len() as u64),
            "any" => Some(1),
            count => canonical_u64(count),
        };
        let needed = needed.ok_or(PolicyError::Form { line, expected: GROUP_FORM })?;
        if !(1..=members.len() as u64).contains(&needed) {
            return Err(PolicyError::Threshold { line });
        }
        let members = members.iter().map(|member| member.to_string()).collect();
        self.groups.push(Group { line, name: name.to_owned(), needed: needed as usize, members });
        Ok(())
    }

    fn read_quorum(&mut self, line: usize, name: &str) -> Result<(), PolicyError> {
        once(line, "the quorum", self.quorum.is_some())?;
        match name {
            "none" => return Err(PolicyError::NotAll { line }),
            _ if !self.defines(name) => return Err(undefined(line, name)),
            _ => self.quorum = Some((line, name.to_owned())),
        }
        Ok(())
    }

    fn policy(self) -> Result<Policy, PolicyError> {
        let (log, ledger_id) = self.log.as_ref().ok_or(PolicyError::Missing { word: "log" })?;
        let (nodes, demanded) = self.nodes_and_witnesses()?;
        let key_of = |name: &&String| self.key_of(name).expect("members are defined").clone();
        let others = self.witnesses.iter().filter(|(name, _)| !nodes.contains(&name));
        let others = others.map(|(_, witness)| witness.clone()).collect();
        let nodes = nodes.iter().map(key_of).collect();
        let policy = Policy::new(&log.name, *ledger_id, log.public_key, nodes, others)?;
        match demanded {
            Some(name) => Ok(policy.demanding(self.demand(name))?),
            None => Ok(policy),
        }
    }

    /// The names of the nodes, and of the witness or group that is demanded beside them.
    fn nodes_and_witnesses(&self) -> Result<(Vec<&String>, Option<&String>), PolicyError> {
        let (line, name) = self.quorum.as_ref().ok_or(PolicyError::Missing { word: "quorum" })?;
        let Some(group) = self.group(name) else {
            return Ok((vec![name], None));
        };
        let all_are_keys = group.members.iter().all(|member| self.key_of(member).is_some());
        match group.members.as_slice() {
            _ if group.needed != group.members.len() => Err(PolicyError::NotAll { line: group.line }),
            members if all_are_keys => Ok((members.iter().collect(), None)),
            [nodes, demanded] => match self.group(nodes) {
                None => Ok((vec![nodes], Some(demanded))),
                Some(nodes) if nodes.needed != nodes.members.len() => Err(PolicyError::NotAll { line: nodes.line }),
                Some(nodes) if nodes.members.iter().all(|member| self.key_of(member).is_some()) => {
                    Ok((nodes.members.iter().collect(), Some(demanded)))
                }
                Some(_) => Err(PolicyError::NotTwo { line: *line }),
            },
            _ => Err(PolicyError::NotTwo { line: *line }),
        }
    }

    fn demand(&self, name: &str) -> Quorum {
        match self.group(name) {
            Some(Group { name, needed, members, .. }) => Quorum::Group {
                name: name.clone(),
                needed: *needed,
                members: members.iter().map(|member| self.demand(member)).collect(),
            },
            None => Quorum::Witness(self.key_of(name).expect("members are defined").name.clone()),
        }
    }

    fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The key of a `witness` line.
    fn key_of(&self, name: &str) -> Option<&ConfigNode> {
        self.witnesses.iter().find(|(witness, _)| witness == name).map(|(_, key)| key)
    }

    fn defines(&self, name: &str) -> bool {
        name == "none" || self.key_of(name).is_some() || self.group(name).is_some()
    }
}

/// The UUID of 32 hexadecimal digits, whatever hyphens and braces stand among them.
fn uuid_in(text: &str) -> Option<Uuid> {
    let digits = text.replace(['-', '{', '}'], "");
    match digits.len() {
        32 => digits.parse().ok(),
        _ => None,
    }
}

fn read_key(line: usize, key: &str, expected: SignatureType) -> Result<VerifierKey, PolicyError> {
    let key: VerifierKey = key.parse().map_err(|source| PolicyError::VerifierKey { line, source })?;
    match key.signature_type == expected {
        true => Ok(key),
        false => Err(PolicyError::KeyOfWrongType { line }),
    }
}

fn once(line: usize, what: &str, again: bool) -> Result<(), PolicyError> {
    match again {
        false => Ok(()),
        true => Err(PolicyError::Twice { line, what: what.to_owned() }),
    }
}

fn undefined(line: usize, name: &str) -> PolicyError {
    PolicyError::UndefinedName { line, name: name.to_owned() }
}

const URN: &str = "urn:uuid:";
const LOG_FORM: &str = "`log <verifier key> urn:uuid:<ledger id>`";
const GROUP_FORM: &str = "`group <name> <all, any or k> <name>...`";
