//! One request to a cluster: which server is asked, how often, and what counts as an answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{RequestBuilder, Url};
use serde::de::DeserializeOwned;

use crate::{ClientError, Problem};

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Below the time after which a server closes a connection that asks for nothing.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// The servers of a cluster, and how patient to be with them.
pub(crate) struct Exchange {
    http: reqwest::Client,
    endpoints: Vec<Url>,
    /// The endpoint that answered last; the next request begins there.
    preferred: AtomicUsize,
    attempts_max: u32,
}

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) endpoint: Url,
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// Why one attempt gave nothing, and whether another one may.
enum Failure {
    Final(ClientError),
    Passing(ClientError, Option<Duration>),
}

impl Exchange {
    pub(crate) fn new(endpoints: &[String], attempts_max: u32, timeout: Duration) -> Result<Exchange, ClientError> {
        let endpoints: Vec<Url> = endpoints
            .iter()
            .map(|endpoint| {
                Url::parse(endpoint)
                    .ok()
                    .filter(|url| !url.cannot_be_a_base() && url.has_host())
                    .ok_or_else(|| ClientError::BadEndpoint { endpoint: endpoint.clone() })
            })
            .collect::<Result<_, _>>()?;
        if endpoints.is_empty() {
            return Err(ClientError::NoEndpoint);
        }
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .pool_idle_timeout(IDLE_MAX)
            .build()
            .map_err(ClientError::Unreachable)?;
        Ok(Exchange { http, endpoints, preferred: AtomicUsize::new(0), attempts_max: attempts_max.max(1) })
    }

    /// Sends what `request` makes of the path below one endpoint after another, until one answers,
    /// one refuses for good, or the attempts are used up.
    ///
    /// A write may be sent twice this way. That is safe: its record ids are the same each time.
    pub(crate) async fn send(
        &self,
        path: &[&str],
        request: impl Fn(&reqwest::Client, Url) -> RequestBuilder,
    ) -> Result<Answer, ClientError> {
        let mut attempt = 0;
        loop {
            let at = self.preferred.load(Ordering::Relaxed) % self.endpoints.len();
            let endpoint = &self.endpoints[at];
            let failure = match self.attempt(endpoint, request(&self.http, below(endpoint, path))).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            attempt += 1;
            match failure {
                Failure::Passing(_, after) if attempt < self.attempts_max => {
                    // Only if nobody else moved on meanwhile, or two callers would skip a server.
                    let next = (at + 1) % self.endpoints.len();
                    let _ = self.preferred.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed);
                    tokio::time::sleep(self.pause(attempt, after)).await;
                }
                Failure::Passing(error, _) | Failure::Final(error) => return Err(error),
            }
        }
    }

    async fn attempt(&self, endpoint: &Url, request: RequestBuilder) -> Result<Answer, Failure> {
        let unreachable = |error| Failure::Passing(ClientError::Unreachable(error), None);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let is_problem = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(Problem::MEDIA_TYPE.as_bytes()));
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = response.bytes().await.map_err(unreachable)?;
        let answer = Answer { endpoint: endpoint.clone(), status: status.as_u16(), body };
        if status.is_success() {
            return Ok(answer);
        }
        match serde_json::from_slice::<Problem>(&answer.body) {
            Ok(problem) if is_problem && problem.retryable => {
                Err(Failure::Passing(ClientError::Refused(problem), after))
            }
            Ok(problem) if is_problem => Err(Failure::Final(ClientError::Refused(problem))),
            // Something between us and the server answered in its place.
            _ if status.is_server_error() => Err(Failure::Passing(answer.unintelligible("no problem+json"), after)),
            _ => Err(Failure::Final(answer.unintelligible("no problem+json"))),
        }
    }

    /// No pause before another server is tried for the first time; after that twice as long each
    /// round, at random below that, so that many clients do not come back at the same moment.
    fn pause(&self, attempt: u32, after: Option<Duration>) -> Duration {
        let round = attempt / u32::try_from(self.endpoints.len()).unwrap_or(u32::MAX);
        if round == 0 {
            return Duration::ZERO;
        }
        let longest = PAUSE_MIN.saturating_mul(1 << round.min(10)).max(after.unwrap_or_default());
        let random = getrandom::u32().unwrap_or(u32::MAX);
        longest.min(PAUSE_MAX).mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
    }
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| self.unintelligible(&error.to_string()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Result<String, ClientError> {
        String::from_utf8(self.body.to_vec()).map_err(|error| self.unintelligible(&error.to_string()))
    }

    pub(crate) fn unintelligible(&self, what: &str) -> ClientError {
        ClientError::Unintelligible { endpoint: self.endpoint.to_string(), status: self.status, what: what.to_owned() }
    }
}

fn below(endpoint: &Url, path: &[&str]) -> Url {
    let mut url = endpoint.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
