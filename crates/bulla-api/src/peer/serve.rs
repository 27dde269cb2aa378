//! The answering half: accepts connections, makes sure who is there, and hands requests to the handler.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulla_consensus::{Lane, NodeId, PeerHandler};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::frame::{BODY_BYTES_MAX, Frame, Kind, read_frame, write_frame};
use super::hello::Hello;
use super::security::{Accepted, Unsecured};
use super::slot::Slot;
use super::{HELLO_BODY_BYTES_MAX, LocalNode, PeerSecurity, PeerSetupError, READ_BUFFER_BYTES};

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
    let slots = peers
        .iter()
        .flat_map(|peer| LANES.map(|lane| ((*peer, lane), Slot::default())))
        .collect();
    let answerer = Arc::new(Answerer {
        me,
        slots,
        handler,
        security,
    });
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

async fn accept(
    listener: &TcpListener,
    strangers: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let stranger = strangers
        .clone()
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
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
    async fn welcome(
        self: Arc<Self>,
        socket: TcpStream,
        address: SocketAddr,
        stranger: OwnedSemaphorePermit,
    ) {
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
        socket
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        let mut accepted = match self.security.accept(socket).await {
            Ok(accepted) => accepted,
            Err(Unsecured { why, mut socket }) => {
                let_read(&mut socket).await;
                return Err(why);
            }
        };
        let frame = read_frame(&mut accepted.stream, HELLO_BODY_BYTES_MAX)
            .await
            .map_err(|error| error.to_string())?;
        let lane = frame.lane;
        let (answer, known) = match self.recognise(&frame, &accepted) {
            Ok(from) => {
                let hello = Hello::new(self.me, from);
                (
                    Frame {
                        kind: Kind::Hello,
                        lane,
                        request_id: 0,
                        body: hello.encode(),
                    },
                    Ok(from),
                )
            }
            Err(why) => {
                let body = Bytes::from(why.clone());
                (
                    Frame {
                        kind: Kind::Error,
                        lane,
                        request_id: 0,
                        body,
                    },
                    Err(why),
                )
            }
        };
        send(&mut accepted.stream, &answer)
            .await
            .map_err(|error| error.to_string())?;
        match known {
            Ok(from) => Ok(Known {
                accepted,
                from,
                lane,
            }),
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
        accepted.check_is(LocalNode {
            node_id: hello.from,
            ..self.me
        })?;
        Ok(hello.from)
    }

    async fn serve(
        &self,
        Known {
            accepted,
            from,
            lane,
        }: Known,
    ) {
        let Some(mut turn) = self.slots[&(from, lane)].take().await else {
            return;
        };
        let (reader, writer) = tokio::io::split(accepted.stream);
        let (answers, ready) = mpsc::channel(ANSWERS_WAITING_MAX);
        let why = tokio::select! {
            why = self.take_requests(reader, from, lane, answers) => why,
            why = send_answers(writer, ready) => why,
            () = turn.ended() => "the peer made a newer connection".to_owned(),
        };
        // Peers come and go, and call again.
        tracing::debug!(peer = from, ?lane, why, "connection from peer ended");
    }

    async fn take_requests(
        &self,
        reader: impl AsyncRead + Unpin,
        from: NodeId,
        lane: Lane,
        answers: mpsc::Sender<Frame>,
    ) -> String {
        let mut reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
        let room = Arc::new(Semaphore::new(handlers_max(lane)));
        let mut handlers = JoinSet::new();
        loop {
            let frame = match read_frame(&mut reader, BODY_BYTES_MAX).await {
                Ok(frame) if frame.kind == Kind::Request && frame.lane == lane => frame,
                Ok(_) => {
                    return "the peer sent something other than requests on its lane".to_owned();
                }
                Err(error) => return error.to_string(),
            };
            // With room for one handler, this is what keeps the order of arrival.
            let room = room
                .clone()
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            while let Some(ended) = handlers.try_join_next() {
                if let Err(panic) = ended {
                    return panic.to_string();
                }
            }
            let handling = self.handler.handle(from, lane, frame.body);
            let answers = answers.clone();
            handlers.spawn(async move {
                let answer = answer_frame(lane, frame.request_id, handling.await);
                // Nobody is left to answer when the connection ends first.
                answers.send(answer).await.ok();
                drop(room);
            });
        }
    }
}

fn answer_frame(lane: Lane, request_id: u64, answer: Bytes) -> Frame {
    if answer.len() > BODY_BYTES_MAX {
        let too_long = format!(
            "an answer of {} bytes is longer than {BODY_BYTES_MAX}",
            answer.len()
        );
        return Frame {
            kind: Kind::Error,
            lane,
            request_id,
            body: Bytes::from(too_long),
        };
    }
    Frame {
        kind: Kind::Response,
        lane,
        request_id,
        body: answer,
    }
}

async fn send_answers(
    mut writer: impl AsyncWrite + Unpin,
    mut ready: mpsc::Receiver<Frame>,
) -> String {
    while let Some(mut answer) = ready.recv().await {
        loop {
            if let Err(error) = write_frame(&mut writer, &answer).await {
                return error.to_string();
            }
            answer = match ready.try_recv() {
                Ok(answer) => answer,
                Err(_) => break,
            };
        }
        if let Err(error) = writer.flush().await {
            return error.to_string();
        }
    }
    "no requests can arrive any more".to_owned()
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

fn handlers_max(lane: Lane) -> usize {
    match lane {
        Lane::Append => 1,
        Lane::Control => 256,
        Lane::Blocks => 8,
    }
}

const LANES: [Lane; 3] = [Lane::Append, Lane::Control, Lane::Blocks];
const ANSWERS_WAITING_MAX: usize = 16;

// Connections that have not yet said who they are. Each may take the time of a meeting.
const STRANGERS_MAX: usize = 64;
const MEETING_TIME_MAX: Duration = Duration::from_secs(3);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
