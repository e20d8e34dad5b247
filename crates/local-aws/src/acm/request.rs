//! What calls carry, as ACM names it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::AwsError;
use crate::tags::Tags;

const ALTERNATIVES_MAX: usize = 100;
const PAGE_MAX: u32 = 1_000;
const TAGS_MAX: usize = 50;
const STATUSES: [&str; 7] = [
    "EXPIRED",
    "FAILED",
    "INACTIVE",
    "ISSUED",
    "PENDING_VALIDATION",
    "REVOKED",
    "VALIDATION_TIMED_OUT",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewCertificate {
    domain_name: String,
    validation_method: Option<String>,
    #[serde(default)]
    subject_alternative_names: Vec<String>,
    pub(super) idempotency_token: Option<String>,
    #[serde(default)]
    domain_validation_options: Vec<ValidationOption>,
    certificate_authority_arn: Option<String>,
    key_algorithm: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

/// Where the e-mails for a name go.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ValidationOption {
    domain_name: String,
    validation_domain: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfCertificate {
    pub(super) certificate_arn: String,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listing {
    #[serde(default)]
    certificate_statuses: Vec<String>,
    pub(super) next_token: Option<String>,
    max_items: Option<u32>,
}

impl NewCertificate {
    /// All names, the domain first, none twice; and a token of the allowed form.
    pub(super) fn names(&self) -> Result<Vec<String>, AwsError> {
        let mut names: Vec<String> = Vec::new();
        for name in std::iter::once(&self.domain_name).chain(&self.subject_alternative_names) {
            let name = name.to_ascii_lowercase();
            check_name(&name)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if self.subject_alternative_names.len() > ALTERNATIVES_MAX {
            return Err(invalid("SubjectAlternativeNames has at most 100 names"));
        }
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let token = self.idempotency_token.as_deref();
        if token.is_some_and(|token| token.is_empty() || token.len() > 32 || !token.bytes().all(word)) {
            return Err(invalid(
                "IdempotencyToken must have 1 to 32 letters, digits or underscores",
            ));
        }
        Ok(names)
    }

    /// Certificates of a private authority and other kinds of key are not built, and never made as something else.
    pub(super) fn refuse_other_kinds(&self) -> Result<(), AwsError> {
        let refuse =
            |what: &str| AwsError::not_implemented("acm", &format!("RequestCertificate with {what}"));
        if self.certificate_authority_arn.is_some() {
            return Err(refuse("CertificateAuthorityArn"));
        }
        match self.key_algorithm.as_deref() {
            None | Some("RSA_2048") => Ok(()),
            Some(other) => Err(refuse(&format!("KeyAlgorithm {other}"))),
        }
    }

    /// The domains that e-mails go to: a name of the certificate each, or one above it.
    pub(super) fn mail_domains(&self, names: &[String]) -> Result<BTreeMap<String, String>, AwsError> {
        let mut domains = BTreeMap::new();
        for option in &self.domain_validation_options {
            let (name, domain) = (&option.domain_name, &option.validation_domain);
            let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
            let own = name.strip_prefix("*.").unwrap_or(&name);
            let above = own == domain || own.ends_with(&format!(".{domain}"));
            if !names.contains(&name) || !domain.contains('.') || !above {
                let why =
                    format!("{domain} is not {name}, nor a domain above it, or {name} is not requested");
                return Err(AwsError::bad("InvalidDomainValidationOptionsException", why));
            }
            domains.insert(name, domain);
        }
        Ok(domains)
    }

    pub(super) fn method(&self) -> Result<String, AwsError> {
        match self.validation_method.as_deref() {
            // ACM API reference, "RequestCertificate": e-mail is the default of the API.
            None | Some("EMAIL") => Ok("EMAIL".to_owned()),
            Some("DNS") => Ok("DNS".to_owned()),
            Some(other) => Err(invalid(format!("{other} is not a validation method"))),
        }
    }
}

impl OfCertificate {
    pub(super) fn check(&self) -> Result<(), AwsError> {
        let parts: Vec<&str> = self.certificate_arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", "aws", "acm", _, _, resource] if resource.starts_with("certificate/") => Ok(()),
            _ => Err(AwsError::bad(
                "InvalidArnException",
                format!("{} is not the ARN of a certificate", self.certificate_arn),
            )),
        }
    }
}

impl Listing {
    /// With no statuses every certificate is listed.
    pub(super) fn accepts(&self, status: &str) -> bool {
        self.certificate_statuses.is_empty()
            || self.certificate_statuses.iter().any(|wanted| wanted == status)
    }

    pub(super) fn check(&self) -> Result<(), AwsError> {
        let mut statuses = self.certificate_statuses.iter();
        match statuses.find(|status| !STATUSES.contains(&status.as_str())) {
            Some(other) => Err(invalid(format!("{other} is not the status of a certificate"))),
            None => Ok(()),
        }
    }

    pub(super) fn size(&self) -> Result<usize, AwsError> {
        let size = self.max_items.unwrap_or(PAGE_MAX);
        if !(1..=PAGE_MAX).contains(&size) {
            return Err(invalid("MaxItems must be between 1 and 1000"));
        }
        Ok(usize::try_from(size).unwrap_or(usize::MAX))
    }
}

/// Tags of a call (ACM user guide, "Tag restrictions").
pub(super) fn tags(list: &[Tag]) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for Tag { key, value } in list {
        let long =
            key.chars().count() > 128 || value.as_ref().is_some_and(|value| value.chars().count() > 256);
        if key.is_empty() || long || key.to_ascii_lowercase().starts_with("aws:") {
            return Err(AwsError::bad(
                "InvalidTagException",
                format!("The tag {key:?} is not allowed"),
            ));
        }
        tags.insert(key.clone(), value.clone().unwrap_or_default());
    }
    refuse_too_many(&tags)?;
    Ok(tags)
}

/// A certificate has fifty tags at most.
pub(super) fn refuse_too_many(tags: &Tags) -> Result<(), AwsError> {
    if tags.len() > TAGS_MAX {
        return Err(AwsError::bad(
            "TooManyTagsException",
            "A certificate has 50 tags at most",
        ));
    }
    Ok(())
}

/// `ValidationException`.
pub(super) fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("ValidationException", why)
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let base = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.len() > 253 || !base.contains('.') || !base.split('.').all(label) {
        return Err(invalid(format!("{name:?} is not a domain name")));
    }
    Ok(())
}
