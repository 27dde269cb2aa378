//! The key of a witness: its name and its secret in one line, which is all that a witness is.
//!
//! ```text
//! PRIVATE+KEY+<name>+<key id, 8 hexadecimal digits>+<base64 of 04 | the 32 bytes of the seed>
//! ```

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulla_sealing::{Cosigner, SigningKey, check_key_name};

use super::KeyFilesError;
use super::files::{Access, read_text, sync_directory, write_new};

/// Makes the key of a new witness in a file that is not there yet.
pub(crate) fn make_witness_key(path: &Path, name: &str) -> Result<Cosigner, KeyFilesError> {
    check_key_name(name).map_err(|error| KeyFilesError::Wrong {
        path: path.to_owned(),
        what: format!("was not made: {error}"),
        advice: "choose a name that nobody else uses, such as a URL without its scheme",
    })?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| KeyFilesError::Io {
        action: "find randomness for",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    let cosigner = Cosigner::new(SigningKey::from_bytes(&seed), name);
    let material = STANDARD.encode([&[TYPE], &seed[..]].concat());
    let key_id = cosigner.verifier_key().key_id();
    let line = format!("{PREFIX}{name}+{key_id:08x}+{material}\n");
    write_new(path, line.as_bytes(), Access::Private)?;
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    sync_directory(directory.unwrap_or(Path::new(".")))?;
    Ok(cosigner)
}

/// Reads the key of a witness.
pub(crate) fn load_witness_key(path: &Path) -> Result<Cosigner, KeyFilesError> {
    let text = read_text(path, ADVICE)?;
    parse(&text).ok_or_else(|| {
        let what = "does not hold the key of a witness".to_owned();
        KeyFilesError::Wrong { path: path.to_owned(), what, advice: ADVICE }
    })
}

fn parse(text: &str) -> Option<Cosigner> {
    let (name, rest) = text.strip_suffix('\n')?.strip_prefix(PREFIX)?.split_once('+')?;
    let (key_id, material) = rest.split_once('+')?;
    check_key_name(name).ok()?;
    let material = STANDARD.decode(material).ok()?;
    let seed = material.strip_prefix(&[TYPE])?.try_into().ok()?;
    let cosigner = Cosigner::new(SigningKey::from_bytes(&seed), name);
    (key_id == format!("{:08x}", cosigner.verifier_key().key_id())).then_some(cosigner)
}

const PREFIX: &str = "PRIVATE+KEY+";
/// The signature type of cosignatures.
const TYPE: u8 = 0x04;
const ADVICE: &str = "make one with `bulla witness keygen`, or name the right file with --key";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_read_back_kept_private_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witness.key");
        let made = make_witness_key(&path, "witness.example/w1").unwrap().verifier_key();
        assert_eq!(load_witness_key(&path).unwrap().verifier_key(), made);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(make_witness_key(&path, "w2"), Err(KeyFilesError::Exists { .. })));
        assert!(matches!(make_witness_key(&directory.path().join("x"), "a b"), Err(KeyFilesError::Wrong { .. })));
        assert!(!directory.path().join("x").exists());

        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let read = load_witness_key(&path).map(|cosigner| cosigner.verifier_key());
            assert!(read.is_err(), "byte {at}");
        }
    }
}
