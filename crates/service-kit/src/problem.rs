//! What a caller is told when something does not work: RFC 9457 problems.
//!
//! A problem is one of the registered [`kinds`] plus a sentence for people. It never carries a stack,
//! SQL, an ARN of ours or a secret: what went wrong inside is logged once, here, and not told.

use std::error::Error;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tenant_model::principal::Refusal;
use utoipa::ToSchema;

use crate::kinds::{self, ProblemKind};

/// A refusal or failure on its way to the caller. Small, because it is the error of every handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    body: ProblemBody,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The wire form of a problem, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:tenantry:problem:<code>`.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// Fixed for each code.
    pub title: String,
    /// The HTTP status, repeated for readers that lost the head.
    pub status: u16,
    /// Stable kebab-case; what programs read.
    pub code: String,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// All invalid fields together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What the reader can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextAction>,
    /// With `plan-stale`: the plan as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<serde_json::Value>,
}

/// One invalid field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// RFC 6901 pointer into the request body; empty for the whole body.
    pub pointer: String,
    /// Stable kebab-case.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

/// What the reader can do about a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextAction {
    /// The kind of action.
    pub kind: NextActionKind,
    /// The action in words.
    pub text: String,
    /// Where to do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// When trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

/// The kinds of next action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextActionKind {
    /// Send the same request again.
    Retry,
    /// Wait; the work goes on by itself.
    Wait,
    /// Change the request.
    FixRequest,
    /// Sign in again.
    SignIn,
    /// Ask somebody with the right to approve.
    AskApproval,
    /// Change something in the AWS account.
    ChangeAws,
    /// Choose something else.
    ChooseOther,
    /// Ask the operator.
    ContactOperator,
}

impl NextAction {
    /// An action in words.
    #[must_use]
    pub fn new(kind: NextActionKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            href: None,
            retry_after_seconds: None,
        }
    }

    /// With the place where it is done.
    #[must_use]
    pub fn at(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }

    /// With the time after which trying again makes sense.
    #[must_use]
    pub const fn after_seconds(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl Problem {
    /// A problem of a registered kind.
    #[must_use]
    pub fn of(kind: &ProblemKind) -> Self {
        let body = ProblemBody {
            type_uri: format!("urn:tenantry:problem:{}", kind.code),
            title: kind.title.to_owned(),
            status: kind.status,
            code: kind.code.to_owned(),
            detail: None,
            errors: Vec::new(),
            next_action: None,
            plan: None,
        };
        Self(Box::new(Parts {
            body,
            headers: Vec::new(),
        }))
        .with_standard_action(kind)
    }

    /// Our fault: logs `error` with its whole chain once, and tells the caller nothing of it.
    #[must_use]
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %Chain(error), "a request failed inside");
        Self::of(&kinds::INTERNAL)
    }

    /// Not able now (database away, overload): logs the cause, asks the caller to come back.
    #[must_use]
    pub fn unavailable(error: &(dyn Error + 'static)) -> Self {
        tracing::warn!(error = %Chain(error), "a request could not be served now");
        Self::of(&kinds::UNAVAILABLE)
    }

    /// The one answer for what does not exist and what belongs to somebody else.
    #[must_use]
    pub fn not_found() -> Self {
        Self::of(&kinds::NOT_FOUND)
    }

    /// No valid credential.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::of(&kinds::NOT_SIGNED_IN)
    }

    /// One invalid field; add more with [`Problem::error`].
    #[must_use]
    pub fn invalid(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::of(&kinds::VALIDATION_FAILED).error(pointer, code, detail)
    }

    /// With a sentence for people.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.body.detail = Some(detail.into());
        self
    }

    /// With one more invalid field.
    #[must_use]
    pub fn error(mut self, pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        let error = FieldError {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            detail: detail.into(),
        };
        self.0.body.errors.push(error);
        self
    }

    /// With what the reader can do about it.
    #[must_use]
    pub fn next(mut self, action: NextAction) -> Self {
        self.0.body.next_action = Some(action);
        self
    }

    /// With the plan as it is now, for an approval of an older one.
    #[must_use]
    pub fn plan(mut self, plan: serde_json::Value) -> Self {
        self.0.body.plan = Some(plan);
        self
    }

    /// With a `Retry-After` header and the same figure in the next action.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Some(action) = &mut self.0.body.next_action {
            action.retry_after_seconds = Some(seconds);
        }
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// With the current `ETag`, for a stale `If-Match`.
    #[must_use]
    pub fn current_etag(self, version: i64) -> Self {
        self.header(ETAG, crate::etag(version))
    }

    /// With a further header; a second value of the same name replaces the first.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.retain(|(present, _)| *present != name);
        self.0.headers.push((name, value));
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.body.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The wire form, for the console and the command line.
    #[must_use]
    pub fn body(&self) -> &ProblemBody {
        &self.0.body
    }

    fn with_standard_action(self, kind: &ProblemKind) -> Self {
        let action = match kind.status {
            401 => NextAction::new(NextActionKind::SignIn, "Sign in and try again."),
            403 => NextAction::new(NextActionKind::AskApproval, "Ask an admin of your organisation."),
            408 | 503 => NextAction::new(NextActionKind::Retry, "Try again in a moment."),
            409 | 429 => NextAction::new(NextActionKind::Wait, "Wait a moment, then try again."),
            500 => NextAction::new(
                NextActionKind::ContactOperator,
                "Tell the operator the request id.",
            ),
            _ => NextAction::new(
                NextActionKind::FixRequest,
                "Change the request and send it again.",
            ),
        };
        let problem = self.next(action);
        match kind.status {
            401 => problem.header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            503 => problem.retry_after(2),
            _ => problem,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = &self.0.body;
        write!(f, "{} ({})", body.title, body.code)?;
        match &body.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl Error for Problem {}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::NotAllowed => Self::of(&kinds::NOT_ALLOWED),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_string(&self.0.body).expect("a problem holds only text and integers");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.0.headers {
            headers.insert(name, value);
        }
        response
    }
}

/// An error with its causes, for one log line.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_rfc_9457_with_code_and_action() {
        let problem = Problem::invalid("/account", "wrong-length", "needs twelve digits");
        let value = serde_json::to_value(problem.body()).expect("serializes");
        assert_eq!(value["type"], "urn:tenantry:problem:validation-failed");
        assert_eq!(value["status"], 422);
        assert_eq!(value["errors"][0]["pointer"], "/account");
        assert_eq!(value["next_action"]["kind"], "fix_request");
        assert!(value.get("detail").is_none());
    }

    #[test]
    fn an_internal_failure_says_nothing_of_its_cause() {
        let cause = std::io::Error::other("password=hunter2");
        let problem = Problem::internal(&cause);
        assert!(
            !serde_json::to_string(problem.body())
                .expect("serializes")
                .contains("hunter2")
        );
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
