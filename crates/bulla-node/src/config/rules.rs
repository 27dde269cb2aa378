//! The rules that a file must keep to be a configuration.

use super::document::Document;
use super::{ClusterConfig, ClusterNode, Problem};

/// What `document` means, or everything in it that cannot work.
pub(super) fn check(document: Document) -> Result<ClusterConfig, Vec<Problem>> {
    let file = document.file;
    let node = |node: super::NodeSection| {
        Some(ClusterNode {
            id: node.id,
            name: node.name,
            http: node.http.parse().ok()?,
            peer: node.peer.parse().ok()?,
            data: node.data.into(),
        })
    };
    Ok(ClusterConfig {
        ledger: file.ledger,
        nodes: file.node.into_iter().filter_map(node).collect(),
        seal: file.seal,
        limits: file.limits,
        raft: file.raft,
        storage: file.storage,
        peer: file.peer,
    })
}
