//! The data directory held against the reference ledger, crashes, damage and peers.

mod catching_up;
mod damage;
mod directory;
mod log;
mod node;
mod oracle;
mod proving;
mod reopening;
mod requests;
mod sealing;
mod tampering;
