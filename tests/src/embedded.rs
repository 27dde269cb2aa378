//! A cluster of embedded nodes in one process, which can be stopped, cut off and started again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bulla_ledger::{AssetId, ClassId, PartyId, RecordId, Transfer};
use bulla_node::{Answer, Batch, Item, LocalNetwork, Member, Node, NodeId, NodeOptions, found, identity_files};
use tempfile::TempDir;
use uuid::Uuid;

/// Longer than anything here takes on a loaded machine; only a failing test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Several servers of one ledger, each with a directory of its own, joined by function calls.
pub struct EmbeddedCluster {
    directory: TempDir,
    network: LocalNetwork,
    members: Vec<Member>,
    nodes: BTreeMap<NodeId, Node>,
    tune: fn(&mut NodeOptions),
}

impl EmbeddedCluster {
    /// Founds a ledger with `servers` servers and starts all of them. `tune` changes their options.
    pub async fn start(servers: u64, tune: fn(&mut NodeOptions)) -> EmbeddedCluster {
        let member = |node_id| Member { node_id, name: format!("node-{node_id}") };
        let members: Vec<Member> = (1..=servers).map(member).collect();
        let directory = TempDir::new().expect("a temporary directory");
        let mut cluster =
            EmbeddedCluster { directory, network: LocalNetwork::default(), members, nodes: BTreeMap::new(), tune };
        for identity in found(None, &cluster.members).expect("keys") {
            let data_dir = cluster.data_dir(identity.node_id);
            std::fs::create_dir_all(&data_dir).expect("a data directory");
            identity_files::create(&data_dir, &identity).expect("a new identity");
        }
        for node_id in 1..=servers {
            cluster.start_node(node_id).await;
        }
        cluster
    }

    /// The data directory of a server.
    pub fn data_dir(&self, node_id: NodeId) -> PathBuf {
        self.directory.path().join(format!("node-{node_id}"))
    }

    /// Starts a server on the directory it had.
    pub async fn start_node(&mut self, node_id: NodeId) {
        let mut options = NodeOptions::single(self.data_dir(node_id));
        options.node_id = node_id;
        options.members = self.members.clone();
        options.seal.age_ms_max = 50;
        options.raft.heartbeat_ms = 50;
        options.raft.election_ms_min = 200;
        options.raft.election_ms_max = 400;
        (self.tune)(&mut options);
        let node = Node::open(options, self.network.transport(node_id)).await.expect("the node opens");
        self.network.attach(node_id, node.peer_handler());
        self.nodes.insert(node_id, node);
    }

    /// Stops a server and frees its directory.
    pub async fn stop_node(&mut self, node_id: NodeId) {
        self.network.detach(node_id);
        self.nodes.remove(&node_id).expect("a running node").shutdown().await;
    }

    /// Cuts a running server off from the others, or joins it again.
    pub fn set_cut(&self, node_id: NodeId, cut: bool) {
        self.network.set_cut(node_id, cut);
    }

    /// A running server.
    pub fn node(&self, node_id: NodeId) -> &Node {
        &self.nodes[&node_id]
    }

    /// The running servers.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// Waits until all running servers agree on a leader that is running too, and names it.
    pub async fn leader(&self) -> NodeId {
        until("the running servers agree on a leader", async || {
            let mut leaders = Vec::new();
            for node in self.nodes.values() {
                leaders.push(node.status().await.leader);
            }
            leaders.dedup();
            match leaders[..] {
                [Some(leader)] if self.nodes.contains_key(&leader) => Some(leader),
                _ => None,
            }
        })
        .await
    }

    /// Some running server that is not the leader.
    pub async fn follower(&self) -> NodeId {
        let leader = self.leader().await;
        *self.nodes.keys().find(|node_id| **node_id != leader).expect("a cluster of several servers")
    }

    /// Waits until every running server has sealed the table of `height`.
    pub async fn sealed_everywhere(&self, height: u64) {
        for (node_id, node) in &self.nodes {
            assert!(node.wait_sealed(height, PATIENCE).await, "node {node_id} never sealed table {height}");
        }
    }
}

/// Asks again until there is an answer.
///
/// # Panics
/// After [`PATIENCE`], naming what never came true.
pub async fn until<T>(claim: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let answered = tokio::time::timeout(PATIENCE, async {
        loop {
            match ask().await {
                Some(answer) => return answer,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    });
    answered.await.unwrap_or_else(|_| panic!("it never came true that {claim}"))
}

/// A stable id for the `number`th thing of a kind.
fn id(kind: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(kind, number)
}

/// The `number`th party.
pub fn party(number: u64) -> PartyId {
    PartyId(id(1, number))
}

/// The `number`th asset.
pub fn asset(number: u64) -> AssetId {
    AssetId(id(2, number))
}

/// The one class of unique assets.
pub fn class() -> ClassId {
    ClassId(id(3, 1))
}

/// The `number`th record id of a series.
pub fn record_id(series: u64, number: u64) -> RecordId {
    RecordId(id(100 + series, number))
}

/// Without a payload.
pub fn plain(transfer: Transfer) -> Item {
    Item { transfer, payload: None }
}

/// Enrols parties 1 to `parties`, defines the class, and registers assets 1 to `assets`, all with party 1.
pub async fn furnish(node: &Node, parties: u64, assets: u64) {
    let enrol = (1..=parties).map(|number| Transfer::enroll(record_id(0, number), party(number)));
    let define = Transfer::define(record_id(1, 1), class(), false, 0);
    let register =
        (1..=assets).map(|number| Transfer::register(record_id(2, number), asset(number), class(), party(1)));
    let items: Vec<Item> = enrol.chain([define]).chain(register).map(plain).collect();
    for chunk in items.chunks(1_000) {
        let answers = node.submit_batch(Batch { atomic: true, items: chunk.to_vec() }).await.expect("recorded");
        answers.iter().for_each(|answer| assert!(matches!(answer, Answer::Recorded { .. }), "{answer:?}"));
    }
}

/// The height of the table that holds an accepted record.
///
/// # Panics
/// When it was not accepted.
pub fn height_of(answer: &Answer) -> u64 {
    match answer {
        Answer::Recorded { height, .. } => *height,
        Answer::Rejected { rejection } => panic!("refused: {rejection}"),
    }
}
