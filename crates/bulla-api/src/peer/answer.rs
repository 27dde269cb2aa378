//! The answerer's end of one connection: hands requests to the handler and sends what it answers.

use std::sync::Arc;

use bulla_node::{Lane, NodeId, PeerHandler};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::READ_BUFFER_BYTES;
use super::frame::{BODY_BYTES_MAX, Frame, Kind, read_frame, write_frame};
use super::security::PeerStream;

/// Answers the requests of the peer `from` until the connection fails or `unwanted` resolves, and
/// says which. When it returns, none of its handlers runs any more.
pub(super) async fn answer_requests(
    stream: PeerStream,
    from: NodeId,
    lane: Lane,
    handler: &dyn PeerHandler,
    unwanted: impl Future<Output = ()>,
) -> String {
    let (reader, writer) = tokio::io::split(stream);
    let (answers, ready) = mpsc::channel(ANSWERS_WAITING_MAX);
    let mut handlers = JoinSet::new();
    let requests = Requests { from, lane, handler, answers };
    let why = tokio::select! {
        why = requests.take(reader, &mut handlers) => why,
        why = send_answers(writer, ready) => why,
        () = unwanted => "the peer made a newer connection".to_owned(),
    };
    handlers.shutdown().await;
    why
}

struct Requests<'a> {
    from: NodeId,
    lane: Lane,
    handler: &'a dyn PeerHandler,
    answers: mpsc::Sender<Frame>,
}

impl Requests<'_> {
    async fn take(&self, reader: impl AsyncRead + Unpin, handlers: &mut JoinSet<()>) -> String {
        let mut reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
        let room = Arc::new(Semaphore::new(handlers_max(self.lane)));
        loop {
            let frame = match read_frame(&mut reader, BODY_BYTES_MAX).await {
                Ok(frame) if frame.kind == Kind::Request && frame.lane == self.lane => frame,
                Ok(_) => {
                    return "the peer sent something that is no request on its lane".to_owned();
                }
                Err(error) => return error.to_string(),
            };
            // With room for one handler, this is what keeps the order of arrival.
            let room = room.clone().acquire_owned().await.expect("the semaphore is never closed");
            while let Some(ended) = handlers.try_join_next() {
                if let Err(panic) = ended {
                    return panic.to_string();
                }
            }
            let handling = self.handler.handle(self.from, self.lane, frame.body);
            let (lane, answers) = (self.lane, self.answers.clone());
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
        let too_long = format!("its answer of {} bytes is longer than {BODY_BYTES_MAX}", answer.len());
        return Frame::error(lane, request_id, too_long);
    }
    Frame { kind: Kind::Response, lane, request_id, body: answer }
}

async fn send_answers(mut writer: impl AsyncWrite + Unpin, mut ready: mpsc::Receiver<Frame>) -> String {
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
    "no request can arrive any more".to_owned()
}

/// How many requests of one peer on one lane are handled at once. A handler counts until its answer
/// is on its way, so a peer that asks and does not read soon waits.
fn handlers_max(lane: Lane) -> usize {
    match lane {
        Lane::Append => 1,
        Lane::Control => 256,
        Lane::Blocks => 8,
    }
}

const ANSWERS_WAITING_MAX: usize = 16;
