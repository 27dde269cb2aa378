//! A bulla node in your process: open, submit, read, prove, watch, shut down.
#![doc = include_str!("../DESIGN.md")]

pub mod config;
mod found;
mod node;
mod options;

pub use bulla_consensus::{
    ClusterStatus, Damaged, Event, IncidentReport, Lane, LocalNetwork, MemberProgress, MemberStatus, NoPeers, NodeId,
    PeerHandler, QuarantineStatus, Role, ScrubRunning, ScrubStatus, ScrubbedPass, SubmitError, Transport,
    TransportError,
};
pub use bulla_storage::identity as identity_files;
pub use bulla_storage::tamper;
pub use bulla_storage::{
    Answer, AuditedBlock, Batch, BlockFiles, BlockView, CertificateAnswer, ClosedTable, Entry, Holding, Identity,
    Incident, Item, Ledger, Progress, ReadOnlyStore, ReceiptAnswer, RecordView, StateAnswer, StorageError, Store,
    StoreOptions, TILE_WIDTH, TableInfo, TableState, TableView, Verified, WaitingTable, read_ahead,
};
pub use found::{FoundError, found};
pub use node::{Node, OpenError};
pub use options::{Member, NodeOptions};
