//! The answering half: accepts connections, makes sure who is there, and hands requests to the handler.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulla_node::{Lane, NodeId, PeerHandler};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::answer::answer_requests;
use super::frame::{Frame, Kind, read_frame, write_frame};
use super::hello::Hello;
use super::security::{Accepted, Unsecured};
use super::slot::Slot;
use super::{HELLO_BODY_BYTES_MAX, LocalNode, PeerSecurity, PeerSetupError};

/// Answers the calls of `peers` to the node `me` until `shutdown` resolves; then ends every
/// connection and every handler that still runs, and returns when they have ended. Dropping the
/// future ends them too.
///
/// Requests of one peer on [`Lane::Append`] are handled one at a time, in order of arrival; on the
/// other lanes many are handled at once and answered as they get ready. A handler may be dropped
/// half-way when its connection ends.
///
/// # Errors
/// [`PeerSetupError`], before anything is accepted.
pub async fn serve_peers(
    listener: TcpListener,
    me: LocalNode,
    peers: Vec<NodeId>,
    handler: Arc<dyn PeerHandler>,
    security: PeerSecurity,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), PeerSetupError> {
    security.check_address(listener.local_addr().map_err(PeerSetupError::Listener)?)?;
    security.check_is(me)?;
    let slots = peers.iter().flat_map(|peer| LANES.map(|lane| ((*peer, lane), Slot::default()))).collect();
    let answerer = Arc::new(Answerer { me, slots, handler, security });
    let strangers = Arc::new(Semaphore::new(STRANGERS_MAX));

    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &strangers) => {
                let (socket, address, stranger) = accepted;
                connections.spawn(answerer.clone().welcome(socket, address, stranger));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
    Ok(())
}

async fn accept(listener: &TcpListener, strangers: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let stranger = strangers.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((socket, address)) => return (socket, address, stranger),
            Err(error) => {
                // No file descriptors, or no memory. Others will give some back.
                tracing::warn!(%error, "cannot accept peer connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What all connections share.
struct Answerer {
    me: LocalNode,
    slots: HashMap<(NodeId, Lane), Slot>,
    handler: Arc<dyn PeerHandler>,
    security: PeerSecurity,
}

/// A connection whose other end is known.
struct Known {
    accepted: Accepted,
    from: NodeId,
    lane: Lane,
}

impl Answerer {
    async fn welcome(self: Arc<Self>, socket: TcpStream, address: SocketAddr, stranger: OwnedSemaphorePermit) {
        let meeting = tokio::time::timeout(MEETING_TIME_MAX, self.meet(socket)).await;
        drop(stranger);
        match meeting {
            Ok(Ok(known)) => self.serve(known).await,
            Ok(Err(why)) => tracing::warn!(%address, why, "refused a peer connection"),
            Err(_) => tracing::debug!(%address, "a peer connection did not say hello in time"),
        }
    }

    /// Makes sure who is there. A refusal is told to the other end before it is returned.
    async fn meet(&self, socket: TcpStream) -> Result<Known, String> {
        socket.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut accepted = match self.security.accept(socket).await {
            Ok(accepted) => accepted,
            Err(Unsecured { why, mut socket }) => {
                let_read(&mut socket).await;
                return Err(why);
            }
        };
        let frame = read_frame(&mut accepted.stream, HELLO_BODY_BYTES_MAX).await.map_err(|error| error.to_string())?;
        let lane = frame.lane;
        let known = self.recognise(&frame, &accepted);
        let answer = match &known {
            Ok(from) => Frame::hello(lane, &Hello::new(self.me, *from)),
            Err(why) => Frame::error(lane, 0, why.clone()),
        };
        send(&mut accepted.stream, &answer).await.map_err(|error| error.to_string())?;
        match known {
            Ok(from) => Ok(Known { accepted, from, lane }),
            Err(why) => {
                let_read(&mut accepted.stream).await;
                Err(why)
            }
        }
    }

    fn recognise(&self, frame: &Frame, accepted: &Accepted) -> Result<NodeId, String> {
        if frame.kind != Kind::Hello {
            return Err("the first frame must be a hello".to_owned());
        }
        let hello = Hello::decode(&frame.body)?;
        hello.check_meant_for(self.me)?;
        if !self.slots.contains_key(&(hello.from, frame.lane)) {
            return Err(format!("node {} is not a peer of {}", hello.from, self.me));
        }
        accepted.check_is(LocalNode { node_id: hello.from, ..self.me })?;
        Ok(hello.from)
    }

    async fn serve(&self, known: Known) {
        let Known { accepted, from, lane } = known;
        let Some(mut turn) = self.slots[&(from, lane)].take().await else {
            return;
        };
        let why = answer_requests(accepted.stream, from, lane, &*self.handler, turn.ended()).await;
        // Peers come and go, and call again.
        tracing::debug!(peer = from, ?lane, why, "connection from peer ended");
    }
}

async fn send(writer: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> std::io::Result<()> {
    write_frame(writer, frame).await?;
    writer.flush().await
}

/// Lets the other end read why it was refused: closing a socket with unread bytes would discard
/// what was just sent. The time for a meeting bounds how long this takes.
async fn let_read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut unread = [0; 1024];
    while let Ok(1..) = stream.read(&mut unread).await {}
}

const LANES: [Lane; 3] = [Lane::Append, Lane::Control, Lane::Blocks];

// Connections that have not yet said who they are. Each may take the time of a meeting.
const STRANGERS_MAX: usize = 64;
const MEETING_TIME_MAX: Duration = Duration::from_secs(3);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
