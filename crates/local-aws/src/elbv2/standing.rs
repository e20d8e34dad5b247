//! Where a load balancer stands: an interface in each of its subnets, and the security groups these wear.

use chrono::TimeDelta;

use super::request::{Request, invalid};
use super::state::Foot;
use super::{Elbv2, balancer, view};
use crate::ec2::{ServiceInterface, SubnetView};
use crate::error::AwsError;
use crate::protocol::Xml;

/// How long interfaces outlive their load balancer.
const LINGER: TimeDelta = TimeDelta::minutes(3);
/// What an application load balancer wants free in each subnet (user guide, "Subnets for your load balancer").
const FREE_ADDRESSES_MIN: usize = 8;

/// A load balancer as far as its interfaces need it.
pub(super) struct Stand<'a> {
    pub(super) arn: &'a str,
    pub(super) kind: &'a str,
    pub(super) scheme: &'a str,
    pub(super) group_ids: &'a [String],
}

impl Stand<'_> {
    /// Stands in all of the subnets, or in none.
    pub(super) fn in_all(
        &self,
        request: &Request<'_>,
        subnets: &[SubnetView],
    ) -> Result<Vec<Foot>, AwsError> {
        let mut feet: Vec<Foot> = Vec::new();
        for subnet in subnets {
            match self.in_one(request, subnet) {
                Ok(foot) => feet.push(foot),
                Err(refused) => {
                    for foot in &feet {
                        foot.release(request, TimeDelta::zero());
                    }
                    return Err(refused);
                }
            }
        }
        Ok(feet)
    }

    fn in_one(&self, request: &Request<'_>, subnet: &SubnetView) -> Result<Foot, AwsError> {
        let path = self
            .arn
            .split_once("loadbalancer/")
            .map_or(self.arn, |(_, path)| path);
        let description = format!("ELB {path}");
        let interface = ServiceInterface {
            requester: "amazon-elb",
            interface_type: if self.kind == "network" {
                "network_load_balancer"
            } else {
                "interface"
            },
            subnet_id: &subnet.id,
            description: &description,
            group_ids: self.group_ids,
        };
        let (ec2, outward) = (&request.core.peers.ec2, self.scheme == "internet-facing");
        let made = ec2
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
}

impl Foot {
    /// Lets go of the interface, which lingers as AWS's do.
    pub(super) fn leave(&self, request: &Request<'_>) {
        self.release(request, LINGER);
    }

    fn release(&self, request: &Request<'_>, lingers: TimeDelta) {
        let ec2 = &request.core.peers.ec2;
        ec2.release_interface(request.core, request.place(), &self.interface_id, lingers);
    }
}

/// The subnets that a call names, in one of the two ways there are.
pub(super) fn named_subnets(request: &Request<'_>) -> Result<Vec<String>, AwsError> {
    let plain = request.params.strings("Subnets");
    let mut mapped = Vec::new();
    for mapping in request.params.list("SubnetMappings") {
        mapped.push(mapping.required("SubnetId")?.to_owned());
    }
    match (plain.is_empty(), mapped.is_empty()) {
        (false, false) => Err(invalid(
            "You must specify either subnets or subnet mappings, not both",
        )),
        (true, false) => Ok(mapped),
        _ => Ok(plain),
    }
}

/// The subnets of a new load balancer.
pub(super) fn subnets(
    request: &Request<'_>,
    ids: &[String],
    kind: &str,
) -> Result<Vec<SubnetView>, AwsError> {
    checked(request, ids, (kind, &|_| false))
}

/// Subnets: of one VPC, each in a zone of its own, two at least for an application; with room for it, but where it
/// `stays` anyway.
fn checked(
    request: &Request<'_>,
    ids: &[String],
    (kind, stays): (&str, &dyn Fn(&String) -> bool),
) -> Result<Vec<SubnetView>, AwsError> {
    let mut found: Vec<SubnetView> = Vec::new();
    for id in ids {
        let view = request.core.peers.ec2.subnet(request.core, request.place(), id);
        let view = view
            .ok_or_else(|| AwsError::bad("SubnetNotFound", format!("The subnet ID '{id}' does not exist")))?;
        refuse_contradiction(&found, &view)?;
        if kind == "application" && view.free_addresses < FREE_ADDRESSES_MIN && !stays(id) {
            let why = format!(
                "Not enough IP space available in {id}. ELB requires at least {FREE_ADDRESSES_MIN} free IP addresses in \
                 each subnet."
            );
            return Err(AwsError::bad("InvalidSubnet", why));
        }
        found.push(view);
    }
    if kind == "application" && found.len() < 2 {
        let why = "At least two subnets in two different Availability Zones must be specified";
        return Err(invalid(why));
    }
    if found.is_empty() {
        return Err(invalid("You must specify subnets or subnet mappings"));
    }
    Ok(found)
}

fn refuse_contradiction(found: &[SubnetView], next: &SubnetView) -> Result<(), AwsError> {
    if found.iter().any(|other| other.vpc_id != next.vpc_id) {
        return Err(invalid("All subnets must belong to the same VPC"));
    }
    if found.iter().any(|other| other.zone == next.zone) {
        let why = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
        return Err(AwsError::bad("InvalidConfigurationRequest", why));
    }
    Ok(())
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

/// Moves a load balancer to other subnets. Where it stands already it stays.
pub(super) fn set_subnets(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let found = balancer::permitted(elb, request)?;
    let ids = named_subnets(request)?;
    let stays = |id: &String| found.subnets.iter().any(|foot| foot.subnet_id == *id);
    let wanted = checked(request, &ids, (&found.kind, &stays))?;
    if wanted.iter().any(|subnet| subnet.vpc_id != found.vpc_id) {
        let why = format!(
            "The subnets must belong to the load balancer's VPC {}",
            found.vpc_id
        );
        return Err(AwsError::bad("InvalidConfigurationRequest", why));
    }
    let stand = Stand {
        arn: &found.arn,
        kind: &found.kind,
        scheme: &found.scheme,
        group_ids: &found.group_ids,
    };
    let new: Vec<SubnetView> = wanted
        .iter()
        .filter(|subnet| !stays(&subnet.id))
        .cloned()
        .collect();
    let mut feet = stand.in_all(request, &new)?;
    let (kept, left): (Vec<Foot>, Vec<Foot>) = found
        .subnets
        .into_iter()
        .partition(|foot| ids.contains(&foot.subnet_id));
    feet.extend(kept);
    for foot in &left {
        foot.leave(request);
    }
    elb.with(request, |state| {
        if let Some(balancer) = state.balancers.get_mut(&found.arn) {
            balancer.subnets.clone_from(&feet);
        }
    });
    let mut xml = Xml::new();
    view::zones(&mut xml, &feet);
    xml.leaf("IpAddressType", "ipv4");
    Ok(xml)
}

pub(super) fn set_groups(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let found = balancer::permitted(elb, request)?;
    if found.kind == "network" && found.group_ids.is_empty() {
        let why = format!(
            "Security groups cannot be set on load balancer '{}', because it was created without any",
            found.arn
        );
        return Err(AwsError::bad("InvalidConfigurationRequest", why));
    }
    let ids = groups(request, &found.vpc_id, "network")?;
    if ids.is_empty() {
        return Err(invalid("At least one security group must be specified"));
    }
    let ec2 = &request.core.peers.ec2;
    for foot in &found.subnets {
        ec2.set_interface_groups(request.core, request.place(), &foot.interface_id, &ids);
    }
    elb.with(request, |state| {
        if let Some(kept) = state.balancers.get_mut(&found.arn) {
            kept.group_ids.clone_from(&ids);
        }
    });
    let mut xml = Xml::new();
    xml.members("SecurityGroupIds", ids, |xml, id| {
        xml.text(id);
    });
    Ok(xml)
}
