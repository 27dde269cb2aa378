//! The listening socket: bounded connections, no patience for slow ones, and an orderly end.

use std::io::{self, ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bulla_node::Node;
use bulla_node::config::LimitsSection;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::metrics;
use super::routes::router;

/// How long requests that are being answered may go on after the server was told to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// How long to wait when no connection can be accepted, for lack of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A node on HTTP/1.1. Dropping it stops it as [`HttpServer::shutdown`] does, but does not wait.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Serves `node` on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(node: Node, address: SocketAddr) -> io::Result<HttpServer> {
        HttpServer::start_on(node, TcpListener::bind(address).await?)
    }

    /// Serves `node` on a socket that listens already.
    ///
    /// # Errors
    /// When the socket does not know its own address.
    pub fn start_on(node: Node, listener: TcpListener) -> io::Result<HttpServer> {
        let limits = node.options().limits.clone();
        HttpServer::serve_router(router(node), limits, listener)
    }

    /// Serves any routes, with these limits on connections.
    pub(crate) fn serve_router(router: Router, limits: LimitsSection, listener: TcpListener) -> io::Result<HttpServer> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(router, limits, listener, stopped));
        Ok(HttpServer { address, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more requests and waits for the answers to those that arrived, at most 10 seconds.
    pub async fn shutdown(self) {
        // It fails only when the task has ended, which is what is wanted.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "http server ended early");
        }
    }
}

async fn serve(router: Router, limits: LimitsSection, listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
    let header_time = Duration::from_millis(u64::from(limits.header_ms_max));
    let slots = usize::try_from(limits.connections_max).unwrap_or(Semaphore::MAX_PERMITS);
    let slots = Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut upkeep = tokio::time::interval(metrics::UPKEEP);
    loop {
        tokio::select! {
            // Dropping the server drops the sender, which ends the wait as well.
            _ = &mut stopped => break,
            _ = upkeep.tick() => metrics::recorder().run_upkeep(),
            _ = connections.join_next(), if !connections.is_empty() => {}
            accepted = accept(&listener, &slots) => match accepted {
                Ok((stream, slot)) => {
                    connections.spawn(converse(stream, slot, router.clone(), &graceful, header_time));
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
    connections.shutdown().await;
}

/// A connection, once there is room for one more; until then callers wait in the kernel's queue.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and whole; waiting for more to send with them would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a caller left at once");
                }
                return Ok((stream, slot));
            }
            // That caller left before it was accepted; the next one need not wait for that.
            Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionReset) => {}
            Err(error) => return Err(error),
        }
    }
}

fn converse(
    stream: TcpStream,
    slot: OwnedSemaphorePermit,
    router: Router,
    graceful: &GracefulShutdown,
    header_time: Duration,
) -> impl Future<Output = ()> + Send + 'static {
    // HTTP/1.1 only: to tell it from HTTP/2 the builder would wait for first bytes without a limit.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_time);
    let service = TowerToHyperService::new(router);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    async move {
        if let Err(error) = connection.await {
            // Callers come and go; nobody needs to be woken.
            tracing::debug!(error, "connection ended early");
        }
        drop(slot);
    }
}
