//! Timestamps of others (RFC 3161): that some bytes existed at some time, signed by an authority that has seen their hash only.
//!
//! ```text
//!   bytes ──SHA-256──▶ Query ──HTTP──▶ authority ──▶ reply ──parse──▶ Timestamp ──▶ of these bytes? to this query?
//!                                                                         │
//!                                    certificates, given by hand ──▶ signed by them?
//! ```
//!
//! **Invariant:** a [`Timestamp`] in hand says yes to nothing by itself. What it stamps, which query it answers and who
//! signed it are three questions, each asked with what the caller has from elsewhere.
//!
//! It reads DER, not BER, and knows the signatures that TLS knows: RSA, ECDSA over P-256 and P-384, and Ed25519. That
//! the signer's certificate was revoked, it does not notice; `openssl ts -verify` with a list of those does.

mod authority;
mod client;
mod elements;
mod query;
mod reply;

pub use authority::{AuthorityError, TimestampAuthority};
pub use client::{TimestampClient, TimestampClientError};
pub use query::TimestampQuery;
pub use reply::{Timestamp, TimestampError};
