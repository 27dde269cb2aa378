//! Agreement: openraft adapters, group commit, and the sealing of tables by every voter.
#![doc = include_str!("../DESIGN.md")]

#[doc(hidden)]
pub mod accepted;
mod answer_wire;
#[cfg(test)]
mod blocks_suite;
mod command;
mod consensus;
mod deviation;
mod engine;
mod erasure;
mod event;
mod heal;
mod incident;
mod local;
mod log_cache;
mod log_store;
#[cfg(test)]
mod log_store_suite;
mod member;
mod message;
mod network;
mod peer;
mod proposer;
mod pull;
mod quarantine;
mod rebuild;
mod replay;
mod response;
mod scrub_status;
mod scrubber;
mod sealer;
mod settings;
mod state_machine;
mod status;
mod submit_error;
mod transport;
mod types;
mod wire;

pub use event::Event;
pub use incident::IncidentReport;
pub use local::LocalNetwork;
pub use member::Member;
pub use scrub_status::{Damaged, ScrubRunning, ScrubStatus, ScrubbedPass};
pub use sealer::CLOCK_AHEAD_S_MAX;
pub use settings::{Clock, Settings};
pub use status::{ClusterStatus, MemberProgress, MemberStatus, QuarantineStatus, Role};
pub use submit_error::SubmitError;
pub use transport::{Lane, NoPeers, NodeId, PeerHandler, Transport, TransportError};
