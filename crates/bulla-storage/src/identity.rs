//! Who a data directory belongs to: node, instance, ledger and keys.

use std::fs;
use std::path::Path;

use bulla_sealing::{ConfigLeaf, SigningKey};
use uuid::Uuid;

use crate::directory::{Directory, FORMAT_VERSION, make_dir, partial, publish, sync_dir, write_private};
use crate::error::StorageError;

/// The identity of one node of one ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Unique in the ledger, never used again.
    pub node_id: u64,
    /// The node's name in `genesis`.
    pub node_name: String,
    /// Random; made once with the directory. Two directories never share it.
    pub instance_id: Uuid,
    /// The first leaf of the ledger.
    pub genesis: ConfigLeaf,
    /// Signs this node's attestations.
    pub node_key: SigningKey,
    /// Signs checkpoints; the same on every node of the ledger.
    pub log_key: SigningKey,
}

/// Writes the identity into a directory that has none; makes the directory if need be. All of it or nothing.
///
/// # Errors
/// [`StorageError::IdentityExists`]; [`StorageError::IdentityMismatch`] when the keys are not those that `genesis`
/// names.
pub fn create(dir: &Path, identity: &Identity) -> Result<(), StorageError> {
    let home = Directory::new(dir).identity();
    check_keys(&home, identity)?;
    if home.exists() {
        return Err(StorageError::IdentityExists { path: dir.to_owned() });
    }
    make_dir(dir)?;
    let incomplete = partial(&home);
    if incomplete.exists() {
        fs::remove_dir_all(&incomplete).map_err(StorageError::io("remove", &incomplete))?;
    }
    make_dir(&incomplete)?;
    write_private(&incomplete.join(NODE_FILE), node_text(identity).as_bytes())?;
    write_private(&incomplete.join(GENESIS_FILE), &identity.genesis.encode())?;
    write_private(&incomplete.join(NODE_KEY_FILE), key_text(&identity.node_key).as_bytes())?;
    write_private(&incomplete.join(LOG_KEY_FILE), key_text(&identity.log_key).as_bytes())?;
    sync_dir(&incomplete)?;
    publish(&incomplete, &home)
}

/// Reads the identity of a directory.
///
/// # Errors
/// [`StorageError::NoIdentity`], [`StorageError::FormatVersion`]; [`StorageError::Corrupt`] when a file is damaged or
/// the files do not belong together.
pub fn load(dir: &Path) -> Result<Identity, StorageError> {
    let home = Directory::new(dir).identity();
    if !home.exists() {
        return Err(StorageError::NoIdentity { path: dir.to_owned() });
    }
    let corrupt = |file: &str, detail: &str| StorageError::corrupt(home.join(file).display().to_string(), detail);
    let node = String::from_utf8(read(&home, NODE_FILE)?).map_err(|_| corrupt(NODE_FILE, "it is no text"))?;
    let (node_id, node_name, instance_id) = parse_node(&home.join(NODE_FILE), &node)?;
    let genesis =
        ConfigLeaf::decode(&read(&home, GENESIS_FILE)?).map_err(|error| corrupt(GENESIS_FILE, &error.to_string()))?;
    let key = |file| parse_key(&read(&home, file)?).ok_or_else(|| corrupt(file, "it is no key"));
    let (node_key, log_key) = (key(NODE_KEY_FILE)?, key(LOG_KEY_FILE)?);
    let identity = Identity { node_id, node_name, instance_id, genesis, node_key, log_key };
    match check_keys(&home, &identity) {
        Ok(()) => Ok(identity),
        Err(error) => Err(StorageError::corrupt(home.display().to_string(), error.to_string())),
    }
}

impl Identity {
    /// Whether two identities are the same; if not, names the first field that differs.
    pub(crate) fn expect(&self, expected: &Self, path: &Path) -> Result<(), StorageError> {
        let public = |key: &SigningKey| hex(key.verifying_key().as_bytes());
        let fields = [
            ("ledger", self.genesis.ledger_id.to_string(), expected.genesis.ledger_id.to_string()),
            ("node id", self.node_id.to_string(), expected.node_id.to_string()),
            ("node name", self.node_name.clone(), expected.node_name.clone()),
            ("instance", self.instance_id.to_string(), expected.instance_id.to_string()),
            ("node key", public(&self.node_key), public(&expected.node_key)),
            ("log key", public(&self.log_key), public(&expected.log_key)),
        ];
        expect_equal(path, fields)
    }

    /// Stands in both databases, so that none can be swapped for another node's.
    pub(crate) fn stamp(&self) -> Vec<u8> {
        let ledger_id = self.genesis.ledger_id;
        [&ledger_id.as_bytes()[..], &self.node_id.to_be_bytes(), self.instance_id.as_bytes()].concat()
    }
}

// Not derived: a key must not end up in a log.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("node_id", &self.node_id)
            .field("node_name", &self.node_name)
            .field("instance_id", &self.instance_id)
            .field("ledger_id", &self.genesis.ledger_id)
            .finish_non_exhaustive()
    }
}

/// The keys are those that the configuration names.
fn check_keys(home: &Path, identity: &Identity) -> Result<(), StorageError> {
    let Identity { genesis, node_name, .. } = identity;
    let node = genesis.nodes.iter().find(|node| node.name == *node_name);
    let expected = node.map_or_else(|| "none of this name".to_owned(), |node| hex(&node.public_key));
    let public = |key: &SigningKey| hex(key.verifying_key().as_bytes());
    let fields = [
        ("node key", public(&identity.node_key), expected),
        ("log key", public(&identity.log_key), hex(&genesis.log_key)),
    ];
    expect_equal(home, fields)
}

fn expect_equal<const N: usize>(path: &Path, fields: [(&'static str, String, String); N]) -> Result<(), StorageError> {
    match fields.into_iter().find(|(_, found, expected)| found != expected) {
        Some((field, found, expected)) => {
            Err(StorageError::IdentityMismatch { path: path.to_owned(), field, found, expected })
        }
        None => Ok(()),
    }
}

fn node_text(identity: &Identity) -> String {
    let Identity { node_id, node_name, instance_id, .. } = identity;
    format!("format = {FORMAT_VERSION}\nnode_id = {node_id}\ninstance_id = {instance_id}\nnode_name = {node_name}\n")
}

fn parse_node(path: &Path, text: &str) -> Result<(u64, String, Uuid), StorageError> {
    let corrupt = || StorageError::corrupt(path.display().to_string(), "it is not what was written at its creation");
    let (format, rest) = field(text, "format = ").ok_or_else(corrupt)?;
    let found = format.parse().map_err(|_| corrupt())?;
    if found != FORMAT_VERSION {
        return Err(StorageError::FormatVersion { path: path.to_owned(), found, supported: FORMAT_VERSION });
    }
    let (node_id, rest) = field(rest, "node_id = ").ok_or_else(corrupt)?;
    let (instance_id, rest) = field(rest, "instance_id = ").ok_or_else(corrupt)?;
    let (node_name, rest) = field(rest, "node_name = ").ok_or_else(corrupt)?;
    match (node_id.parse(), Uuid::try_parse(instance_id), rest) {
        (Ok(node_id), Ok(instance_id), "") => Ok((node_id, node_name.to_owned(), instance_id)),
        _ => Err(corrupt()),
    }
}

/// The value of the first line, which must be this field, and the lines after it.
fn field<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(name)?.split_once('\n')
}

fn read(home: &Path, file: &str) -> Result<Vec<u8>, StorageError> {
    let path = home.join(file);
    fs::read(&path).map_err(StorageError::io("read", &path))
}

fn key_text(key: &SigningKey) -> String {
    format!("{}\n", hex(key.as_bytes()))
}

fn parse_key(text: &[u8]) -> Option<SigningKey> {
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let hash: bulla_sealing::Hash = digits.parse().ok()?;
    Some(SigningKey::from_bytes(&hash.0))
}

fn hex(bytes: &[u8; 32]) -> String {
    bulla_sealing::Hash(*bytes).to_string()
}

const NODE_FILE: &str = "node";
const GENESIS_FILE: &str = "genesis.leaf";
const NODE_KEY_FILE: &str = "node.key";
const LOG_KEY_FILE: &str = "log.key";
