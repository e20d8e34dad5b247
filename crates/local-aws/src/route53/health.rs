//! Health checks: what they look at, and what they say.

use std::net::Ipv4Addr;

use http::StatusCode;

use super::Route53;
use super::request::{ChangedCheck, NewCheck, Request, invalid};
use super::state::{Check, CheckConfig, Dns, Tags};
use super::view;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Reply, Xml, page};
use crate::pulse::Pulse;

const KINDS: [&str; 4] = ["HTTP", "HTTPS", "TCP", "CALCULATED"];
const QUOTA: &str = "L-ACB674F3";

pub(super) fn create(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let wanted: NewCheck = request.body()?;
    request.permit("*", &Tags::new())?;
    let config = wanted.health_check_config;
    check_config(&config)?;
    refuse_above_quota(dns, request)?;
    let check = Check {
        id: request.core.ids.uuid(),
        account: request.call.caller.account.clone(),
        caller_reference: wanted.caller_reference,
        version: 1,
        pulse: Pulse::begin(request.call.now, true),
        config,
        tags: Tags::new(),
        created_by: request.call.caller.principal_arn.clone(),
    };
    dns.with(|state| {
        let same = |other: &&Check| {
            other.account == check.account && other.caller_reference == check.caller_reference
        };
        let check = match state.checks.values().find(same) {
            Some(other) if other.config == check.config => other.clone(),
            Some(_) => {
                let why = "A health check with the same caller reference and other settings exists";
                return Err(AwsError::conflict("HealthCheckAlreadyExists", why));
            }
            None => check,
        };
        let mut xml = Xml::new();
        view::answer(&mut xml, "CreateHealthCheckResponse", |xml| {
            view::check(xml, &check);
        });
        let location = format!(
            "https://route53.amazonaws.com/2013-04-01/healthcheck/{}",
            check.id
        );
        state.checks.insert(check.id.clone(), check);
        Ok(Reply::Rest {
            status: StatusCode::CREATED,
            location: Some(location),
            document: xml,
        })
    })
}

fn check_config(config: &CheckConfig) -> Result<(), AwsError> {
    if !KINDS.contains(&config.kind.as_str()) {
        return Err(invalid(format!(
            "{} is not a type of health check that is built",
            config.kind
        )));
    }
    if ![None, Some(10), Some(30)].contains(&config.request_interval) {
        return Err(invalid("RequestInterval must be 10 or 30"));
    }
    if config
        .failure_threshold
        .is_some_and(|count| !(1..=10).contains(&count))
    {
        return Err(invalid("FailureThreshold must be between 1 and 10"));
    }
    if config.kind == "CALCULATED" {
        let children = config.children.as_ref().map_or(0, |children| children.ids.len());
        if children > 256
            || config
                .health_threshold
                .is_none_or(|count| !(0..=256).contains(&count))
        {
            return Err(invalid(
                "A calculated health check has a threshold and at most 256 children",
            ));
        }
        return Ok(());
    }
    let address = config.ip_address.as_deref();
    if address.is_some_and(|address| address.parse::<Ipv4Addr>().is_err()) {
        return Err(invalid("IPAddress is not an IPv4 address"));
    }
    if address.is_none() && config.domain_name.is_none() {
        return Err(invalid("Either an IP address or a domain name must be given"));
    }
    if config.kind == "TCP" && config.port.is_none() {
        return Err(invalid("A TCP health check needs a port"));
    }
    Ok(())
}

fn refuse_above_quota(dns: &Route53, request: &Request<'_>) -> Result<(), AwsError> {
    let account = &request.call.caller.account;
    let limit = request
        .core
        .peers
        .service_quotas
        .value(request.core, (account, "global"), QUOTA);
    let count = dns.with(|state| {
        state
            .checks
            .values()
            .filter(|check| check.account == *account)
            .count()
    });
    if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
        return Err(AwsError::bad(
            "TooManyHealthChecks",
            "The limit of health checks is reached",
        ));
    }
    Ok(())
}

fn permitted(dns: &Route53, request: &Request<'_>) -> Result<Check, AwsError> {
    let (id, account) = (request.part(1), &request.call.caller.account);
    let found = dns.with(|state| {
        state
            .checks
            .get(id)
            .filter(|check| check.account == *account)
            .cloned()
    });
    let tags = found.as_ref().map(|check| check.tags.clone()).unwrap_or_default();
    request.permit(&format!("healthcheck/{id}"), &tags)?;
    found.ok_or_else(|| {
        AwsError::not_found(
            "NoSuchHealthCheck",
            format!("No health check exists with ID {id}"),
        )
    })
}

pub(super) fn get(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let check = permitted(dns, request)?;
    Ok(view::document("GetHealthCheckResponse", |xml| {
        view::check(xml, &check);
    }))
}

pub(super) fn list(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    request.permit("*", &Tags::new())?;
    let account = &request.call.caller.account;
    let checks: Vec<Check> = dns.with(|state| {
        let own = state.checks.values().filter(|check| check.account == *account);
        own.cloned().collect()
    });
    let (marker, size) = (request.query("marker"), request.size(1_000)?);
    let found = page(checks, |check| &check.id, marker.as_deref(), size)
        .ok_or_else(|| invalid("The marker is not valid"))?;
    Ok(view::document("ListHealthChecksResponse", |xml| {
        xml.node("HealthChecks", |xml| {
            for check in &found.items {
                view::check(xml, check);
            }
        });
        xml.leaf("Marker", marker.as_deref().unwrap_or_default())
            .leaf("IsTruncated", found.next.is_some())
            .optional("NextMarker", found.next.as_ref())
            .leaf("MaxItems", size);
    }))
}

pub(super) fn update(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let change: ChangedCheck = request.body()?;
    let mut check = permitted(dns, request)?;
    if change.version.is_some_and(|version| version != check.version) {
        let why = "The value of HealthCheckVersion does not match the health check's";
        return Err(AwsError::conflict("HealthCheckVersionMismatch", why));
    }
    let config = &mut check.config;
    config.ip_address = change.ip_address.or(config.ip_address.take());
    config.domain_name = change.domain_name.or(config.domain_name.take());
    config.resource_path = change.resource_path.or(config.resource_path.take());
    config.port = change.port.or(config.port);
    config.failure_threshold = change.failure_threshold.or(config.failure_threshold);
    config.inverted = change.inverted.or(config.inverted);
    config.disabled = change.disabled.or(config.disabled);
    check_config(&check.config)?;
    check.version += 1;
    dns.with(|state| state.checks.insert(check.id.clone(), check.clone()));
    Ok(view::document("UpdateHealthCheckResponse", |xml| {
        view::check(xml, &check);
    }))
}

/// Route 53 lets go of a check that record sets still name; they then count as healthy.
pub(super) fn delete(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let check = permitted(dns, request)?;
    let parent = |other: &Check| {
        let children = other.config.children.as_ref();
        children.is_some_and(|children| children.ids.contains(&check.id))
    };
    dns.with(|state| {
        if state.checks.values().any(parent) {
            return Err(AwsError::bad(
                "HealthCheckInUse",
                "Another health check counts this one",
            ));
        }
        state.checks.remove(&check.id);
        Ok(view::document("DeleteHealthCheckResponse", |_| {}))
    })
}

pub(super) fn status(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let check = permitted(dns, request)?;
    if check.config.kind == "CALCULATED" {
        return Err(invalid("A calculated health check has no status of its own"));
    }
    let said = match check.pulse.verdict() {
        Some(false) => "Failure: Connection failed.",
        Some(true) | None => "Success: HTTP Status Code 200, OK",
    };
    Ok(view::document("GetHealthCheckStatusResponse", |xml| {
        xml.node("HealthCheckObservations", |xml| {
            xml.node("HealthCheckObservation", |xml| {
                xml.leaf("Region", "us-east-1");
                xml.node("StatusReport", |xml| {
                    xml.leaf("Status", said)
                        .leaf("CheckedTime", request.call.now.format("%Y-%m-%dT%H:%M:%SZ"));
                });
            });
        });
    }))
}

/// Looks through every check once more.
pub(super) fn look(dns: &Route53, core: &Core) {
    let checks: Vec<Check> = dns.with(|state| state.checks.values().cloned().collect());
    if checks.is_empty() {
        return;
    }
    let seen: Vec<(String, bool)> = checks
        .iter()
        .filter(|check| check.config.kind != "CALCULATED")
        .map(|check| (check.id.clone(), answers(core, &check.config)))
        .collect();
    let now = core.clock.now();
    dns.with(|state| {
        for (id, good) in seen {
            if let Some(check) = state.checks.get_mut(&id) {
                let thresholds = check.config.thresholds(|time| core.latency.of(time));
                check.pulse.look(now, good, thresholds);
            }
        }
        for check in checks.iter().filter(|check| check.config.kind == "CALCULATED") {
            let good = enough(state, &check.config);
            let thresholds = check.config.thresholds(|_| chrono::TimeDelta::zero());
            if let Some(check) = state.checks.get_mut(&check.id) {
                check.pulse.look(now, good, thresholds);
            }
        }
    });
}

/// Whether as many children are healthy as a calculated check asks for.
fn enough(state: &Dns, config: &CheckConfig) -> bool {
    let children = config.children.as_ref().map(|children| &children.ids);
    let healthy = children.map_or(0, |ids| ids.iter().filter(|id| state.is_healthy(id)).count());
    i64::try_from(healthy).unwrap_or(i64::MAX) >= config.health_threshold.unwrap_or(0)
}

/// Whether what a check looks at answers now: a public address of an instance, or a load balancer's name.
fn answers(core: &Core, config: &CheckConfig) -> bool {
    if let Some(address) = config.ip_address.as_deref().and_then(|text| text.parse().ok()) {
        return core.peers.ec2.answers_at(core, address);
    }
    let name = config.domain_name.as_deref().unwrap_or_default();
    match core.peers.elbv2.by_dns_name(core, name) {
        Some(balancer) => balancer.has_healthy_target,
        None => core
            .peers
            .route53
            .addresses(core, name)
            .into_iter()
            .any(|address| core.peers.ec2.answers_at(core, address)),
    }
}
