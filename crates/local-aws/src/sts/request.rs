//! AssumeRole's parameters, checked against the constraints of the STS API reference.

use crate::error::AwsError;
use crate::iam::policy::Document;
use crate::protocol::Params;
use crate::tags::Tags;

/// Longest session policy, in characters.
const POLICY_CHARACTERS_MAX: usize = 2_048;
const POLICY_ARNS_MAX: usize = 10;
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
    /// Managed policies that limit the session too.
    pub(super) policy_arns: Vec<String>,
    pub(super) tags: Tags,
    pub(super) transitive_tag_keys: Vec<String>,
    pub(super) source_identity: Option<String>,
    pub(super) packed_percent: Option<usize>,
}

impl AssumeRoleRequest {
    pub(super) fn read(params: &Params) -> Result<Self, AwsError> {
        for unsupported in [
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
        let text = params.get("Policy");
        let policy_arns = policy_arns(params)?;
        refuse_long(text, &policy_arns)?;
        let policy = text.map(|text| policy(params, text)).transpose()?;
        let packed_percent = packed_percent(policy.as_ref(), &policy_arns, &tags)?;
        Ok(Self {
            role_arn: role_arn(params)?,
            session_name: word(params, "RoleSessionName", 2..=64, NAME)?
                .ok_or_else(|| params.missing("roleSessionName"))?,
            external_id: word(params, "ExternalId", 2..=1_224, ID)?,
            duration_seconds,
            policy,
            policy_arns,
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

/// The session policy's characters are those of Latin-1 without its control characters.
fn policy(params: &Params, text: &str) -> Result<Document, AwsError> {
    let taken = |char: char| matches!(char, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if !text.chars().all(taken) {
        return Err(params.invalid("policy", "a text with characters beyond \\u00FF"));
    }
    Document::identity(text).map_err(|malformed| AwsError::bad("MalformedPolicyDocument", malformed))
}

fn policy_arns(params: &Params) -> Result<Vec<String>, AwsError> {
    let entries = params.list("PolicyArns");
    let arns = entries
        .iter()
        .map(|entry| entry.required("arn").map(str::to_owned));
    let arns: Vec<String> = arns.collect::<Result<_, _>>()?;
    if arns.len() > POLICY_ARNS_MAX {
        return Err(params.invalid("policyArns", "more than 10 policies"));
    }
    match arns.iter().find(|arn| !names_policy(arn)) {
        Some(bad) => Err(AwsError::bad("ValidationError", format!("{bad} is invalid"))),
        None => Ok(arns),
    }
}

fn names_policy(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts[..], ["arn", "aws", "iam", "", _, resource] if resource.starts_with("policy/"))
}

/// "The plaintext that you use for both inline and managed session policies can't exceed 2,048 characters."
fn refuse_long(policy: Option<&str>, arns: &[String]) -> Result<(), AwsError> {
    let inline = policy.map_or(0, |text| text.chars().count());
    let characters = inline + arns.iter().map(String::len).sum::<usize>();
    if characters <= POLICY_CHARACTERS_MAX {
        return Ok(());
    }
    let why = "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length \
               less than or equal to 2048";
    Err(AwsError::bad("ValidationError", why))
}

fn tags(params: &Params) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for tag in params.list("Tags") {
        let (key, value) = (
            tag.required("Key")?.to_owned(),
            tag.get("Value").unwrap_or_default().to_owned(),
        );
        if !(1..=128).contains(&key.chars().count())
            || value.chars().count() > 256
            || key.to_ascii_lowercase().starts_with("aws:")
        {
            return Err(params.invalid("tags", &key));
        }
        let again = tags.keys().any(|other: &String| other.eq_ignore_ascii_case(&key));
        if tags.insert(key.clone(), value).is_some() || again {
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

fn transitive(params: &Params, tags: &Tags) -> Result<Vec<String>, AwsError> {
    let keys = params.strings("TransitiveTagKeys");
    if keys.len() > TAGS_MAX {
        return Err(params.invalid("transitiveTagKeys", "more than 50 keys"));
    }
    match keys.iter().find(|key| !tags.contains_key(key)) {
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
    arns: &[String],
    tags: &Tags,
) -> Result<Option<usize>, AwsError> {
    let tag_bytes: usize = tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let arn_bytes: usize = arns.iter().map(String::len).sum();
    let bytes = policy.map_or(0, |policy| policy.text.len()) + arn_bytes + tag_bytes;
    let percent = bytes.div_ceil(PACKED_BYTES_MAX / 100);
    if percent > 100 {
        let why = format!("Packed size of session tags and policy consumes {percent}% of allotted space.");
        return Err(AwsError::bad("PackedPolicyTooLarge", why));
    }
    Ok((bytes > 0).then_some(percent))
}
