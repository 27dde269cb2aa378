//! Signed notes (C2SP signed-note): text, an empty line, and signature lines.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::keys::can_stand_in_a_line;

/// Most signature lines of a note.
pub const SIGNATURES_MAX: usize = 256;

/// A text and the signatures under it. Nothing is verified yet: see [`crate::Policy::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    /// What is signed, its last newline included.
    pub text: String,
    /// The signature lines in their order.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key: see [`crate::VerifierKey::key_id`].
    pub key_id: u32,
    /// What the key's type defines: 64 bytes for a log, 8 bytes of time and 64 for a cosignature.
    pub signature: Vec<u8>,
}

/// Why text is not a signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNote {
    /// Bytes that are not UTF-8.
    #[error("a note is UTF-8")]
    NotUtf8,
    /// A control character other than newline.
    #[error("a note has no control characters other than newline")]
    ControlCharacter,
    /// No empty line between text and signatures.
    #[error("a note has an empty line between its text and its signatures")]
    NoEmptyLine,
    /// A signature line is not of the form that the format prescribes.
    #[error("signature line {line} is not `\u{2014} <name> <base64>`")]
    SignatureLine {
        /// Number of the signature line, from 1.
        line: usize,
    },
    /// More signature lines than [`SIGNATURES_MAX`].
    #[error("a note has at most {SIGNATURES_MAX} signatures")]
    TooManySignatures,
}

impl SignedNote {
    /// Parses a note. Text that is accepted is what [`SignedNote`]'s `Display` writes, byte for byte.
    ///
    /// # Errors
    /// When the bytes are not a signed note.
    ///
    /// ```
    /// let text = "This is an example message.\n\n\
    ///     \u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    /// let note = bulla_sealing::SignedNote::parse(text.as_bytes())?;
    /// assert_eq!(note.signatures[0].key_id, 0x530d903a);
    /// assert_eq!(note.to_string(), text);
    /// # Ok::<(), bulla_sealing::MalformedNote>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<SignedNote, MalformedNote> {
        let note = std::str::from_utf8(bytes).map_err(|_| MalformedNote::NotUtf8)?;
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err(MalformedNote::ControlCharacter);
        }
        let middle = note.rfind("\n\n").ok_or(MalformedNote::NoEmptyLine)?;
        let (text, lines) = (&note[..=middle], &note[middle + 2..]);
        let signatures = lines
            .split_inclusive('\n')
            .enumerate()
            .map(|(index, line)| {
                let line_number = index + 1;
                read_line(line).ok_or(MalformedNote::SignatureLine { line: line_number })
            })
            .collect::<Result<Vec<_>, _>>()?;
        match signatures.len() {
            0 => Err(MalformedNote::SignatureLine { line: 1 }),
            1..=SIGNATURES_MAX => Ok(SignedNote { text: text.to_owned(), signatures }),
            _ => Err(MalformedNote::TooManySignatures),
        }
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            let mut bytes = line.key_id.to_be_bytes().to_vec();
            bytes.extend_from_slice(&line.signature);
            writeln!(f, "\u{2014} {} {}", line.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

fn read_line(line: &str) -> Option<NoteSignature> {
    let line = line.strip_prefix("\u{2014} ")?.strip_suffix('\n')?;
    let (name, base64) = line.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    let (key_id, signature) = bytes.split_first_chunk()?;
    let well_formed = can_stand_in_a_line(name) && !signature.is_empty();
    well_formed.then(|| NoteSignature {
        name: name.to_owned(),
        key_id: u32::from_be_bytes(*key_id),
        signature: signature.to_owned(),
    })
}
