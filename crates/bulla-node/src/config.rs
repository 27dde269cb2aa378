//! `cluster.toml`: read once, at the edge, into a configuration that cannot be wrong.
//!
//! ```text
//!   text ──document──▶ ClusterFile, as written ──nodes, limits──▶ ClusterConfig, as meant
//!               │                                         │
//!               └──▶ what cannot be read, or cannot work: every Problem, with its line ◀──┘
//! ```
//! The file `cluster.toml` at the root of the repository is the documentation of every setting; a
//! test reads it and holds it against the defaults of the sections below.

mod address;
mod document;
mod findings;
mod http_url;
mod limits;
mod lines;
mod nearest;
mod nodes;
mod problem;
#[cfg(test)]
mod refusals;
mod sections;
#[cfg(test)]
mod tests;
mod timestamp;
mod witnesses;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use bulla_sealing::VerifierKey;
use serde::{Deserialize, Serialize};

use document::Document;
use findings::Findings;

pub use address::{Address, AddressError};
pub use problem::{ConfigError, Problem};
pub use sections::{
    LedgerSection, LimitsSection, PeerSection, RaftSection, Require, ScrubSection, SealSection, StorageSection,
};

/// The servers of one ledger and what they agree to keep to: a `cluster.toml`, as meant.
///
/// One that came from text has passed every rule. One that was changed in code has not, until
/// [`ClusterConfig::check`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// How the ledger is known outside.
    pub ledger: LedgerSection,
    /// The transaction servers, all of them voters, in the order of the file; an odd number.
    pub nodes: Vec<ClusterNode>,
    /// Those outside who are asked to cosign what was sealed; nothing waits for them. Often none.
    pub witnesses: Vec<ClusterWitness>,
    /// Who outside is asked for the time at which something was sealed; nothing waits for it. Often nobody.
    pub timestamp: Option<ClusterTimestamp>,
    /// When a record table closes, and who must attest before it is sealed.
    pub seal: SealSection,
    /// How much a node takes on for its clients.
    pub limits: LimitsSection,
    /// Agreement: beats, elections, entries.
    pub raft: RaftSection,
    /// The data directory: caches and the reserve of disk.
    pub storage: StorageSection,
    /// How the servers talk to each other.
    pub peer: PeerSection,
    /// How everything stored is read again and again.
    pub scrub: ScrubSection,
}

/// One transaction server: a `[[node]]` of the file, as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNode {
    /// Never 0, and never used again for another server.
    pub id: u64,
    /// What people and checkpoints call it: 1 to 64 of `a-z 0-9 . - _`.
    pub name: String,
    /// Where clients reach it.
    pub http: Address,
    /// Where the other servers reach it.
    pub peer: Address,
    /// Its data directory. [`ClusterConfig::load`] makes a relative one relative to the file.
    pub data: PathBuf,
}

/// One witness: a `[[witness]]` of the file, as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterWitness {
    /// Where it is asked, `http://host:port`, perhaps with a path, without a slash at the end.
    pub url: String,
    /// What it cosigns with.
    pub key: VerifierKey,
}

/// A timestamping authority (RFC 3161): the `[timestamp]` of the file, as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterTimestamp {
    /// Where it is asked, `http://host`, perhaps with a port and a path.
    pub url: String,
    /// The file with its certificate, in PEM; without one, replies are kept whose signatures nobody here checked.
    /// [`ClusterConfig::load`] makes a relative one relative to the file.
    pub certificate: Option<PathBuf>,
    /// Seconds at least between two timestamps; 1 to 31 days.
    pub every_s: u32,
}

/// The two ports of a server on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// For clients.
    pub http: u16,
    /// For the other servers.
    pub peer: u16,
}

impl ClusterConfig {
    /// Reads and checks the file at `path`; relative data directories are taken relative to it.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`], or [`ConfigError::Refused`] with every problem found.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_path_buf(), source })?;
        let mut config =
            read(&text).map_err(|problems| ConfigError::Refused { path: Some(path.to_path_buf()), problems })?;
        let base = path.parent().unwrap_or(Path::new(""));
        for node in &mut config.nodes {
            node.data = base.join(&node.data);
        }
        if let Some(certificate) = config.timestamp.as_mut().and_then(|timestamp| timestamp.certificate.as_mut()) {
            *certificate = base.join(&certificate);
        }
        Ok(config)
    }

    /// A cluster on this machine, for demonstrations and tests: one server for each of `ports`,
    /// named `node-1`, `node-2` ..., each with a directory of its name in `data`.
    ///
    /// Peers talk without TLS, which the rules allow on loopback addresses only.
    #[must_use]
    pub fn local(data: &Path, ports: &[Ports]) -> Self {
        let node = |(id, ports): (u64, &Ports)| {
            let name = format!("node-{id}");
            ClusterNode {
                id,
                http: Address::loopback(ports.http),
                peer: Address::loopback(ports.peer),
                data: data.join(&name),
                name,
            }
        };
        ClusterConfig {
            ledger: LedgerSection::default(),
            nodes: (1..).zip(ports).map(node).collect(),
            witnesses: Vec::new(),
            timestamp: None,
            seal: SealSection::default(),
            limits: LimitsSection::default(),
            raft: RaftSection::default(),
            storage: StorageSection::default(),
            peer: PeerSection { insecure: true },
            scrub: ScrubSection::default(),
        }
    }

    /// The file that means this configuration, without comments; parsing it gives the same again.
    ///
    /// A data directory whose path is not UTF-8 cannot be written in TOML and comes out changed.
    ///
    /// # Panics
    /// If a number set in code is above 2^63 - 1, the largest of TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(&ClusterFile::from(self));
        text.expect("numbers below 2^63, strings and booleans can be written as TOML")
    }

    /// Holds a configuration made or changed in code against the rules that a file must keep.
    ///
    /// # Errors
    /// [`ConfigError::Refused`]; its lines are those of [`ClusterConfig::to_toml`].
    pub fn check(&self) -> Result<(), ConfigError> {
        self.to_toml().parse::<Self>().map(drop)
    }

    /// The server with this id.
    #[must_use]
    pub fn node(&self, id: u64) -> Option<&ClusterNode> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The server with this name.
    #[must_use]
    pub fn node_named(&self, name: &str) -> Option<&ClusterNode> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

impl FromStr for ClusterConfig {
    type Err = ConfigError;

    /// Reads and checks the text of a `cluster.toml`; relative data directories stay as written.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        read(text).map_err(|problems| ConfigError::Refused { path: None, problems })
    }
}

fn read(text: &str) -> Result<ClusterConfig, Vec<Problem>> {
    let mean = |document: Document| {
        let Document { file, lines } = document;
        let mut findings = Findings::new(lines);
        nodes::check_ledger(&file.ledger, &mut findings);
        let nodes = nodes::check(&file.node, &file.peer, &mut findings);
        let witnesses = witnesses::check(&file.witness, &nodes, &mut findings);
        let timestamp = file.timestamp.as_ref().and_then(|section| timestamp::check(section, &mut findings));
        limits::check(&file, &mut findings);
        findings.unless_any(ClusterConfig {
            ledger: file.ledger,
            nodes,
            witnesses,
            timestamp,
            seal: file.seal,
            limits: file.limits,
            raft: file.raft,
            storage: file.storage,
            peer: file.peer,
            scrub: file.scrub,
        })
    };
    document::read(text).and_then(mean).map_err(|mut problems| {
        problems.sort_by_key(|problem| problem.line);
        problems
    })
}

/// A `cluster.toml` as written. Sections that are left out have their defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterFile {
    #[serde(default)]
    ledger: LedgerSection,
    #[serde(default)]
    node: Vec<NodeSection>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    witness: Vec<WitnessSection>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<TimestampSection>,
    #[serde(default)]
    seal: SealSection,
    #[serde(default)]
    limits: LimitsSection,
    #[serde(default)]
    raft: RaftSection,
    #[serde(default)]
    storage: StorageSection,
    #[serde(default)]
    peer: PeerSection,
    #[serde(default)]
    scrub: ScrubSection,
}

/// A `[[node]]` as written. Nothing of it can be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeSection {
    id: u64,
    name: String,
    http: String,
    peer: String,
    data: String,
}

/// A `[[witness]]` as written. Nothing of it can be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WitnessSection {
    url: String,
    vkey: String,
}

/// A `[timestamp]` as written. Its URL must be given, which the rules see to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimestampSection {
    #[serde(default)]
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(default = "TimestampSection::every_s")]
    every_s: u32,
}

impl TimestampSection {
    /// An hour.
    fn every_s() -> u32 {
        3_600
    }
}

impl From<&ClusterConfig> for ClusterFile {
    fn from(config: &ClusterConfig) -> Self {
        let node = |node: &ClusterNode| NodeSection {
            id: node.id,
            name: node.name.clone(),
            http: node.http.to_string(),
            peer: node.peer.to_string(),
            data: node.data.to_string_lossy().into_owned(),
        };
        let witness =
            |witness: &ClusterWitness| WitnessSection { url: witness.url.clone(), vkey: witness.key.to_string() };
        let timestamp = |timestamp: &ClusterTimestamp| TimestampSection {
            url: timestamp.url.clone(),
            certificate: timestamp.certificate.as_ref().map(|path| path.to_string_lossy().into_owned()),
            every_s: timestamp.every_s,
        };
        ClusterFile {
            ledger: config.ledger.clone(),
            node: config.nodes.iter().map(node).collect(),
            witness: config.witnesses.iter().map(witness).collect(),
            timestamp: config.timestamp.as_ref().map(timestamp),
            seal: config.seal.clone(),
            limits: config.limits.clone(),
            raft: config.raft.clone(),
            storage: config.storage.clone(),
            peer: config.peer.clone(),
            scrub: config.scrub.clone(),
        }
    }
}
