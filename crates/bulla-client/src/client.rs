//! The client: a cluster as a caller holds it.

mod prove;
mod prove_asset;
mod read;
mod stamp;
mod tiles;
mod write;

use std::fmt;
use std::time::Duration;

use bulla_sealing::Policy;

pub use self::prove::{GivenPromise, ProvenCheckpoint, ProvenRecord};
pub use self::stamp::ProvenTimestamp;
use crate::ClientError;
use crate::exchange::Exchange;

/// How to reach a cluster, and whom to believe.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Where its servers listen, such as `http://127.0.0.1:7400`; any of them will do. They are
    /// tried in turn.
    pub endpoints: Vec<String>,
    /// The keys that a receipt or checkpoint must be signed with. It comes from the caller, never
    /// from the server: a server that could choose the keys could prove anything.
    pub policy: Option<Policy>,
    /// Attempts for one call, over all endpoints; at least 1.
    pub attempts_max: u32,
    /// Time for one attempt. A call that waits for sealing takes as long as the server lets it.
    pub timeout: Duration,
}

impl ClientOptions {
    /// Six attempts of 40 seconds each, without a policy.
    pub fn new(endpoints: impl IntoIterator<Item = impl Into<String>>) -> ClientOptions {
        ClientOptions {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            policy: None,
            attempts_max: 6,
            timeout: Duration::from_secs(40),
        }
    }
}

/// Calls the HTTP API of a cluster, and checks what it can of the answers.
///
/// A refused or failed attempt that may succeed elsewhere or later is repeated, each time under the
/// same record id, so that a record is never made twice.
pub struct Client {
    exchange: Exchange,
    policy: Option<Policy>,
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::NoEndpoint`] and [`ClientError::BadEndpoint`].
    pub fn new(options: ClientOptions) -> Result<Client, ClientError> {
        let exchange = Exchange::new(&options.endpoints, options.attempts_max, options.timeout)?;
        Ok(Client { exchange, policy: options.policy })
    }

    /// Whom this client believes.
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("policy", &self.policy.is_some()).finish_non_exhaustive()
    }
}
