//! The file of an Ed25519 signing key: one line of text, so that a person sees what it is.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_sealing::SigningKey;

use super::KeyFilesError;
use super::files::{Access, read_text, write_new};

/// A new key, from the operating system's random numbers.
pub(super) fn new_key() -> Result<SigningKey, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(SigningKey::from_bytes(&seed))
}

pub(super) fn write(path: &Path, key: &SigningKey) -> Result<(), KeyFilesError> {
    let line = format!("{PREFIX}{}\n", STANDARD.encode(key.to_bytes()));
    write_new(path, line.as_bytes(), Access::Private)
}

pub(super) fn load(path: &Path, advice: &'static str) -> Result<SigningKey, KeyFilesError> {
    let text = read_text(path, advice)?;
    let seed = text.strip_suffix('\n').and_then(|line| line.strip_prefix(PREFIX)).and_then(decode);
    match seed {
        Some(seed) => Ok(SigningKey::from_bytes(&seed)),
        None => {
            let what = "does not hold a signing key made by `bulla keygen`".to_owned();
            Err(KeyFilesError::Wrong { path: path.to_owned(), what, advice })
        }
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

const PREFIX: &str = "bulla-ed25519-seed ";
