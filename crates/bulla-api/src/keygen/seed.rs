//! The file of an Ed25519 signing key: 64 hexadecimal digits and a newline, as in a data directory.

use std::path::Path;

use bulla_sealing::{Hash, SigningKey};

use super::KeyFilesError;
use super::files::{Access, read_text, write_new};

pub(super) fn write(path: &Path, key: &SigningKey) -> Result<(), KeyFilesError> {
    let line = format!("{}\n", Hash(key.to_bytes()));
    write_new(path, line.as_bytes(), Access::Private)
}

pub(super) fn load(path: &Path, advice: &'static str) -> Result<SigningKey, KeyFilesError> {
    let text = read_text(path, advice)?;
    match text.strip_suffix('\n').map(str::parse::<Hash>) {
        Some(Ok(seed)) => Ok(SigningKey::from_bytes(&seed.0)),
        _ => {
            let what = "does not hold a signing key made by `bulla keygen`".to_owned();
            Err(KeyFilesError::Wrong { path: path.to_owned(), what, advice })
        }
    }
}
