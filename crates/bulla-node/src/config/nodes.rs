//! The rules for `[[node]]` and `[ledger]`: an odd number of servers, each of them told apart.

use std::path::{Component, Path, PathBuf};

use super::findings::Findings;
use super::{Address, ClusterNode, LedgerSection, NodeSection, PeerSection};

/// The servers that `sections` mean. One without a proper address is left out, and found wrong.
pub(super) fn check(sections: &[NodeSection], peer: &PeerSection, findings: &mut Findings) -> Vec<ClusterNode> {
    count(sections.len(), findings);
    let mut nodes: Vec<(usize, ClusterNode)> = Vec::new();
    for (place, section) in sections.iter().enumerate() {
        let Some(node) = one(place, section, findings) else {
            continue;
        };
        for (earlier_place, earlier) in &nodes {
            told_apart(*earlier_place, earlier, place, &node, findings);
        }
        nodes.push((place, node));
    }
    let nodes: Vec<ClusterNode> = nodes.into_iter().map(|(_, node)| node).collect();
    insecure(&nodes, peer, findings);
    nodes
}

/// A checkpoint's origin is a signer's name in a signed note: no space and no plus sign; and it
/// names, it does not link: no scheme.
pub(super) fn check_ledger(ledger: &LedgerSection, findings: &mut Findings) {
    let Some(origin) = &ledger.origin else { return };
    let visible = origin.bytes().all(|b| b.is_ascii_graphic() && b != b'+');
    if !visible || origin.is_empty() || origin.len() > 255 || origin.contains("://") {
        findings.add(
            &["ledger.origin"],
            format!("origin {origin:?} cannot name a ledger"),
            "write a URL without its scheme, such as ledger.example.org/tools: at most 255 visible \
             ASCII characters, no plus sign",
        );
    }
}

fn count(voters: usize, findings: &mut Findings) {
    if voters == 0 {
        findings.add(
            &["node"],
            "there is no [[node]]".to_owned(),
            "describe at least one server: id, name, http, peer, data",
        );
    } else if voters.is_multiple_of(2) {
        findings.add(
            &["node"],
            format!("{voters} servers are an even number of voters"),
            format!("have {} or {}: {voters} outlive no more failures than {}", voters - 1, voters + 1, voters - 1),
        );
    }
}

fn one(place: usize, section: &NodeSection, findings: &mut Findings) -> Option<ClusterNode> {
    if section.id == 0 {
        findings.add(
            &[&at(place, "id")],
            "a node has the id 0".to_owned(),
            "number servers from 1; an id is never used again for another server",
        );
    }
    if !is_name(&section.name) {
        findings.add(
            &[&at(place, "name")],
            format!("{:?} is not a name for a node", section.name),
            "use 1 to 64 of a-z, 0-9, dot, hyphen and underscore, beginning with a letter or digit",
        );
    }
    if section.data.is_empty() {
        findings.add(
            &[&at(place, "data")],
            format!("node {} has no data directory", section.id),
            "name the directory that it keeps everything in",
        );
    }
    let http = address(place, "http", &section.http, findings);
    let peer = address(place, "peer", &section.peer, findings);
    let (http, peer) = (http?, peer?);
    if peer.is_unspecified() {
        findings.add(
            &[&at(place, "peer")],
            format!("nobody can connect to the peer address {peer}"),
            "write the address or host name under which the other servers reach it",
        );
    }
    Some(ClusterNode { id: section.id, name: section.name.clone(), http, peer, data: PathBuf::from(&section.data) })
}

fn address(place: usize, key: &str, text: &str, findings: &mut Findings) -> Option<Address> {
    let parsed = text.parse();
    if let Err(error) = &parsed {
        findings.add(
            &[&at(place, key)],
            format!("{key} = {text:?} {error}"),
            "write a host and a port, such as 10.0.0.1:7601 or ledger-1.example.org:7601",
        );
    }
    parsed.ok()
}

fn told_apart(earlier_place: usize, earlier: &ClusterNode, place: usize, node: &ClusterNode, findings: &mut Findings) {
    let mut same = |key: &str, earlier_key: &str, what: String, remedy: &str| {
        let line = findings.line(&at(earlier_place, earlier_key));
        findings.add(&[&at(place, key)], format!("{what} as the one on line {line}"), remedy);
    };
    if node.id == earlier.id {
        let what = format!("this node has the same id {}", node.id);
        same("id", "id", what, "give every server an id that no other ever had");
    }
    if node.name == earlier.name {
        let what = format!("this node has the same name {:?}", node.name);
        same("name", "name", what, "give every server a name of its own");
    }
    let one_machine = on_one_machine(earlier, node);
    let (here, there) = (addresses(node), addresses(earlier));
    for (key, address) in here {
        for (earlier_key, earlier_address) in there {
            let clash = address == earlier_address && (one_machine || !address.is_unspecified());
            if clash {
                let what = format!("{key} has the same address {address}");
                same(key, earlier_key, what, "give every server ports of its own");
            }
        }
    }
    if one_machine && plain(&node.data) == plain(&earlier.data) {
        let what = format!("this node has the same data directory {}", node.data.display());
        same("data", "data", what, "give every server on a machine a directory of its own");
    }
}

fn insecure(nodes: &[ClusterNode], peer: &PeerSection, findings: &mut Findings) {
    let exposed: Vec<&str> =
        nodes.iter().filter(|node| peer.insecure && !node.peer.is_loopback()).map(|node| node.name.as_str()).collect();
    if !exposed.is_empty() {
        findings.add(
            &["peer.insecure"],
            format!("insecure peers, but others can reach {}", exposed.join(", ")),
            "set insecure = false, or let every peer address be a loopback address",
        );
    }
}

fn addresses(node: &ClusterNode) -> [(&'static str, &Address); 2] {
    [("http", &node.http), ("peer", &node.peer)]
}

/// Peers are told apart by their peer address; on machines of their own they may well use the
/// same data directory.
fn on_one_machine(a: &ClusterNode, b: &ClusterNode) -> bool {
    a.peer.host() == b.peer.host() || (a.peer.is_loopback() && b.peer.is_loopback())
}

/// A name stands in checkpoints (no space, no plus sign), in host names and in file names.
fn is_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=64).contains(&name.len())
        && name.bytes().next().is_some_and(is_plain)
        && name.bytes().all(|b| is_plain(b) || b".-_".contains(&b))
}

/// The path without `.` and with `..` resolved by name alone, to tell two spellings of one
/// directory from two directories.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

fn at(place: usize, key: &str) -> String {
    format!("node[{place}].{key}")
}
