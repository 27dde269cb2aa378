//! When a line may try again to connect, and what calls are told until then.

use std::time::Duration;

use bulla_node::TransportError;
use tokio::time::Instant;

/// The pause after failed attempts to connect: it doubles from 50 ms to 1 s, and a random half of it
/// is left out so that the peers of a node that comes back do not all arrive at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    pause: Option<(Instant, TransportError)>,
}

impl Backoff {
    /// What a call made at `now` is told, if no attempt is to be made yet: the last failure again.
    pub(super) fn refuses(&self, now: Instant) -> Option<TransportError> {
        let (until, error) = self.pause.as_ref()?;
        (now < *until).then(|| error.clone())
    }

    /// Notes that an attempt failed at `now`; `jitter` is any number, the randomness of the pause.
    pub(super) fn failed(&mut self, error: TransportError, now: Instant, jitter: u32) {
        let longest = (PAUSE_MIN * 2u32.saturating_pow(self.failures.min(DOUBLINGS_MAX))).min(PAUSE_MAX);
        let spread = longest / 2;
        let pause = longest - spread.mul_f64(f64::from(jitter) / f64::from(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        self.pause = Some((now + pause, error));
    }

    /// Notes that the peer answered: the next loss starts again from the shortest pause.
    pub(super) fn succeeded(&mut self) {
        *self = Backoff::default();
    }
}

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
const DOUBLINGS_MAX: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> TransportError {
        TransportError::Unreachable("down".to_owned())
    }

    /// The pauses after `failures` attempts in a row, in milliseconds.
    fn pauses(failures: usize, jitter: u32) -> Vec<u128> {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..failures {
            backoff.failed(down(), now, jitter);
            let (until, _) = backoff.pause.clone().unwrap();
            pauses.push((until - now).as_millis());
            assert!(backoff.refuses(until - Duration::from_micros(1)).is_some());
            assert!(backoff.refuses(until).is_none());
            now = until;
        }
        pauses
    }

    #[test]
    fn the_pause_doubles_up_to_a_second() {
        assert_eq!(pauses(7, 0), [50, 100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn at_most_half_of_the_pause_is_left_out() {
        assert_eq!(pauses(7, u32::MAX), [25, 50, 100, 200, 400, 500, 500]);
    }

    #[test]
    fn an_answer_starts_the_pauses_anew() {
        let mut backoff = Backoff::default();
        let now = Instant::now();
        backoff.failed(down(), now, 0);
        backoff.failed(down(), now, 0);
        backoff.succeeded();
        assert!(backoff.refuses(now).is_none());
        backoff.failed(down(), now, 0);
        assert!(backoff.refuses(now + PAUSE_MIN).is_none());
    }
}
