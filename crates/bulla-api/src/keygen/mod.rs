//! The keys of a ledger before it runs: made once, installed on each server, loaded at every start.
//!
//! ```text
//!  cluster.toml ──generate──▶ keys/ca.key  keys/ca.crt              stays off the servers
//!                             keys/node-<id>/                       one directory to each server
//!                               node.key  log.key  genesis.leaf       who signs blocks
//!                               tls.key   tls.crt  ca.crt             who talks to peers
//!                                  │
//!                               install ──▶ <data>/identity/ ──load_peer_security──▶ PeerSecurity
//! ```
//!
//! **Invariant:** a file that holds a private key is made for its owner alone (0600), and no file is
//! ever overwritten: it could hold the only key with which a ledger can sign.
//!
//! It refuses to know what the keys will sign. Certificates do not expire: peers must not part on a
//! day that nobody remembers, and a server leaves a ledger by leaving its configuration.

use std::path::{Path, PathBuf};

use bulla_node::NodeId;

mod authority;
mod error;
mod files;
mod generate;
mod install;
mod seed;
mod witness;

pub use error::KeyFilesError;
pub use generate::{NewKeys, generate};
pub use install::{install, load_peer_security};
pub(crate) use witness::{load_witness_key, make_witness_key};

/// The directory of a node's keys, among those of its ledger.
fn node_directory(keys: &Path, node_id: NodeId) -> PathBuf {
    keys.join(format!("node-{node_id}"))
}

const NODE_KEY: &str = "node.key";
const LOG_KEY: &str = "log.key";
const GENESIS: &str = "genesis.leaf";
const TLS_KEY: &str = "tls.key";
const TLS_CERTIFICATE: &str = "tls.crt";
const AUTHORITY_CERTIFICATE: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";
