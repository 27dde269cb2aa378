//! The hello: the first frame of each end, in which it says who it is and whom it wants to reach.

use bulla_node::NodeId;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::LocalNode;

/// The version of the frames and of the hello. Two ends with different versions do not talk.
pub const PEER_PROTOCOL_VERSION: u16 = 1;

/// What one end says of itself. Under TLS it is believed only as far as the certificate agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) version: u16,
    pub(super) ledger_id: Uuid,
    pub(super) from: NodeId,
    pub(super) to: NodeId,
}

impl Hello {
    pub(super) fn new(me: LocalNode, to: NodeId) -> Hello {
        Hello { version: PEER_PROTOCOL_VERSION, ledger_id: me.ledger_id, from: me.node_id, to }
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(Hello::LEN);
        bytes.put_slice(&MAGIC);
        bytes.put_u16(self.version);
        bytes.put_slice(self.ledger_id.as_bytes());
        bytes.put_u64(self.from);
        bytes.put_u64(self.to);
        bytes.freeze()
    }

    /// Reads a hello, or says why the other end is not one of ours. The version is read from a
    /// hello of any length, so that a newer one is named instead of called corrupt.
    pub(super) fn decode(mut bytes: &[u8]) -> Result<Hello, String> {
        if bytes.len() < MAGIC.len() + 2 || bytes[..MAGIC.len()] != MAGIC {
            return Err("the other end is not a bulla peer; check the peer addresses".to_owned());
        }
        bytes.advance(MAGIC.len());
        let version = bytes.get_u16();
        if version != PEER_PROTOCOL_VERSION {
            return Err(format!(
                "the other end speaks peer protocol {version}, this end {PEER_PROTOCOL_VERSION}; \
                 run releases that speak the same"
            ));
        }
        if bytes.len() != Hello::LEN - MAGIC.len() - 2 {
            return Err("the other end's hello has the wrong length".to_owned());
        }
        let mut ledger_id = [0; 16];
        bytes.copy_to_slice(&mut ledger_id);
        Ok(Hello { version, ledger_id: Uuid::from_bytes(ledger_id), from: bytes.get_u64(), to: bytes.get_u64() })
    }

    /// Whether the other end means this ledger and this node.
    pub(super) fn check_meant_for(&self, me: LocalNode) -> Result<(), String> {
        if self.ledger_id != me.ledger_id {
            return Err(format!("node {} belongs to ledger {}, but this is {me}", self.from, self.ledger_id));
        }
        if self.to != me.node_id {
            return Err(format!(
                "node {} looked for node {}, but this is {me}; check the peer addresses",
                self.from, self.to
            ));
        }
        Ok(())
    }

    const LEN: usize = 4 + 2 + 16 + 8 + 8;
}

const MAGIC: [u8; 4] = *b"BULP";

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello::new(LocalNode { ledger_id: Uuid::from_u128(0xb0_11a), node_id: 2 }, 3)
    }

    #[test]
    fn a_hello_reads_back_as_it_was_written() {
        let bytes = hello().encode();
        assert_eq!(bytes.len(), Hello::LEN);
        assert_eq!(Hello::decode(&bytes), Ok(hello()));
    }

    #[test]
    fn a_newer_hello_is_refused_by_its_version() {
        let mut bytes = Hello { version: 2, ..hello() }.encode().to_vec();
        bytes.extend_from_slice(b"fields of the future");
        let refusal = Hello::decode(&bytes).unwrap_err();
        assert!(refusal.contains("peer protocol 2, this end 1"), "{refusal}");
    }

    #[test]
    fn a_hello_cut_short_is_refused() {
        let bytes = hello().encode();
        for length in 0..bytes.len() {
            Hello::decode(&bytes[..length]).unwrap_err();
        }
    }

    #[test]
    fn a_hello_for_another_node_or_ledger_is_refused() {
        let me = LocalNode { ledger_id: hello().ledger_id, node_id: 3 };
        assert_eq!(hello().check_meant_for(me), Ok(()));
        assert!(hello().check_meant_for(LocalNode { node_id: 4, ..me }).unwrap_err().contains("looked for node 3"));
        let elsewhere = LocalNode { ledger_id: Uuid::nil(), ..me };
        assert!(hello().check_meant_for(elsewhere).unwrap_err().contains("belongs to ledger"));
    }
}
