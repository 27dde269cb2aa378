//! The answers of the ledger as the leader sends them to the server that passed the requests on.

use bincode::{Decode, Encode};
use bulla_ledger::Rejection;
use bulla_storage::Answer;
use uuid::Uuid;

use crate::wire::WireError;

/// One [`Answer`] in fixed-width fields.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum WireAnswer {
    Recorded { leaf_index: u64, height: u64, table_id: [u8; 16], time_us: u64, repeated: bool },
    Rejected { code: u16 },
}

impl From<&Answer> for WireAnswer {
    fn from(answer: &Answer) -> Self {
        match *answer {
            Answer::Recorded { leaf_index, height, table_id, time_us, repeated } => {
                WireAnswer::Recorded { leaf_index, height, table_id: table_id.into_bytes(), time_us, repeated }
            }
            Answer::Rejected { rejection } => WireAnswer::Rejected { code: rejection.code() },
        }
    }
}

impl TryFrom<WireAnswer> for Answer {
    type Error = WireError;

    fn try_from(wire: WireAnswer) -> Result<Self, WireError> {
        match wire {
            WireAnswer::Recorded { leaf_index, height, table_id, time_us, repeated } => {
                Ok(Answer::Recorded { leaf_index, height, table_id: Uuid::from_bytes(table_id), time_us, repeated })
            }
            WireAnswer::Rejected { code } => match Rejection::from_code(code) {
                Some(rejection) => Ok(Answer::Rejected { rejection }),
                None => Err(WireError::new("answer", format!("rejection {code} is not known here"))),
            },
        }
    }
}
