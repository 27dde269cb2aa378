//! A request that was refused for good: its id is spent, and it is no leaf.

use bulla_ledger::{Rejection, Transfer};

/// What was refused, why, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// POSIX microseconds.
    pub(crate) time_us: u64,
    pub(crate) rejection: Rejection,
    pub(crate) transfer: Transfer,
}

impl Refused {
    pub(crate) const LEN: usize = 8 + 2 + 6 + Transfer::LEN;

    /// `u64 time_us | u16 code | 6 zero | transfer 128`.
    pub(crate) fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.time_us.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.rejection.code().to_be_bytes());
        bytes[16..].copy_from_slice(&self.transfer.encode());
        bytes
    }

    /// `None` for bytes that `encode` does not make, and for rejections that do not spend an id.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (time_us, rest) = bytes.split_first_chunk()?;
        let (code, rest) = rest.split_first_chunk()?;
        let (reserved, transfer) = rest.split_first_chunk::<6>()?;
        let rejection = Rejection::from_code(u16::from_be_bytes(*code))?;
        let transfer = Transfer::decode(transfer).ok()?;
        let is_ours = *reserved == [0; 6] && rejection.is_final();
        is_ours.then_some(Self { time_us: u64::from_be_bytes(*time_us), rejection, transfer })
    }
}
