//! Timestamps of what was sealed: an authority outside (RFC 3161) is asked, and its replies are kept and handed out.
//!
//! ```text
//!   Node ──Sealed──▶ ask: the newest seal, not too often ──HTTP──▶ authority
//!                        │ reply: granted, of this seal, of this query, signed
//!                        ▼
//!                     Kept: <data>/timestamps/<size>.tsr     one file a timestamp
//!                        │
//!   /timestamp, /checkpoint/<size>/timestamp ◀── replies that are still of that seal
//! ```
//!
//! What is stamped is the seal: the signed note of the checkpoint, with the signatures of the log and of all servers
//! and no other line. So the authority says that those signatures were made by then, too; a key that is stolen later
//! has not made them. Witnesses sign when they can, and stand outside.
//!
//! **Invariant:** nothing waits for the authority. Recording and sealing know nothing of this module.
//!
//! Every server asks for itself: see decision 16.

mod ask;
mod kept;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulla_client::{
    AuthorityError, Time, Timestamp, TimestampAuthority, TimestampClient, TimestampClientError, TimestampingView,
};
use bulla_node::Node;
use bulla_node::config::ClusterTimestamp;
use bulla_sealing::SignedNote;
use tokio::task::JoinSet;

use kept::Kept;

/// Why timestamping cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TimestampsError {
    #[error("the certificate {} cannot be read; correct `certificate` under [timestamp]", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is of no use as `certificate` under [timestamp]", path.display())]
    Certificate {
        path: PathBuf,
        #[source]
        source: AuthorityError,
    },
    #[error("the timestamps in {} cannot be listed; check the disk and the permissions", path.display())]
    Kept {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the authority cannot be asked")]
    Client(#[from] TimestampClientError),
}

/// The timestamps of this server. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Timestamps {
    kept: Arc<Kept>,
    /// None where the configuration names no authority; what was kept is handed out all the same.
    asked: Option<Arc<Asked>>,
}

/// The authority that is asked for more.
struct Asked {
    url: String,
    client: TimestampClient,
    every: Duration,
    /// Why there was no timestamp when it was asked last.
    problem: Mutex<Option<String>>,
}

impl Timestamps {
    /// The authority of the configuration, with what was kept in the data directory.
    pub(crate) fn open(configured: Option<&ClusterTimestamp>, data: &Path) -> Result<Timestamps, TimestampsError> {
        let path = data.join("timestamps");
        let kept = Kept::open(&path).map_err(|source| TimestampsError::Kept { path, source })?;
        let asked = configured.map(Asked::of).transpose()?;
        Ok(Timestamps { kept: Arc::new(kept), asked: asked.map(Arc::new) })
    }

    /// Has stamped what `node` seals, until the task is dropped.
    pub(crate) fn follow(&self, node: &Node) -> JoinSet<()> {
        let ask = |asked: &Arc<Asked>| ask::follow(node.clone(), self.kept.clone(), asked.clone());
        self.asked.iter().map(ask).collect()
    }

    /// The size of the first checkpoint from `from` on that has a timestamp.
    pub(crate) fn first_from(&self, from: u64) -> Option<u64> {
        self.kept.first_from(from)
    }

    /// The size of the newest checkpoint that has a timestamp.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.kept.newest().map(|(size, _)| size)
    }

    /// The reply that is kept for a seal of this size, if it is of this seal, and what it says.
    pub(crate) fn of_seal(&self, size: u64, seal: &SignedNote) -> Option<(Vec<u8>, Timestamp)> {
        let reply = self.kept.read(size);
        let reply =
            reply.inspect_err(|error| tracing::error!(size, %error, "a kept timestamp cannot be read")).ok()??;
        let sound = Timestamp::parse(&reply).and_then(|timestamp| {
            timestamp.stamps(seal.to_string().as_bytes())?;
            Ok(timestamp)
        });
        let timestamp =
            sound.inspect_err(|error| tracing::error!(size, %error, "a kept timestamp was changed")).ok()?;
        Some((reply, timestamp))
    }

    /// How far the authority has come; none where nobody is asked.
    pub(crate) fn view(&self) -> Option<TimestampingView> {
        let asked = self.asked.as_ref()?;
        let newest = self.kept.newest();
        Some(TimestampingView {
            url: asked.url.clone(),
            stamped_size: newest.map(|(size, _)| size),
            stamped: newest.map(|(_, time_s)| Time::from_micros(time_s.saturating_mul(1_000_000))),
            problem: asked.problem.lock().expect("no panic while the problem is held").clone(),
        })
    }
}

impl Asked {
    fn of(configured: &ClusterTimestamp) -> Result<Asked, TimestampsError> {
        let authority = configured.certificate.as_deref().map(read_certificate).transpose()?;
        Ok(Asked {
            url: configured.url.clone(),
            client: TimestampClient::new(&configured.url, authority, TIME_MAX)?,
            every: Duration::from_secs(configured.every_s.into()),
            problem: Mutex::default(),
        })
    }
}

fn read_certificate(path: &Path) -> Result<TimestampAuthority, TimestampsError> {
    let text = std::fs::read(path).map_err(|source| TimestampsError::Unreadable { path: path.to_owned(), source })?;
    TimestampAuthority::from_pem(&text).map_err(|source| TimestampsError::Certificate { path: path.to_owned(), source })
}

impl fmt::Debug for Timestamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timestamps").field(&self.asked.as_ref().map(|asked| &asked.url)).finish()
    }
}

/// The longest that an authority may take to answer.
const TIME_MAX: Duration = Duration::from_secs(10);
