//! One thin caller over the wire, for the demo, the commands and the tests.
//!
//! Replies are plain JSON: a reader that ignores unknown fields keeps working when the API grows.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

/// Longer than the server's own limit, so that its answer arrives and not our impatience.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// A caller of one address, with or without a credential.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    credential: Option<String>,
}

/// A reply, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The `ETag`, when there is one.
    pub etag: Option<String>,
    /// The body; null when empty.
    pub body: Value,
}

/// Why a call gave nothing to go on with.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No answer.
    #[error("{what} got no answer")]
    Unreachable {
        /// Method and path.
        what: String,
        /// What went wrong on the wire.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is a problem.
    #[error("{what} was refused: {status} {code}: {detail}")]
    Refused {
        /// Method and path.
        what: String,
        /// The HTTP status.
        status: StatusCode,
        /// The problem's stable code.
        code: String,
        /// What to do.
        detail: String,
    },
}

impl Client {
    /// A caller without a credential of `base`, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .no_proxy()
            .build();
        Self {
            http: http.expect("a client without TLS settings"),
            base: base.to_owned(),
            credential: None,
        }
    }

    /// The same caller with an access token or an API key.
    #[must_use]
    pub fn with(&self, credential: &str) -> Self {
        Self {
            credential: Some(credential.to_owned()),
            ..self.clone()
        }
    }

    /// Reads.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get(&self, path: &str) -> Result<Value, CallError> {
        self.expect_success(Method::GET, path, None).await
    }

    /// Creates, or starts a verb, under a fresh `Idempotency-Key`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.expect_success(Method::POST, path, Some(body)).await
    }

    /// Ends something, whatever its version is now.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn delete(&self, path: &str) -> Result<Value, CallError> {
        let seen = self.send(Method::GET, path, None, &[]).await?;
        let etag = seen.etag.unwrap_or_default();
        let answer = self
            .send(Method::DELETE, path, None, &[("if-match", &etag)])
            .await?;
        success(answer, &Method::DELETE, path)
    }

    /// Sends usage as it is, in the given media type.
    ///
    /// # Errors
    /// [`CallError::Unreachable`]; refusals are answers here.
    pub async fn post_usage(&self, content_type: &str, body: String) -> Result<Answer, CallError> {
        let request = self
            .http
            .post(format!("{}/v1/usage-events", self.base))
            .header("content-type", content_type);
        self.finish(request.body(body), "POST /v1/usage-events").await
    }

    /// Sends one request with extra headers and gives whatever came back.
    ///
    /// # Errors
    /// [`CallError::Unreachable`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, CallError> {
        let what = format!("{method} {path}");
        let keyed = headers.iter().any(|(name, _)| *name == "idempotency-key");
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if method != Method::GET && !keyed {
            request = request.header("idempotency-key", Uuid::new_v4().to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.finish(request, &what).await
    }

    async fn expect_success(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CallError> {
        let answer = self.send(method.clone(), path, body, &[]).await?;
        success(answer, &method, path)
    }

    async fn finish(&self, mut request: reqwest::RequestBuilder, what: &str) -> Result<Answer, CallError> {
        if let Some(credential) = &self.credential {
            request = request.bearer_auth(credential);
        }
        let unreachable = |source| CallError::Unreachable {
            what: what.to_owned(),
            source,
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let etag = response
            .headers()
            .get("etag")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let text = response.text().await.map_err(unreachable)?;
        Ok(Answer {
            status,
            etag,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        })
    }
}

fn success(answer: Answer, method: &Method, path: &str) -> Result<Value, CallError> {
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let text = |field: &str| answer.body[field].as_str().unwrap_or("").to_owned();
    let mut detail = if answer.body["detail"].is_string() {
        text("detail")
    } else {
        text("title")
    };
    for field in answer.body["errors"].as_array().into_iter().flatten() {
        detail.push_str(&format!("; {}: {}", field["pointer"], field["detail"]));
    }
    Err(CallError::Refused {
        what: format!("{method} {path}"),
        status: answer.status,
        code: text("code"),
        detail,
    })
}
