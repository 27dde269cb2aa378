//! Three `bulla serve` processes, which end with the program that started them, however it ends.
//!
//! Such a server runs until its standard input ends. So closing the pipe stops it in good order, and the
//! operating system closes the pipe for us should this program itself be killed.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bulla_client::{Client, ClientOptions};
use bulla_node::config::{ClusterConfig, Ports};
use bulla_sealing::Policy;

use crate::cli::{Failure, chain, policy_of};
use crate::keygen;

/// How long a server may take to end in good order.
const GOOD_ORDER: Duration = Duration::from_secs(10);

/// Three servers of one ledger.
pub(crate) struct Cluster {
    config: ClusterConfig,
    directory: PathBuf,
    running: Vec<Option<Child>>,
}

impl Cluster {
    /// Writes the configuration, in which `set` may change what it likes, makes the keys, and prepares the data directories; starts nothing.
    pub(super) fn prepare(directory: &Path, set: impl FnOnce(&mut ClusterConfig)) -> Result<Cluster, Failure> {
        let ports = free_ports().map_err(|error| Failure::caused("this machine gives no free ports", &error))?;
        let mut config = ClusterConfig::local(directory, &ports);
        config.peer.insecure = false;
        set(&mut config);
        let failed = |error: &(dyn std::error::Error + 'static)| Failure::could_not(chain(error));
        config.check().map_err(|error| failed(&error))?;
        fs::write(directory.join("cluster.toml"), config.to_toml())
            .map_err(|error| Failure::caused("cannot write the configuration of the servers", &error))?;
        let keys = directory.join("keys");
        keygen::generate(&config, &keys).map_err(|error| failed(&error))?;
        for node in &config.nodes {
            keygen::install(&keys, node).map_err(|error| failed(&error))?;
        }
        let running = config.nodes.iter().map(|_| None).collect();
        Ok(Cluster { config, directory: directory.to_owned(), running })
    }

    /// Starts a server; it is not ready yet.
    pub(crate) fn start(&mut self, at: usize) -> Result<(), Failure> {
        let node = &self.config.nodes[at];
        let failed = |error: std::io::Error| Failure::caused(format_args!("cannot start {}", node.name), &error);
        let log = File::options().create(true).append(true).open(self.directory.join(format!("{}.log", node.name)));
        let log = log.map_err(failed)?;
        let child = Command::new(std::env::current_exe().map_err(failed)?)
            .args(["serve", "--until-stdin-ends", "--node", &node.id.to_string(), "--config"])
            .arg(self.directory.join("cluster.toml"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            // Ctrl-C is for this program, which ends its servers itself.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        self.running[at] = Some(child);
        Ok(())
    }

    /// Takes a server away between two instructions, as a power cut would: `kill -9`.
    pub(crate) fn kill(&mut self, at: usize) -> Result<(), Failure> {
        let mut child = self.running[at].take().expect("a server is killed while it runs");
        let killed = child.kill().and_then(|()| child.wait());
        killed.map(drop).map_err(|error| Failure::caused(format_args!("cannot kill {}", self.name(at)), &error))
    }

    /// Stops a server in good order.
    pub(crate) fn stop(&mut self, at: usize) {
        if let Some(mut child) = self.running[at].take() {
            drop(child.stdin.take());
            end(&mut child);
        }
    }

    /// Stops all servers, all at once.
    pub(crate) fn end(&mut self) {
        self.running.iter_mut().flatten().for_each(|child| drop(child.stdin.take()));
        (0..self.running.len()).for_each(|at| self.stop(at));
    }

    /// Which servers run.
    pub(crate) fn running(&self) -> Vec<usize> {
        (0..self.running.len()).filter(|&at| self.running[at].is_some()).collect()
    }

    /// Whether a server that should run has ended by itself.
    pub(crate) fn fallen(&mut self) -> Option<&str> {
        let at = self.running.iter_mut().position(|child| {
            child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some()))
        })?;
        Some(self.name(at))
    }

    pub(crate) fn len(&self) -> usize {
        self.config.nodes.len()
    }

    pub(crate) fn name(&self, at: usize) -> &str {
        &self.config.nodes[at].name
    }

    /// The place of the server with this id.
    pub(crate) fn position(&self, node_id: u64) -> Option<usize> {
        self.config.nodes.iter().position(|node| node.id == node_id)
    }

    pub(crate) fn data(&self, at: usize) -> &Path {
        &self.config.nodes[at].data
    }

    pub(crate) fn url(&self, at: usize) -> String {
        format!("http://{}", self.config.nodes[at].http)
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        (0..self.len()).map(|at| self.url(at)).collect()
    }

    /// The keys of the ledger, as its operator knows them: from the directory, not from a server.
    pub(crate) fn policy(&self) -> Result<Policy, Failure> {
        policy_of(self.data(0))
    }

    /// A client of all servers, which believes the policy and nobody else.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        self.client_of(self.urls())
    }

    /// A client of one server.
    pub(crate) fn client_at(&self, at: usize) -> Result<Client, Failure> {
        self.client_of(vec![self.url(at)])
    }

    /// A client of the servers at these addresses.
    pub(crate) fn client_of(&self, urls: Vec<String>) -> Result<Client, Failure> {
        let mut options = ClientOptions::new(urls);
        options.policy = Some(self.policy()?);
        Ok(Client::new(options)?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits for a process that was asked to end, and kills it when it does not.
fn end(child: &mut Child) {
    let deadline = Instant::now() + GOOD_ORDER;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            _ => return,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Ports that nobody uses now, for three servers.
fn free_ports() -> std::io::Result<[Ports; 3]> {
    let mut listeners = Vec::new();
    let mut port = || -> std::io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        // All stay bound until all are known, so that none is given twice.
        listeners.push(listener);
        Ok(port)
    };
    let mut ports = || -> std::io::Result<Ports> { Ok(Ports { http: port()?, peer: port()? }) };
    Ok([ports()?, ports()?, ports()?])
}
