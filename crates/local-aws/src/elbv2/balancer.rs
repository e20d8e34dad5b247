//! Load balancers.

use chrono::TimeDelta;

use super::request::{Request, balancer_missing, check_name, invalid};
use super::standing::{Stand, groups, named_subnets, subnets};
use super::state::{Balancer, Balancing};
use super::{Elbv2, limits, names, view};
use crate::ec2::SubnetView;
use crate::error::AwsError;
use crate::iam;
use crate::protocol::{Xml, page};

/// How long AWS takes to bring a load balancer up, typically.
const ACTIVE_AFTER: TimeDelta = TimeDelta::minutes(2);
/// The quota of load balancers of each kind.
const QUOTAS: [(&str, &str); 2] = [("application", "L-53DA6B97"), ("network", "L-69A177A2")];
/// The service as IAM knows it.
const PRINCIPAL: &str = "elasticloadbalancing.amazonaws.com";

/// What is asked for, read and checked.
struct Wanted {
    name: String,
    kind: String,
    scheme: String,
    subnets: Vec<SubnetView>,
    group_ids: Vec<String>,
}

pub(super) fn create(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let name = request.params.required("Name")?;
    check_name(name, "Load balancer")?;
    let kind = kind(request)?;
    let short = if kind == "network" { "net" } else { "app" };
    let path = format!("loadbalancer/{short}/{name}");
    request.permit(&request.arn(&format!("{path}/*")), &tags, &tags)?;
    let wanted = read(request, kind)?;
    if let Some(same) = earlier(elb, request, &wanted)? {
        return Ok(view::balancers([&same], request));
    }
    refuse_above_quota(elb, request, &wanted.kind)?;
    iam::linked::ensure(request.core, request.call, PRINCIPAL)?;
    let id = request.new_id();
    let balancer = Balancer {
        tags,
        ..build(request, wanted, (&request.arn(&format!("{path}/{id}")), &id))?
    };
    let answer = view::balancers([&balancer], request);
    elb.with(request, |state| {
        state.balancers.insert(balancer.arn.clone(), balancer)
    });
    Ok(answer)
}

/// The load balancer, standing in its subnets.
fn build(request: &Request<'_>, wanted: Wanted, (arn, id): (&str, &str)) -> Result<Balancer, AwsError> {
    let stand = Stand {
        arn,
        kind: &wanted.kind,
        scheme: &wanted.scheme,
        group_ids: &wanted.group_ids,
    };
    let feet = stand.in_all(request, &wanted.subnets)?;
    let (name, kind, scheme) = (&wanted.name, &wanted.kind, &wanted.scheme);
    Ok(Balancer {
        dns_name: names::dns_name((name, id), (kind, scheme), &request.call.region),
        vpc_id: wanted.subnets[0].vpc_id.clone(),
        subnets: feet,
        created_at: request.call.now,
        active_at: request.call.now + request.core.latency.of(ACTIVE_AFTER),
        created_by: request.call.caller.principal_arn.clone(),
        attributes: Default::default(),
        tags: Default::default(),
        arn: arn.to_owned(),
        name: wanted.name,
        kind: wanted.kind,
        scheme: wanted.scheme,
        group_ids: wanted.group_ids,
    })
}

fn kind(request: &Request<'_>) -> Result<String, AwsError> {
    match request.params.get("Type") {
        None | Some("application") => Ok("application".to_owned()),
        Some("network") => Ok("network".to_owned()),
        Some("gateway") => Err(request.not_built("Type 'gateway'")),
        Some(other) => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at 'type' failed to satisfy constraint: Member must satisfy \
             enum value set: [network, application, gateway]"
        ))),
    }
}

fn read(request: &Request<'_>, kind: String) -> Result<Wanted, AwsError> {
    let scheme = scheme(request)?;
    let subnets = subnets(request, &named_subnets(request)?, &kind)?;
    let vpc_id = &subnets[0].vpc_id;
    let ec2 = &request.core.peers.ec2;
    if scheme == "internet-facing" && !ec2.has_internet_gateway(request.core, request.place(), vpc_id) {
        let why = format!("VPC {vpc_id} has no internet gateway");
        return Err(AwsError::bad("InvalidSubnet", why));
    }
    let group_ids = groups(request, vpc_id, &kind)?;
    Ok(Wanted {
        name: request.params.required("Name")?.to_owned(),
        kind,
        scheme,
        subnets,
        group_ids,
    })
}

fn scheme(request: &Request<'_>) -> Result<String, AwsError> {
    match request.params.get("Scheme").unwrap_or("internet-facing") {
        known @ ("internet-facing" | "internal") => Ok(known.to_owned()),
        other => Err(AwsError::bad(
            "InvalidScheme",
            format!("The scheme '{other}' is not valid"),
        )),
    }
}

/// The load balancer of that name: itself when it was asked for alike, else a refusal.
fn earlier(elb: &Elbv2, request: &Request<'_>, wanted: &Wanted) -> Result<Option<Balancer>, AwsError> {
    let found = elb.with(request, |state| {
        let mut all = state.balancers.values();
        all.find(|balancer| balancer.name == wanted.name).cloned()
    });
    let Some(found) = found else { return Ok(None) };
    let mut has: Vec<&str> = found.subnets.iter().map(|foot| foot.subnet_id.as_str()).collect();
    let mut wants: Vec<&str> = wanted.subnets.iter().map(|subnet| subnet.id.as_str()).collect();
    has.sort_unstable();
    wants.sort_unstable();
    let same = has == wants
        && found.kind == wanted.kind
        && found.scheme == wanted.scheme
        && found.group_ids == wanted.group_ids;
    if same {
        return Ok(Some(found));
    }
    Err(AwsError::bad(
        "DuplicateLoadBalancerName",
        "A load balancer with the same name exists, but with different settings",
    ))
}

fn refuse_above_quota(elb: &Elbv2, request: &Request<'_>, kind: &str) -> Result<(), AwsError> {
    let count = elb.with(request, |state| {
        let all = state.balancers.values();
        all.filter(|balancer| balancer.kind == kind).count()
    });
    let code = QUOTAS
        .iter()
        .find(|(of, _)| *of == kind)
        .map_or("", |(_, code)| code);
    let limit = limits::quota(request, code);
    limits::refuse_full(limit, count, ("TooManyLoadBalancers", "load balancers"))
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let (names, arns) = (
        request.params.strings("Names"),
        request.params.strings("LoadBalancerArns"),
    );
    if !names.is_empty() && !arns.is_empty() {
        return Err(invalid(
            "Load balancer names and load balancer ARNs cannot be specified together",
        ));
    }
    let found: Vec<Balancer> = elb.with(request, |state| select(state, &names, &arns))?;
    let found = page(
        found,
        |balancer| &balancer.arn,
        request.params.get("Marker"),
        page_size(request)?,
    )
    .ok_or_else(|| invalid("The marker is not valid"))?;
    let mut xml = view::balancers(&found.items, request);
    xml.optional("NextMarker", found.next);
    Ok(xml)
}

fn select(state: &Balancing, names: &[String], arns: &[String]) -> Result<Vec<Balancer>, AwsError> {
    let all = || state.balancers.values();
    for name in names {
        if !all().any(|balancer| balancer.name == *name) {
            return Err(balancer_missing(name));
        }
    }
    for arn in arns {
        if !state.balancers.contains_key(arn) {
            return Err(balancer_missing(arn));
        }
    }
    let wanted = |balancer: &&Balancer| {
        (names.is_empty() && arns.is_empty())
            || names.contains(&balancer.name)
            || arns.contains(&balancer.arn)
    };
    Ok(all().filter(wanted).cloned().collect())
}

pub(super) fn page_size(request: &Request<'_>) -> Result<usize, AwsError> {
    let size = request.params.number("PageSize")?.unwrap_or(400);
    match usize::try_from(size) {
        Ok(size) if (1..=400).contains(&size) => Ok(size),
        _ => Err(invalid("PageSize must be between 1 and 400")),
    }
}

/// Deletes; what is not there is no error (API reference, "DeleteLoadBalancer").
pub(super) fn delete(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let arn = request.params.required("LoadBalancerArn")?.to_owned();
    let found = elb.with(request, |state| state.balancers.get(&arn).cloned());
    let tags = found
        .as_ref()
        .map(|balancer| balancer.tags.clone())
        .unwrap_or_default();
    request.permit(&arn, &tags, &Default::default())?;
    let Some(balancer) = found else {
        return Ok(Xml::new());
    };
    let protection = balancer.attributes.get("deletion_protection.enabled");
    if protection.is_some_and(|on| on == "true") {
        let why = format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
        return Err(AwsError::bad("OperationNotPermitted", why));
    }
    elb.with(request, |state| {
        state.balancers.remove(&arn);
        state.listeners.retain(|_, listener| listener.balancer_arn != arn);
    });
    for foot in &balancer.subnets {
        foot.leave(request);
    }
    Ok(Xml::new())
}

/// A load balancer to change, once the caller may.
pub(super) fn permitted(elb: &Elbv2, request: &Request<'_>) -> Result<Balancer, AwsError> {
    let arn = request.params.required("LoadBalancerArn")?;
    let found = elb.with(request, |state| state.balancers.get(arn).cloned());
    let tags = found
        .as_ref()
        .map(|balancer| balancer.tags.clone())
        .unwrap_or_default();
    request.permit(arn, &tags, &Default::default())?;
    found.ok_or_else(|| balancer_missing(arn))
}
