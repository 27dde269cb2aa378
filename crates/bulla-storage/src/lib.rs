//! The data directory: Raft log, record tables, blocks, indexes and guard file, on redb and block files.
#![doc = include_str!("../DESIGN.md")]

mod answer;
mod catch_up;
mod directory;
mod error;
mod guard;
mod identity;
mod ledger;
mod raft_log;
mod read;
mod receipt;
mod seal;
mod store;
mod table;
mod verify;

pub use answer::{Answer, Batch, Item};
pub use catch_up::StagedBlock;
pub use error::StorageError;
pub use guard::{Guard, GuardError};
pub use identity::Identity;
pub use ledger::{Durable, Ledger};
pub use raft_log::{LogOp, LogState, RaftLog};
pub use read::{BlockView, Entry, Holding, RecordView, TableState, TableView};
pub use receipt::ReceiptAnswer;
pub use seal::{AttestOutcome, SealingStatus, WaitingTable};
pub use store::{Store, StoreOptions};
pub use table::{ClosedTable, Closing, TableInfo};
pub use verify::{Progress, Verified};

pub mod identity_files {
    //! Making and reading the identity of a data directory.
    pub use crate::identity::{create, load};
}
