//! The calls that were sent on a connection and wait for their answers.

use std::collections::HashMap;
use std::time::Duration;

use bulla_node::TransportError;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

/// The calls that were sent on a connection.
#[derive(Default)]
pub(super) struct Sent {
    requests: u64,
    unanswered: HashMap<u64, Unanswered>,
    /// Whether the peer answered anything at all.
    pub(super) answered: bool,
    /// Since when the peer owes an answer and sends nothing.
    silent_since: Option<Instant>,
}

struct Unanswered {
    answer: oneshot::Sender<Result<Bytes, TransportError>>,
    _room: OwnedSemaphorePermit,
}

impl Sent {
    pub(super) fn add(
        &mut self,
        answer: oneshot::Sender<Result<Bytes, TransportError>>,
        room: OwnedSemaphorePermit,
    ) -> u64 {
        self.requests += 1;
        self.unanswered.insert(self.requests, Unanswered { answer, _room: room });
        self.silent_since.get_or_insert_with(Instant::now);
        self.requests
    }

    pub(super) fn answer(&mut self, request_id: u64, answer: Result<Bytes, TransportError>) {
        self.answered = true;
        // An answer that nobody waits for any more is dropped.
        if let Some(waiting) = self.unanswered.remove(&request_id) {
            waiting.answer.send(answer).ok();
        }
        self.silent_since = (!self.unanswered.is_empty()).then(Instant::now);
    }

    /// Fails every call that was not answered, because the connection ended.
    pub(super) fn fail(&mut self, why: &TransportError) {
        for (_, waiting) in self.unanswered.drain() {
            waiting.answer.send(Err(why.clone())).ok();
        }
    }

    /// Forgets the calls whose callers gave up, and says whether the peer seems to be gone: a caller
    /// gave up, and nothing at all came for a long time.
    pub(super) fn give_up(&mut self, now: Instant) -> bool {
        let before = self.unanswered.len();
        self.unanswered.retain(|_, waiting| !waiting.answer.is_closed());
        let gave_up = self.unanswered.len() < before;
        gave_up && self.silent_since.is_some_and(|since| now - since >= SILENCE_MAX)
    }
}

const SILENCE_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    type Answered = oneshot::Receiver<Result<Bytes, TransportError>>;

    /// `sent` with one more call.
    fn call(sent: &mut Sent) -> (u64, Answered) {
        let (answer, answered) = oneshot::channel();
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        (sent.add(answer, room), answered)
    }

    #[tokio::test]
    async fn an_answer_goes_to_the_call_with_its_request_id() {
        let mut sent = Sent::default();
        let (first, first_answered) = call(&mut sent);
        let (second, second_answered) = call(&mut sent);
        sent.answer(second, Ok(Bytes::from_static(b"second")));
        sent.answer(first, Ok(Bytes::from_static(b"first")));
        assert_eq!(first_answered.await.unwrap().unwrap(), "first");
        assert_eq!(second_answered.await.unwrap().unwrap(), "second");
    }

    #[tokio::test]
    async fn an_answer_that_comes_too_late_is_dropped() {
        let mut sent = Sent::default();
        let (request_id, answered) = call(&mut sent);
        drop(answered);
        sent.give_up(Instant::now());
        sent.answer(request_id, Ok(Bytes::new()));
        sent.answer(request_id, Ok(Bytes::new()));
        assert!(sent.unanswered.is_empty());
    }

    #[tokio::test]
    async fn a_peer_is_gone_when_a_caller_gave_up_and_nothing_came_for_five_seconds() {
        let mut sent = Sent::default();
        let (_, answered) = call(&mut sent);
        let silent_since = sent.silent_since.unwrap();
        assert!(!sent.give_up(silent_since + SILENCE_MAX), "its caller still waits");
        drop(answered);
        assert!(sent.give_up(silent_since + SILENCE_MAX));
    }

    #[tokio::test]
    async fn a_peer_that_answers_anything_is_not_gone() {
        let mut sent = Sent::default();
        let (slow, slow_answered) = call(&mut sent);
        let (quick, _quick_answered) = call(&mut sent);
        assert!(slow < quick);
        let before = sent.silent_since.unwrap();
        sent.answer(quick, Ok(Bytes::new()));
        drop(slow_answered);
        assert!(sent.silent_since.unwrap() >= before);
        assert!(!sent.give_up(before + SILENCE_MAX - Duration::from_millis(1)));
    }

    #[tokio::test]
    async fn the_end_of_a_connection_fails_the_calls_in_flight() {
        let mut sent = Sent::default();
        let (_, answered) = call(&mut sent);
        sent.fail(&TransportError::Unreachable("gone".to_owned()));
        assert!(matches!(answered.await.unwrap(), Err(TransportError::Unreachable(why)) if why == "gone"));
    }
}
