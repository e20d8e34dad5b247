//! One key: what it is, the state it is in, and the secret it holds.

use crate::tags::Tags;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where a key stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// May be used.
    Enabled,
    /// May not be used until it is enabled.
    Disabled,
    /// Gone at this time; until then it may be kept by CancelKeyDeletion.
    PendingDeletion(DateTime<Utc>),
}

/// A symmetric key for encryption.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) description: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: String,
    pub(super) state: State,
    /// The policy's text as it was given.
    pub(super) policy: String,
    pub(super) tags: Tags,
    pub(super) multi_region: bool,
    pub(super) rotates: bool,
    /// The service for which AWS made it: `ebs` of `aws/ebs`. `None` for a customer's key.
    pub(super) managed_for: Option<String>,
    /// 256 bits that never leave the endpoint.
    pub(super) secret: Vec<u8>,
}

impl Key {
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }

    pub(super) fn state_name(&self) -> &'static str {
        match self.state {
            State::Enabled => "Enabled",
            State::Disabled => "Disabled",
            State::PendingDeletion(_) => "PendingDeletion",
        }
    }

    /// True once a scheduled deletion is due.
    pub(super) fn is_gone(&self, now: DateTime<Utc>) -> bool {
        matches!(self.state, State::PendingDeletion(at) if at <= now)
    }

    /// The `KeyMetadata` of the API.
    pub(super) fn metadata(&self) -> Value {
        let mut metadata = json!({
            "AWSAccountId": self.account,
            "KeyId": self.id,
            "Arn": self.arn(),
            "CreationDate": self.created_at.timestamp(),
            "Enabled": self.state == State::Enabled,
            "Description": self.description,
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": self.state_name(),
            "Origin": "AWS_KMS",
            "KeyManager": if self.managed_for.is_some() { "AWS" } else { "CUSTOMER" },
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "MultiRegion": self.multi_region,
        });
        if let State::PendingDeletion(at) = self.state {
            metadata["DeletionDate"] = json!(at.timestamp());
        }
        metadata
    }
}

/// Services that have keys of their own, each with the name by which it calls (`kms:ViaService`).
const MANAGED_FOR: [(&str, &str); 4] = [
    ("ebs", "ec2"),
    ("kinesis", "kinesis"),
    ("rds", "rds"),
    ("s3", "s3"),
];

/// How the service that a managed key is for calls KMS; `None` for a service without such a key.
pub(super) fn via(managed_for: &str) -> Option<&'static str> {
    let found = MANAGED_FOR.iter().find(|(name, _)| *name == managed_for);
    found.map(|(_, calls_as)| *calls_as)
}

/// The policy of a key that AWS keeps for a service: used through that service alone, and changed by nobody (KMS
/// developer guide, "AWS managed keys").
pub(super) fn managed_policy(account: &str, region: &str, calls_as: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{calls_as}"),
        "Statement": [
            {
                "Sid": "Allow access through the service for all principals in the account",
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": [
                    "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                    "kms:DescribeKey",
                ],
                "Resource": "*",
                "Condition": { "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": format!("{calls_as}.{region}.amazonaws.com"),
                } },
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                "Resource": "*",
            },
        ],
    })
    .to_string()
}

/// The policy of a key that names none: the account decides by IAM.
pub(super) fn default_policy(account: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}
