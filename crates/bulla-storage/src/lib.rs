//! The data directory: Raft log, record tables, blocks, indexes and guard file, on redb and block files.
#![doc = include_str!("../DESIGN.md")]

mod answer;
mod apply;
mod block_file;
mod block_layout;
mod catch_up;
mod chain;
mod contain;
mod directory;
mod error;
mod fold;
mod guard;
pub mod identity;
mod layers;
mod leaves;
mod ledger;
mod list;
mod manifest;
mod raft_log;
mod read;
mod receipt;
mod refused;
mod rows;
mod seal;
mod seal_rows;
mod side_data;
mod store;
mod store_table;
mod stored;
mod table;
mod verify;
mod view;

pub use answer::{Answer, Batch, Item};
pub use catch_up::{Lacking, StagedBlock};
pub use error::StorageError;
pub use guard::{Guard, GuardError};
pub use identity::Identity;
pub use ledger::{Durable, Ledger};
pub use list::Holding;
pub use raft_log::{LogOp, LogState, RaftLog};
pub use receipt::ReceiptAnswer;
pub use seal::{AttestOutcome, SealingStatus, WaitingTable};
pub use store::{Store, StoreOptions};
pub use table::{ClosedTable, Closing, TableInfo};
pub use verify::{Progress, Verified};
pub use view::{BlockView, Entry, RecordView, TableState, TableView};
