//! What a request names: its service, its operation, in the form and the version that the service has.
//!
//! Sources: "Common parameters" and "Common errors" of the query services; EC2 API reference, "Error codes"
//! (InvalidAction, MissingAction); the target and content type of a JSON service are those its SDK clients send.

use bytes::Bytes;
use http::Method;
use http::request::Parts;

use crate::auth::Signature;
use crate::error::AwsError;
use crate::protocol::{Params, Protocol};

/// The prefix of `X-Amz-Target` by the service's signing name: its interface and the version of it.
const TARGETS: &[(&str, &str)] = &[
    ("acm", "CertificateManager"),
    ("aws-marketplace", "AWSMPMeteringService"),
    ("cloudtrail", "CloudTrail_20131101"),
    // The name that boto3 and the CLI have for the same.
    (
        "cloudtrail",
        "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    ),
    ("kinesis", "Kinesis_20131202"),
    ("kms", "TrentService"),
    ("redshift-data", "RedshiftData"),
    ("servicequotas", "ServiceQuotasV20190624"),
    ("tagging", "ResourceGroupsTaggingAPI_20170126"),
];

/// The version of each query interface that is answered here.
const VERSIONS: &[(&str, &str)] = &[
    ("autoscaling", "2011-01-01"),
    ("cloudformation", "2010-05-15"),
    ("ec2", "2016-11-15"),
    ("elasticloadbalancing", "2015-12-01"),
    ("iam", "2010-05-08"),
    ("rds", "2014-10-31"),
    ("sts", "2011-06-15"),
];

const FORM: &str = "application/x-www-form-urlencoded";

/// The service of the credential scope; without one, what the request looks like.
pub(super) fn service(parts: &Parts, presented: Option<&Signature>) -> String {
    if let Some(signature) = presented {
        return signature.service.clone();
    }
    let target = header(parts, "x-amz-target");
    let named = TARGETS.iter().find(|(_, prefix)| is_of(target, prefix));
    if let Some((service, _)) = named {
        return (*service).to_owned();
    }
    if has_form(parts) && parts.uri.path() == "/" {
        "sts".into()
    } else {
        "s3".into()
    }
}

/// The parameters of a query call: its form, or its query string where the method is GET.
pub(super) fn parameters(parts: &Parts, body: Bytes, protocol: Protocol) -> Bytes {
    match protocol {
        Protocol::Query { .. } | Protocol::Ec2 if parts.method == Method::GET => {
            Bytes::copy_from_slice(parts.uri.query().unwrap_or_default().as_bytes())
        }
        // What is not said to be a form is not read as one: the call then lacks its action.
        Protocol::Query { .. } | Protocol::Ec2 if !has_form(parts) => Bytes::new(),
        Protocol::Query { .. } | Protocol::Ec2 | Protocol::Json { .. } | Protocol::RestXml { .. } => body,
    }
}

/// The operation of a query, EC2 or JSON call.
pub(super) fn operation(
    service: &str,
    parts: &Parts,
    body: &[u8],
    protocol: Protocol,
) -> Result<String, AwsError> {
    match protocol {
        Protocol::Json { version } => targeted(service, parts, version),
        Protocol::Query { .. } | Protocol::Ec2 | Protocol::RestXml { .. } => {
            acted(service, &Params::parse(body, protocol)?)
        }
    }
}

fn targeted(service: &str, parts: &Parts, version: &str) -> Result<String, AwsError> {
    let unknown = |why: &str| AwsError::bad("UnknownOperationException", why);
    let content_type = format!("application/x-amz-json-{version}");
    if !has_type(parts, &content_type) {
        return Err(unknown(&format!("the content type is not {content_type}")));
    }
    let target = header(parts, "x-amz-target");
    let mut own = TARGETS.iter().filter(|(name, _)| *name == service);
    let operation = own.find_map(|(_, prefix)| target.strip_prefix(prefix)?.strip_prefix('.'));
    operation
        .filter(|operation| is_word(operation))
        .map(str::to_owned)
        .ok_or_else(|| unknown("X-Amz-Target names no operation of the service"))
}

fn acted(service: &str, params: &Params) -> Result<String, AwsError> {
    let action = params.get("Action").filter(|action| is_word(action));
    let action =
        action.ok_or_else(|| AwsError::bad("MissingAction", "The request is missing an action parameter"))?;
    let known = VERSIONS.iter().find(|(name, _)| *name == service);
    match (known, params.get("Version")) {
        (Some((_, known)), Some(given)) if *known != given => {
            let why = format!("Could not find operation {action} for version {given}");
            Err(AwsError::bad("InvalidAction", why))
        }
        _ => Ok(action.to_owned()),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_of(target: &str, prefix: &str) -> bool {
    target
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn has_form(parts: &Parts) -> bool {
    has_type(parts, FORM)
}

/// Whether the content type is this one, whatever its parameters are.
fn has_type(parts: &Parts, wanted: &str) -> bool {
    let given = header(parts, "content-type")
        .split(';')
        .next()
        .unwrap_or_default();
    given.trim().eq_ignore_ascii_case(wanted)
}

pub(super) fn header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    let value = parts.headers.get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}
