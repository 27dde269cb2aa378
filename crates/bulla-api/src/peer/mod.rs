//! How the servers of one ledger talk to each other: framed TCP under mutual TLS, three connections a peer.
//!
//! ```text
//!  caller                                                                    answerer
//!  TcpTransport ─┬─ Append  line ═══ one connection ═══▶ one handler at a time, in order of arrival
//!                ├─ Control line ═══ one connection ═══▶ many handlers at once
//!                └─ Blocks  line ═══ one connection ═══▶ a few handlers at once
//!
//!  line, driven by calls:   apart ──call──▶ connecting ──hello, hello──▶ talking
//!                             ▲                 │ failed                    │ lost: calls in flight
//!                             └──── back-off ◀──┴───────────────────────────┘ fail as unreachable
//! ```
//!
//! **Invariant:** a handler is told `from = n` only when the other end holds the key that this
//! ledger's authority certified for node n; and of one peer's lane at most one connection is served.
//!
//! It refuses to know what the bytes mean, who leads, and whether a call is worth repeating.

use std::fmt;

use bulla_node::NodeId;
use uuid::Uuid;

mod answer;
mod backoff;
mod call;
mod frame;
mod hello;
mod line;
mod security;
mod sent;
mod serve;
mod slot;

pub use call::TcpTransport;
pub use frame::BODY_BYTES_MAX;
pub use hello::PEER_PROTOCOL_VERSION;
pub use security::{PeerSecurity, PeerTls, PeerTlsError, node_dns_name};
pub use serve::serve_peers;

/// Which server of which ledger this end of the connections is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalNode {
    /// The ledger that the server belongs to.
    pub ledger_id: Uuid,
    /// The server within that ledger.
    pub node_id: NodeId,
}

impl fmt::Display for LocalNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} of ledger {}", self.node_id, self.ledger_id)
    }
}

/// Why the peer transport could not start. Nothing of this kind happens once it runs.
#[derive(Debug, thiserror::Error)]
pub enum PeerSetupError {
    /// Plaintext was asked for, and an address can be reached by other machines.
    #[error(
        "{0} is not a loopback address, and peers without TLS may only be on this machine; \
         make keys with `bulla keygen` and install them with `bulla init`"
    )]
    PlaintextBeyondLoopback(std::net::SocketAddr),
    /// The certificate is that of another node than the one that is to use it.
    #[error("{me} was given the certificate of {certified}; install its own with `bulla init`")]
    CertificateOfAnother {
        /// The node that is to talk.
        me: LocalNode,
        /// The node that the certificate names.
        certified: LocalNode,
    },
    /// The operating system does not say which address the listener has.
    #[error("the peer listener has no address")]
    Listener(#[source] std::io::Error),
}

// A hello, or a sentence that refuses one: all that is read of a stranger.
const HELLO_BODY_BYTES_MAX: usize = 1024;

// Small frames are read many at a time; a body longer than this is read straight into its place.
const READ_BUFFER_BYTES: usize = 64 * 1024;
