//! Attributes of load balancers and target groups: known keys with checked values.

use std::collections::BTreeMap;

use super::Elbv2;
use super::request::{Request, invalid};
use super::{balancer, group};
use crate::error::AwsError;
use crate::protocol::Xml;

type Attributes = BTreeMap<String, String>;
/// A key, its default and what it may be.
type Known = (&'static str, &'static str, fn(&str) -> bool);

fn is_flag(value: &str) -> bool {
    matches!(value, "true" | "false")
}

fn is_any(_: &str) -> bool {
    true
}

fn is_idle_timeout(value: &str) -> bool {
    value
        .parse::<u32>()
        .is_ok_and(|seconds| (1..=4_000).contains(&seconds))
}

fn is_hour(value: &str) -> bool {
    value.parse::<u32>().is_ok_and(|seconds| seconds <= 3_600)
}

/// Source: API reference, "LoadBalancerAttribute".
const OF_BALANCERS: &[Known] = &[
    ("access_logs.s3.bucket", "", is_any),
    ("access_logs.s3.enabled", "false", is_flag),
    ("access_logs.s3.prefix", "", is_any),
    ("deletion_protection.enabled", "false", is_flag),
    ("idle_timeout.timeout_seconds", "60", is_idle_timeout),
    ("load_balancing.cross_zone.enabled", "true", is_flag),
    (
        "routing.http.drop_invalid_header_fields.enabled",
        "false",
        is_flag,
    ),
    ("routing.http2.enabled", "true", is_flag),
];

/// Source: API reference, "TargetGroupAttribute".
const OF_GROUPS: &[Known] = &[
    ("deregistration_delay.timeout_seconds", "300", is_hour),
    ("load_balancing.algorithm.type", "round_robin", is_any),
    ("slow_start.duration_seconds", "0", is_hour),
    ("stickiness.enabled", "false", is_flag),
    ("stickiness.type", "lb_cookie", is_any),
];

pub(super) fn describe_balancer(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let arn = request.params.required("LoadBalancerArn")?;
    let found = elb.with(request, |state| {
        state.balancers.get(arn).map(|found| found.attributes.clone())
    });
    found
        .map(|set| answer(&set, OF_BALANCERS))
        .ok_or_else(|| super::request::balancer_missing(arn))
}

pub(super) fn modify_balancer(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let found = balancer::permitted(elb, request)?;
    let changes = read(request, OF_BALANCERS)?;
    elb.with(request, |state| {
        let kept = state.balancers.get_mut(&found.arn);
        let set = kept.map(|kept| {
            kept.attributes.extend(changes);
            kept.attributes.clone()
        });
        Ok(answer(&set.unwrap_or_default(), OF_BALANCERS))
    })
}

pub(super) fn describe_group(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let arn = request.params.required("TargetGroupArn")?;
    let found = elb.with(request, |state| {
        state.groups.get(arn).map(|found| found.attributes.clone())
    });
    found
        .map(|set| answer(&set, OF_GROUPS))
        .ok_or_else(|| super::request::group_missing(arn))
}

pub(super) fn modify_group(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let found = group::permitted(elb, request)?;
    let changes = read(request, OF_GROUPS)?;
    elb.with(request, |state| {
        let kept = state.groups.get_mut(&found.arn);
        let set = kept.map(|kept| {
            kept.attributes.extend(changes);
            kept.attributes.clone()
        });
        Ok(answer(&set.unwrap_or_default(), OF_GROUPS))
    })
}

fn read(request: &Request<'_>, known: &[Known]) -> Result<Attributes, AwsError> {
    let mut changes = Attributes::new();
    for attribute in request.params.list("Attributes") {
        let key = attribute.required("Key")?;
        let value = attribute.get("Value").unwrap_or_default();
        let Some((_, _, accepts)) = known.iter().find(|(name, _, _)| *name == key) else {
            let why = format!("Attribute key '{key}' is not valid");
            return Err(AwsError::bad("InvalidConfigurationRequest", why));
        };
        if !accepts(value) {
            let why = format!("The value '{value}' of attribute '{key}' is not valid");
            return Err(AwsError::bad("InvalidConfigurationRequest", why));
        }
        changes.insert(key.to_owned(), value.to_owned());
    }
    if changes.is_empty() {
        return Err(invalid("At least one attribute must be specified"));
    }
    Ok(changes)
}

fn answer(set: &Attributes, known: &[Known]) -> Xml {
    let mut xml = Xml::new();
    xml.members("Attributes", known, |xml, (key, default, _)| {
        let value = set.get(*key).map_or(*default, String::as_str);
        xml.leaf("Key", key).leaf("Value", value);
    });
    xml
}
