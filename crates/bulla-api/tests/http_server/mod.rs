//! A node with one server, its routes without a socket, and an office that has something to hand over.

// Every test binary uses some of it.
#![allow(dead_code)]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use bulla_client::Problem;
use bulla_node::{Member, NoPeers, Node, NodeOptions, found, identity_files};
use bytes::Bytes;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

/// A ledger with one server in a directory of its own.
pub struct TestServer {
    pub node: Node,
    pub router: Router,
    pub data: TempDir,
}

/// What a route answered.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl TestServer {
    /// Tables close soon after their first record.
    pub async fn start() -> TestServer {
        TestServer::start_with(|options| options.seal.age_ms_max = 20).await
    }

    /// Tables stay open for as long as any test takes, so that nothing is sealed.
    pub async fn start_unsealed() -> TestServer {
        TestServer::start_with(|options| options.seal.age_ms_max = 3_600_000).await
    }

    pub async fn start_with(change: impl FnOnce(&mut NodeOptions)) -> TestServer {
        let server = TestServer::open(change).await;
        // The table that a ledger begins with is old from the start and closes at once. What a test records goes into
        // the next one, which closes when the test says.
        assert!(server.node.wait_sealed(0, std::time::Duration::from_secs(60)).await, "the first block is sealed");
        server
    }

    /// One server of three, and the others never come: nothing is recorded, and nothing is sealed.
    pub async fn start_alone() -> TestServer {
        let member = |node_id| Member { node_id, name: format!("node-{node_id}") };
        TestServer::open(|options| options.members = (1..=3).map(member).collect()).await
    }

    async fn open(change: impl FnOnce(&mut NodeOptions)) -> TestServer {
        let data = tempfile::tempdir().unwrap();
        let mut options = NodeOptions::single(data.path());
        change(&mut options);
        let identity = found(None, &options.members).unwrap().swap_remove(0);
        identity_files::create(&options.data_dir, &identity).unwrap();
        let node = Node::open(options, std::sync::Arc::new(NoPeers)).await.unwrap();
        let router = bulla_api::http::router(node.clone());
        TestServer { node, router, data }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string()).await
    }

    pub async fn post_text(&self, path: &str, body: &str) -> Answer {
        self.post_as(path, "application/json", body.to_owned()).await
    }

    pub async fn post_as(&self, path: &str, media_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", media_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Two parties, a unique class with one laptop at the stores, and copper, of which nobody has any.
    pub async fn furnish(&self) {
        for (path, body) in [
            ("/v1/parties", json!({"party": "central stores"})),
            ("/v1/parties", json!({"party": "workshop"})),
            ("/v1/classes", json!({"class": "laptops", "kind": "unique"})),
            ("/v1/classes", json!({"class": "metals in kg", "kind": "quantity", "scale": 3})),
            ("/v1/assets", json!({"asset": "tag:LAPTOP-0042", "class": "laptops", "owner": "central stores"})),
            ("/v1/assets", json!({"asset": "copper", "class": "metals in kg"})),
        ] {
            self.post(path, &body).await.recorded();
        }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("there is no header {name}")).to_str().unwrap()
    }

    /// The answer to an act that was done.
    pub fn recorded(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        self.json()
    }

    /// The answer to a request that was refused; all of them have the same form.
    pub fn refused(&self, status: u16, code: &str) -> Problem {
        let problem: Problem = serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.body));
        assert_eq!((self.status.as_u16(), problem.code.as_str()), (status, code), "{problem}");
        assert_eq!(problem.status, status);
        assert_eq!(self.header("content-type"), Problem::MEDIA_TYPE);
        assert_eq!(self.headers.contains_key("retry-after"), problem.retryable);
        assert!(!problem.detail.is_empty() && !problem.title.is_empty());
        problem
    }
}

/// A record id that no other record has.
pub fn record_id() -> Uuid {
    Uuid::now_v7()
}
