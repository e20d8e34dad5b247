//! Attributes of load balancers and target groups: known keys with checked values.

use std::collections::BTreeMap;

use super::Elbv2;
use super::request::{Request, invalid};
use super::state::{Balancer, TargetGroup};
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

/// Nothing is written to a bucket here, so that nothing can be switched on.
fn is_off(value: &str) -> bool {
    value == "false"
}

fn is_algorithm(value: &str) -> bool {
    matches!(
        value,
        "round_robin" | "least_outstanding_requests" | "weighted_random"
    )
}

fn is_cookie(value: &str) -> bool {
    matches!(value, "lb_cookie" | "app_cookie")
}

fn is_week(value: &str) -> bool {
    value
        .parse::<u32>()
        .is_ok_and(|seconds| (1..=604_800).contains(&seconds))
}

fn is_slow_start(value: &str) -> bool {
    value == "0"
        || value
            .parse::<u32>()
            .is_ok_and(|seconds| (30..=900).contains(&seconds))
}

fn is_mitigation(value: &str) -> bool {
    matches!(value, "defensive" | "monitor" | "strictest")
}

fn is_header(value: &str) -> bool {
    matches!(value, "append" | "preserve" | "remove")
}

/// Source: API reference, "LoadBalancerAttribute".
const OF_APPLICATIONS: &[Known] = &[
    ("access_logs.s3.bucket", "", is_any),
    ("access_logs.s3.enabled", "false", is_off),
    ("access_logs.s3.prefix", "", is_any),
    ("client_keep_alive.seconds", "3600", is_week),
    ("connection_logs.s3.bucket", "", is_any),
    ("connection_logs.s3.enabled", "false", is_off),
    ("connection_logs.s3.prefix", "", is_any),
    ("deletion_protection.enabled", "false", is_flag),
    ("idle_timeout.timeout_seconds", "60", is_idle_timeout),
    ("load_balancing.cross_zone.enabled", "true", |value| {
        value == "true"
    }),
    ("routing.http.desync_mitigation_mode", "defensive", is_mitigation),
    (
        "routing.http.drop_invalid_header_fields.enabled",
        "false",
        is_flag,
    ),
    ("routing.http.preserve_host_header.enabled", "false", is_flag),
    (
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "false",
        is_flag,
    ),
    ("routing.http.xff_client_port.enabled", "false", is_flag),
    ("routing.http.xff_header_processing.mode", "append", is_header),
    ("routing.http2.enabled", "true", is_flag),
    ("waf.fail_open.enabled", "false", is_flag),
];

/// The same source, for network load balancers.
const OF_NETWORKS: &[Known] = &[
    ("access_logs.s3.bucket", "", is_any),
    ("access_logs.s3.enabled", "false", is_off),
    ("access_logs.s3.prefix", "", is_any),
    ("deletion_protection.enabled", "false", is_flag),
    ("load_balancing.cross_zone.enabled", "false", is_flag),
];

/// Source: API reference, "TargetGroupAttribute".
const OF_HTTP_GROUPS: &[Known] = &[
    ("deregistration_delay.timeout_seconds", "300", is_hour),
    ("load_balancing.algorithm.type", "round_robin", is_algorithm),
    ("slow_start.duration_seconds", "0", is_slow_start),
    ("stickiness.app_cookie.cookie_name", "", is_any),
    ("stickiness.app_cookie.duration_seconds", "86400", is_week),
    ("stickiness.enabled", "false", is_flag),
    ("stickiness.lb_cookie.duration_seconds", "86400", is_week),
    ("stickiness.type", "lb_cookie", is_cookie),
];

/// The same source, for target groups of network load balancers.
const OF_TCP_GROUPS: &[Known] = &[
    (
        "deregistration_delay.connection_termination.enabled",
        "false",
        is_flag,
    ),
    ("deregistration_delay.timeout_seconds", "300", is_hour),
    ("preserve_client_ip.enabled", "true", is_flag),
    ("proxy_protocol_v2.enabled", "false", is_flag),
    ("stickiness.enabled", "false", is_flag),
    ("stickiness.type", "source_ip", |value| value == "source_ip"),
];

fn of_balancer(balancer: &Balancer) -> &'static [Known] {
    if balancer.kind == "network" {
        OF_NETWORKS
    } else {
        OF_APPLICATIONS
    }
}

fn of_group(group: &TargetGroup) -> &'static [Known] {
    if group.protocol == "TCP" {
        OF_TCP_GROUPS
    } else {
        OF_HTTP_GROUPS
    }
}

pub(super) fn describe_balancer(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let arn = request.params.required("LoadBalancerArn")?;
    let found = elb.with(request, |state| state.balancers.get(arn).cloned());
    found
        .map(|found| answer(&found.attributes, of_balancer(&found)))
        .ok_or_else(|| super::request::balancer_missing(arn))
}

pub(super) fn modify_balancer(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let found = balancer::permitted(elb, request)?;
    let known = of_balancer(&found);
    let changes = read(request, known)?;
    elb.with(request, |state| {
        let kept = state.balancers.get_mut(&found.arn);
        let set = kept.map(|kept| {
            kept.attributes.extend(changes);
            kept.attributes.clone()
        });
        Ok(answer(&set.unwrap_or_default(), known))
    })
}

pub(super) fn describe_group(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let arn = request.params.required("TargetGroupArn")?;
    let found = elb.with(request, |state| state.groups.get(arn).cloned());
    found
        .map(|found| answer(&found.attributes, of_group(&found)))
        .ok_or_else(|| super::request::group_missing(arn))
}

pub(super) fn modify_group(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let found = group::permitted(elb, request)?;
    let known = of_group(&found);
    let changes = read(request, known)?;
    elb.with(request, |state| {
        let kept = state.groups.get_mut(&found.arn);
        let set = kept.map(|kept| {
            kept.attributes.extend(changes);
            kept.attributes.clone()
        });
        Ok(answer(&set.unwrap_or_default(), known))
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
