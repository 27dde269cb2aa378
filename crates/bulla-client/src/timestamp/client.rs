//! Asking an authority over HTTP (RFC 3161 section 3.4), believing nothing that can be checked.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};

use super::{AuthorityError, Timestamp, TimestampAuthority, TimestampError, TimestampQuery};

/// One authority.
#[derive(Debug)]
pub struct TimestampClient {
    http: reqwest::Client,
    url: String,
    authority: Option<TimestampAuthority>,
}

/// Why there is no timestamp.
#[derive(Debug, thiserror::Error)]
pub enum TimestampClientError {
    /// It did not answer, or not in time.
    #[error("the authority did not answer")]
    Unreachable(#[source] reqwest::Error),
    /// It answered with an HTTP status other than 200.
    #[error("the authority answered with the HTTP status {status}")]
    Refused {
        /// Its HTTP status.
        status: u16,
    },
    /// What it answered is no timestamp of what was asked.
    #[error(transparent)]
    Reply(#[from] TimestampError),
    /// The timestamp is not signed by it.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// This machine gives no random numbers, so an old reply could not be told from a new one.
    #[error("there are no random numbers for a nonce")]
    NoNonce,
}

impl TimestampClient {
    /// The authority at `url`. Its signatures are verified when its certificates are given. Every request may take as
    /// long as `timeout`.
    ///
    /// # Errors
    /// [`TimestampClientError::Unreachable`] when the HTTP client cannot be set up.
    pub fn new(
        url: &str,
        authority: Option<TimestampAuthority>,
        timeout: Duration,
    ) -> Result<TimestampClient, TimestampClientError> {
        let http = reqwest::Client::builder().timeout(timeout).build();
        let http = http.map_err(TimestampClientError::Unreachable)?;
        Ok(TimestampClient { http, url: url.to_owned(), authority })
    }

    /// Has `bytes` stamped: the authority's reply, verbatim, and what it says. Their SHA-256 is all that leaves.
    ///
    /// # Errors
    /// See [`TimestampClientError`].
    pub async fn stamp(&self, bytes: &[u8]) -> Result<(Vec<u8>, Timestamp), TimestampClientError> {
        let random = getrandom::u64().map_err(|_| TimestampClientError::NoNonce)?;
        let query = TimestampQuery::of(bytes, random);
        let reply = self.send(&query).await?;
        let timestamp = Timestamp::parse(&reply)?;
        timestamp.answers(&query)?;
        if let Some(authority) = &self.authority {
            timestamp.signed_by(authority)?;
        }
        Ok((reply, timestamp))
    }

    async fn send(&self, query: &TimestampQuery) -> Result<Vec<u8>, TimestampClientError> {
        let request = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, TimestampQuery::MEDIA_TYPE)
            .header(ACCEPT, Timestamp::MEDIA_TYPE)
            .body(query.to_der());
        let mut response = request.send().await.map_err(TimestampClientError::Unreachable)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(TimestampClientError::Refused { status: response.status().as_u16() });
        }
        let mut reply = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(TimestampClientError::Unreachable)? {
            reply.extend_from_slice(&chunk);
            if reply.len() > Timestamp::BYTES_MAX {
                return Err(TimestampError::TooLong.into());
            }
        }
        Ok(reply)
    }
}
