//! The compact bodies: 128-byte requests in, 32-byte answers out.
//!
//! A request body is a run of transfers as `bulla_ledger::Transfer::encode` lays them out. An answer
//! body has one answer for each, in the same order, all integers unsigned and big-endian:
//!
//! | off | len | field |
//! |---|---|---|
//! | 0 | 1 | outcome: 1 recorded, 2 recorded before, 3 rejected |
//! | 1 | 1 | reserved, 0 |
//! | 2 | 2 | the rejection's number; 0 unless rejected |
//! | 4 | 4 | reserved, 0 |
//! | 8 | 8 | leaf index; 0 when rejected |
//! | 16 | 8 | height; 0 when rejected |
//! | 24 | 8 | record time in POSIX microseconds; 0 when rejected |

/// The media type of a body of 128-byte requests.
pub const TRANSFERS_MEDIA_TYPE: &str = "application/vnd.bulla.transfers";
/// The media type of a body of 32-byte answers.
pub const ANSWERS_MEDIA_TYPE: &str = "application/vnd.bulla.answers";

const RECORDED: u8 = 1;
const RECORDED_BEFORE: u8 = 2;
const REJECTED: u8 = 3;

/// What became of one transfer, in 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompactAnswer {
    /// It is in the ledger.
    Recorded {
        /// Its place in the ledger's Merkle log.
        leaf_index: u64,
        /// The height of the block that its table is or will be.
        height: u64,
        /// When it was recorded, in POSIX microseconds.
        time_us: u64,
        /// True when it had been recorded before.
        repeated: bool,
    },
    /// It is not.
    Rejected {
        /// The rejection's number, as `bulla_ledger::Rejection::from_code` reads it.
        code: u16,
    },
}

/// Why a body is not a run of answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompactError {
    /// The length is no multiple of 32.
    #[error("a body of answers has 32 bytes for each, this one has {bytes} bytes")]
    Length {
        /// Its length.
        bytes: usize,
    },
    /// The bytes of one answer follow no row of the table.
    #[error("answer {index} has bytes that no answer has")]
    Malformed {
        /// Which answer, counted from 0.
        index: usize,
    },
}

impl CompactAnswer {
    /// Bytes of one answer.
    pub const LEN: usize = 32;

    /// The 32 bytes.
    pub fn encode(&self) -> [u8; CompactAnswer::LEN] {
        let mut bytes = [0; CompactAnswer::LEN];
        match *self {
            CompactAnswer::Recorded { leaf_index, height, time_us, repeated } => {
                bytes[0] = if repeated { RECORDED_BEFORE } else { RECORDED };
                bytes[8..16].copy_from_slice(&leaf_index.to_be_bytes());
                bytes[16..24].copy_from_slice(&height.to_be_bytes());
                bytes[24..32].copy_from_slice(&time_us.to_be_bytes());
            }
            CompactAnswer::Rejected { code } => {
                bytes[0] = REJECTED;
                bytes[2..4].copy_from_slice(&code.to_be_bytes());
            }
        }
        bytes
    }

    /// Reads a body of answers.
    ///
    /// # Errors
    /// [`CompactError`] when it is none.
    pub fn decode_all(body: &[u8]) -> Result<Vec<CompactAnswer>, CompactError> {
        let (answers, []) = body.as_chunks::<{ CompactAnswer::LEN }>() else {
            return Err(CompactError::Length { bytes: body.len() });
        };
        answers
            .iter()
            .enumerate()
            .map(|(index, bytes)| decode(bytes).ok_or(CompactError::Malformed { index }))
            .collect()
    }
}

fn decode(bytes: &[u8; CompactAnswer::LEN]) -> Option<CompactAnswer> {
    let u64_at = |at: usize| bytes[at..].first_chunk().map(|chunk| u64::from_be_bytes(*chunk));
    let answer = match bytes[0] {
        outcome @ (RECORDED | RECORDED_BEFORE) => CompactAnswer::Recorded {
            leaf_index: u64_at(8)?,
            height: u64_at(16)?,
            time_us: u64_at(24)?,
            repeated: outcome == RECORDED_BEFORE,
        },
        REJECTED => CompactAnswer::Rejected { code: u16::from_be_bytes([bytes[2], bytes[3]]) },
        _ => return None,
    };
    // Whatever an answer leaves at zero has to be zero, so that one answer has one encoding.
    (answer.encode() == *bytes).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERS: [CompactAnswer; 3] = [
        CompactAnswer::Recorded { leaf_index: 1, height: 2, time_us: 3, repeated: false },
        CompactAnswer::Recorded { leaf_index: u64::MAX, height: 0, time_us: 1, repeated: true },
        CompactAnswer::Rejected { code: 7 },
    ];

    #[test]
    fn answers_read_back_what_they_write() {
        let body: Vec<u8> = ANSWERS.iter().flat_map(CompactAnswer::encode).collect();
        assert_eq!(CompactAnswer::decode_all(&body), Ok(ANSWERS.to_vec()));
    }

    #[test]
    fn one_answer_has_one_encoding() {
        for answer in ANSWERS {
            for at in 0..CompactAnswer::LEN {
                let mut bytes = answer.encode();
                bytes[at] ^= 0x80;
                let read = CompactAnswer::decode_all(&bytes);
                assert_ne!(read, Ok(vec![answer]), "byte {at}");
            }
        }
        let body = [0; 33];
        assert_eq!(CompactAnswer::decode_all(&body), Err(CompactError::Length { bytes: 33 }));
        assert_eq!(CompactAnswer::decode_all(&body[..32]), Err(CompactError::Malformed { index: 0 }));
    }
}
