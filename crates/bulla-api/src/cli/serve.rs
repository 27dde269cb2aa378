//! `bulla serve`: one server of a cluster, from its configuration to its orderly end.
//!
//! ```text
//!   cluster.toml, <data>/identity ──▶ peers over TLS ──▶ Node ──▶ HTTP ──▶ "ready"
//!                                                                            │ SIGTERM, SIGINT
//!                                     peers end ◀── Node ends ◀── HTTP ends ◀┘
//! ```

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bulla_node::config::{Address, ClusterConfig, ClusterNode};
use bulla_node::{Identity, Node, NodeOptions, OpenError, StorageError, identity_files};
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use super::exit::chain;
use super::init::find;
use super::keygen::load;
use super::{Exit, Failure, Printer};
use crate::http::{HttpServer, router_with};
use crate::keygen::load_peer_security;
use crate::peer::{LocalNode, PeerSecurity, TcpTransport, serve_peers};
use crate::timestamped::Timestamps;
use crate::witnessed::Witnesses;

/// Run one server of a cluster
///
/// It runs until it gets SIGTERM or SIGINT (Ctrl-C), and then finishes what it was asked. It logs to standard error and prints one line to standard output when it is ready. `RUST_LOG`
/// sets how much it logs, such as `RUST_LOG=debug`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration of the cluster
    #[arg(long, value_name = "FILE", default_value = "cluster.toml")]
    config: PathBuf,
    /// Which of its servers to run, by id or name
    #[arg(long, value_name = "N")]
    node: String,
    /// Stop in good order when standard input ends: a parent that dies takes the server with it
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

impl Serve {
    pub(crate) async fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        log_to_standard_error();
        let config = load(&self.config)?;
        let me = find(&config, &self.node)?;
        let identity = identity(me, &self)?;
        check_whose(&config, me, &identity)?;
        let local = LocalNode { ledger_id: identity.genesis.ledger_id, node_id: me.id };
        let security = security(&config, me, local)?;

        // Signals before anything that takes long, so that none is missed.
        let mut stop = stop_signal()?;
        let http = listen(&me.http, "clients").await?;
        let peers = listen(&me.peer, "the other servers").await?;
        let (node, peers) = open(&config, me, local, security, peers).await?;
        let witnesses = Witnesses::open(&config.witnesses, &me.data, node.policy())
            .map_err(|error| Failure::could_not(chain(&error)))?;
        let timestamps =
            Timestamps::open(config.timestamp.as_ref(), &me.data).map_err(|error| Failure::could_not(chain(&error)))?;
        let mut following = [witnesses.follow(&node), timestamps.follow(&node)];
        let router = router_with(node.clone(), witnesses, timestamps);
        let http = HttpServer::serve_router(router, config.limits.clone(), http)
            .map_err(|error| Failure::caused("cannot serve HTTP", &error))?;
        ready(&node, me, http.address(), printer);

        let failed = tokio::select! {
            () = stopped(&mut stop) => false,
            () = stdin_ends(), if self.until_stdin_ends => false,
            () = node.stopped() => true,
        };
        tracing::info!(node = me.name, "shutting down");
        http.shutdown().await;
        for tasks in &mut following {
            tasks.shutdown().await;
        }
        node.shutdown().await;
        peers.end().await;
        match failed {
            true => Err(Failure::could_not(
                "the node stopped by itself because it could not go on safely; the log above says why",
            )),
            false => Ok(Exit::Done),
        }
    }
}

pub(super) fn log_to_standard_error() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,openraft=warn"));
    // A second call finds the first one's subscriber, which is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init();
}

/// Who this server is, from its data directory.
fn identity(me: &ClusterNode, serve: &Serve) -> Result<Identity, Failure> {
    identity_files::load(&me.data).map_err(|error| match &error {
        StorageError::NoIdentity { path } => Failure::could_not(format!(
            "{} holds no identity of a server; run `bulla keygen` once for the whole cluster, then \
             `bulla init --config {} --node {}`",
            path.display(),
            serve.config.display(),
            me.id
        )),
        _ => Failure::could_not(chain(&error)),
    })
}

/// Refuses the directory of another server, or of another ledger, before anything reads its keys as this server's.
fn check_whose(config: &ClusterConfig, me: &ClusterNode, identity: &Identity) -> Result<(), Failure> {
    let (data, genesis) = (me.data.display(), &identity.genesis);
    if identity.node_id != me.id {
        return Err(Failure::could_not(format!(
            "the data directory {data} belongs to node {} ({}), not to node {} ({}); name the right node with --node, \
             or its directory in the configuration",
            identity.node_id, identity.node_name, me.id, me.name
        )));
    }
    match &config.ledger.origin {
        Some(origin) if *origin != genesis.origin => Err(Failure::could_not(format!(
            "the data directory {data} belongs to ledger {} ({}), not to {origin}; name the right directory, or put \
             the origin back in the configuration",
            genesis.origin, genesis.ledger_id
        ))),
        _ => Ok(()),
    }
}

fn security(config: &ClusterConfig, me: &ClusterNode, local: LocalNode) -> Result<PeerSecurity, Failure> {
    if config.peer.insecure {
        return Ok(PeerSecurity::Insecure);
    }
    load_peer_security(&me.data, local).map_err(|error| Failure::could_not(chain(&error)))
}

async fn listen(address: &Address, whom: &str) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind((address.host(), address.port())).await;
    listener.map_err(|error| {
        let todo = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program uses this port; stop it, or change the port in the configuration"
            }
            io::ErrorKind::AddrNotAvailable => "this machine has no such address; correct it in the configuration",
            io::ErrorKind::PermissionDenied => "this user may not use this port; take one above 1023",
            _ => "correct it in the configuration",
        };
        Failure::could_not(format!("cannot listen on {address} for {whom} ({error}): {todo}"))
    })
}

/// The half of the peer transport that answers, until it is told to end.
struct Peers {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Peers {
    async fn end(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

async fn open(
    config: &ClusterConfig,
    me: &ClusterNode,
    local: LocalNode,
    security: PeerSecurity,
    listener: TcpListener,
) -> Result<(Node, Peers), Failure> {
    let mut others = Vec::new();
    for node in config.nodes.iter().filter(|node| node.id != me.id) {
        others.push((node.id, resolve(&node.peer).await?));
    }
    let ids = others.iter().map(|(id, _)| *id).collect();
    let transport =
        TcpTransport::new(local, others, security.clone()).map_err(|error| Failure::could_not(chain(&error)))?;
    let options = NodeOptions::of_cluster(config, me.id).expect("the node is one of the configuration");
    let node = Node::open(options, Arc::new(transport)).await.map_err(not_opened)?;

    let (stop, mut stopping) = watch::channel(false);
    let handler = node.peer_handler();
    let task = tokio::spawn(async move {
        let stopping = async move {
            // An error means that the sender is gone, which is the end as well.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        if let Err(error) = serve_peers(listener, local, ids, handler, security, stopping).await {
            tracing::error!(%error, "peers cannot be served");
        }
    });
    Ok((node, Peers { stop, task }))
}

fn not_opened(error: OpenError) -> Failure {
    Failure::could_not(chain(&error))
}

async fn resolve(address: &Address) -> Result<SocketAddr, Failure> {
    let found = tokio::net::lookup_host((address.host(), address.port())).await;
    found.ok().and_then(|mut addresses| addresses.next()).ok_or_else(|| {
        Failure::could_not(format!("the peer address {address} cannot be resolved; correct it in the configuration"))
    })
}

/// SIGTERM, as service managers send it, and SIGINT, as Ctrl-C does.
pub(super) fn stop_signal() -> Result<[tokio::signal::unix::Signal; 2], Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::caused("cannot listen for signals", &error));
    Ok([listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?])
}

pub(super) async fn stopped([terminate, interrupt]: &mut [tokio::signal::unix::Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn stdin_ends() {
    // Whatever arrives is nobody's business; an error is an end as well.
    let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
}

/// The one line that says that requests are answered from now on.
fn ready(node: &Node, me: &ClusterNode, http: SocketAddr, printer: &Printer) {
    let value = json!({ "ready": true, "node_id": me.id, "name": me.name, "url": format!("http://{http}"), "ledger_id": node.ledger_id() });
    printer.show(&value, || format!("{} of ledger {} is ready on http://{http}", me.name, node.ledger_id()));
}
