//! Who calls S3: the signature is s3s's work, the key ring and the fault switches are asked here.
//!
//! s3s calls [`Gate::check`] once it has verified the signature and knows the operation. What the gate learns goes
//! into the request's [`Slip`], where the endpoint reads it after the answer.

use std::sync::{Arc, Mutex};

use chrono::{NaiveDateTime, TimeDelta};
use http::StatusCode;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::refusal::{access_denied, custom};
use super::{Asking, mishap};
use crate::auth::{AuthRefusal, Caller};
use crate::control::{Fault, Target};
use crate::core::{Core, request_context};
use crate::error::AwsError;
use crate::iam::policy::Context;
use crate::lock;

/// Headers that are condition keys under their own names.
const KEYS_OF_HEADERS: [&str; 9] = [
    "if-match",
    "if-none-match",
    "x-amz-copy-source",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
];

/// What is learnt about one request while s3s answers it.
#[derive(Clone, Default)]
pub(crate) struct Slip(Arc<Mutex<Learnt>>);

/// The content of a [`Slip`].
#[derive(Clone, Default)]
pub(crate) struct Learnt {
    pub(crate) caller: Option<Caller>,
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) fault: Option<Fault>,
    /// Where the request came from.
    pub(crate) source: Option<std::net::IpAddr>,
}

impl Slip {
    pub(crate) fn update(&self, change: impl FnOnce(&mut Learnt)) {
        change(&mut lock::held(&self.0));
    }

    pub(crate) fn read(&self) -> Learnt {
        lock::held(&self.0).clone()
    }
}

/// The key ring and the fault rules in the shape s3s asks for.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) core: Arc<Core>,
}

#[async_trait::async_trait]
impl S3Auth for Gate {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.core.keys.secret(access_key);
        secret
            .map(SecretKey::from)
            .ok_or_else(|| refusal(&AuthRefusal::UnknownKey))
    }
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let slip = cx.extensions_mut().get::<Slip>().cloned().unwrap_or_default();
        let operation = cx.s3_op().name().to_owned();
        let region = credential_region(cx);
        slip.update(|learnt| {
            learnt.operation.clone_from(&operation);
            learnt.region.clone_from(&region);
        });
        let caller = self.caller(cx)?;
        let target = Target {
            account: &caller.account,
            region: &region,
            service: "s3",
            operation: &operation,
        };
        let fault = self.core.faults.draw(&target);
        let source = slip
            .read()
            .source
            .unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
        slip.update(|learnt| {
            learnt.caller = Some(caller.clone());
            learnt.fault.clone_from(&fault);
        });
        self.require_current(cx)?;
        let context = context(cx, request_context(&region, source));
        cx.extensions_mut().insert(Asking {
            caller,
            region,
            context,
        });
        if let (Some(Fault::Partial { per_million }), "DeleteObjects") = (&fault, operation.as_str()) {
            let about = format!("s3 {}", cx.s3_path().get_bucket_name().unwrap_or_default());
            mishap::let_keys_fail(self.core.faults.failing(*per_million, &about));
        }
        stop_for(fault.as_ref(), &operation)
    }
}

impl Gate {
    /// A presigned address ends by the endpoint's clock too, which may be ahead of the system's.
    fn require_current(&self, cx: &S3AccessContext<'_>) -> S3Result<()> {
        let query = cx.uri().query();
        let signed_at = query_value(query, "X-Amz-Date")
            .and_then(|text| NaiveDateTime::parse_from_str(&text, "%Y%m%dT%H%M%SZ").ok());
        let seconds = query_value(query, "X-Amz-Expires").and_then(|text| text.parse().ok());
        let ends = signed_at.zip(seconds).and_then(|(signed_at, seconds)| {
            let valid = TimeDelta::try_seconds(seconds)?;
            signed_at.and_utc().checked_add_signed(valid)
        });
        if ends.is_some_and(|ends| ends < self.core.clock.now()) {
            return Err(access_denied("Request has expired"));
        }
        Ok(())
    }

    fn caller(&self, cx: &S3AccessContext<'_>) -> S3Result<Caller> {
        let credentials = cx.credentials().ok_or_else(|| {
            S3Error::with_message(
                S3ErrorCode::AccessDenied,
                "Anonymous access is forbidden for this operation",
            )
        })?;
        let token = cx
            .headers()
            .get("x-amz-security-token")
            .and_then(|value| value.to_str().ok());
        let token = token
            .map(str::to_owned)
            .or_else(|| query_value(cx.uri().query(), "X-Amz-Security-Token"));
        let found = self
            .core
            .keys
            .lookup(&credentials.access_key, token.as_deref(), self.core.clock.now());
        found.map_err(|why| refusal(&why))
    }
}

/// The request's facts that policies may ask for; service authorization reference, "Condition keys for Amazon S3".
fn context(cx: &S3AccessContext<'_>, mut context: Context) -> Context {
    let header = |name: &str| cx.headers().get(name).and_then(|value| value.to_str().ok());
    for name in KEYS_OF_HEADERS {
        if let Some(value) = header(name) {
            context.set(&format!("s3:{name}"), vec![value.to_owned()]);
        }
    }
    let tags = form_urlencoded::parse(header("x-amz-tagging").unwrap_or_default().as_bytes());
    let mut keys = Vec::new();
    for (key, value) in tags {
        context.set(&format!("s3:RequestObjectTag/{key}"), vec![value.into_owned()]);
        keys.push(key.into_owned());
    }
    if !keys.is_empty() {
        context.set("s3:RequestObjectTagKeys", keys);
    }
    context
}

/// The region of the credential scope; the header and a presigned query both hold `key/day/region/s3/aws4_request`.
fn credential_region(cx: &S3AccessContext<'_>) -> String {
    let header = cx
        .headers()
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let scope = header
        .and_then(|text| text.split_once("Credential=").map(|(_, rest)| rest.to_owned()))
        .or_else(|| query_value(cx.uri().query(), "X-Amz-Credential"));
    scope
        .and_then(|scope| scope.split('/').nth(2).map(str::to_owned))
        .unwrap_or_default()
}

fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Operations that meet a full disk where they write content.
const WRITES_CONTENT: [&str; 5] = [
    "CompleteMultipartUpload",
    "CopyObject",
    "PutObject",
    "UploadPart",
    "UploadPartCopy",
];

/// Faults that answer an error do so here, before any effect; a call that shall get no answer has no effect either.
fn stop_for(fault: Option<&Fault>, operation: &str) -> S3Result<()> {
    let Some(fault) = fault else { return Ok(()) };
    if *fault == Fault::DiskFull && WRITES_CONTENT.contains(&operation) {
        mishap::fill_disk();
        return Ok(());
    }
    if let Fault::Timeout { .. } = fault {
        return Err(custom(&AwsError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "TimedOut",
            "no answer",
        )));
    }
    fault
        .error("s3", operation)
        .map_or(Ok(()), |error| Err(custom(&error)))
}

/// S3's own words; source: "Error responses" of the S3 API reference.
fn refusal(why: &AuthRefusal) -> S3Error {
    let (code, message) = match why {
        AuthRefusal::Missing => (S3ErrorCode::AccessDenied, "Access Denied"),
        AuthRefusal::UnknownKey => (
            S3ErrorCode::InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        AuthRefusal::Expired => (S3ErrorCode::ExpiredToken, "The provided token has expired."),
        AuthRefusal::Incomplete(_) | AuthRefusal::ForeignRegion(_) => (
            S3ErrorCode::AuthorizationHeaderMalformed,
            "The authorization header is malformed",
        ),
        AuthRefusal::Mismatch => (
            S3ErrorCode::SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided.",
        ),
        AuthRefusal::Skewed(_) => (
            S3ErrorCode::RequestTimeTooSkewed,
            "The difference between the request time and the current time is too large.",
        ),
    };
    S3Error::with_message(code, message)
}

/// The caller that the gate has let in.
pub(crate) fn asking<T>(request: &S3Request<T>) -> S3Result<Asking> {
    let asking = request.extensions.get::<Asking>().cloned();
    asking.ok_or_else(|| S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied"))
}
