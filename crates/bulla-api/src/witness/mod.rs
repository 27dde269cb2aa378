//! A witness of other people's ledgers (C2SP tlog-witness): it cosigns a log as long as the log only grows.
//!
//! ```text
//!   POST /add-checkpoint ──▶ server ──▶ Witness: policy, rules ──▶ StateDirectory ──fsync──▶ cosignature
//!                                          one lock a log             one file a log
//! ```
//!
//! **Invariant:** no cosignature leaves before the checkpoint that it is for is the one that a restart, a `kill -9`
//! or a power cut would find.
//!
//! It refuses to know records, blocks and servers: it has policies, one key, and the last checkpoint of each log.

mod cosign;
mod server;
mod state;

pub(crate) use cosign::Witness;
pub(crate) use server::router;
pub(crate) use state::WitnessError;
