//! Why a request's credentials were refused, in the words of each protocol.

use crate::error::AwsError;
use crate::protocol::Protocol;

/// A refusal before any policy is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AuthRefusal {
    /// No signature at all.
    Missing,
    /// A signature header that cannot be read or lacks a part.
    Incomplete(String),
    /// A key id, or its session token, that nobody was given.
    UnknownKey,
    /// Temporary credentials past their end.
    Expired,
    /// The signature differs from ours.
    Mismatch,
    /// Signed more than five minutes away from now.
    Skewed(String),
    /// Signed for a region that is not there, or that the account has not opted into.
    ForeignRegion(String),
}

impl AuthRefusal {
    /// The error as the service of this protocol writes it.
    ///
    /// Sources: IAM "Common errors", EC2 "Error codes", Kinesis "Common errors".
    pub(crate) fn into_error(self, protocol: Protocol) -> AwsError {
        match protocol {
            Protocol::Query { .. } | Protocol::RestXml { .. } => self.query(),
            Protocol::Ec2 => self.ec2(),
            Protocol::Json { .. } => self.json(),
        }
    }

    fn query(self) -> AwsError {
        match self {
            Self::Missing => AwsError::forbidden(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
            Self::Incomplete(why) => AwsError::bad("IncompleteSignature", why),
            Self::UnknownKey => AwsError::forbidden("InvalidClientTokenId", UNKNOWN),
            Self::Expired => AwsError::forbidden("ExpiredToken", EXPIRED),
            Self::Mismatch => AwsError::forbidden("SignatureDoesNotMatch", MISMATCH),
            Self::Skewed(why) => AwsError::forbidden("SignatureDoesNotMatch", why),
            Self::ForeignRegion(region) => {
                AwsError::forbidden("SignatureDoesNotMatch", out_of_scope(&region))
            }
        }
    }

    fn ec2(self) -> AwsError {
        match self {
            Self::Missing => AwsError::bad(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ),
            Self::Incomplete(why) => AwsError::bad("IncompleteSignature", why),
            Self::UnknownKey | Self::ForeignRegion(_) => AwsError::new(
                http::StatusCode::UNAUTHORIZED,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
            Self::Expired => AwsError::bad("RequestExpired", "Request has expired."),
            Self::Mismatch => AwsError::forbidden("SignatureDoesNotMatch", MISMATCH),
            Self::Skewed(why) => AwsError::bad("RequestExpired", why),
        }
    }

    fn json(self) -> AwsError {
        match self {
            Self::Missing => AwsError::bad(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            Self::Incomplete(why) => AwsError::bad("IncompleteSignatureException", why),
            Self::UnknownKey => AwsError::bad("UnrecognizedClientException", UNKNOWN),
            Self::Expired => AwsError::bad("ExpiredTokenException", EXPIRED),
            Self::Mismatch => AwsError::bad("InvalidSignatureException", MISMATCH),
            Self::Skewed(why) => AwsError::bad("InvalidSignatureException", why),
            Self::ForeignRegion(region) => AwsError::bad("InvalidSignatureException", out_of_scope(&region)),
        }
    }
}

fn out_of_scope(region: &str) -> String {
    format!("Credential should be scoped to a valid region, not '{region}'.")
}

const UNKNOWN: &str = "The security token included in the request is invalid.";
const EXPIRED: &str = "The security token included in the request is expired";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";
