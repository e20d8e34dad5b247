//! Target groups.

use super::Elbv2;
use super::request::{Request, check_name, group_missing, invalid};
use super::state::{HealthCheck, TargetGroup};
use super::{balancer, view};
use crate::ec2::Place;
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
    refuse_above_quota(elb, request)?;
    let answer = elb.with(request, |state| {
        match state.groups.values().find(|other| other.name == name) {
            None => {
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
    })?;
    Ok(answer)
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
    if !["instance", "ip"].contains(&target_type) {
        return Err(invalid(format!(
            "The target type '{target_type}' is not built here"
        )));
    }
    let protocol = request.params.required("Protocol")?;
    if !["HTTP", "HTTPS", "TCP"].contains(&protocol) {
        return Err(invalid(format!("The protocol '{protocol}' is not built here")));
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
    let check = HealthCheck {
        enabled: params.flag("HealthCheckEnabled")?.unwrap_or(before.enabled),
        protocol: params
            .get("HealthCheckProtocol")
            .unwrap_or(&before.protocol)
            .to_owned(),
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

fn refuse_above_quota(elb: &Elbv2, request: &Request<'_>) -> Result<(), AwsError> {
    let Place { account, region } = request.place();
    let quotas = &request.core.peers.service_quotas;
    let limit = quotas.value(request.core, (account, region), QUOTA);
    let count = elb.with(request, |state| state.groups.len());
    if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
        return Err(AwsError::bad(
            "TooManyTargetGroups",
            "You've reached the limit on target groups",
        ));
    }
    Ok(())
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let params = &request.params;
    let (names, arns) = (params.strings("Names"), params.strings("TargetGroupArns"));
    let of = params.get("LoadBalancerArn");
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
