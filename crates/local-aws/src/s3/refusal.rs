//! S3's refusals, in the words of "Error responses" of the S3 API reference.

use std::borrow::Cow;
use std::io;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode};

use crate::error::AwsError;

/// A refusal whose code the protocol crate knows, with its usual status.
pub(super) fn refused(code: S3ErrorCode, message: impl Into<Cow<'static, str>>) -> S3Error {
    S3Error::with_message(code, message)
}

/// A refusal under a code that the protocol crate does not list.
pub(super) fn unlisted(status: StatusCode, code: &str, message: impl Into<Cow<'static, str>>) -> S3Error {
    let code = S3ErrorCode::from_str(code).unwrap_or(S3ErrorCode::InternalError);
    let mut refusal = S3Error::with_message(code, message);
    refusal.set_status_code(status);
    refusal
}

/// 400 `InvalidArgument`.
pub(super) fn invalid_argument(message: impl Into<Cow<'static, str>>) -> S3Error {
    refused(S3ErrorCode::InvalidArgument, message)
}

/// 400 `InvalidRequest`.
pub(super) fn invalid_request(message: impl Into<Cow<'static, str>>) -> S3Error {
    refused(S3ErrorCode::InvalidRequest, message)
}

/// 400 `MalformedXML`: a document that is well-formed and says nothing S3 knows.
pub(super) fn malformed_xml() -> S3Error {
    refused(
        S3ErrorCode::MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// 403 `AccessDenied`.
pub(super) fn access_denied(message: impl Into<Cow<'static, str>>) -> S3Error {
    refused(S3ErrorCode::AccessDenied, message)
}

/// 501 `NotImplemented`: what the endpoint does not have is said, never dropped.
pub(super) fn not_implemented(what: impl Into<Cow<'static, str>>) -> S3Error {
    refused(S3ErrorCode::NotImplemented, what)
}

/// 500 `InternalError`.
pub(super) fn internal(error: io::Error) -> S3Error {
    S3Error::internal_error(error)
}

/// A refusal in another service's words.
pub(super) fn custom(error: &AwsError) -> S3Error {
    unlisted(error.status, &error.code, error.message.clone())
}

/// The same refusal with one more header.
pub(super) fn with_header(mut refusal: S3Error, name: &'static str, value: &str) -> S3Error {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
    refusal.set_headers(headers);
    refusal
}
