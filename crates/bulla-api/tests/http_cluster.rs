//! Three servers: any of them takes writes, and says so when none can.

mod http_server;

use std::time::Duration;

use bulla_node::{LocalNetwork, Member, Node, NodeId, NodeOptions, found, identity_files};
use bulla_sealing::{Fate, VerifiedPromise, verify_promise};
use http_server::TestServer;
use serde_json::{Value, json};

/// Long enough that no wait of a test ends by it, unless the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Cluster {
    network: LocalNetwork,
    servers: Vec<TestServer>,
}

impl Cluster {
    async fn start(change: impl Fn(&mut NodeOptions)) -> Cluster {
        let network = LocalNetwork::default();
        let members: Vec<Member> = (1..=3).map(|node_id| Member { node_id, name: format!("node-{node_id}") }).collect();
        let mut servers = Vec::new();
        for identity in found(None, &members).unwrap() {
            let data = tempfile::tempdir().unwrap();
            identity_files::create(data.path(), &identity).unwrap();
            let mut options = NodeOptions::single(data.path());
            (options.node_id, options.members) = (identity.node_id, members.clone());
            options.seal.age_ms_max = 50;
            change(&mut options);
            let node = Node::open(options, network.transport(identity.node_id)).await.unwrap();
            network.attach(identity.node_id, node.peer_handler());
            servers.push(TestServer { router: bulla_api::http::router(node.clone()), node, data });
        }
        let leader = servers[0].node.wait_leader(PATIENCE).await;
        assert!(leader, "no leader was elected");
        Cluster { network, servers }
    }

    /// A server that does not lead, as the servers see it now.
    async fn follower(&self) -> &TestServer {
        let leader: NodeId = loop {
            if let Some(leader) = self.servers[0].node.status().await.leader {
                break leader;
            }
            assert!(self.servers[0].node.wait_leader(PATIENCE).await);
        };
        self.servers.iter().find(|server| server.node.options().node_id != leader).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_takes_writes_and_knows_what_its_leader_acknowledged() {
    let cluster = Cluster::start(|_| {}).await;
    let follower = cluster.follower().await;
    follower.furnish().await;
    let issue = json!({"act": "issue", "asset": "copper", "to": "workshop", "quantity": "1.5"});
    follower.post("/v1/transfers", &issue).await.recorded();
    let sealed = follower.post("/v1/parties?wait=sealed", &json!({"party": "canteen"})).await.recorded();
    assert_eq!(sealed["stage"], "sealed");
    let receipt = follower.get(&format!("/v1/records/{}/receipt", sealed["record_id"].as_str().unwrap())).await;
    bulla_sealing::verify_receipt(&receipt.body, follower.node.policy()).unwrap();

    let view = follower.get("/v1/cluster").await.recorded();
    let roles: Vec<&Value> = view["members"].as_array().unwrap().iter().map(|member| &member["role"]).collect();
    assert_eq!(roles.iter().filter(|role| **role == "leader").count(), 1, "{view}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_a_write_is_refused_for_the_time_being() {
    let cluster = Cluster::start(|options| options.limits.request_ms_max = 500).await;
    let follower = cluster.follower().await;
    for server in &cluster.servers {
        cluster.network.set_cut(server.node.options().node_id, true);
    }
    let enroll = json!({"record_id": http_server::record_id(), "party": "canteen"});
    let answer = follower.post("/v1/parties", &enroll).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    let code = answer.json()["code"].as_str().unwrap().to_owned();
    assert!(answer.refused(503, &code).retryable);

    // The same request succeeds, once, when the servers see each other again.
    for server in &cluster.servers {
        cluster.network.set_cut(server.node.options().node_id, false);
    }
    let answered = async {
        loop {
            let answer = follower.post("/v1/parties", &enroll).await;
            if answer.status == 200 {
                return answer.json();
            }
            assert_eq!(answer.status, 503, "{}", answer.text());
        }
    };
    let recorded = tokio::time::timeout(PATIENCE, answered).await.unwrap();
    assert_eq!(recorded["record_id"], enroll["record_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_promises_in_its_own_name_what_it_has_applied() {
    let cluster = Cluster::start(|options| options.seal.age_ms_max = 3_600_000).await;
    let follower = cluster.follower().await;
    let policy = follower.node.policy().clone();
    let recorded = follower.post("/v1/parties?promise=true", &json!({"party": "canteen"})).await.recorded();
    let path = format!("/v1/records/{}/promise", recorded["record_id"].as_str().unwrap());
    let mut promises = vec![recorded["promise"].as_str().unwrap().to_owned()];
    for server in &cluster.servers {
        let answer = server.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        promises.push(answer.text().to_owned());
    }
    let given: Vec<VerifiedPromise> =
        promises.iter().map(|text| verify_promise(text.as_bytes(), &policy).unwrap()).collect();
    let names: Vec<&str> = given.iter().map(|promise| promise.node_name.as_str()).collect();
    assert_eq!(names, [follower.node.identity().node_name.as_str(), "node-1", "node-2", "node-3"]);
    for promise in &given {
        assert_eq!(promise.promise.leaf_index, recorded["leaf_index"]);
        assert_eq!(promise.promise.table_id.to_string(), recorded["table_id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_are_given_to_those_who_ask_and_kept_by_receipts() {
    let cluster = Cluster::start(|_| {}).await;
    let follower = cluster.follower().await;
    let policy = follower.node.policy().clone();
    let transfers = json!([{"act": "enroll", "party": "canteen"}, {"act": "enroll", "party": "canteen"}]);
    let batch = json!({"transfers": transfers});
    let unasked = follower.post("/v1/transfers", &json!({"transfers": [{"act": "enroll", "party": "office"}]})).await;
    assert!(unasked.recorded()["results"][0]["recorded"].get("promise").is_none());
    let results = follower.post("/v1/transfers?promise=true&wait=sealed", &batch).await.recorded();
    let recorded = &results["results"][0]["recorded"];
    let promise = verify_promise(recorded["promise"].as_str().unwrap().as_bytes(), &policy).unwrap();
    assert!(results["results"][1]["problem"].is_object(), "{results}");

    let id = recorded["record_id"].as_str().unwrap();
    let receipt = follower.get(&format!("/v1/records/{id}/receipt")).await;
    let receipt = bulla_sealing::verify_receipt(&receipt.body, &policy).unwrap();
    assert_eq!(promise.held_against(&receipt), Fate::Kept);
    let later = follower.get(&format!("/v1/records/{id}/promise")).await;
    assert_eq!(verify_promise(&later.body, &policy).unwrap().held_against(&receipt), Fate::Kept);

    let unknown = follower.get(&format!("/v1/records/{}/promise", http_server::record_id())).await;
    unknown.refused(404, "unknown_record");
}
