//! The promise: servers agree, every one of them signs, and no single one is needed to record.

mod embedded;
mod erasing;
mod processes;
mod quarantined;
mod quarantined_process;
mod scrubbing;
