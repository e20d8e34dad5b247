//! Load balancers.

use chrono::TimeDelta;

use super::Elbv2;
use super::request::{Request, balancer_missing, check_name, invalid};
use super::state::{Balancer, Balancing, Foot};
use super::view;
use crate::ec2::{Place, ServiceInterface, SubnetView};
use crate::error::AwsError;
use crate::protocol::{Xml, page};

/// How long AWS takes to bring a load balancer up, typically.
const ACTIVE_AFTER: TimeDelta = TimeDelta::minutes(2);
/// How long its interfaces outlive it.
const LINGER: TimeDelta = TimeDelta::minutes(3);
/// The quota of load balancers of each kind.
const QUOTAS: [(&str, &str); 2] = [("application", "L-53DA6B97"), ("network", "L-69A177A2")];

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
    let arn = request.arn(&format!("loadbalancer/{short}/{name}/{}", request.new_id()));
    request.permit(
        &request.arn(&format!("loadbalancer/{short}/{name}/*")),
        &tags,
        &tags,
    )?;
    let wanted = read(request, kind)?;
    if let Some(same) = earlier(elb, request, &wanted)? {
        return Ok(view::balancers([&same], request));
    }
    refuse_above_quota(elb, request, &wanted.kind)?;
    let mut subnets = Vec::new();
    for subnet in &wanted.subnets {
        subnets.push(stand(request, &wanted, (&arn, subnet))?);
    }
    let id = arn.rsplit('/').next().unwrap_or_default();
    let inner = if wanted.scheme == "internal" {
        "internal-"
    } else {
        ""
    };
    let balancer = Balancer {
        dns_name: format!(
            "{inner}{name}-{}.{}.elb.amazonaws.com",
            u64::from_str_radix(id, 16).unwrap_or(0) % 10_000_000_000,
            request.call.region
        ),
        vpc_id: wanted.subnets[0].vpc_id.clone(),
        name: wanted.name,
        kind: wanted.kind,
        scheme: wanted.scheme,
        subnets,
        group_ids: wanted.group_ids,
        created_at: request.call.now,
        active_at: request.call.now + request.core.latency.of(ACTIVE_AFTER),
        created_by: request.call.caller.principal_arn.clone(),
        attributes: Default::default(),
        tags,
        arn,
    };
    let answer = view::balancers([&balancer], request);
    elb.with(request, |state| {
        state.balancers.insert(balancer.arn.clone(), balancer)
    });
    Ok(answer)
}

fn kind(request: &Request<'_>) -> Result<String, AwsError> {
    match request.params.get("Type") {
        None | Some("application") => Ok("application".to_owned()),
        Some("network") => Ok("network".to_owned()),
        Some(other) => Err(invalid(format!(
            "The load balancer type '{other}' is not built here"
        ))),
    }
}

fn read(request: &Request<'_>, kind: String) -> Result<Wanted, AwsError> {
    let scheme = match request.params.get("Scheme") {
        None | Some("internet-facing") => "internet-facing".to_owned(),
        Some("internal") => "internal".to_owned(),
        Some(other) => {
            return Err(AwsError::bad(
                "InvalidScheme",
                format!("The scheme '{other}' is not valid"),
            ));
        }
    };
    let mut ids = request.params.strings("Subnets");
    let mapped = request.params.list("SubnetMappings");
    ids.extend(
        mapped
            .iter()
            .filter_map(|mapping| mapping.get("SubnetId").map(str::to_owned)),
    );
    let subnets = subnets(request, &ids, &kind)?;
    if scheme == "internet-facing"
        && !request
            .core
            .peers
            .ec2
            .has_internet_gateway(request.core, request.place(), &subnets[0].vpc_id)
    {
        let why = format!("VPC {} has no internet gateway", subnets[0].vpc_id);
        return Err(AwsError::bad("InvalidSubnet", why));
    }
    let group_ids = groups(request, &subnets[0].vpc_id, &kind)?;
    Ok(Wanted {
        name: request.params.required("Name")?.to_owned(),
        kind,
        scheme,
        subnets,
        group_ids,
    })
}

/// The subnets of a load balancer: of one VPC, each in a zone of its own, two at least for an application.
pub(super) fn subnets(
    request: &Request<'_>,
    ids: &[String],
    kind: &str,
) -> Result<Vec<SubnetView>, AwsError> {
    let mut found: Vec<SubnetView> = Vec::new();
    for id in ids {
        let view = request.core.peers.ec2.subnet(request.core, request.place(), id);
        let view = view
            .ok_or_else(|| AwsError::bad("SubnetNotFound", format!("The subnet ID '{id}' does not exist")))?;
        if found.iter().any(|other| other.vpc_id != view.vpc_id) {
            return Err(invalid("All subnets must belong to the same VPC"));
        }
        if found.iter().any(|other| other.zone == view.zone) {
            let why = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
            return Err(AwsError::bad("InvalidConfigurationRequest", why));
        }
        found.push(view);
    }
    let least = if kind == "application" { 2 } else { 1 };
    if found.len() < least {
        let why = match least {
            2 => "At least two subnets in two different Availability Zones must be specified",
            _ => "You must specify subnets or subnet mappings",
        };
        return Err(invalid(why));
    }
    Ok(found)
}

/// The security groups: those named, else the VPC's default one; a network load balancer may have none.
pub(super) fn groups(request: &Request<'_>, vpc_id: &str, kind: &str) -> Result<Vec<String>, AwsError> {
    let ids = request.params.strings("SecurityGroups");
    let (ec2, place) = (&request.core.peers.ec2, request.place());
    for id in &ids {
        let group = ec2.group(request.core, place, id);
        if group.is_none_or(|group| group.vpc_id != vpc_id) {
            let why = format!("One or more security groups are invalid: {id}");
            return Err(AwsError::bad("InvalidSecurityGroup", why));
        }
    }
    if ids.is_empty() && kind == "application" {
        return Ok(ec2
            .default_group(request.core, place, vpc_id)
            .into_iter()
            .collect());
    }
    Ok(ids)
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
    let Place { account, region } = request.place();
    let quota = QUOTAS.iter().find(|(of, _)| *of == kind);
    let limit = quota.and_then(|(_, code)| {
        request
            .core
            .peers
            .service_quotas
            .value(request.core, (account, region), code)
    });
    let count = elb.with(request, |state| {
        state
            .balancers
            .values()
            .filter(|balancer| balancer.kind == kind)
            .count()
    });
    if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
        return Err(AwsError::bad(
            "TooManyLoadBalancers",
            "You've reached the limit on load balancers",
        ));
    }
    Ok(())
}

/// The interface of a load balancer in a subnet.
fn stand(
    request: &Request<'_>,
    wanted: &Wanted,
    (arn, subnet): (&str, &SubnetView),
) -> Result<Foot, AwsError> {
    let short = arn.split_once("loadbalancer/").map_or(arn, |(_, short)| short);
    let description = format!("ELB {short}");
    let interface = ServiceInterface {
        requester: "amazon-elb",
        interface_type: if wanted.kind == "network" {
            "network_load_balancer"
        } else {
            "interface"
        },
        subnet_id: &subnet.id,
        description: &description,
        group_ids: &wanted.group_ids,
    };
    let outward = wanted.scheme == "internet-facing";
    let made = request
        .core
        .peers
        .ec2
        .create_interface(request.core, request.place(), &interface, outward)
        .map_err(|error| AwsError::bad("InvalidSubnet", error.message))?;
    Ok(Foot {
        subnet_id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        interface_id: made.id,
        private_ip: made.private_ip,
        public_ip: made.public_ip,
    })
}

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let (names, arns) = (
        request.params.strings("Names"),
        request.params.strings("LoadBalancerArns"),
    );
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
    if balancer
        .attributes
        .get("deletion_protection.enabled")
        .is_some_and(|on| on == "true")
    {
        let why = format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
        return Err(AwsError::bad("OperationNotPermitted", why));
    }
    elb.with(request, |state| {
        state.balancers.remove(&arn);
        state.listeners.retain(|_, listener| listener.balancer_arn != arn);
    });
    for foot in &balancer.subnets {
        request
            .core
            .peers
            .ec2
            .release_interface(request.core, request.place(), &foot.interface_id, LINGER);
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

pub(super) fn set_groups(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let balancer = permitted(elb, request)?;
    let ids = groups(request, &balancer.vpc_id, "network")?;
    if ids.is_empty() {
        return Err(invalid("At least one security group must be specified"));
    }
    for foot in &balancer.subnets {
        request
            .core
            .peers
            .ec2
            .set_interface_groups(request.core, request.place(), &foot.interface_id, &ids);
    }
    elb.with(request, |state| {
        if let Some(kept) = state.balancers.get_mut(&balancer.arn) {
            kept.group_ids.clone_from(&ids);
        }
    });
    let mut xml = Xml::new();
    xml.members("SecurityGroupIds", ids, |xml, id| {
        xml.text(id);
    });
    Ok(xml)
}
