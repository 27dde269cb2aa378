//! The promise: verifiers that others wrote for another log accept what this one proves, and nothing that was changed.
//!
//! Sigstore's clients verify entries of the transparency log Rekor: that a leaf is in a tree (RFC 6962), and that the
//! log's key has signed the tree (C2SP tlog-checkpoint). Which log that is comes from a file, the trusted root; so a
//! record of a bulla ledger is handed to them as an entry, with its receipt as the inclusion proof. What judges is the
//! code of the packages `sigstore` (PyPI) and `@sigstore/verify` (npm), as it is released.
//!
//! The calls are those that judge a log entry. The ones above them, `Verifier.verify_artifact` in Python and
//! `Verifier.verify` in JavaScript, judge software that somebody signed, of which the entry is one part. They take the
//! leaf for JSON of a kind that Rekor knows (`hashedrekord`, `dsse`): `sigstore/verify/verifier.py` raises "Expected entry
//! type hashedrekord", and `verifyTLogBody` of `@sigstore/verify/dist/tlog/index.js` begins with `JSON.parse`. So no other
//! log's leaves can pass there, whatever its proofs are.

mod entries;
mod installed;
mod sigstore;
