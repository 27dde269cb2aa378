//! Why a call of the client gave no answer that the caller may rely on.

use bulla_ledger::{DecodeError, NameError};
use bulla_sealing::{MalformedNote, PromiseError, ReceiptError, SealError};

use crate::{AssetProofError, CompactError, CustodyProofError, Problem, TimestampError};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client was made without endpoints.
    #[error("a client needs at least one endpoint, such as http://127.0.0.1:7400")]
    NoEndpoint,
    /// An endpoint is no `http` URL.
    #[error("{endpoint:?} is no http URL, such as http://127.0.0.1:7400")]
    BadEndpoint {
        /// What was given.
        endpoint: String,
    },
    /// The HTTP client cannot be set up, or no endpoint answered within the attempts allowed.
    #[error("no server answered")]
    Unreachable(#[source] reqwest::Error),
    /// The server said no, and asking again would not change that or did not.
    #[error("the server answered {0}")]
    Refused(Problem),
    /// The answer is not one that this API gives.
    #[error("the answer with status {status} from {endpoint} is not one of this API: {what}")]
    Unintelligible {
        /// Who gave it.
        endpoint: String,
        /// Its HTTP status.
        status: u16,
        /// What is wrong with it.
        what: String,
    },
    /// A compact answer body cannot be read.
    #[error("the compact answers cannot be read")]
    Compact(#[from] CompactError),
    /// The answer is about something else than what was asked for.
    #[error("asked for {asked}, the server answered about {answered}")]
    SomethingElse {
        /// What was asked for.
        asked: String,
        /// What the answer is about.
        answered: String,
    },
    /// Receipts and checkpoints are only returned verified, and that takes a policy.
    #[error("give the client a policy: receipts and checkpoints are not returned unverified")]
    NoPolicy,
    /// The receipt does not prove what it says.
    #[error("the receipt does not prove its record")]
    Receipt(#[from] ReceiptError),
    /// The promise is no word of a server of the policy.
    #[error("the promise is not one that a server of the policy gave")]
    Promise(#[from] PromiseError),
    /// The proof does not prove what is so of the asset.
    #[error("the proof does not prove what is so of the asset")]
    AssetProof(#[from] AssetProofError),
    /// The certificate does not prove what it says.
    #[error("the certificate does not prove what it says")]
    Certificate(#[from] CustodyProofError),
    /// A receipt proves a leaf that this version cannot read as a record.
    #[error("the receipt proves a leaf that is no record this version can read")]
    Record(#[from] DecodeError),
    /// The checkpoint is not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note(#[from] MalformedNote),
    /// The checkpoint is not sealed under the policy.
    #[error("the checkpoint is not sealed under the policy")]
    Seal(#[from] SealError),
    /// The timestamp is none, or not one of the seal that came with it.
    #[error("the timestamp is not one of this seal")]
    Timestamp(#[from] TimestampError),
    /// A name breaks the rules for names.
    #[error("this is not a name of this ledger")]
    Name(#[from] NameError),
}
