//! What can be wrong with key files, and what to do about it.

use std::io;
use std::path::PathBuf;

use bulla_node::{FoundError, StorageError};

use crate::peer::PeerTlsError;

/// Why keys could not be made, installed or loaded.
#[derive(Debug, thiserror::Error)]
pub enum KeyFilesError {
    /// Where a file was to be made, there is one.
    #[error("{} exists, and keys are never overwritten; name another directory, or move this one away", path.display())]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
    /// A file that was needed is not there.
    #[error("{} is missing; {advice}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do about it.
        advice: &'static str,
    },
    /// A file does not hold what its name says, or belongs to another node or ledger.
    #[error("{} {what}; {advice}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// Certificate, key and authority in a directory are not those of the node.
    #[error("the TLS files in {} cannot be used; {advice}", path.display())]
    Tls {
        /// The directory.
        path: PathBuf,
        /// What to do about it.
        advice: &'static str,
        /// What a peer would have found.
        #[source]
        source: PeerTlsError,
    },
    /// The data directory has all its keys.
    #[error("{} already holds the keys of this node; start the node with `bulla serve`", path.display())]
    Installed {
        /// The directory of the identity.
        path: PathBuf,
    },
    /// A file or directory could not be read or written.
    #[error("cannot {action} {}; check the permissions and the disk", path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The configuration cannot found a ledger.
    #[error(transparent)]
    Found(#[from] FoundError),
    /// The data directory refused the identity.
    #[error("the data directory cannot take this node's identity")]
    Storage(#[from] StorageError),
    /// The certificates could not be made.
    #[error("the certificates could not be made")]
    Certificates(#[from] rcgen::Error),
}
