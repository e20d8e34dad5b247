//! The rules that a health check's settings have to keep.
//!
//! Source: Route 53 API reference, "HealthCheckConfig".

use std::net::Ipv4Addr;

use super::record::{check_name, full_name};
use super::request::invalid;
use super::state::{Check, CheckConfig, Dns};
use crate::error::AwsError;

/// The types that are built.
const KINDS: [&str; 4] = ["HTTP", "HTTPS", "TCP", "CALCULATED"];
/// The types that AWS has besides.
const OTHER_KINDS: [&str; 4] = [
    "HTTP_STR_MATCH",
    "HTTPS_STR_MATCH",
    "CLOUDWATCH_METRIC",
    "RECOVERY_CONTROL",
];
const CHILDREN_MAX: usize = 256;

/// A check's settings with those that Route 53 fills in.
pub(super) fn with_defaults(config: CheckConfig) -> CheckConfig {
    if config.kind == "CALCULATED" {
        return config;
    }
    CheckConfig {
        request_interval: config.request_interval.or(Some(30)),
        failure_threshold: config.failure_threshold.or(Some(3)),
        measure_latency: config.measure_latency.or(Some(false)),
        enable_sni: config.enable_sni.or(Some(config.kind == "HTTPS")),
        ..config
    }
}

/// The rules that concern a check's settings alone.
pub(super) fn check_config(config: &CheckConfig) -> Result<(), AwsError> {
    if OTHER_KINDS.contains(&config.kind.as_str()) {
        let what = format!("CreateHealthCheck of type {}", config.kind);
        return Err(AwsError::not_implemented("route53", &what));
    }
    if !KINDS.contains(&config.kind.as_str()) {
        return Err(invalid(format!("{} is not a type of health check", config.kind)));
    }
    if config.kind == "CALCULATED" {
        return check_calculated(config);
    }
    if !config.child_ids().is_empty() || config.health_threshold.is_some() || config.search_string.is_some() {
        return Err(invalid(format!(
            "A health check of type {} has neither children nor a health threshold nor a search string",
            config.kind
        )));
    }
    if ![None, Some(10), Some(30)].contains(&config.request_interval) {
        return Err(invalid("RequestInterval must be 10 or 30"));
    }
    let threshold = config.failure_threshold;
    if threshold.is_some_and(|count| !(1..=10).contains(&count)) {
        return Err(invalid("FailureThreshold must be between 1 and 10"));
    }
    check_target(config)
}

fn check_calculated(config: &CheckConfig) -> Result<(), AwsError> {
    let threshold = config.health_threshold;
    let fits = threshold.is_some_and(|count| (0..=256).contains(&count));
    let count = config.child_ids().len();
    if !fits || count == 0 || count > CHILDREN_MAX {
        return Err(invalid(
            "A calculated health check has a health threshold of 0 to 256 and 1 to 256 children",
        ));
    }
    let has_target = config.ip_address.is_some() || config.domain_name.is_some() || config.port.is_some();
    if has_target {
        return Err(invalid(
            "A calculated health check looks at its children and at no address",
        ));
    }
    Ok(())
}

/// What is looked at: a public address, or a name.
fn check_target(config: &CheckConfig) -> Result<(), AwsError> {
    let address = config.ip_address.as_deref();
    if address.is_none() && config.domain_name.is_none() {
        return Err(invalid("Either an IP address or a domain name must be given"));
    }
    if let Some(address) = address {
        let parsed: Option<Ipv4Addr> = address.parse().ok();
        if parsed.is_none_or(|address| !is_public(address)) {
            let why = format!("{address} is not a public IPv4 address that Route 53 can check");
            return Err(invalid(why));
        }
    }
    let name = config.domain_name.as_deref();
    if name.is_some_and(|name| name.len() > 255 || check_name(&full_name(name)).is_err()) {
        return Err(invalid("FullyQualifiedDomainName is not a domain name"));
    }
    if config.port == Some(0) || (config.kind == "TCP" && config.port.is_none()) {
        return Err(invalid(
            "The port must be between 1 and 65535; a TCP health check needs one",
        ));
    }
    let path = config.resource_path.as_deref();
    if path.is_some_and(|path| path.len() > 255 || config.kind == "TCP") {
        return Err(invalid(
            "ResourcePath has at most 255 characters; a TCP health check has none",
        ));
    }
    Ok(())
}

/// Route 53 checks no private, loopback, link-local or multicast address.
fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_unspecified()
        || address.is_broadcast()
        || is_shared)
}

/// The children of a calculated check are there, and none of them counts it in turn.
pub(super) fn check_children(state: &Dns, check: &Check) -> Result<(), AwsError> {
    for id in check.config.child_ids() {
        let child = state
            .checks
            .get(id)
            .filter(|child| child.account == check.account);
        let Some(child) = child else {
            return Err(invalid(format!("No health check exists with ID {id}")));
        };
        if child.id == check.id || child.config.child_ids().contains(&check.id) {
            return Err(invalid("A calculated health check cannot count itself"));
        }
    }
    Ok(())
}
