//! A witness as a log sees it: C2SP tlog-witness over HTTP, believing only what the witness's key signed.

use std::time::Duration;

use bulla_sealing::{AddCheckpoint, NoteSignature, SignedNote, VerifierKey};
use reqwest::StatusCode;

/// One witness.
#[derive(Debug)]
pub struct WitnessClient {
    http: reqwest::Client,
    url: String,
    key: VerifierKey,
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// It cosigned another size last: prove from there.
    #[error("the witness last cosigned a log of {latest_size} leaves")]
    OtherSize {
        /// The size, 0 for none.
        latest_size: u64,
    },
    /// It said no. With status 422 it says that it has seen another log under this name.
    #[error("the witness answered {status}: {said}")]
    Refused {
        /// Its HTTP status.
        status: u16,
        /// What it said about it, cut off where it gets long.
        said: String,
    },
    /// It did not answer.
    #[error("the witness did not answer")]
    Unreachable(#[source] reqwest::Error),
    /// What it answered is no cosignature of the checkpoint by its key.
    #[error("the witness did not answer with a cosignature of its key")]
    NotCosigned,
}

impl WitnessClient {
    /// The witness at `url`, such as `http://witness.example.org:7900`, that signs with `key`. Every request may take
    /// as long as `timeout`.
    ///
    /// # Errors
    /// [`WitnessError::Unreachable`] when the HTTP client cannot be set up.
    pub fn new(url: &str, key: VerifierKey, timeout: Duration) -> Result<WitnessClient, WitnessError> {
        let http = reqwest::Client::builder().timeout(timeout).build().map_err(WitnessError::Unreachable)?;
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        Ok(WitnessClient { http, url, key })
    }

    /// Asks for the cosignature of a checkpoint: the witness's line, verified.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub async fn add_checkpoint(&self, request: &AddCheckpoint) -> Result<NoteSignature, WitnessError> {
        let sent = self.http.post(&self.url).body(request.to_text()).send().await;
        let response = sent.map_err(WitnessError::Unreachable)?;
        let status = response.status();
        let body = body_of(response).await.map_err(WitnessError::Unreachable)?;
        match status {
            StatusCode::OK => self.line_in(&body, request).ok_or(WitnessError::NotCosigned),
            StatusCode::CONFLICT => match size_in(&body) {
                Some(latest_size) => Err(WitnessError::OtherSize { latest_size }),
                None => Err(refused(status, &body)),
            },
            _ => Err(refused(status, &body)),
        }
    }

    /// The answer is signature lines: under the text that they sign they are a note.
    fn line_in(&self, body: &[u8], request: &AddCheckpoint) -> Option<NoteSignature> {
        let text = format!("{}\n{}", request.checkpoint.text, std::str::from_utf8(body).ok()?);
        let note = SignedNote::parse(text.as_bytes()).ok().filter(|note| note.text == request.checkpoint.text)?;
        self.key.cosigned(&note).ok()??;
        let (name, key_id) = (&self.key.name, self.key.key_id());
        note.signatures.into_iter().find(|line| line.name == *name && line.key_id == key_id)
    }
}

/// What the witness said, as far as anybody reads.
async fn body_of(mut response: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_BYTES_MAX {
            body.truncate(BODY_BYTES_MAX);
            break;
        }
    }
    Ok(body)
}

fn size_in(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
    text.parse().ok().filter(|size: &u64| size.to_string() == text)
}

fn refused(status: StatusCode, body: &[u8]) -> WitnessError {
    let said: String = String::from_utf8_lossy(body).trim().chars().take(SAID_MAX).collect();
    WitnessError::Refused { status: status.as_u16(), said: said.replace(char::is_control, " ") }
}

/// Bytes of an answer that are read; 256 signature lines fit.
const BODY_BYTES_MAX: usize = 131_072;
/// Characters of a refusal that are kept.
const SAID_MAX: usize = 200;
