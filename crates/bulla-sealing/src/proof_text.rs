//! The text that proofs are carried in: a first line, lines with a word and base64, an empty line, a checkpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, MalformedCheckpoint};
use crate::hash::Hash;
use crate::leaf::DecodeError;
use crate::note::{MalformedNote, SignedNote};
use crate::proof::PROOF_HASHES_MAX;

/// Why bytes are not a state proof or a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedProof {
    /// More bytes than such a proof has.
    #[error("it has {bytes} bytes, more than the {bytes_max} that are accepted")]
    TooLong {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        bytes_max: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// The first line names another format or version: cannot verify.
    #[error("cannot verify: the first line is not `{expected}`")]
    UnknownFormat {
        /// The first line that is known here.
        expected: &'static str,
    },
    /// No empty line between the proof and the checkpoint.
    #[error("there is no empty line before the checkpoint")]
    NoCheckpoint,
    /// A line is not what its place calls for.
    #[error("line {line} is not `{word} <base64>`")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// The word that it should begin with.
        word: &'static str,
    },
    /// The bytes of a line break their format.
    #[error("the bytes of line {line} are wrong")]
    Bytes {
        /// Number of the line, from 1.
        line: usize,
        /// What about them.
        #[source]
        error: DecodeError,
    },
    /// A line follows the last one.
    #[error("line {line} is one too many")]
    LeftOver {
        /// Number of the line, from 1.
        line: usize,
    },
    /// What follows the empty line is not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note(#[from] MalformedNote),
    /// The signed note is not a checkpoint.
    #[error("the signed note is not a checkpoint")]
    Checkpoint(#[from] MalformedCheckpoint),
}

impl MalformedProof {
    /// Whether the bytes may be a proof of a format newer than this code.
    pub fn is_unknown(&self) -> bool {
        matches!(self, MalformedProof::UnknownFormat { .. })
    }
}

/// Such a text, being written or read line by line.
pub(crate) struct Document {
    /// What is written so far; or what is left to be read, with no line end behind the last line.
    text: String,
    /// Where the next line to be read starts, and its number.
    at: usize,
    line: usize,
}

impl Document {
    pub(crate) fn new(first_line: &'static str) -> Document {
        Document { text: format!("{first_line}\n"), at: 0, line: 1 }
    }

    pub(crate) fn line(&mut self, word: &'static str, rest: &str) {
        self.text += word;
        self.text.push(' ');
        self.text += rest;
        self.text.push('\n');
    }

    pub(crate) fn bytes(&mut self, word: &'static str, bytes: &[u8]) {
        self.line(word, &STANDARD.encode(bytes));
    }

    pub(crate) fn end(self, checkpoint: &SignedNote) -> String {
        self.text + "\n" + &checkpoint.to_string()
    }

    /// Reads the first line and the checkpoint. The lines between are to be taken.
    pub(crate) fn parse(
        bytes: &[u8],
        first_line: &'static str,
        bytes_max: usize,
    ) -> Result<(Document, SignedNote), MalformedProof> {
        if bytes.len() > bytes_max {
            return Err(MalformedProof::TooLong { bytes: bytes.len(), bytes_max });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| MalformedProof::NotUtf8)?;
        let rest = text
            .strip_prefix(first_line)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(MalformedProof::UnknownFormat { expected: first_line })?;
        let (lines, checkpoint) = rest.split_once("\n\n").ok_or(MalformedProof::NoCheckpoint)?;
        let checkpoint = SignedNote::parse(checkpoint.as_bytes())?;
        checkpoint.text.parse::<Checkpoint>()?;
        Ok((Document { text: format!("{lines}\n"), at: 0, line: 2 }, checkpoint))
    }

    /// Takes the next line, which begins with `word`, and reads the rest of it.
    pub(crate) fn take<T>(
        &mut self,
        word: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, MalformedProof> {
        let wrong = MalformedProof::Line { line: self.line, word };
        let Some((line, _)) = self.text[self.at..].split_once('\n') else {
            return Err(wrong);
        };
        let rest = line.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '));
        let taken = rest.and_then(read).ok_or(wrong)?;
        self.at += line.len() + 1;
        self.line += 1;
        Ok(taken)
    }

    pub(crate) fn take_bytes(&mut self, word: &'static str) -> Result<Vec<u8>, MalformedProof> {
        self.take(word, |rest| STANDARD.decode(rest).ok())
    }

    pub(crate) fn take_decoded<T>(
        &mut self,
        word: &'static str,
        decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, MalformedProof> {
        let line = self.line;
        decode(&self.take_bytes(word)?).map_err(|error| MalformedProof::Bytes { line, error })
    }

    pub(crate) fn next_is(&self, word: &'static str) -> bool {
        self.text[self.at..].strip_prefix(word).is_some_and(|rest| rest.starts_with(' '))
    }

    pub(crate) fn finish(self) -> Result<(), MalformedProof> {
        match self.at == self.text.len() {
            true => Ok(()),
            false => Err(MalformedProof::LeftOver { line: self.line }),
        }
    }
}

pub(crate) fn base64_of_hashes(hashes: &[Hash]) -> String {
    STANDARD.encode(hashes.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>())
}

/// At most [`PROOF_HASHES_MAX`] of them.
pub(crate) fn hashes_of_base64(text: &str) -> Option<Vec<Hash>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (hashes, rest) = bytes.as_chunks();
    let fits = rest.is_empty() && hashes.len() <= PROOF_HASHES_MAX;
    fits.then(|| hashes.iter().map(|hash| Hash(*hash)).collect())
}
