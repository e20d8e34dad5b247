//! AssumeRole's parameters, checked against the constraints of the STS API reference.

use std::collections::BTreeMap;

use crate::error::AwsError;
use crate::iam::policy::Document;
use crate::protocol::Params;

/// Longest session policy, in characters.
const POLICY_CHARACTERS_MAX: usize = 2_048;
const TAGS_MAX: usize = 50;
/// What policy and tags may hold together. AWS packs them in a binary form of its own, so this is a stand-in that
/// is full at about the same size.
const PACKED_BYTES_MAX: usize = 4_096;

/// What is asked of AssumeRole.
pub(super) struct AssumeRoleRequest {
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) external_id: Option<String>,
    pub(super) duration_seconds: i64,
    pub(super) policy: Option<Document>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) transitive_tag_keys: Vec<String>,
    pub(super) source_identity: Option<String>,
    pub(super) packed_percent: Option<usize>,
}

impl AssumeRoleRequest {
    pub(super) fn read(params: &Params) -> Result<Self, AwsError> {
        for unsupported in [
            "PolicyArns.member.1.arn",
            "SerialNumber",
            "TokenCode",
            "ProvidedContexts.member.1.ProviderArn",
        ] {
            if params.get(unsupported).is_some() {
                return Err(AwsError::not_implemented(
                    "sts",
                    &format!("AssumeRole with {unsupported}"),
                ));
            }
        }
        let duration_seconds = params.number("DurationSeconds")?.unwrap_or(3_600);
        if !(900..=43_200).contains(&duration_seconds) {
            return Err(params.invalid("durationSeconds", &duration_seconds.to_string()));
        }
        let tags = tags(params)?;
        let policy = params
            .get("Policy")
            .map(|text| policy(params, text))
            .transpose()?;
        let packed_percent = packed_percent(policy.as_ref(), &tags)?;
        Ok(Self {
            role_arn: role_arn(params)?,
            session_name: word(params, "RoleSessionName", 2..=64, NAME)?
                .ok_or_else(|| params.missing("roleSessionName"))?,
            external_id: word(params, "ExternalId", 2..=1_224, ID)?,
            duration_seconds,
            policy,
            transitive_tag_keys: transitive(params, &tags)?,
            tags,
            source_identity: word(params, "SourceIdentity", 2..=64, NAME)?,
            packed_percent,
        })
    }
}

const NAME: &str = "_+=,.@-";
const ID: &str = "_+=,.@:/-";

fn role_arn(params: &Params) -> Result<String, AwsError> {
    let arn = params.required("RoleArn")?;
    let whole = arn.len() <= 2_048 && crate::iam::service_role::split_role_arn(arn).is_some();
    if whole {
        Ok(arn.to_owned())
    } else {
        Err(AwsError::bad("ValidationError", format!("{arn} is invalid")))
    }
}

/// Text of letters, digits and `others`, of a length in `range`.
fn word(
    params: &Params,
    name: &str,
    range: std::ops::RangeInclusive<usize>,
    others: &str,
) -> Result<Option<String>, AwsError> {
    let Some(text) = params.get(name) else {
        return Ok(None);
    };
    let plain = text
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || others.contains(char));
    if plain && range.contains(&text.len()) {
        Ok(Some(text.to_owned()))
    } else {
        Err(params.invalid(name, text))
    }
}

fn policy(params: &Params, text: &str) -> Result<Document, AwsError> {
    if text.chars().count() > POLICY_CHARACTERS_MAX {
        return Err(params.invalid("policy", "a text longer than 2048 characters"));
    }
    Document::identity(text).map_err(|malformed| AwsError::bad("MalformedPolicyDocument", malformed))
}

fn tags(params: &Params) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for tag in params.list("Tags") {
        let (key, value) = (
            tag.required("Key")?.to_owned(),
            tag.get("Value").unwrap_or_default().to_owned(),
        );
        if key.chars().count() > 128
            || value.chars().count() > 256
            || key.to_ascii_lowercase().starts_with("aws:")
        {
            return Err(params.invalid("tags", &key));
        }
        if tags.insert(key.clone(), value).is_some() {
            let why = format!("Duplicate tag keys found: {key}. Tag keys are case insensitive.");
            return Err(AwsError::bad("InvalidParameterValue", why));
        }
    }
    if tags.len() > TAGS_MAX {
        Err(params.invalid("tags", "more than 50 tags"))
    } else {
        Ok(tags)
    }
}

fn transitive(params: &Params, tags: &BTreeMap<String, String>) -> Result<Vec<String>, AwsError> {
    let keys = params.strings("TransitiveTagKeys");
    match keys.iter().find(|key| !tags.contains_key(*key)) {
        Some(key) => {
            let why =
                format!("The specified transitive tag key {key} must be included in the requested tags.");
            Err(AwsError::bad("InvalidParameterValue", why))
        }
        None => Ok(keys),
    }
}

fn packed_percent(
    policy: Option<&Document>,
    tags: &BTreeMap<String, String>,
) -> Result<Option<usize>, AwsError> {
    let tag_bytes: usize = tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let bytes = policy.map_or(0, |policy| policy.text.len()) + tag_bytes;
    let percent = bytes.div_ceil(PACKED_BYTES_MAX / 100);
    if percent > 100 {
        let why = format!("Packed size of session tags and policy consumes {percent}% of allotted space.");
        return Err(AwsError::bad("PackedPolicyTooLarge", why));
    }
    Ok((bytes > 0).then_some(percent))
}
