//! Sorts what AWS answers into the few classes on which callers act.
//!
//! The code decides before the HTTP status: EC2 reports missing capacity and throttling as 5xx.
//! Codes: EC2 API reference "Error codes", and the "Common Error Types" page of each service.

use aws_smithy_runtime_api::{client::result::SdkError, http::Response};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

/// Longest message kept from AWS. Encoded authorization messages run to kilobytes.
const MESSAGE_CHARS_MAX: usize = 500;

/// What a failed call means for the one who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// Refused before it was looked at: throttled, or credentials that ran out. Nothing happened.
    Throttled,
    /// No usable answer: time-out, cut connection, 5xx. It may or may not have happened.
    Unknown,
    /// The thing, or something it names, does not exist or is not visible yet.
    NotFound,
    /// Something else still uses it, or it is in a state between two.
    Dependency,
    /// AWS has no capacity for it at the moment.
    Capacity,
    /// A limit of the account.
    Quota,
    /// It is already there.
    Exists,
    /// The same token came with other parameters: our own mistake.
    Mismatch,
    /// The identity may not do it.
    Denied,
    /// The request is wrong and stays wrong.
    Permanent,
}

/// A failed call to AWS: its class, AWS's own code and its message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// What it means.
    pub kind: AwsErrorKind,
    /// AWS's code, such as `DependencyViolation`; our own word when AWS did not answer.
    pub code: String,
    /// AWS's text, shortened.
    pub message: String,
}

impl AwsError {
    /// An answer that lacks what its API page promises.
    #[must_use]
    pub fn incomplete(what: &str) -> Self {
        Self {
            kind: AwsErrorKind::Unknown,
            code: "IncompleteReply".to_owned(),
            message: format!("the reply has no {what}"),
        }
    }

    /// More than a bounded question can read: what was not read is not known.
    #[must_use]
    pub fn too_much(what: &str) -> Self {
        Self {
            kind: AwsErrorKind::Unknown,
            code: "TooMuch".to_owned(),
            message: format!("more {what} than can be read at once"),
        }
    }

    /// True when the call was refused because the thing is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind == AwsErrorKind::NotFound
    }
}

impl<E> From<SdkError<E, Response>> for AwsError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, Response>) -> Self {
        match &error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("Unrecognised").to_owned();
                let status = context.raw().status().as_u16();
                let message = shorten(context.err().message().unwrap_or_default());
                Self {
                    kind: classify(&code, status),
                    code,
                    message,
                }
            }
            SdkError::TimeoutError(_) => unanswered("Timeout", &error),
            SdkError::DispatchFailure(_) => unanswered("ConnectionFailed", &error),
            SdkError::ResponseError(_) => unanswered("UnreadableReply", &error),
            // Not sent at all, mostly for want of credentials. Counted as unknown, because looking
            // once more is cheap and giving up is not.
            _ => unanswered("NotSent", &error),
        }
    }
}

/// The answer about something that may not exist; none when it does not, or went between two looks.
pub(crate) fn existing<T, E>(reply: Result<T, SdkError<E, Response>>) -> Result<Option<T>, AwsError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match reply.map_err(AwsError::from) {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn unanswered<E>(code: &str, error: &SdkError<E, Response>) -> AwsError
where
    E: std::error::Error + Send + Sync + 'static,
{
    AwsError {
        kind: AwsErrorKind::Unknown,
        code: code.to_owned(),
        message: shorten(&DisplayErrorContext(error).to_string()),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// Class of an error code. Prefixes and suffixes follow EC2's naming, which is regular.
#[must_use]
pub fn classify(code: &str, status: u16) -> AwsErrorKind {
    named(code)
        .or_else(|| patterned(code))
        .unwrap_or(if status >= 500 {
            AwsErrorKind::Unknown
        } else {
            AwsErrorKind::Permanent
        })
}

fn named(code: &str) -> Option<AwsErrorKind> {
    let kind = match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "SlowDown"
        | "TooManyRequestsException"
        | "EC2ThrottledException"
        | "BandwidthLimitExceeded"
        | "ProvisionedThroughputExceededException"
        | "PriorRequestNotComplete"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed" => AwsErrorKind::Throttled,
        "InternalError" | "InternalFailure" | "ServiceUnavailable" | "Unavailable" | "RequestTimeout" => {
            AwsErrorKind::Unknown
        }
        "NoSuchEntity"
        | "NoSuchBucket"
        | "NoSuchKey"
        | "ResourceNotFoundException"
        | "Gateway.NotAttached"
        | "IdempotentInstanceTerminated"
        | "StackNotFoundException" => AwsErrorKind::NotFound,
        "DependencyViolation"
        | "IncorrectState"
        | "IncorrectInstanceState"
        | "DeleteConflict"
        | "InvalidIPAddress.InUse"
        | "ResourceInUse"
        | "ResourceContention"
        | "ScalingActivityInProgress"
        | "InstanceRefreshInProgress"
        | "InvalidDBInstanceState"
        | "InvalidDBSubnetGroupStateFault"
        | "OperationNotPermitted" => AwsErrorKind::Dependency,
        "InsufficientInstanceCapacity"
        | "InsufficientHostCapacity"
        | "InsufficientCapacity"
        | "InsufficientDBInstanceCapacity"
        | "InsufficientAddressCapacity" => AwsErrorKind::Capacity,
        "LimitExceeded"
        | "LimitExceededException"
        | "ServiceQuotaExceededException"
        | "InstanceLimitExceeded" => AwsErrorKind::Quota,
        "EntityAlreadyExists" | "BucketAlreadyOwnedByYou" => AwsErrorKind::Exists,
        "IdempotentParameterMismatch" | "IdempotencyParameterMismatchException" => AwsErrorKind::Mismatch,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthFailure"
        | "OptInRequired"
        | "RegionDisabledException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch" => AwsErrorKind::Denied,
        _ => return None,
    };
    Some(kind)
}

fn patterned(code: &str) -> Option<AwsErrorKind> {
    let kind = if code.ends_with("NotFound") || code.ends_with("NotFoundFault") {
        AwsErrorKind::NotFound
    } else if is_exists(code) {
        AwsErrorKind::Exists
    } else if is_quota(code) {
        AwsErrorKind::Quota
    } else if code.ends_with(".InUse") || code.ends_with("InUseException") {
        AwsErrorKind::Dependency
    } else {
        return None;
    };
    Some(kind)
}

fn is_exists(code: &str) -> bool {
    let ends = [
        ".Duplicate",
        "AlreadyAssociated",
        "AlreadyExists",
        "AlreadyExistsFault",
        "AlreadyExistsException",
    ];
    code.starts_with("Duplicate") || ends.iter().any(|end| code.ends_with(end))
}

fn is_quota(code: &str) -> bool {
    let ends = ["LimitExceeded", "QuotaExceeded", "QuotaExceededFault"];
    code.starts_with("TooMany") || ends.iter().any(|end| code.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_before_the_status() {
        let cases = [
            ("RequestLimitExceeded", 503, AwsErrorKind::Throttled),
            ("InsufficientInstanceCapacity", 500, AwsErrorKind::Capacity),
            ("InternalError", 500, AwsErrorKind::Unknown),
            ("SomethingNew", 502, AwsErrorKind::Unknown),
            ("SomethingNew", 400, AwsErrorKind::Permanent),
            ("InvalidVpcID.NotFound", 400, AwsErrorKind::NotFound),
            ("InvalidAllocationID.NotFound", 400, AwsErrorKind::NotFound),
            ("InvalidPermission.Duplicate", 400, AwsErrorKind::Exists),
            ("InvalidGroup.Duplicate", 400, AwsErrorKind::Exists),
            ("Resource.AlreadyAssociated", 400, AwsErrorKind::Exists),
            ("RouteAlreadyExists", 400, AwsErrorKind::Exists),
            ("DependencyViolation", 400, AwsErrorKind::Dependency),
            ("VcpuLimitExceeded", 400, AwsErrorKind::Quota),
            ("AddressLimitExceeded", 400, AwsErrorKind::Quota),
            ("VpcLimitExceeded", 400, AwsErrorKind::Quota),
            ("LoadBalancerNotFound", 400, AwsErrorKind::NotFound),
            ("DBSubnetGroupNotFoundFault", 404, AwsErrorKind::NotFound),
            ("DuplicateListener", 400, AwsErrorKind::Exists),
            (
                "InvalidLaunchTemplateName.AlreadyExistsException",
                400,
                AwsErrorKind::Exists,
            ),
            ("DBInstanceAlreadyExists", 400, AwsErrorKind::Exists),
            ("TooManyTargetGroups", 400, AwsErrorKind::Quota),
            ("TooManyRequestsException", 429, AwsErrorKind::Throttled),
            ("InstanceQuotaExceeded", 400, AwsErrorKind::Quota),
            ("IdempotentParameterMismatch", 400, AwsErrorKind::Mismatch),
            ("UnauthorizedOperation", 403, AwsErrorKind::Denied),
            ("AccessDenied", 403, AwsErrorKind::Denied),
            ("ExpiredToken", 400, AwsErrorKind::Throttled),
            ("InvalidParameterValue", 400, AwsErrorKind::Permanent),
        ];
        for (code, status, kind) in cases {
            assert_eq!(classify(code, status), kind, "{code} {status}");
        }
    }
}
