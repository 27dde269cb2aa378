//! The promise: what was sealed can be shown to have been sealed by a time, to anybody, with `openssl` alone.

mod authority;
mod cluster;
mod refused;
mod responder;
