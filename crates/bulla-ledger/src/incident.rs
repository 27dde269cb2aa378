//! The record ids of incidents: whoever reports the same thing reports it under the same id.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::RecordId;

/// The record id under which something that is wrong with a server's copy is reported, by whichever server notices it.
///
/// A UUIDv8 of the first sixteen bytes of
/// `SHA-256("bulla/incident/v1\0" || ledger || u16 length, incident || u16 length, server || u64 height || found)`,
/// where `incident` is the word for what went wrong, `server` the name of the server whose copy it is, `height` that of
/// the block (`u64::MAX` when it is in no block), and `found` the root that was found in the place of another, or a
/// SHA-256 of the bytes.
///
/// # Panics
/// When a word or name is longer than 65,535 bytes.
pub fn incident_id(ledger: Uuid, incident: &str, server: &str, height: u64, found: &[u8; 32]) -> RecordId {
    let length = |text: &str| u16::try_from(text.len()).expect("words and names are short").to_be_bytes();
    let sha = Sha256::new().chain_update(b"bulla/incident/v1\0").chain_update(ledger.as_bytes());
    let sha = sha.chain_update(length(incident)).chain_update(incident);
    let sha = sha.chain_update(length(server)).chain_update(server);
    derived(sha.chain_update(height.to_be_bytes()).chain_update(found))
}

/// The record id under which the incident that `opened` reported is closed: `SHA-256("bulla/incident-closed/v1\0" ||
/// opened)`, a UUIDv8 likewise.
pub fn incident_closed_id(opened: RecordId) -> RecordId {
    derived(Sha256::new().chain_update(b"bulla/incident-closed/v1\0").chain_update(opened.as_bytes()))
}

fn derived(sha: Sha256) -> RecordId {
    let hash: [u8; 32] = sha.finalize().into();
    RecordId(Uuid::new_v8(*hash.first_chunk().expect("32 bytes hold 16")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: Uuid = Uuid::from_u128(0x0123_4567_89ab_8def_8123_4567_89ab_cdef);

    /// The expected ids were computed by another program, from the words above alone.
    #[test]
    fn the_same_thing_gets_the_same_id_for_ever() {
        let opened = incident_id(LEDGER, "root_differs", "node-2", 7, &[0xAB; 32]);
        assert_eq!(opened.to_string(), "3d059226-7f4b-8265-8385-e823210de45b");
        assert_eq!(incident_closed_id(opened).to_string(), "e558cdf3-5144-8b68-a382-8b5800ec03b3");
    }

    #[test]
    fn what_is_not_the_same_gets_another_id() {
        let one = incident_id(LEDGER, "root_differs", "node-2", 7, &[0xAB; 32]);
        for other in [
            incident_id(Uuid::nil(), "root_differs", "node-2", 7, &[0xAB; 32]),
            incident_id(LEDGER, "root_differsn", "ode-2", 7, &[0xAB; 32]),
            incident_id(LEDGER, "root_differs", "node-3", 7, &[0xAB; 32]),
            incident_id(LEDGER, "root_differs", "node-2", 8, &[0xAB; 32]),
            incident_id(LEDGER, "root_differs", "node-2", 7, &[0xAC; 32]),
        ] {
            assert_ne!(one, other);
        }
    }
}
