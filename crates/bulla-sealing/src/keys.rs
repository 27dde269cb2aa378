//! Names and public keys of those who sign, and what makes a set of them usable.

use ed25519_dalek::{Signature, VerifyingKey};

/// A node or witness, by name and Ed25519 public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigNode {
    /// Name in the node's signature lines: see [`check_key_name`].
    pub name: String,
    /// Ed25519 public key (RFC 8032), 32 bytes.
    pub public_key: [u8; 32],
}

/// Why a set of names and keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name could not stand in a signature line.
    #[error("{name:?} cannot name a key: use 1 to 255 bytes without white space, `+` or control characters")]
    BadName {
        /// The name.
        name: String,
    },
    /// The name means something else in a policy file.
    #[error("{name:?} is a word of the policy file; choose another name for this node")]
    ReservedName {
        /// The name.
        name: String,
    },
    /// Two of the nodes and witnesses have the same name.
    #[error("the name {name:?} is given twice")]
    SameName {
        /// The name.
        name: String,
    },
    /// Two of the log, nodes and witnesses have the same key.
    #[error("the key of {name:?} belongs to another one too; one signature would count twice")]
    SameKey {
        /// Name of the later of the two.
        name: String,
    },
    /// The 32 bytes are not a public key under which a signature can be trusted.
    #[error("the key of {name:?} is not a usable Ed25519 public key")]
    BadKey {
        /// Whose key it is.
        name: String,
    },
    /// A quorum names somebody who is no witness of the policy.
    #[error("{name:?} is demanded as a witness, and is none")]
    NotAWitness {
        /// The name.
        name: String,
    },
    /// A group of witnesses asks for none of its members, or for more than there are.
    #[error("group {name:?} asks for {needed} of {members} members")]
    BadThreshold {
        /// The group.
        name: String,
        /// How many it asks for.
        needed: usize,
        /// How many there are.
        members: usize,
    },
    /// There is nobody who would have to sign.
    #[error("there is no node: at least one must sign")]
    NoNodes,
    /// More nodes than the format can count.
    #[error("there are {count} nodes; at most {NODES_MAX} are possible")]
    TooManyNodes {
        /// How many there are.
        count: usize,
    },
}

/// Most nodes of a ledger, and most witnesses of a policy.
pub const NODES_MAX: usize = 64;

/// The signature does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// Verifies an Ed25519 signature strictly: no small-order keys or points, no malleable encodings.
///
/// All voters must come to the same answer for the same bytes, so there is no other verification
/// in this project.
///
/// # Errors
/// [`BadSignature`] when the key is not usable or the signature is not one of 64 bytes under it.
pub fn verify_strict(public_key: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| BadSignature)?;
    let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
    key.verify_strict(message, &signature).map_err(|_| BadSignature)
}

/// Checks that a name can stand in a signature line (C2SP signed-note): 1 to 255 bytes, no
/// Unicode white space, no `+`, no control characters.
///
/// # Errors
/// [`KeyError::BadName`].
pub fn check_key_name(name: &str) -> Result<(), KeyError> {
    let too_long = name.len() > KEY_NAME_BYTES_MAX;
    match too_long || name.contains(char::is_control) || !can_stand_in_a_line(name) {
        true => Err(KeyError::BadName { name: name.into() }),
        false => Ok(()),
    }
}

/// Whether C2SP signed-note allows the name in a signature line. Names of strangers are held to
/// this, not to the stricter [`check_key_name`], so that their lines can be ignored.
pub(crate) fn can_stand_in_a_line(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

/// Checks the log's name and key together with those of its nodes and of known witnesses.
pub(crate) fn check_keys(
    origin: &str,
    log_key: &[u8; 32],
    nodes: &[ConfigNode],
    witnesses: &[ConfigNode],
) -> Result<(), KeyError> {
    check_count(nodes, witnesses)?;
    check_key_name(origin)?;
    check_public_key(origin, log_key)?;
    let mut keys = vec![log_key];
    let mut names: Vec<&str> = Vec::new();
    for node in nodes.iter().chain(witnesses) {
        let name = || node.name.clone();
        check_key_name(&node.name)?;
        check_public_key(&node.name, &node.public_key)?;
        if POLICY_WORDS.contains(&node.name.as_str()) {
            return Err(KeyError::ReservedName { name: name() });
        }
        if names.contains(&node.name.as_str()) {
            return Err(KeyError::SameName { name: name() });
        }
        // A cosignature does not cover its signer's name, so under a shared key one node's
        // signature would be its neighbour's too.
        if keys.contains(&&node.public_key) {
            return Err(KeyError::SameKey { name: name() });
        }
        names.push(&node.name);
        keys.push(&node.public_key);
    }
    Ok(())
}

fn check_count(nodes: &[ConfigNode], witnesses: &[ConfigNode]) -> Result<(), KeyError> {
    let count = nodes.len().max(witnesses.len());
    match count > NODES_MAX {
        true => Err(KeyError::TooManyNodes { count }),
        false if nodes.is_empty() => Err(KeyError::NoNodes),
        false => Ok(()),
    }
}

fn check_public_key(name: &str, public_key: &[u8; 32]) -> Result<(), KeyError> {
    match VerifyingKey::from_bytes(public_key) {
        Ok(key) if !key.is_weak() => Ok(()),
        _ => Err(KeyError::BadKey { name: name.into() }),
    }
}

const KEY_NAME_BYTES_MAX: usize = 255;
/// `none` is predefined in policy files; `voters` is the group that this project writes.
const POLICY_WORDS: [&str; 2] = ["none", "voters"];
