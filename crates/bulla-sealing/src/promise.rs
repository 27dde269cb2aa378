//! Accept promises: a node's signed word, before sealing, that a record has a place in the log.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer, SigningKey};
use uuid::Uuid;

use crate::checkpoint::canonical_u64;
use crate::hash::Hash;
use crate::keys::{ConfigNode, check_key_name, verify_strict};
use crate::note::{MalformedNote, NoteSignature, SignedNote};
use crate::policy::Policy;
use crate::utc::utc_of_ms;
use crate::vkey::{SignatureType, VerifierKey};

/// Most bytes of a promise's text.
pub const PROMISE_BYTES_MAX: usize = 1_024;

/// What a node promises: that this leaf is in the log, and in the table of this id. Its text is what the node signs.
///
/// It is no receipt. It shows that one node said so, and when; a receipt shows that all of them have it. What the sealed
/// block then shows either keeps the promise or breaks it: see [`VerifiedPromise::held_against`].
///
/// ```text
/// bulla-accept/v1
/// origin <origin of the log>
/// leaf <leaf index>
/// hash <base64 of the leaf hash>
/// table <table id>
/// time <POSIX milliseconds>
/// ```
///
/// ```
/// use bulla_sealing::{Promise, leaf_hash};
/// let (leaf_hash, table_id) = (leaf_hash(b"x"), uuid::Uuid::nil());
/// let promise = Promise { origin: "bulla.example".into(), leaf_index: 6, leaf_hash, table_id, time_ms: 1_700_000_000_000 };
/// assert_eq!(promise.to_string().parse(), Ok(promise));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Name of the log.
    pub origin: String,
    /// The record's place in the log.
    pub leaf_index: u64,
    /// Hash of its leaf.
    pub leaf_hash: Hash,
    /// The table that it was recorded in.
    pub table_id: Uuid,
    /// When the node said so, POSIX milliseconds by its own clock.
    pub time_ms: u64,
}

/// Why bytes are not a promise; listed in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPromise {
    /// More bytes than [`PROMISE_BYTES_MAX`].
    #[error("a promise has at most {PROMISE_BYTES_MAX} bytes")]
    TooLong,
    /// Not a signed note.
    #[error("the promise is not a signed note")]
    Note(#[from] MalformedNote),
    /// The first line names another format or version: cannot verify.
    #[error("cannot verify: the first line is not `{FIRST_LINE}`")]
    UnknownFormat,
    /// More or fewer lines than six, each ended by a newline.
    #[error("a promise has six lines: format, origin, leaf, hash, table, time")]
    Lines,
    /// The second line is not the origin.
    #[error("line 2 is not `origin <1 to 255 bytes without white space or +>`")]
    Origin,
    /// The third line is not the leaf index.
    #[error("line 3 is not `leaf <decimal leaf index>`")]
    Leaf,
    /// The fourth line is not the leaf hash.
    #[error("line 4 is not `hash <32 bytes in base64>`")]
    Hash,
    /// The fifth line is not the table's id.
    #[error("line 5 is not `table <UUID of 8-4-4-4-12 lower-case hexadecimal digits>`")]
    Table,
    /// The sixth line is not the time.
    #[error("line 6 is not `time <decimal POSIX milliseconds>`")]
    Time,
}

/// Why a promise is nobody's word under a policy; listed in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromiseError {
    /// The bytes are not a promise.
    #[error("not a promise")]
    Malformed(#[from] MalformedPromise),
    /// The promise is about another log.
    #[error("the promise is about {found:?}; this verifier knows {expected:?} only")]
    UnknownOrigin {
        /// The policy's origin.
        expected: String,
        /// The promise's origin.
        found: String,
    },
    /// A promise is one node's word, so it has one signature line.
    #[error("a promise has one signature line, this one has {count}")]
    NotOneSignature {
        /// How many it has.
        count: usize,
    },
    /// The signature line is of nobody whom the policy knows as a node.
    #[error("{name:?} is no node of the policy, or signed with another key")]
    UnknownSigner {
        /// The name in the line.
        name: String,
    },
    /// The node did not sign this.
    #[error("the signature of {name:?} does not verify")]
    BadSignature {
        /// Name of the node.
        name: String,
    },
}

impl PromiseError {
    /// Whether the promise may be right in a format newer than this code: *cannot verify*, which is not *invalid*.
    pub fn is_unknown(&self) -> bool {
        matches!(self, PromiseError::Malformed(MalformedPromise::UnknownFormat))
    }
}

/// A promise that a node of the policy signed. `Display` says in words who promised what, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPromise {
    /// Name of the node that gave it.
    pub node_name: String,
    /// What it promised.
    pub promise: Promise,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Promise { origin, leaf_index, leaf_hash, table_id, time_ms } = self;
        let hash = leaf_hash.to_base64();
        write!(f, "{FIRST_LINE}\norigin {origin}\nleaf {leaf_index}\nhash {hash}\ntable {table_id}\ntime {time_ms}\n")
    }
}

impl FromStr for Promise {
    type Err = MalformedPromise;

    /// The inverse of `Display`: there is one text for each promise.
    fn from_str(text: &str) -> Result<Promise, MalformedPromise> {
        let (first, rest) = text.split_once('\n').ok_or(MalformedPromise::UnknownFormat)?;
        if first != FIRST_LINE {
            return Err(MalformedPromise::UnknownFormat);
        }
        let lines: Vec<&str> = rest.split('\n').collect();
        let &[origin, leaf, hash, table, time, ""] = lines.as_slice() else {
            return Err(MalformedPromise::Lines);
        };
        let origin = origin.strip_prefix("origin ").filter(|origin| check_key_name(origin).is_ok());
        let leaf_index = leaf.strip_prefix("leaf ").and_then(canonical_u64);
        let leaf_hash = hash.strip_prefix("hash ").and_then(Hash::from_base64);
        let table_id = table.strip_prefix("table ").and_then(canonical_uuid);
        let time_ms = time.strip_prefix("time ").and_then(canonical_u64);
        Ok(Promise {
            origin: origin.ok_or(MalformedPromise::Origin)?.to_owned(),
            leaf_index: leaf_index.ok_or(MalformedPromise::Leaf)?,
            leaf_hash: leaf_hash.ok_or(MalformedPromise::Hash)?,
            table_id: table_id.ok_or(MalformedPromise::Table)?,
            time_ms: time_ms.ok_or(MalformedPromise::Time)?,
        })
    }
}

/// Gives a promise: the text and the signature line, of type 01, of the node of this name.
///
/// ```
/// use bulla_sealing::*;
/// let (log_key, node_key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
/// let node = ConfigNode { name: "alpha".into(), public_key: node_key.verifying_key().to_bytes() };
/// let policy = Policy::new("bulla.example", uuid::Uuid::nil(), log_key.verifying_key().to_bytes(), vec![node], vec![])?;
///
/// let (leaf_hash, table_id) = (leaf_hash(b"x"), uuid::Uuid::nil());
/// let promise = Promise { origin: "bulla.example".into(), leaf_index: 6, leaf_hash, table_id, time_ms: 1_700_000_000_000 };
/// let text = sign_promise(&node_key, "alpha", &promise).to_string();
/// let verified = verify_promise(text.as_bytes(), &policy)?;
/// assert_eq!((verified.node_name.as_str(), verified.promise), ("alpha", promise));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sign_promise(key: &SigningKey, node_name: &str, promise: &Promise) -> SignedNote {
    let text = promise.to_string();
    let node = ConfigNode { name: node_name.to_owned(), public_key: key.verifying_key().to_bytes() };
    let signature = key.sign(text.as_bytes()).to_bytes().to_vec();
    let line = NoteSignature { key_id: node.promise_key().key_id(), name: node.name, signature };
    SignedNote { text, signatures: vec![line] }
}

/// Verifies that a node of the verifier's own policy gave this promise. Without any input or output.
///
/// # Errors
/// Each rule has its own, in the order of [`PromiseError`].
pub fn verify_promise(text: &[u8], policy: &Policy) -> Result<VerifiedPromise, PromiseError> {
    if text.len() > PROMISE_BYTES_MAX {
        return Err(MalformedPromise::TooLong.into());
    }
    let note = SignedNote::parse(text).map_err(MalformedPromise::from)?;
    let promise: Promise = note.text.parse()?;
    if promise.origin != policy.origin() {
        return Err(PromiseError::UnknownOrigin { expected: policy.origin().to_owned(), found: promise.origin });
    }
    let [line] = note.signatures.as_slice() else {
        return Err(PromiseError::NotOneSignature { count: note.signatures.len() });
    };
    let signed_by = |node: &&ConfigNode| node.name == line.name && node.promise_key().key_id() == line.key_id;
    let Some(node) = policy.nodes().iter().find(signed_by) else {
        return Err(PromiseError::UnknownSigner { name: line.name.clone() });
    };
    match verify_strict(&node.public_key, note.text.as_bytes(), &line.signature) {
        Ok(()) => Ok(VerifiedPromise { node_name: node.name.clone(), promise }),
        Err(_) => Err(PromiseError::BadSignature { name: node.name.clone() }),
    }
}

impl ConfigNode {
    /// The node's key as it signs promises: of type 01, so that its lines have another key id than cosignatures.
    pub fn promise_key(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), signature_type: SignatureType::Log, public_key: self.public_key }
    }
}

impl fmt::Display for VerifiedPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VerifiedPromise { node_name, promise } = self;
        writeln!(f, "A node promised that the record is in the ledger. This is no receipt.")?;
        writeln!(f, "promised   by {node_name} at {}", utc_of_ms(promise.time_ms))?;
        writeln!(f, "record     leaf {} of the log", promise.leaf_index)?;
        writeln!(f, "hash       {}", promise.leaf_hash)?;
        writeln!(f, "table      {}", promise.table_id)?;
        writeln!(f, "log        {}", promise.origin)
    }
}

fn canonical_uuid(text: &str) -> Option<Uuid> {
    let id: Uuid = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

// What a node's key signs begins with this line or with `cosignature/v1`, never with a log's origin. The line below it
// begins with a word, where that of a checkpoint is a decimal number, so that not even a log of this name could have a
// checkpoint that reads as a promise.
const FIRST_LINE: &str = "bulla-accept/v1";
