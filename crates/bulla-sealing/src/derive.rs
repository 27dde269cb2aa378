//! Ids that nobody can choose: UUIDs derived from hashes.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::hash::Hash;

/// Id of the record table that block `height` seals, fixed by the block before it.
///
/// `prev_header` is the leaf hash of the previous header leaf, [`Hash::ZERO`] for height 0.
///
/// ```
/// use bulla_sealing::{Hash, table_id};
/// let ledger = uuid::Uuid::nil();
/// let table = table_id(ledger, 0, &Hash::ZERO);
/// assert_eq!(table.get_version_num(), 8);
/// assert_ne!(table, table_id(ledger, 1, &Hash::ZERO));
/// ```
pub fn table_id(ledger_id: Uuid, height: u64, prev_header: &Hash) -> Uuid {
    derived(&[b"bulla/table/v1\0", ledger_id.as_bytes(), &height.to_be_bytes(), &prev_header.0])
}

/// Id of the ledger that begins with this genesis config leaf, its ledger id zeroed.
///
/// [`crate::ConfigLeaf::genesis`] zeroes and fills it in; a decoded genesis leaf has been checked.
pub fn ledger_id(genesis_leaf_zeroed: &[u8]) -> Uuid {
    derived(&[b"bulla/ledger/v1\0", genesis_leaf_zeroed])
}

fn derived(parts: &[&[u8]]) -> Uuid {
    let mut sha = Sha256::new();
    parts.iter().for_each(|part| sha.update(part));
    let digest: [u8; 32] = sha.finalize().into();
    Uuid::new_v8(*digest.first_chunk().expect("32 bytes hold 16"))
}
