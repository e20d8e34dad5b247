//! Requests as Route 53 writes them: what the path names and what the body says.

use http::Method;
use serde::Deserialize;

use super::record::RecordSet;
use super::state::{CheckConfig, Children, Tags};
use crate::core::Core;
use crate::error::AwsError;
use crate::service::Call;

const VERSION: &str = "/2013-04-01/";

/// The operation that a method and a path name.
pub(super) fn route(method: &Method, path: &str, query: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path
        .strip_prefix(VERSION)?
        .trim_end_matches('/')
        .split('/')
        .collect();
    Some(match (method.as_str(), &parts[..]) {
        ("POST", ["hostedzone"]) => "CreateHostedZone",
        ("GET", ["hostedzone"]) => "ListHostedZones",
        ("GET", ["hostedzonesbyname"]) => "ListHostedZonesByName",
        ("GET", ["hostedzone", _]) => "GetHostedZone",
        ("DELETE", ["hostedzone", _]) => "DeleteHostedZone",
        ("POST", ["hostedzone", _, "rrset"]) => "ChangeResourceRecordSets",
        ("GET", ["hostedzone", _, "rrset"]) => "ListResourceRecordSets",
        ("GET", ["change", _]) => "GetChange",
        ("POST", ["healthcheck"]) => "CreateHealthCheck",
        ("GET", ["healthcheck"]) => "ListHealthChecks",
        ("GET", ["healthcheck", _]) => "GetHealthCheck",
        ("POST", ["healthcheck", _]) => "UpdateHealthCheck",
        ("DELETE", ["healthcheck", _]) => "DeleteHealthCheck",
        ("GET", ["healthcheck", _, "status"]) => "GetHealthCheckStatus",
        ("POST", ["tags", _, _]) => "ChangeTagsForResource",
        ("POST", ["tags", _]) if query.is_empty() => "ListTagsForResources",
        ("GET", ["tags", _, _]) => "ListTagsForResource",
        _ => return None,
    })
}

/// A call with what is needed to carry it out.
pub(super) struct Request<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
}

impl Request<'_> {
    /// The part of the path at a place behind the version: an id.
    pub(super) fn part(&self, at: usize) -> &str {
        let rest = self.call.path.strip_prefix(VERSION).unwrap_or_default();
        rest.split('/').nth(at).unwrap_or_default()
    }

    /// A value of the query string.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.call.query.as_bytes());
        let found = pairs.find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    }

    /// The most items of a page.
    pub(super) fn size(&self, most: usize) -> Result<usize, AwsError> {
        let Some(text) = self.query("maxitems") else {
            return Ok(most);
        };
        let size = text.parse::<usize>().ok().filter(|size| *size > 0);
        size.map(|size| size.min(most))
            .ok_or_else(|| invalid("maxitems must be a number above zero"))
    }

    /// The body as what the operation takes.
    pub(super) fn body<T: serde::de::DeserializeOwned>(&self) -> Result<T, AwsError> {
        let malformed = |why: String| AwsError::bad("MalformedXML", why);
        let text = std::str::from_utf8(&self.call.body).map_err(|error| malformed(error.to_string()))?;
        quick_xml::de::from_str(text).map_err(|error| malformed(error.to_string()))
    }

    /// Permission on a resource such as `hostedzone/Z…`, or `*`.
    pub(super) fn permit(&self, resource: &str, has: &Tags) -> Result<(), AwsError> {
        let action = format!("route53:{}", self.call.operation);
        let arn = if resource == "*" {
            resource.to_owned()
        } else {
            format!("arn:aws:route53:::{resource}")
        };
        let context = self.call.context().resource_tags(has);
        Ok(self.core.authorize(&self.call.caller, &action, &arn, &context)?)
    }

    /// What the account may have at most.
    pub(super) fn quota(&self, code: &str) -> Option<u64> {
        let quotas = &self.core.peers.service_quotas;
        quotas.value(self.core, (&self.call.caller.account, "global"), code)
    }

    /// An id of Route 53: a letter and twenty more of them or digits.
    pub(super) fn new_id(&self, letter: char) -> String {
        let id = self.core.ids.unique("");
        format!("{letter}{id}")
    }
}

/// `InvalidInput`.
pub(super) fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("InvalidInput", why)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewZone {
    pub(super) name: String,
    pub(super) caller_reference: String,
    pub(super) hosted_zone_config: Option<ZoneConfig>,
    pub(super) delegation_set_id: Option<String>,
    #[serde(rename = "VPC")]
    pub(super) vpc: Option<Vpc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ZoneConfig {
    pub(super) comment: Option<String>,
    pub(super) private_zone: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Vpc {
    #[serde(rename = "VPCRegion")]
    pub(super) region: String,
    #[serde(rename = "VPCId")]
    pub(super) id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeRecords {
    pub(super) change_batch: Batch,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch {
    pub(super) changes: Changes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Changes {
    #[serde(default)]
    pub(super) change: Vec<OneChange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneChange {
    pub(super) action: String,
    pub(super) resource_record_set: RecordSet,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewCheck {
    pub(super) caller_reference: String,
    pub(super) health_check_config: CheckConfig,
}

/// What is not given stays.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ChangedCheck {
    #[serde(rename = "HealthCheckVersion")]
    pub(super) version: Option<i64>,
    #[serde(rename = "IPAddress")]
    pub(super) ip_address: Option<String>,
    #[serde(rename = "Port")]
    pub(super) port: Option<u16>,
    #[serde(rename = "ResourcePath")]
    pub(super) resource_path: Option<String>,
    #[serde(rename = "FullyQualifiedDomainName")]
    pub(super) domain_name: Option<String>,
    #[serde(rename = "FailureThreshold")]
    pub(super) failure_threshold: Option<i64>,
    #[serde(rename = "Inverted")]
    pub(super) inverted: Option<bool>,
    #[serde(rename = "Disabled")]
    pub(super) disabled: Option<bool>,
    #[serde(rename = "EnableSNI")]
    pub(super) enable_sni: Option<bool>,
    #[serde(rename = "HealthThreshold")]
    pub(super) health_threshold: Option<i64>,
    #[serde(rename = "ChildHealthChecks")]
    pub(super) children: Option<Children>,
    #[serde(rename = "ResetElements")]
    pub(super) reset: Option<Reset>,
}

/// Settings that go back to their default.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Reset {
    #[serde(rename = "ResettableElementName")]
    pub(super) names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeTags {
    pub(super) add_tags: Option<AddTags>,
    pub(super) remove_tag_keys: Option<RemoveTags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddTags {
    #[serde(default)]
    pub(super) tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemoveTags {
    #[serde(default)]
    pub(super) key: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfResources {
    pub(super) resource_ids: ResourceIds,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResourceIds {
    #[serde(default)]
    pub(super) resource_id: Vec<String>,
}
