//! The policy as a text file, in the words of C2SP tlog-policy.

use uuid::Uuid;

use crate::checkpoint::canonical_u64;
use crate::keys::{ConfigNode, KeyError};
use crate::policy::Policy;
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
    /// group <name> all <name>...                    the nodes
    /// quorum <name>
    /// ```
    ///
    /// The words are those of C2SP tlog-policy, whose log line has room for a URL of the
    /// application's choosing: here it names the ledger. Comments (`#`), empty lines, spaces and
    /// tabs are as there. One log, one group and `all` of its members is what a seal means here,
    /// so other quorums are refused rather than weakened to.
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
        text += &format!("group voters all {}\nquorum voters\n", names.join(" "));
        text
    }
}

/// What the lines so far said.
#[derive(Default)]
struct Lines {
    log: Option<(VerifierKey, Uuid)>,
    witnesses: Vec<(String, ConfigNode)>,
    group: Option<(String, Vec<String>)>,
    quorum: Option<Vec<String>>,
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
        let ledger_id = url.strip_prefix(URN).and_then(|id| id.parse().ok());
        let ledger_id = ledger_id.ok_or(PolicyError::Form { line, expected: LOG_FORM })?;
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
        once(line, "the group", self.group.is_some())?;
        once(line, name, self.defines(name))?;
        for (index, member) in members.iter().enumerate() {
            once(line, member, members[..index].contains(member))?;
            if !self.is_witness(member) {
                return Err(undefined(line, member));
            }
        }
        let needed = match threshold {
            "all" => Some(members.len() as u64),
            "any" => Some(1),
            count => canonical_u64(count),
        };
        let needed = needed.ok_or(PolicyError::Form { line, expected: GROUP_FORM })?;
        if needed != members.len() as u64 {
            return Err(PolicyError::NotAll { line });
        }
        let members = members.iter().map(|member| member.to_string()).collect();
        self.group = Some((name.to_owned(), members));
        Ok(())
    }

    fn read_quorum(&mut self, line: usize, name: &str) -> Result<(), PolicyError> {
        once(line, "the quorum", self.quorum.is_some())?;
        self.quorum = Some(match &self.group {
            _ if name == "none" => return Err(PolicyError::NotAll { line }),
            Some((group, members)) if group == name => members.clone(),
            _ if self.is_witness(name) => vec![name.to_owned()],
            _ => return Err(undefined(line, name)),
        });
        Ok(())
    }

    fn policy(mut self) -> Result<Policy, PolicyError> {
        let (log, ledger_id) = self.log.ok_or(PolicyError::Missing { word: "log" })?;
        let quorum = self.quorum.ok_or(PolicyError::Missing { word: "quorum" })?;
        let nodes = quorum
            .iter()
            .map(|member| {
                let mut witnesses = self.witnesses.iter();
                let place = witnesses.position(|(name, _)| name == member);
                self.witnesses.remove(place.expect("members are defined")).1
            })
            .collect();
        let others = self.witnesses.into_iter().map(|(_, node)| node).collect();
        Ok(Policy::new(&log.name, ledger_id, log.public_key, nodes, others)?)
    }

    fn is_witness(&self, name: &str) -> bool {
        self.witnesses.iter().any(|(witness, _)| witness == name)
    }

    fn defines(&self, name: &str) -> bool {
        let group = self.group.as_ref().map(|(group, _)| group.as_str());
        name == "none" || self.is_witness(name) || group == Some(name)
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
const GROUP_FORM: &str = "`group <name> all <name>...`";
