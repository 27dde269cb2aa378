//! The data directory held against the reference ledger, crashes, damage and peers.

mod catching_up;
mod damage;
mod directory;
mod erasing;
mod forged;
mod log;
mod newer_commit;
mod node;
mod oracle;
mod promising;
mod proving;
mod quarantine;
mod read_only;
mod reopening;
mod replaced;
mod requests;
mod scrubbing;
mod sealing;
mod tampering;
