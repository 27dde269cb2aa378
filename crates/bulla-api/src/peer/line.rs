//! The caller's end of one connection: makes it, sends calls, matches answers, notices that it died.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulla_node::{Lane, NodeId, TransportError};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use super::backoff::Backoff;
use super::frame::{BODY_BYTES_MAX, Frame, FrameError, Kind, read_frame, write_frame};
use super::hello::Hello;
use super::security::{PeerStream, refused_or_unreachable};
use super::sent::Sent;
use super::{HELLO_BODY_BYTES_MAX, LocalNode, PeerSecurity, READ_BUFFER_BYTES};

/// A request on its way, and where its answer is wanted.
pub(super) struct Call {
    pub(super) request: Bytes,
    pub(super) answer: oneshot::Sender<Result<Bytes, TransportError>>,
}

/// One lane to one peer, over one connection after another.
pub(super) struct Line {
    pub(super) me: LocalNode,
    pub(super) to: NodeId,
    pub(super) address: SocketAddr,
    pub(super) lane: Lane,
    pub(super) security: PeerSecurity,
}

impl Line {
    /// Serves calls until nobody can make any. Only a call makes a connection.
    pub(super) async fn run(self, mut calls: mpsc::Receiver<Call>) {
        let mut backoff = Backoff::default();
        let mut refused = None;
        while let Some(call) = calls.recv().await {
            if call.answer.is_closed() {
                continue;
            }
            if let Some(error) = backoff.refuses(Instant::now()) {
                call.fail(error);
                continue;
            }
            match self.connect().await {
                Err(error) => {
                    self.log_no_connection(&error, &mut refused);
                    backoff.failed(error.clone(), Instant::now(), jitter());
                    call.fail(error);
                }
                Ok(stream) => {
                    refused = None;
                    let ended = self.converse(stream, call, &mut calls).await;
                    tracing::debug!(peer = self.to, lane = ?self.lane, why = %ended.why, "connection to peer ended");
                    // A peer that says hello and nothing else is not a peer that is back.
                    match ended.answered {
                        true => backoff.succeeded(),
                        false => backoff.failed(ended.why, Instant::now(), jitter()),
                    }
                }
            }
        }
    }

    /// A peer that is down comes back by itself. One that refuses does not, so a person is told, once.
    fn log_no_connection(&self, error: &TransportError, refused: &mut Option<String>) {
        match error {
            TransportError::Refused(why) if refused.as_ref() != Some(why) => {
                let (peer, address, lane) = (self.to, self.address, self.lane);
                tracing::warn!(peer, %address, ?lane, why, "what answers for a peer is refused, or refuses this node; check its address, and that its data directory is of the same ledger");
                *refused = Some(why.clone());
            }
            _ => tracing::debug!(peer = self.to, lane = ?self.lane, %error, "no connection to peer"),
        }
    }

    async fn connect(&self) -> Result<PeerStream, TransportError> {
        let connected = tokio::time::timeout(CONNECT_TIME_MAX, async {
            let socket = TcpStream::connect(self.address).await.map_err(|error| unreachable(&error))?;
            socket.set_nodelay(true).map_err(|error| unreachable(&error))?;
            let peer = LocalNode { node_id: self.to, ..self.me };
            let mut stream = self.security.secure(socket, peer).await?;
            self.greet(&mut stream).await?;
            Ok(stream)
        });
        connected.await.unwrap_or_else(|_| Err(TransportError::Unreachable("connecting took too long".to_owned())))
    }

    /// Says hello, and makes sure that the answer comes from the node that was called.
    async fn greet(&self, stream: &mut PeerStream) -> Result<(), TransportError> {
        let hello = Hello::new(self.me, self.to);
        let frame = Frame::hello(self.lane, &hello);
        write_frame(stream, &frame).await.map_err(|error| refused_or_unreachable(&error))?;
        stream.flush().await.map_err(|error| refused_or_unreachable(&error))?;

        let answer = match read_frame(stream, HELLO_BODY_BYTES_MAX).await {
            Ok(frame) => frame,
            Err(FrameError::Io(error)) => return Err(refused_or_unreachable(&error)),
            Err(FrameError::Closed) => return Err(unreachable(&FrameError::Closed)),
            Err(error) => return Err(TransportError::Refused(error.to_string())),
        };
        match answer.kind {
            Kind::Hello => {}
            Kind::Error => return Err(TransportError::Refused(sentence(&answer.body))),
            Kind::Request | Kind::Response => {
                return Err(TransportError::Refused("the other end did not say hello".to_owned()));
            }
        }
        let peer = Hello::decode(&answer.body).map_err(TransportError::Refused)?;
        peer.check_meant_for(self.me).map_err(TransportError::Refused)?;
        if peer.from != self.to {
            let other =
                format!("node {} answers at the address of node {}; check the peer addresses", peer.from, self.to);
            return Err(TransportError::Refused(other));
        }
        Ok(())
    }

    /// Carries `first` and the calls after it until the connection ends. Calls that were sent and not
    /// answered fail; those that still wait are left for the next connection.
    async fn converse(&self, stream: PeerStream, first: Call, calls: &mut mpsc::Receiver<Call>) -> Ended {
        let (reader, writer) = tokio::io::split(stream);
        let sent = Mutex::new(Sent::default());
        let why = tokio::select! {
            why = send_calls(writer, self.lane, first, calls, &sent) => why,
            why = take_answers(reader, self.lane, &sent) => why,
            why = watch_silence(&sent) => why,
        };
        let mut sent = sent.into_inner().expect("no holder of the lock panics");
        sent.fail(&why);
        Ended { why, answered: sent.answered }
    }
}

impl Call {
    fn fail(self, error: TransportError) {
        // The caller may have given up; then nobody needs to know.
        self.answer.send(Err(error)).ok();
    }
}

/// How a connection ended.
struct Ended {
    why: TransportError,
    answered: bool,
}

async fn send_calls(
    mut writer: impl AsyncWrite + Unpin,
    lane: Lane,
    first: Call,
    calls: &mut mpsc::Receiver<Call>,
    sent: &Mutex<Sent>,
) -> TransportError {
    let room = Arc::new(Semaphore::new(UNANSWERED_MAX));
    let mut next = Some(first);
    while let Some(Call { request, answer }) = next {
        if !answer.is_closed() {
            let room = room.clone().acquire_owned().await.expect("the semaphore is never closed");
            let request_id = sent.lock().expect("no holder of the lock panics").add(answer, room);
            let frame = Frame { kind: Kind::Request, lane, request_id, body: request };
            if let Err(error) = write_frame(&mut writer, &frame).await {
                return unreachable(&error);
            }
        }
        next = match calls.try_recv() {
            Ok(call) => Some(call),
            Err(_) => {
                if let Err(error) = writer.flush().await {
                    return unreachable(&error);
                }
                calls.recv().await
            }
        };
    }
    TransportError::Unreachable("the transport is shutting down".to_owned())
}

async fn take_answers(reader: impl AsyncRead + Unpin, lane: Lane, sent: &Mutex<Sent>) -> TransportError {
    let mut reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
    loop {
        let frame = match read_frame(&mut reader, BODY_BYTES_MAX).await {
            Ok(frame) if frame.lane == lane => frame,
            Ok(_) => {
                return TransportError::Unreachable("the peer answered on another lane".to_owned());
            }
            Err(error) => return unreachable(&error),
        };
        let answer = match frame.kind {
            Kind::Response => Ok(frame.body),
            Kind::Error => Err(TransportError::Refused(sentence(&frame.body))),
            Kind::Hello | Kind::Request => {
                return TransportError::Unreachable("the peer asked instead of answering".to_owned());
            }
        };
        sent.lock().expect("no holder of the lock panics").answer(frame.request_id, answer);
    }
}

/// Resolves when the peer seems to be gone. A peer that lost its power closes no connection, and the
/// kernel would go on sending to it for a quarter of an hour.
async fn watch_silence(sent: &Mutex<Sent>) -> TransportError {
    let mut ticks = tokio::time::interval(SILENCE_CHECK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        if sent.lock().expect("no holder of the lock panics").give_up(now) {
            return TransportError::Unreachable("the peer fell silent".to_owned());
        }
    }
}

fn unreachable(error: &(impl std::error::Error + ?Sized)) -> TransportError {
    TransportError::Unreachable(error.to_string())
}

fn sentence(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

fn jitter() -> u32 {
    // Without randomness the peers merely try again at the same time.
    getrandom::u32().unwrap_or(0)
}

const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
const SILENCE_CHECK: Duration = Duration::from_secs(1);

// Sent and not answered. Callers that gave up count until the next check.
const UNANSWERED_MAX: usize = 4096;
