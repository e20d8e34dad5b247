//! What calls carry, as KMS names it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::AwsError;
use crate::iam::policy::Context;
use crate::service::Call;
use crate::tags::Tags;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateKey {
    pub(super) policy: Option<String>,
    pub(super) description: Option<String>,
    pub(super) key_usage: Option<String>,
    pub(super) key_spec: Option<String>,
    pub(super) customer_master_key_spec: Option<String>,
    pub(super) origin: Option<String>,
    #[serde(default)]
    pub(super) multi_region: bool,
    #[serde(default)]
    pub(super) bypass_policy_lockout_safety_check: bool,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) tag_key: String,
    pub(super) tag_value: String,
}

/// Any call about one key.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfKey {
    pub(super) key_id: String,
    pub(super) policy_name: Option<String>,
    pub(super) policy: Option<String>,
    #[serde(default)]
    pub(super) bypass_policy_lockout_safety_check: bool,
    pub(super) pending_window_in_days: Option<i64>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
    #[serde(default)]
    pub(super) tag_keys: Vec<String>,
    pub(super) limit: Option<usize>,
    pub(super) marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfAlias {
    pub(super) alias_name: String,
    pub(super) target_key_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listing {
    pub(super) key_id: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) marker: Option<String>,
}

/// Encrypt, Decrypt and GenerateDataKey.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Use {
    pub(super) key_id: Option<String>,
    pub(super) plaintext: Option<String>,
    pub(super) ciphertext_blob: Option<String>,
    #[serde(default)]
    pub(super) encryption_context: BTreeMap<String, String>,
    pub(super) key_spec: Option<String>,
    pub(super) number_of_bytes: Option<usize>,
}

impl Use {
    /// The facts of the call, the encryption context among them (KMS developer guide, "kms:EncryptionContext").
    pub(super) fn context(&self, call: &Call) -> Context {
        let facts = self.encryption_context.iter();
        let context = facts.fold(call.context(), |context, (name, value)| {
            context.with(&format!("kms:EncryptionContext:{name}"), value)
        });
        let names: Vec<String> = self.encryption_context.keys().cloned().collect();
        if names.is_empty() {
            return context;
        }
        context.with_all("kms:EncryptionContextKeys", names)
    }
}

/// Tags of a call, none twice and none of AWS's own (KMS developer guide, "Tags in AWS KMS").
pub(super) fn tags(list: Vec<Tag>) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for Tag { tag_key, tag_value } in list {
        let fits = (1..=128).contains(&tag_key.chars().count()) && tag_value.chars().count() <= 256;
        if !fits || tag_key.to_ascii_lowercase().starts_with("aws:") {
            return Err(AwsError::bad(
                "TagException",
                format!("The tag {tag_key:?} is not allowed"),
            ));
        }
        if tags.insert(tag_key, tag_value).is_some() {
            return Err(AwsError::bad("TagException", "Duplicate tag keys"));
        }
    }
    refuse_too_many(&tags)?;
    Ok(tags)
}

/// A key has fifty tags at most.
pub(super) fn refuse_too_many(tags: &Tags) -> Result<(), AwsError> {
    if tags.len() > 50 {
        return Err(AwsError::bad(
            "LimitExceededException",
            "A key has 50 tags at most",
        ));
    }
    Ok(())
}

/// `ValidationException`.
pub(super) fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("ValidationException", why)
}
