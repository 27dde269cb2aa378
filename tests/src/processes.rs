//! A cluster of real server processes on loopback, which can be killed and started again.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use bulla_client::{Client, ClientOptions};
use bulla_node::config::{ClusterConfig, Ports};
use bulla_sealing::{ConfigLeaf, Policy};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::embedded::PATIENCE;

/// Several `bulla serve` processes with mutual TLS between them. All end with it, however a test ends.
pub struct ProcessCluster {
    program: PathBuf,
    directory: TempDir,
    config: ClusterConfig,
    servers: BTreeMap<u64, Child>,
}

impl ProcessCluster {
    /// Makes the configuration and the keys of a cluster of `servers`, and starts all of them. `program` is
    /// `env!("CARGO_BIN_EXE_bulla-under-test")`.
    pub async fn start(program: &str, servers: usize) -> ProcessCluster {
        let mut cluster = ProcessCluster::prepare(program, servers).await;
        for node_id in 1..=servers as u64 {
            cluster.start_server(node_id).await;
        }
        cluster
    }

    /// Makes the configuration and the keys of a cluster, and starts nothing.
    pub async fn prepare(program: &str, servers: usize) -> ProcessCluster {
        let directory = TempDir::new().expect("a temporary directory");
        let mut config = ClusterConfig::local(&directory.path().join("data"), &free_ports(servers));
        config.peer.insecure = false;
        config.seal.age_ms_max = 100;
        std::fs::write(directory.path().join("cluster.toml"), config.to_toml()).expect("a configuration file");
        let cluster = ProcessCluster { program: program.into(), directory, config, servers: BTreeMap::new() };
        cluster.succeed(&["keygen", "--config", "cluster.toml", "--out", "keys"]).await;
        cluster.succeed(&["init", "--config", "cluster.toml", "--keys", "keys", "--all"]).await;
        cluster
    }

    /// Where everything of this cluster is; commands run here.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The configuration of the cluster.
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// Starts a server and waits until it says that it is ready.
    pub async fn start_server(&mut self, node_id: u64) {
        let mut server = self.serve(node_id).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(server.stdout.take().expect("a pipe")).lines();
        let line = lines.next_line().await.expect("readable");
        let ready = line.is_some_and(|line| line.contains("ready"));
        assert!(ready, "server {node_id} did not start:\n{}", self.log(node_id));
        // The pipe must go on being read, or the server's next line would fail.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.servers.insert(node_id, server);
    }

    fn serve(&self, node_id: u64) -> Command {
        let log = std::fs::File::options().create(true).append(true).open(self.log_path(node_id));
        let mut command = self.command();
        command
            .args(["--json", "serve", "--config", "cluster.toml", "--node", &node_id.to_string()])
            .stdin(Stdio::null())
            .stderr(log.expect("a log file"));
        command
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(self.directory.path()).env("BULLA_URL", self.urls().join(",")).kill_on_drop(true);
        command
    }

    /// Kills a server as `kill -9` does.
    pub async fn kill(&mut self, node_id: u64) {
        self.servers.remove(&node_id).expect("a running server").kill().await.expect("it can be killed");
    }

    /// The addresses of all servers, running or not.
    pub fn urls(&self) -> Vec<String> {
        self.config.nodes.iter().map(|node| format!("http://{}", node.http)).collect()
    }

    /// A client of all servers that believes only this cluster's keys.
    pub fn client(&self) -> Client {
        self.client_of(self.urls())
    }

    /// A client of one server that believes only this cluster's keys.
    pub fn client_of_server(&self, node_id: u64) -> Client {
        let node = self.config.node(node_id).expect("a server of the cluster");
        self.client_of(vec![format!("http://{}", node.http)])
    }

    fn client_of(&self, urls: Vec<String>) -> Client {
        let mut options = ClientOptions::new(urls);
        options.policy = Some(self.policy());
        Client::new(options).expect("endpoints")
    }

    /// The keys of this cluster, from the files that `keygen` made.
    pub fn policy(&self) -> Policy {
        let leaf = std::fs::read(self.directory.path().join("keys/node-1/genesis.leaf")).expect("a genesis leaf");
        Policy::from_config(&ConfigLeaf::decode(&leaf).expect("a genesis leaf")).expect("good keys")
    }

    /// Runs a command of the program, which must end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        let ended = tokio::time::timeout(PATIENCE, command.args(arguments).stdin(Stdio::null()).output()).await;
        ended.unwrap_or_else(|_| panic!("bulla {} does not end", arguments.join(" "))).expect("the program starts")
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub async fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "bulla {} failed: {errors}", arguments.join(" "));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What a server has logged.
    pub fn log(&self, node_id: u64) -> String {
        std::fs::read_to_string(self.log_path(node_id)).unwrap_or_default()
    }

    fn log_path(&self, node_id: u64) -> PathBuf {
        self.directory.path().join(format!("node-{node_id}.log"))
    }
}

/// Two free ports for each server.
fn free_ports(servers: usize) -> Vec<Ports> {
    // All are held at once, so that no port is found twice.
    let held: Vec<TcpListener> =
        (0..2 * servers).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    held.chunks(2).map(|pair| Ports { http: port(&pair[0]), peer: port(&pair[1]) }).collect()
}
