//! A refusal in AWS's words: a status, a code and a sentence. Each protocol writes it in its own form.

use std::borrow::Cow;
use std::fmt::Display;

use http::StatusCode;

/// What a service answers instead of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) status: StatusCode,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

impl AwsError {
    pub(crate) fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Display) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.to_string(),
        }
    }

    /// 400, the status of nearly every refusal.
    pub(crate) fn bad(code: impl Into<Cow<'static, str>>, message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 403.
    pub(crate) fn forbidden(code: impl Into<Cow<'static, str>>, message: impl Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 409, used by IAM.
    pub(crate) fn conflict(code: impl Into<Cow<'static, str>>, message: impl Display) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 404, used by IAM.
    pub(crate) fn not_found(code: impl Into<Cow<'static, str>>, message: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// A parameter, or a value of one, that this endpoint does not have. It is never dropped silently.
    pub(crate) fn parameter_not_implemented(service: &str, operation: &str, parameter: &str) -> Self {
        let message = format!(
            "the local endpoint does not implement the parameter {parameter} of {service}:{operation}"
        );
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    /// An operation this endpoint does not have. It is never an empty success.
    pub(crate) fn not_implemented(service: &str, operation: &str) -> Self {
        let message = format!("the local endpoint does not implement {service}:{operation}");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }
}
