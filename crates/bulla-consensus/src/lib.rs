//! Agreement: openraft adapters, group commit, and the sealing of tables by every voter.
#![doc = include_str!("../DESIGN.md")]

mod transport;

pub use transport::{Lane, NoPeers, NodeId, PeerHandler, Transport, TransportError};
