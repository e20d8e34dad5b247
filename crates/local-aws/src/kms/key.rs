//! One key: what it is, the state it is in, and the secret it holds.

use std::collections::BTreeMap;

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
    pub(super) tags: BTreeMap<String, String>,
    pub(super) multi_region: bool,
    pub(super) rotates: bool,
    /// Made by AWS for one of its services (`aws/ebs`).
    pub(super) aws_managed: bool,
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
            "KeyManager": if self.aws_managed { "AWS" } else { "CUSTOMER" },
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
