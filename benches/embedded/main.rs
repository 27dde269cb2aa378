//! How many transfers a second do embedded nodes record and seal, against what disk and processor can do?
//!
//! `cargo bench -p bulla-benches --bench embedded`

use std::time::{Duration, Instant};

use bulla_benches::{Limits, Workload};
use bulla_node::{Batch, LocalNetwork, Member, Node, NodeOptions, found, identity_files};

const TRANSFERS: u64 = 200_000;
/// More than are under way at once, so that no asset is handed over twice in one moment.
const ASSETS: u64 = 50_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let limits = Limits::measure();
    println!("{limits}");
    println!(
        "{TRANSFERS} transfers of {ASSETS} unique assets, durable on a majority, sealed by all, verified afterwards"
    );
    for servers in [1, 3] {
        for batch in [100, 1_000, 8_190] {
            let (recorded, sealed) = runtime.block_on(run(servers, batch));
            let a_second = |elapsed: Duration| TRANSFERS as f64 / elapsed.as_secs_f64();
            println!(
                "{servers} server(s), batches of {batch:>5}: recorded {:>9.0}/s, sealed {:>9.0}/s; sealed = {:.1} x fdatasync/s = {:.4} x leaf hashes/s",
                a_second(recorded),
                a_second(sealed),
                a_second(sealed) / limits.syncs_per_s,
                a_second(sealed) / limits.leaf_hashes_per_s,
            );
        }
    }
}

/// The time until all was recorded, and until all was sealed on every server.
async fn run(servers: u64, batch: usize) -> (Duration, Duration) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let network = LocalNetwork::default();
    let members: Vec<Member> =
        (1..=servers).map(|node_id| Member { node_id, name: format!("node-{node_id}") }).collect();
    let mut nodes = Vec::new();
    for identity in found(None, &members).expect("keys") {
        let data_dir = directory.path().join(&identity.node_name);
        std::fs::create_dir_all(&data_dir).expect("a data directory");
        identity_files::create(&data_dir, &identity).expect("an identity");
        let mut options = NodeOptions::single(data_dir);
        (options.node_id, options.members) = (identity.node_id, members.clone());
        let node = Node::open(options, network.transport(identity.node_id)).await.expect("the node opens");
        network.attach(identity.node_id, node.peer_handler());
        nodes.push(node);
    }
    let workload = Workload::new(ASSETS, TRANSFERS);
    submit_all(&nodes[0], workload.furniture(), 1_000).await;

    let started = Instant::now();
    let last_height = submit_all(&nodes[0], workload.hand_overs(), batch).await;
    let recorded = started.elapsed();
    for node in &nodes {
        assert!(node.wait_sealed(last_height, Duration::from_secs(120)).await, "not sealed in two minutes");
    }
    let sealed = started.elapsed();

    for node in &nodes {
        workload.check(node);
        node.ledger().verify_all(&mut |_| {}).expect("every block verifies");
        network.detach(node.identity().node_id);
    }
    for node in nodes {
        node.shutdown().await;
    }
    (recorded, sealed)
}

/// Four batches are under way at any time; returns the height of the last table.
async fn submit_all(node: &Node, items: impl Iterator<Item = bulla_node::Item>, batch: usize) -> u64 {
    let mut items = items.peekable();
    let mut under_way = tokio::task::JoinSet::new();
    let mut last_height = 0;
    while items.peek().is_some() || !under_way.is_empty() {
        while under_way.len() < 4 && items.peek().is_some() {
            let (node, batch) = (node.clone(), Batch { atomic: false, items: items.by_ref().take(batch).collect() });
            under_way.spawn(async move { node.submit_batch(batch).await.expect("recorded") });
        }
        let answers = under_way.join_next().await.expect("something is under way").expect("no panic");
        last_height = answers.iter().map(bulla_benches::height_of).fold(last_height, u64::max);
    }
    last_height
}
