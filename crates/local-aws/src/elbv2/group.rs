//! Target groups.

use super::Elbv2;
use super::request::{Request, check_name, group_missing, invalid};
use super::state::{HealthCheck, TargetGroup};
use super::{balancer, limits, view};
use crate::error::AwsError;
use crate::protocol::{Xml, page};

const QUOTA: &str = "L-B22855CB";

pub(super) fn create(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let name = request.params.required("Name")?;
    check_name(name, "Target group")?;
    request.permit(&request.arn(&format!("targetgroup/{name}/*")), &tags, &tags)?;
    let mut group = read(request, name)?;
    group.tags = tags;
    let groups_max = limits::quota(request, QUOTA);
    elb.with(request, |state| {
        match state.groups.values().find(|other| other.name == name) {
            None => {
                let refusal = ("TooManyTargetGroups", "target groups");
                limits::refuse_full(groups_max, state.groups.len(), refusal)?;
                let answer = view::groups(state, [&group]);
                state.groups.insert(group.arn.clone(), group);
                Ok(answer)
            }
            Some(other) if alike(other, &group) => Ok(view::groups(state, [other])),
            Some(_) => Err(AwsError::bad(
                "DuplicateTargetGroupName",
                "A target group with the same name exists, but with different settings",
            )),
        }
    })
}

fn alike(one: &TargetGroup, other: &TargetGroup) -> bool {
    (&one.protocol, one.port, &one.vpc_id, &one.target_type, &one.check)
        == (
            &other.protocol,
            other.port,
            &other.vpc_id,
            &other.target_type,
            &other.check,
        )
}

fn read(request: &Request<'_>, name: &str) -> Result<TargetGroup, AwsError> {
    let target_type = request.params.get("TargetType").unwrap_or("instance");
    match target_type {
        "instance" | "ip" => {}
        "lambda" | "alb" => return Err(request.not_built(&format!("TargetType '{target_type}'"))),
        _ => return Err(invalid(format!("The target type '{target_type}' is not valid"))),
    }
    let protocol = request.params.required("Protocol")?;
    match protocol {
        "HTTP" | "HTTPS" | "TCP" => {}
        "TLS" | "UDP" | "TCP_UDP" | "GENEVE" | "QUIC" | "TCP_QUIC" => {
            return Err(request.not_built(&format!("Protocol '{protocol}'")));
        }
        _ => return Err(invalid(format!("The protocol '{protocol}' is not valid"))),
    }
    let port = request
        .port("Port")?
        .ok_or_else(|| request.params.missing("port"))?;
    let vpc_id = request.params.required("VpcId")?;
    let place = request.place();
    if request
        .core
        .peers
        .ec2
        .vpc_cidr(request.core, place, vpc_id)
        .is_none()
    {
        return Err(invalid(format!("The VPC ID '{vpc_id}' is not found")));
    }
    Ok(TargetGroup {
        arn: request.arn(&format!("targetgroup/{name}/{}", request.new_id())),
        name: name.to_owned(),
        protocol: protocol.to_owned(),
        port,
        vpc_id: vpc_id.to_owned(),
        target_type: target_type.to_owned(),
        check: read_check(request, &default_check(protocol))?,
        targets: Default::default(),
        attributes: Default::default(),
        tags: Default::default(),
        created_by: request.call.caller.principal_arn.clone(),
    })
}

/// Source: user guides, "Health checks for your target groups".
fn default_check(protocol: &str) -> HealthCheck {
    let http = protocol != "TCP";
    HealthCheck {
        enabled: true,
        protocol: if http { "HTTP" } else { "TCP" }.to_owned(),
        port: "traffic-port".to_owned(),
        path: http.then(|| "/".to_owned()),
        interval: 30,
        timeout: if http { 5 } else { 10 },
        healthy: 5,
        unhealthy: 2,
        matcher: http.then(|| "200".to_owned()),
    }
}

fn read_check(request: &Request<'_>, before: &HealthCheck) -> Result<HealthCheck, AwsError> {
    let params = &request.params;
    let text =
        |name: &str, before: &Option<String>| params.get(name).map(str::to_owned).or_else(|| before.clone());
    let number = |name: &str, before: i64, bounds: std::ops::RangeInclusive<i64>| {
        let value = params.number(name)?.unwrap_or(before);
        if !bounds.contains(&value) {
            let (least, most) = (bounds.start(), bounds.end());
            return Err(invalid(format!("{name} must be between {least} and {most}")));
        }
        Ok(value)
    };
    let protocol = params.get("HealthCheckProtocol").unwrap_or(&before.protocol);
    // With another protocol the path and the codes of the old one do not stay.
    let defaults = default_check(protocol);
    let before = if protocol == before.protocol {
        before.clone()
    } else {
        HealthCheck {
            path: defaults
                .path
                .or_else(|| before.path.clone())
                .filter(|_| protocol != "TCP"),
            matcher: defaults
                .matcher
                .or_else(|| before.matcher.clone())
                .filter(|_| protocol != "TCP"),
            ..before.clone()
        }
    };
    let check = HealthCheck {
        enabled: params.flag("HealthCheckEnabled")?.unwrap_or(before.enabled),
        protocol: protocol.to_owned(),
        port: params.get("HealthCheckPort").unwrap_or(&before.port).to_owned(),
        path: text("HealthCheckPath", &before.path),
        interval: number("HealthCheckIntervalSeconds", before.interval, 5..=300)?,
        timeout: number("HealthCheckTimeoutSeconds", before.timeout, 2..=120)?,
        healthy: number("HealthyThresholdCount", before.healthy, 2..=10)?,
        unhealthy: number("UnhealthyThresholdCount", before.unhealthy, 2..=10)?,
        matcher: params
            .get("Matcher.HttpCode")
            .map(str::to_owned)
            .or_else(|| before.matcher.clone()),
    };
    refuse_contradictions(&check)?;
    Ok(check)
}

fn refuse_contradictions(check: &HealthCheck) -> Result<(), AwsError> {
    if !["HTTP", "HTTPS", "TCP"].contains(&check.protocol.as_str()) {
        return Err(invalid(format!(
            "Health check protocol '{}' is not valid",
            check.protocol
        )));
    }
    if !check.enabled {
        return Err(invalid(
            "Health check enabled must be true for target groups with target type 'instance' or 'ip'",
        ));
    }
    if check.protocol == "TCP" && (check.path.is_some() || check.matcher.is_some()) {
        let why = "A health check over TCP has no path and no matcher";
        return Err(AwsError::bad("InvalidConfigurationRequest", why));
    }
    if check.matcher.as_deref().is_some_and(|codes| !is_matcher(codes)) {
        return Err(invalid(
            "Health check matcher HTTP code must be within '200' to '499'",
        ));
    }
    if check.timeout > check.interval {
        return Err(invalid(
            "Health check timeout must be smaller than or equal to the interval",
        ));
    }
    if check
        .path
        .as_deref()
        .is_some_and(|path| !path.starts_with('/') || path.len() > 1_024)
    {
        return Err(invalid("Health check path must begin with a '/' character"));
    }
    let port_fits = check.port == "traffic-port" || check.port.parse::<u16>().is_ok_and(|port| port > 0);
    if !port_fits {
        return Err(invalid(format!(
            "Health check port '{}' is not valid",
            check.port
        )));
    }
    Ok(())
}

/// Codes that count as healthy: `200`, `200,202` or `200-299`.
fn is_matcher(codes: &str) -> bool {
    let is_code = |code: &str| code.parse::<u16>().is_ok_and(|code| (200..=499).contains(&code));
    codes.split(',').all(|part| match part.split_once('-') {
        Some((first, last)) => is_code(first) && is_code(last),
        None => is_code(part),
    })
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let params = &request.params;
    let (names, arns) = (params.strings("Names"), params.strings("TargetGroupArns"));
    let of = params.get("LoadBalancerArn");
    let ways = [!names.is_empty(), !arns.is_empty(), of.is_some()];
    if ways.iter().filter(|way| **way).count() > 1 {
        return Err(invalid(
            "Only one of target group names, target group ARNs and a load balancer ARN can be specified",
        ));
    }
    elb.with(request, |state| {
        let all = || state.groups.values();
        if let Some(name) = names.iter().find(|name| !all().any(|group| group.name == **name)) {
            return Err(group_missing(name));
        }
        if let Some(arn) = arns.iter().find(|arn| !state.groups.contains_key(*arn)) {
            return Err(group_missing(arn));
        }
        if let Some(arn) = of.filter(|arn| !state.balancers.contains_key(*arn)) {
            return Err(super::request::balancer_missing(arn));
        }
        let wanted = |group: &&TargetGroup| {
            let named = (names.is_empty() && arns.is_empty())
                || names.contains(&group.name)
                || arns.contains(&group.arn);
            named && of.is_none_or(|of| state.balancers_of(&group.arn).iter().any(|arn| arn == of))
        };
        let found = page(
            all().filter(wanted),
            |group| &group.arn,
            params.get("Marker"),
            balancer::page_size(request)?,
        )
        .ok_or_else(|| invalid("The marker is not valid"))?;
        let mut xml = view::groups(state, found.items);
        xml.optional("NextMarker", found.next);
        Ok(xml)
    })
}

/// A target group to change, once the caller may.
pub(super) fn permitted(elb: &Elbv2, request: &Request<'_>) -> Result<TargetGroup, AwsError> {
    let arn = request.params.required("TargetGroupArn")?;
    let found = elb.with(request, |state| state.groups.get(arn).cloned());
    let tags = found.as_ref().map(|group| group.tags.clone()).unwrap_or_default();
    request.permit(arn, &tags, &Default::default())?;
    found.ok_or_else(|| group_missing(arn))
}

pub(super) fn modify(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let found = permitted(elb, request)?;
    let check = read_check(request, &found.check)?;
    elb.with(request, |state| {
        if let Some(group) = state.groups.get_mut(&found.arn) {
            group.check = check;
        }
        Ok(view::groups(state, state.groups.get(&found.arn)))
    })
}

/// Deletes; what is not there is no error (API reference, "DeleteTargetGroup").
pub(super) fn delete(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    match permitted(elb, request) {
        Err(error) if error.code == "TargetGroupNotFound" => return Ok(Xml::new()),
        other => other?,
    };
    let arn = request.params.required("TargetGroupArn")?;
    elb.with(request, |state| {
        if state.listeners.values().any(|listener| listener.forwards_to(arn)) {
            let why = format!("Target group '{arn}' is currently in use by a listener or a rule");
            return Err(AwsError::bad("ResourceInUse", why));
        }
        state.groups.remove(arn);
        Ok(Xml::new())
    })
}
