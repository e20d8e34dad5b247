//! Health checks: what they look at, and what they say.

use http::StatusCode;

use super::Route53;
use super::health_rules::{check_children, check_config, with_defaults};
use super::request::{ChangedCheck, NewCheck, Request, invalid};
use super::state::{Check, CheckConfig, Dns, Tags};
use super::view;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Reply, Xml, page};
use crate::pulse::Pulse;

const QUOTA: &str = "L-ACB674F3";
/// Where Route 53 checks from, unless a check names fewer regions.
const CHECKERS: [(&str, &str); 8] = [
    ("us-east-1", "15.177.2.1"),
    ("us-west-1", "15.177.6.1"),
    ("us-west-2", "15.177.10.1"),
    ("eu-west-1", "15.177.14.1"),
    ("ap-southeast-1", "15.177.18.1"),
    ("ap-southeast-2", "15.177.22.1"),
    ("ap-northeast-1", "15.177.26.1"),
    ("sa-east-1", "15.177.30.1"),
];

pub(super) fn create(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let wanted: NewCheck = request.body()?;
    request.permit("*", &Tags::new())?;
    if !(1..=64).contains(&wanted.caller_reference.len()) {
        return Err(invalid("CallerReference must have 1 to 64 characters"));
    }
    let config = with_defaults(wanted.health_check_config);
    check_config(&config)?;
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
    let limit = request.quota(QUOTA);
    let check = dns.with(|state| admit(state, check, limit))?;
    let mut xml = Xml::new();
    view::answer(&mut xml, "CreateHealthCheckResponse", |xml| {
        view::check(xml, &check);
    });
    let location = format!(
        "https://route53.amazonaws.com/2013-04-01/healthcheck/{}",
        check.id
    );
    Ok(Reply::Rest {
        status: StatusCode::CREATED,
        location: Some(location),
        document: xml,
    })
}

/// Takes a check in, or gives the one that the same call made before.
fn admit(state: &mut Dns, check: Check, limit: Option<u64>) -> Result<Check, AwsError> {
    if let Some(earlier) = earlier(state, &check)? {
        return Ok(earlier);
    }
    refuse_above_quota(state, &check.account, limit)?;
    check_children(state, &check)?;
    state.checks.insert(check.id.clone(), check.clone());
    Ok(check)
}

/// The check that was made under the same reference: itself when it was asked for alike. A reference that a deleted
/// check had is spent.
fn earlier(state: &Dns, check: &Check) -> Result<Option<Check>, AwsError> {
    let same =
        |other: &&Check| other.account == check.account && other.caller_reference == check.caller_reference;
    let spent = (check.account.clone(), check.caller_reference.clone());
    match state.checks.values().find(same) {
        Some(other) if other.config == check.config => Ok(Some(other.clone())),
        None if !state.spent_references.contains(&spent) => Ok(None),
        Some(_) | None => {
            let why = "A health check with the same caller reference and other settings exists or existed";
            Err(AwsError::conflict("HealthCheckAlreadyExists", why))
        }
    }
}

fn refuse_above_quota(state: &Dns, account: &str, limit: Option<u64>) -> Result<(), AwsError> {
    let own = |check: &&Check| check.account == account;
    let count = state.checks.values().filter(own).count();
    if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
        let why = "The limit of health checks is reached";
        return Err(AwsError::bad("TooManyHealthChecks", why));
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
    found.ok_or_else(|| missing(id))
}

/// `NoSuchHealthCheck`.
pub(super) fn missing(id: &str) -> AwsError {
    AwsError::not_found(
        "NoSuchHealthCheck",
        format!("No health check exists with ID {id}"),
    )
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
    let check = permitted(dns, request)?;
    let check = dns.with(|state| changed(state, &check.id, change))?;
    Ok(view::document("UpdateHealthCheckResponse", |xml| {
        view::check(xml, &check);
    }))
}

/// A check as it is after a change.
fn changed(state: &mut Dns, id: &str, change: ChangedCheck) -> Result<Check, AwsError> {
    let mut check = state.checks.get(id).cloned().ok_or_else(|| missing(id))?;
    if change.version.is_some_and(|version| version != check.version) {
        let why = "The value of HealthCheckVersion does not match the health check's";
        return Err(AwsError::conflict("HealthCheckVersionMismatch", why));
    }
    if change.ip_address.is_some() && check.config.ip_address.is_none() {
        return Err(invalid(
            "An IP address cannot be added to a health check that was made without one",
        ));
    }
    change_config(&mut check.config, change)?;
    check_config(&check.config)?;
    check_children(state, &check)?;
    check.version += 1;
    state.checks.insert(check.id.clone(), check.clone());
    Ok(check)
}

fn change_config(config: &mut CheckConfig, change: ChangedCheck) -> Result<(), AwsError> {
    for name in change.reset.map(|reset| reset.names).unwrap_or_default() {
        match name.as_str() {
            "FullyQualifiedDomainName" => config.domain_name = None,
            "ResourcePath" => config.resource_path = None,
            "ChildHealthChecks" => config.children = None,
            // All regions check, so that there is nothing to go back to.
            "Regions" => {}
            other => return Err(invalid(format!("{other} cannot be reset"))),
        }
    }
    config.ip_address = change.ip_address.or(config.ip_address.take());
    config.domain_name = change.domain_name.or(config.domain_name.take());
    config.resource_path = change.resource_path.or(config.resource_path.take());
    config.port = change.port.or(config.port);
    config.failure_threshold = change.failure_threshold.or(config.failure_threshold);
    config.inverted = change.inverted.or(config.inverted);
    config.disabled = change.disabled.or(config.disabled);
    config.enable_sni = change.enable_sni.or(config.enable_sni);
    config.health_threshold = change.health_threshold.or(config.health_threshold);
    config.children = change.children.or(config.children.take());
    Ok(())
}

/// Route 53 lets go of a check that record sets still name; they then count as healthy.
pub(super) fn delete(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let check = permitted(dns, request)?;
    let parent = |other: &Check| other.config.child_ids().contains(&check.id);
    dns.with(|state| {
        if state.checks.values().any(parent) {
            return Err(AwsError::bad(
                "HealthCheckInUse",
                "Another health check counts this one",
            ));
        }
        state.checks.remove(&check.id);
        state
            .spent_references
            .insert((check.account, check.caller_reference));
        Ok(view::document("DeleteHealthCheckResponse", |_| {}))
    })
}

pub(super) fn status(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let check = permitted(dns, request)?;
    if check.config.kind == "CALCULATED" {
        return Err(invalid("A calculated health check has no status of its own"));
    }
    let said = match (check.pulse.is_good(), check.config.kind.as_str()) {
        (false, _) => {
            "Failure: Connection timed out. The endpoint or the internet connection is down, or requests are being \
                       blocked by your firewall."
        }
        (true, "TCP") => "Success: TCP connection established",
        (true, _) => "Success: HTTP Status Code 200, OK",
    };
    Ok(view::document("GetHealthCheckStatusResponse", |xml| {
        xml.node("HealthCheckObservations", |xml| {
            for (region, address) in CHECKERS {
                xml.node("HealthCheckObservation", |xml| {
                    xml.leaf("Region", region).leaf("IPAddress", address);
                    xml.node("StatusReport", |xml| {
                        xml.leaf("Status", said)
                            .leaf("CheckedTime", request.call.now.format("%Y-%m-%dT%H:%M:%SZ"));
                    });
                });
            }
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
    let ids = config.child_ids().iter();
    let healthy = ids.filter(|id| state.is_healthy(id)).count();
    i64::try_from(healthy).unwrap_or(i64::MAX) >= config.health_threshold.unwrap_or(0)
}

/// Whether what a check looks at answers now: an instance at a public address, or what a name leads to.
fn answers(core: &Core, config: &CheckConfig) -> bool {
    let port = config.target_port();
    if let Some(address) = config.ip_address.as_deref().and_then(|text| text.parse().ok()) {
        return core.peers.ec2.answers_at(core, (address, port));
    }
    let name = config.domain_name.as_deref().unwrap_or_default();
    core.peers.route53.answers(core, name, port)
}
