//! Receipts (C2SP tlog-proof): a record, the proof that it is in the log, and the sealed checkpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, MalformedCheckpoint, canonical_u64};
use crate::cursor::Cursor;
use crate::hash::Hash;
use crate::leaf::DecodeError;
use crate::note::{MalformedNote, SignedNote};
use crate::proof::PROOF_HASHES_MAX;

/// Most raw bytes of a receipt's extra line: record, payload, header and header path.
pub const RECEIPT_EXTRA_BYTES_MAX: usize = 48_000;

/// Most bytes of a receipt's text.
pub const RECEIPT_BYTES_MAX: usize = 262_144;

/// A receipt as parsed, or as a node puts it together. Nothing is verified yet: see
/// [`Receipt::verify`].
///
/// ```text
/// c2sp.org/tlog-proof@v1
/// extra <base64>                 "BULR" 01 | u16 + record | u8 0, or 1 salt 32 u32 + payload
/// index <leaf index>                       | u16 + header | u8 k + k x 32 header path
/// <base64 of a path hash>        one line each, leaf side first
///
/// <the checkpoint, verbatim>
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The record leaf.
    pub record: Vec<u8>,
    /// Salt and bytes of the record's payload, when they were asked for.
    pub payload: Option<SaltedPayload>,
    /// The header leaf of the record's block.
    pub header: Vec<u8>,
    /// Inclusion proof of the header leaf in the checkpoint's log.
    pub header_path: Vec<Hash>,
    /// Leaf index of the record.
    pub index: u64,
    /// Inclusion proof of the record in the checkpoint's log.
    pub path: Vec<Hash>,
    /// The checkpoint that both paths lead to, with its signatures.
    pub checkpoint: SignedNote,
}

/// A payload with the salt under which the record committed to it: salt first.
pub type SaltedPayload = ([u8; 32], Vec<u8>);

/// The receipt would be larger than any verifier accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "record, payload and header are {bytes} bytes together, and a receipt holds \
     {RECEIPT_EXTRA_BYTES_MAX}; ask for it without the payload"
)]
pub struct ReceiptTooLarge {
    /// Raw bytes of the extra line.
    pub bytes: usize,
}

/// Why bytes are not a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedReceipt {
    /// More bytes than [`RECEIPT_BYTES_MAX`].
    #[error("a receipt has at most {RECEIPT_BYTES_MAX} bytes")]
    TooLong,
    /// Bytes that are not UTF-8.
    #[error("a receipt is UTF-8")]
    NotUtf8,
    /// The first line names another format or version: cannot verify.
    #[error("cannot verify: the first line is not `{FIRST_LINE}`")]
    UnknownFormat,
    /// No empty line between the proof and the checkpoint.
    #[error("there is no empty line before the checkpoint")]
    NoCheckpoint,
    /// The second line is not the extra line.
    #[error("line 2 is not `extra <base64>` of at most {RECEIPT_EXTRA_BYTES_MAX} bytes")]
    ExtraLine,
    /// The extra line holds bytes of another format or version: cannot verify.
    #[error("cannot verify: the extra line is of a format or version unknown here")]
    UnknownExtra,
    /// The bytes of the extra line break their format.
    #[error("the extra line is wrong")]
    Extra(#[source] DecodeError),
    /// The third line is not the index line.
    #[error("line 3 is not `index <decimal leaf index>`")]
    IndexLine,
    /// A line of the path is not a hash.
    #[error("line {line} is not a hash of 32 bytes in base64")]
    PathLine {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A path has too many hashes.
    #[error("a path has at most {PROOF_HASHES_MAX} hashes")]
    PathTooLong,
    /// What follows the empty line is not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note(#[from] MalformedNote),
    /// The signed note is not a checkpoint.
    #[error("the signed note is not a checkpoint")]
    Checkpoint(#[from] MalformedCheckpoint),
}

impl MalformedReceipt {
    /// Whether the bytes may be a receipt of a format newer than this code.
    pub fn is_unknown(&self) -> bool {
        use MalformedReceipt::{UnknownExtra, UnknownFormat};
        matches!(self, UnknownFormat | UnknownExtra)
    }
}

impl Receipt {
    /// The receipt's text.
    ///
    /// # Errors
    /// When the payload makes it larger than a receipt may be.
    ///
    /// # Panics
    /// When a path is longer than any proof.
    pub fn to_text(&self) -> Result<String, ReceiptTooLarge> {
        let longest = self.path.len().max(self.header_path.len());
        assert!(longest <= PROOF_HASHES_MAX, "a path of {longest} hashes");
        let extra = STANDARD.encode(self.extra()?);
        let mut text = format!("{FIRST_LINE}\nextra {extra}\nindex {}\n", self.index);
        for hash in &self.path {
            text += &hash.to_base64();
            text.push('\n');
        }
        text.push('\n');
        text += &self.checkpoint.to_string();
        Ok(text)
    }

    /// Parses a receipt. Bytes that are accepted are what [`Receipt::to_text`] writes.
    ///
    /// # Errors
    /// When the bytes are not a receipt.
    pub fn parse(bytes: &[u8]) -> Result<Receipt, MalformedReceipt> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(MalformedReceipt::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| MalformedReceipt::NotUtf8)?;
        let rest = text
            .strip_prefix(FIRST_LINE)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(MalformedReceipt::UnknownFormat)?;
        let (proof, checkpoint) = rest.split_once("\n\n").ok_or(MalformedReceipt::NoCheckpoint)?;
        let mut lines = proof.split('\n');
        let extra = lines.next().and_then(read_extra_line);
        let extra = Extra::decode(&extra.ok_or(MalformedReceipt::ExtraLine)?)?;
        let index = lines.next().and_then(read_index_line);
        let index = index.ok_or(MalformedReceipt::IndexLine)?;
        let path = lines
            .enumerate()
            .map(|(place, line)| {
                let line_number = place + 4;
                Hash::from_base64(line).ok_or(MalformedReceipt::PathLine { line: line_number })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if path.len().max(extra.header_path.len()) > PROOF_HASHES_MAX {
            return Err(MalformedReceipt::PathTooLong);
        }
        let checkpoint = SignedNote::parse(checkpoint.as_bytes())?;
        checkpoint.text.parse::<Checkpoint>()?;
        Ok(Receipt {
            record: extra.record,
            payload: extra.payload,
            header: extra.header,
            header_path: extra.header_path,
            index,
            path,
            checkpoint,
        })
    }

    fn extra(&self) -> Result<Vec<u8>, ReceiptTooLarge> {
        let payload_bytes = self.payload.as_ref().map_or(0, |(_, bytes)| 36 + bytes.len());
        let bytes = EXTRA_MAGIC.len()
            + 2
            + self.record.len()
            + 1
            + payload_bytes
            + 2
            + self.header.len()
            + 1
            + 32 * self.header_path.len();
        if bytes > RECEIPT_EXTRA_BYTES_MAX {
            return Err(ReceiptTooLarge { bytes });
        }
        let mut extra = Vec::with_capacity(bytes);
        extra.extend_from_slice(&EXTRA_MAGIC);
        extra.extend_from_slice(&(self.record.len() as u16).to_be_bytes());
        extra.extend_from_slice(&self.record);
        extra.push(self.payload.is_some().into());
        if let Some((salt, payload)) = &self.payload {
            extra.extend_from_slice(salt);
            extra.extend_from_slice(&(payload.len() as u32).to_be_bytes());
            extra.extend_from_slice(payload);
        }
        extra.extend_from_slice(&(self.header.len() as u16).to_be_bytes());
        extra.extend_from_slice(&self.header);
        extra.push(self.header_path.len() as u8);
        for hash in &self.header_path {
            extra.extend_from_slice(&hash.0);
        }
        assert_eq!(extra.len(), bytes, "the length was added up right");
        Ok(extra)
    }
}

/// What the extra line carries.
struct Extra {
    record: Vec<u8>,
    payload: Option<SaltedPayload>,
    header: Vec<u8>,
    header_path: Vec<Hash>,
}

impl Extra {
    fn decode(bytes: &[u8]) -> Result<Extra, MalformedReceipt> {
        let body = bytes.strip_prefix(&EXTRA_MAGIC).ok_or(MalformedReceipt::UnknownExtra)?;
        Extra::read(Cursor::new(body)).map_err(MalformedReceipt::Extra)
    }

    fn read(mut cursor: Cursor<'_>) -> Result<Extra, DecodeError> {
        let record_bytes = cursor.u16()?;
        let record = cursor.take(record_bytes.into())?.to_vec();
        let payload = read_payload(&mut cursor)?;
        let header_bytes = cursor.u16()?;
        let header = cursor.take(header_bytes.into())?.to_vec();
        let hash_count = cursor.u8()?;
        let header_path = (0..hash_count).map(|_| cursor.hash()).collect::<Result<_, _>>()?;
        cursor.finish()?;
        Ok(Extra { record, payload, header, header_path })
    }
}

fn read_payload(cursor: &mut Cursor<'_>) -> Result<Option<SaltedPayload>, DecodeError> {
    match cursor.u8()? {
        0 => Ok(None),
        1 => {
            let salt = cursor.array()?;
            let payload_bytes = cursor.u32()?;
            Ok(Some((salt, cursor.take(payload_bytes as usize)?.to_vec())))
        }
        _ => Err(DecodeError::Invalid { field: "payload flag", rule: "is 0 or 1" }),
    }
}

fn read_extra_line(line: &str) -> Option<Vec<u8>> {
    let extra = STANDARD.decode(line.strip_prefix("extra ")?).ok()?;
    (extra.len() <= RECEIPT_EXTRA_BYTES_MAX).then_some(extra)
}

fn read_index_line(line: &str) -> Option<u64> {
    canonical_u64(line.strip_prefix("index ")?)
}

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// "BULR", version 1.
const EXTRA_MAGIC: [u8; 5] = *b"BULR\x01";

// The lengths in the extra line are written as u16 and u32.
const _: () = assert!(RECEIPT_EXTRA_BYTES_MAX <= u16::MAX as usize);
