//! AWS's own names for what a tenant connects: account, role, external id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::TenantId;

/// An AWS account number: exactly twelve ASCII digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AwsAccountId(String);

/// A text that is not an account number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an AWS account id is exactly 12 digits, such as 222222222222; find yours in the account menu of the AWS console"
)]
pub struct InvalidAwsAccountId;

impl AwsAccountId {
    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AwsAccountId {
    type Err = InvalidAwsAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let twelve_digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if twelve_digits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAwsAccountId)
        }
    }
}

impl TryFrom<String> for AwsAccountId {
    type Error = InvalidAwsAccountId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AwsAccountId> for String {
    fn from(id: AwsAccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AwsAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The guard against the confused deputy when a role is assumed: ours, random, one per (tenant, account), never
/// changed and never taken from a request. AWS does not treat it as a secret; we still do not log it.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// 160 random bits behind a fixed prefix, in hexadecimal.
    #[must_use]
    pub fn from_random(bytes: [u8; 20]) -> Self {
        Self(format!("tenantry-{}", data_encoding::HEXLOWER.encode(&bytes)))
    }

    /// Reads a stored value back.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The value for `sts:ExternalId`.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(***)")
    }
}

/// The name of the role a tenant makes for us; predictable, so that no callback is needed.
#[must_use]
pub fn role_name(tenant_id: TenantId) -> String {
    format!("tenantry-{}", tenant_id.suffix())
}

/// The ARN of that role in `account`, on the path `/tenantry/`.
#[must_use]
pub fn role_arn(account: &AwsAccountId, tenant_id: TenantId) -> String {
    format!("arn:aws:iam::{account}:role/tenantry/{}", role_name(tenant_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_and_nothing_else() {
        assert!("222222222222".parse::<AwsAccountId>().is_ok());
        for bad in [
            "",
            "22222222222",
            "2222222222222",
            "22222222222a",
            " 22222222222",
            "２22222222222",
            "-22222222222",
        ] {
            assert!(bad.parse::<AwsAccountId>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn an_external_id_fits_aws_and_is_not_printed() {
        let id = ExternalId::from_random([0xab; 20]);
        assert_eq!(id.expose().len(), 49);
        assert!(
            id.expose()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        );
        assert!(!format!("{id:?}").contains("abab"));
    }

    #[test]
    fn a_role_name_fits_the_64_characters_of_iam() {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(9));
        assert!(role_name(tenant).len() <= 64);
    }
}
