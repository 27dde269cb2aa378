//! What can fail in a data directory, and what the operator should do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::quarantine::QuarantineReason;

/// A failure of this node alone; never an answer to a client, never in the log.
///
/// After any error but [`StorageError::Unknown`], [`StorageError::Superseded`] and
/// [`StorageError::BadBlock`] the node should stop: what a disk failed to keep once it may fail to
/// keep again, and the other servers carry on.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Bytes read back are not the bytes written.
    #[error(
        "{what} is corrupt: {detail}; a server of several rebuilds its ledger from the others when it is started, whatever else is damaged must come from a backup"
    )]
    Corrupt {
        /// The file, row or record, as a noun phrase.
        what: String,
        /// What about it is wrong.
        detail: String,
    },
    /// A file operation failed.
    #[error("{action} {path} failed; check the disk and the permissions of the data directory", path = path.display())]
    Io {
        /// What was being done, as a verb: "write", "fsync".
        action: &'static str,
        /// The file or directory it was done to.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No space is left for `path`.
    #[error("the disk that holds {path} is full, or less of it is free than disk_reserve_bytes; free some space and start the node again", path = path.display())]
    DiskFull {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// A redb database failed.
    #[error("database {path} failed; check the disk, then start the node again", path = path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<redb::Error>,
    },
    /// Another process, or another handle of this one, has the directory open.
    #[error("data directory {path} is in use by another process; stop that one first", path = path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// There is no identity in the directory.
    #[error("{path} holds no identity of a node; create one, or name the right data directory", path = path.display())]
    NoIdentity {
        /// The directory.
        path: PathBuf,
    },
    /// There is an identity in the directory already.
    #[error("{path} already holds the identity of a node; name an empty directory", path = path.display())]
    IdentityExists {
        /// The directory.
        path: PathBuf,
    },
    /// The directory belongs to another node, instance, ledger or key.
    #[error("data directory {path} belongs to another {field}: it holds {found}, expected {expected}; name the right directory or the right configuration", path = path.display())]
    IdentityMismatch {
        /// The directory or file.
        path: PathBuf,
        /// What differs: "ledger", "node id", "instance" ...
        field: &'static str,
        /// What the directory holds.
        found: String,
        /// What the caller expected.
        expected: String,
    },
    /// The file was written by a release with another format.
    #[error("{path} has format version {found}, this release reads version {supported}; use the release that wrote it", path = path.display())]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// The version it says it has.
        found: u32,
        /// The one version that this release reads and writes.
        supported: u32,
    },
    /// A height, table or leaf was asked for that this node does not have.
    #[error("this node has no {what}")]
    Unknown {
        /// The thing, as a noun phrase.
        what: String,
    },
    /// The closed table was dropped by `reset_open` before it was stored.
    #[error("table {height} was superseded by blocks of a peer before it was stored; drop it")]
    Superseded {
        /// Its height.
        height: u64,
    },
    /// The ledger of this directory is being rebuilt from its peers, or waits for that.
    #[error(
        "this server is quarantined: {reason}; it rebuilds its ledger from its peers, ask another server meanwhile"
    )]
    Quarantined {
        /// Why.
        reason: QuarantineReason,
    },
    /// A block that a peer sent does not hold what it should.
    #[error("block {height} received from a peer is not acceptable: {reason}; fetch it again from another peer")]
    BadBlock {
        /// Its height.
        height: u64,
        /// Which check failed.
        reason: String,
    },
}

impl StorageError {
    pub(crate) fn corrupt(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into(), detail: detail.into() }
    }

    pub(crate) fn unknown(what: impl Into<String>) -> Self {
        Self::Unknown { what: what.into() }
    }

    /// For `map_err`: names what was being done to which file.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { action, path, source },
        }
    }

    /// For `map_err` on redb's many error types.
    pub(crate) fn database<E: Into<redb::Error>>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |error| match error.into() {
            // The disk answered; what it answered is no database.
            redb::Error::Io(source)
                if matches!(source.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::corrupt(path.display().to_string(), source.to_string())
            }
            redb::Error::Io(source) => Self::io("write", &path)(source),
            redb::Error::Corrupted(detail) => Self::corrupt(path.display().to_string(), detail),
            redb::Error::DatabaseAlreadyOpen => Self::InUse { path },
            source => Self::Database { path, source: Box::new(source) },
        }
    }
}
