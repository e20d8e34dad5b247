//! Signature Version 4: reads what a request presents and recomputes it.
//!
//! Source: "Create a signed AWS API request" (IAM user guide). S3 has its own rules and its own library.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::auth::AuthRefusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SKEW_MINUTES_MAX: i64 = 5;

/// The signature a request presents, parsed but not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) access_key_id: String,
    day: String,
    pub(crate) region: String,
    pub(crate) service: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Signature {
    /// Reads the `Authorization` header.
    ///
    /// # Errors
    /// `Missing` without the header, `Incomplete` when a part is absent or malformed.
    pub(crate) fn presented(parts: &Parts) -> Result<Self, AuthRefusal> {
        let header = parts
            .headers
            .get(http::header::AUTHORIZATION)
            .ok_or(AuthRefusal::Missing)?;
        let incomplete =
            |what: &str| AuthRefusal::Incomplete(format!("Authorization header requires {what}."));
        let text = header.to_str().map_err(|_| incomplete("printable text"))?;
        let fields = text
            .strip_prefix(ALGORITHM)
            .ok_or_else(|| incomplete("a supported algorithm"))?;
        let field = |name: &str| {
            let found = fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
            found
                .filter(|value| !value.is_empty())
                .ok_or_else(|| incomplete(&format!("'{name}' parameter")))
        };
        let scope: Vec<&str> = field("Credential")?.split('/').collect();
        let [access_key_id, day, region, service, "aws4_request"] = scope[..] else {
            return Err(incomplete("a credential scope of five parts"));
        };
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            day: day.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?.to_owned(),
        })
    }
}

/// Recomputes the signature with `secret`.
///
/// The time of signing must lie within five minutes of the endpoint's `now` or of the system's time: a test that
/// advances the endpoint's clock by an hour to let a token expire still signs with its own clock.
///
/// # Errors
/// `Skewed`, `Incomplete` or `Mismatch`.
pub(crate) fn verify(
    presented: &Signature,
    parts: &Parts,
    body: &[u8],
    secret: &str,
    now: DateTime<Utc>,
) -> Result<(), AuthRefusal> {
    let signed_at = signing_time(parts)?;
    refuse_skew(signed_at, now)?;
    if signed_at.format("%Y%m%d").to_string() != presented.day
        || !presented.signed_headers.iter().any(|name| name == "host")
    {
        return Err(AuthRefusal::Mismatch);
    }
    let canonical = canonical_request(presented, parts, body)?;
    let scope = format!(
        "{}/{}/{}/aws4_request",
        presented.day, presented.region, presented.service
    );
    let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
    let to_sign = format!(
        "{ALGORITHM}\n{}\n{scope}\n{digest}",
        signed_at.format("%Y%m%dT%H%M%SZ")
    );
    let key = aws_sigv4::sign::v4::generate_signing_key(
        secret,
        signed_at.into(),
        &presented.region,
        &presented.service,
    );
    let expected = aws_sigv4::sign::v4::calculate_signature(key, to_sign.as_bytes());
    let equal: bool = expected.as_bytes().ct_eq(presented.signature.as_bytes()).into();
    if equal { Ok(()) } else { Err(AuthRefusal::Mismatch) }
}

fn signing_time(parts: &Parts) -> Result<DateTime<Utc>, AuthRefusal> {
    let header = parts
        .headers
        .get("x-amz-date")
        .and_then(|value| value.to_str().ok());
    let parsed = header.and_then(|text| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok());
    let refusal = "Date must be in ISO-8601 'basic format' in header 'X-Amz-Date'.";
    parsed
        .map(|time| time.and_utc())
        .ok_or_else(|| AuthRefusal::Incomplete(refusal.to_owned()))
}

fn refuse_skew(signed_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), AuthRefusal> {
    let near = |time: DateTime<Utc>| (time - signed_at).abs() <= TimeDelta::minutes(SKEW_MINUTES_MAX);
    if near(now) || near(Utc::now()) {
        return Ok(());
    }
    let form = "%Y%m%dT%H%M%SZ";
    let direction = if signed_at < now {
        "Signature expired"
    } else {
        "Signature not yet current"
    };
    Err(AuthRefusal::Skewed(format!(
        "{direction}: {} and the time here is {}",
        signed_at.format(form),
        now.format(form)
    )))
}

fn canonical_request(presented: &Signature, parts: &Parts, body: &[u8]) -> Result<String, AuthRefusal> {
    let mut headers = String::new();
    for name in &presented.signed_headers {
        headers.push_str(&format!("{name}:{}\n", canonical_header(parts, name)?));
    }
    Ok(format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        parts.method,
        percent_encode(parts.uri.path(), b"/"),
        canonical_query(parts.uri.query().unwrap_or_default()),
        presented.signed_headers.join(";"),
        hex::encode(Sha256::digest(body)),
    ))
}

fn canonical_header(parts: &Parts, name: &str) -> Result<String, AuthRefusal> {
    let values: Vec<String> = parts
        .headers
        .get_all(name)
        .iter()
        .map(trimmed)
        .collect::<Option<_>>()
        .unwrap_or_default();
    if values.is_empty() {
        let why = format!("'{name}' is named as signed and is not in the request.");
        return Err(AuthRefusal::Incomplete(why));
    }
    Ok(values.join(","))
}

/// Leading, trailing and repeated spaces do not count.
fn trimmed(value: &http::HeaderValue) -> Option<String> {
    let words: Vec<&str> = value.to_str().ok()?.split_ascii_whitespace().collect();
    Some(words.join(" "))
}

fn canonical_query(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", percent_encode(&name, b""), percent_encode(&value, b"")))
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn percent_encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
