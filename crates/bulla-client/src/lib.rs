//! The HTTP API as a caller sees it: wire types and an async client that verifies what it is told.
#![doc = include_str!("../DESIGN.md")]

mod answers;
mod audit;
mod binary;
mod client;
mod cluster;
mod custody;
mod digest;
mod document;
mod error;
mod exchange;
mod named;
mod problem;
mod quantity;
mod replay;
mod replay_rows;
mod requests;
mod schema;
mod scrub;
mod tile;
mod time;
mod timestamp;
mod views;
mod witness;

pub use answers::{BatchAnswer, ItemAnswer, Recorded, Stage, WaitQuery};
pub use audit::{AuditError, SealedTiles};
pub use binary::{ANSWERS_MEDIA_TYPE, CompactAnswer, CompactError, TRANSFERS_MEDIA_TYPE};
pub use client::{Client, ClientOptions, GivenPromise, ProvenCheckpoint, ProvenRecord, ProvenTimestamp};
pub use cluster::{
    BlockView, ClusterView, MemberView, OtherRootView, ProgressView, QuarantineView, Role, TableStage, TableView,
    TimestampView, TimestampingView, UnsealedView, WitnessView,
};
pub use custody::{
    AssetProofError, CustodyProofError, ProvenAsset, ProvenCustody, verify_asset_proof, verify_certificate,
};
pub use digest::Digest;
pub use document::{Document, DocumentError};
pub use error::ClientError;
pub use named::Named;
pub use problem::Problem;
pub use quantity::{Quantity, QuantityError};
pub use replay::{BrokenLeaf, Replay};
pub use requests::{
    Act, AssetRequest, BatchRequest, ClassRequest, EraseRequest, Kind, Moves, PartyRequest, TransferRequest,
};
pub use scrub::{DamagedView, ScrubAsked, ScrubView, ScrubbedView};
pub use tile::{TILE_WIDTH, Tile};
pub use time::{Time, TimeError};
pub use timestamp::{
    AuthorityError, Timestamp, TimestampAuthority, TimestampClient, TimestampClientError, TimestampError,
    TimestampQuery,
};
pub use views::{
    AssetView, ClassView, ErasedView, HoldingView, IncidentTold, IncidentView, Page, PageQuery, PartyView,
    PayloadQuery, RecordAnswer, RecordView, RejectedView,
};
pub use witness::{WitnessClient, WitnessError};
