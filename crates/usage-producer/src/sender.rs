//! Sends a batch of lines until the server has answered for it.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;

use crate::spool::SpoolError;

const ATTEMPTS_MAX: u32 = 8;
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where usage is sent, and as whom.
pub struct Endpoint {
    client: reqwest::Client,
    url: String,
    api_key: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Endpoint")
            .field("url", &self.url)
            .field("api_key", &"***")
            .finish()
    }
}

/// An event the server will never count as it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rejected {
    /// Its place in the batch.
    pub index: usize,
    /// Why.
    #[serde(default)]
    pub code: Option<String>,
    /// Where in the event.
    #[serde(default)]
    pub pointer: Option<String>,
}

/// What a flush came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Events the server has answered for.
    pub sent: usize,
    /// Those of them that do not count: mistakes of the caller, not worth sending again.
    pub rejected: Vec<Rejected>,
}

/// Why a flush ended early; what was not acknowledged waits in the spool.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// The credential or the address is wrong; sending again does not help.
    #[error("the server refuses the request with status {0}")]
    Refused(u16),
    /// The server is away or overloaded.
    #[error("the server did not take the batch after {ATTEMPTS_MAX} attempts")]
    Away,
    /// The disk failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    results: Vec<EventResult>,
}

#[derive(Deserialize)]
struct EventResult {
    outcome: String,
    #[serde(flatten)]
    rejected: Rejected,
}

enum Answer {
    Done(Vec<Rejected>),
    Again(Option<Duration>),
    Refused(u16),
}

impl Flushed {
    pub(crate) fn add(&mut self, events: usize, rejected: Vec<Rejected>) {
        self.sent += events;
        self.rejected.extend(rejected);
    }
}

impl Endpoint {
    /// `base` is the control plane's address, such as `https://control.example`.
    ///
    /// # Panics
    /// When the system has no TLS, which a build with it cannot meet.
    #[must_use]
    pub fn new(base: &str, api_key: impl Into<String>) -> Self {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .expect("TLS is built in");
        let url = format!("{}/v1/usage-events", base.trim_end_matches('/'));
        Self {
            client,
            url,
            api_key: api_key.into(),
        }
    }

    pub(crate) async fn send(&self, lines: &[u8]) -> Result<Vec<Rejected>, FlushError> {
        let mut pause = PAUSE_FIRST;
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(lines).await {
                Answer::Done(rejected) => return Ok(rejected),
                Answer::Refused(status) => return Err(FlushError::Refused(status)),
                Answer::Again(wish) => tokio::time::sleep(wish.unwrap_or(pause).min(PAUSE_MAX)).await,
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Err(FlushError::Away)
    }

    async fn attempt(&self, lines: &[u8]) -> Answer {
        let request = self.client.post(&self.url).bearer_auth(&self.api_key);
        let request = request
            .header("content-type", "application/x-ndjson")
            .body(lines.to_vec());
        // Without an answer we do not know; the same batch again is harmless.
        let Ok(response) = request.send().await else {
            return Answer::Again(None);
        };
        let status = response.status();
        let wish = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        match status {
            StatusCode::ACCEPTED | StatusCode::MULTI_STATUS | StatusCode::UNPROCESSABLE_ENTITY => {
                let Ok(reply) = response.json::<Reply>().await else {
                    return Answer::Again(None);
                };
                // Some are not on the stream: the whole batch again, the others are recognised.
                if reply.results.iter().any(|result| result.outcome == "unavailable") {
                    return Answer::Again(None);
                }
                let rejected = reply
                    .results
                    .into_iter()
                    .filter(|result| result.outcome == "rejected");
                Answer::Done(rejected.map(|result| result.rejected).collect())
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Answer::Again(wish.map(Duration::from_secs))
            }
            status if status.is_server_error() => Answer::Again(wish.map(Duration::from_secs)),
            status => Answer::Refused(status.as_u16()),
        }
    }
}
