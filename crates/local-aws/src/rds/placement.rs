//! Where an instance stands: its subnet group, zones, security groups and interfaces.

use super::Rds;
use super::instance::Foot;
use super::request::{Request, clash, invalid};
use super::state::SubnetGroup;
use crate::ec2::ServiceInterface;
use crate::error::AwsError;
use crate::ids::stable_hash;

/// What is known of a place before anything stands there.
pub(super) struct Ground {
    pub(super) group: SubnetGroup,
    pub(super) group_ids: Vec<String>,
    pub(super) is_public: bool,
}

/// The ground that a call names: a subnet group, security groups of its VPC, reachable from outside or not.
pub(super) fn ground(rds: &Rds, request: &Request<'_>) -> Result<Ground, AwsError> {
    let group = subnet_group(rds, request, request.params.get("DBSubnetGroupName"))?;
    on(request, group)
}

/// The same on a subnet group that is known already.
pub(super) fn on(request: &Request<'_>, group: SubnetGroup) -> Result<Ground, AwsError> {
    let group_ids = security_groups(request, &group.vpc_id)?;
    let is_public = request.flag("PubliclyAccessible")?.unwrap_or(false);
    let ec2 = &request.core.peers.ec2;
    if is_public && !ec2.has_internet_gateway(request.core, request.place(), &group.vpc_id) {
        return Err(AwsError::bad(
            "InvalidVPCNetworkStateFault",
            "Cannot create a publicly accessible DBInstance. The specified VPC has no internet gateway attached.",
        ));
    }
    Ok(Ground {
        group,
        group_ids,
        is_public,
    })
}

/// A subnet group by its name. Accounts have no default VPC here, so that one must be named.
pub(super) fn subnet_group(
    rds: &Rds,
    request: &Request<'_>,
    named: Option<&str>,
) -> Result<SubnetGroup, AwsError> {
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        let why = "No default subnet detected in VPC. Specify a DB subnet group.";
        return Err(AwsError::bad("InvalidSubnet", why));
    };
    let arn = request.named("subgrp", named);
    let found = rds.with(|state| state.subnet_groups.get(&arn).cloned());
    let group = found.ok_or_else(|| {
        AwsError::not_found(
            "DBSubnetGroupNotFoundFault",
            format!("DB subnet group '{named}' does not exist."),
        )
    })?;
    request.permit(&arn, &group.meta.tags, &request.tags()?)?;
    Ok(group)
}

/// The security groups of the call, which must be of the VPC; else the VPC's default one.
pub(super) fn security_groups(request: &Request<'_>, vpc_id: &str) -> Result<Vec<String>, AwsError> {
    let (ec2, place) = (&request.core.peers.ec2, request.place());
    let ids = request.strings("VpcSecurityGroupIds", "VpcSecurityGroupId");
    for id in &ids {
        let group = ec2.group(request.core, place, id);
        let group =
            group.ok_or_else(|| invalid(format!("Invalid security group , groupId= {id}, groupName=.")))?;
        if group.vpc_id != vpc_id {
            return Err(clash(
                "The DB instance and EC2 security group are in different VPCs.",
            ));
        }
    }
    if ids.is_empty() {
        let default = ec2.default_group(request.core, place, vpc_id);
        return Ok(default.into_iter().collect());
    }
    Ok(ids)
}

/// Stands an instance in a zone of its ground, and its standby in another.
pub(super) fn settle_down(
    request: &Request<'_>,
    ground: &Ground,
    id: &str,
    multi_az: bool,
) -> Result<(Foot, Option<Foot>), AwsError> {
    let asked = request.params.get("AvailabilityZone");
    if asked.is_some() && multi_az {
        return Err(clash(
            "Requesting a specific availability zone is not valid for Multi-AZ instances.",
        ));
    }
    let (subnet, zone) = pick(request, ground, id, asked)?;
    let foot = stand(request, ground, (&subnet, &zone))?;
    if !multi_az {
        return Ok((foot, None));
    }
    match beside(request, ground, &foot.zone) {
        Ok(standby) => Ok((foot, Some(standby))),
        Err(error) => {
            step_off(request, &foot);
            Err(error)
        }
    }
}

/// A standby's place: any zone but `zone`.
pub(super) fn beside(request: &Request<'_>, ground: &Ground, zone: &str) -> Result<Foot, AwsError> {
    let mut others = standing(request, ground).filter(|(_, other)| other != zone);
    let (subnet, zone) = others.next().ok_or_else(no_capacity)?;
    stand(request, ground, (subnet, zone))
}

/// The subnets, with their zones, of zones that stand.
fn standing<'g>(request: &'g Request<'_>, ground: &'g Ground) -> impl Iterator<Item = &'g (String, String)> {
    let subnets = ground.group.subnets.iter();
    subnets.filter(|(_, zone)| !request.core.outages.zone_lost(zone))
}

fn pick(
    request: &Request<'_>,
    ground: &Ground,
    id: &str,
    asked: Option<&str>,
) -> Result<(String, String), AwsError> {
    if let Some(asked) = asked
        && !ground.group.subnets.iter().any(|(_, zone)| zone == asked)
    {
        return Err(AwsError::bad(
            "InvalidVPCNetworkStateFault",
            format!("The DB subnet group has no subnet in Availability Zone {asked}."),
        ));
    }
    let open: Vec<&(String, String)> = standing(request, ground)
        .filter(|(_, zone)| asked.is_none_or(|asked| asked == zone))
        .collect();
    let count = u64::try_from(open.len()).unwrap_or(1).max(1);
    let at = usize::try_from(stable_hash(0, id) % count).unwrap_or(0);
    open.get(at)
        .map(|found| (**found).clone())
        .ok_or_else(no_capacity)
}

fn no_capacity() -> AwsError {
    AwsError::bad(
        "InsufficientDBInstanceCapacity",
        "The specified DB instance class isn't available in the specified Availability Zone.",
    )
}

/// Makes the interface of an instance in a subnet.
fn stand(request: &Request<'_>, ground: &Ground, (subnet_id, zone): (&str, &str)) -> Result<Foot, AwsError> {
    let wanted = ServiceInterface {
        subnet_id,
        group_ids: &ground.group_ids,
        description: "RDSNetworkInterface",
        requester: "amazon-rds",
        interface_type: "interface",
    };
    let made = request
        .core
        .peers
        .ec2
        .create_interface(request.core, request.place(), &wanted, ground.is_public)
        .map_err(|error| AwsError::bad("InvalidVPCNetworkStateFault", error.message))?;
    Ok(Foot {
        zone: zone.to_owned(),
        subnet_id: subnet_id.to_owned(),
        interface_id: made.id,
        address: made.private_ip,
        public_address: made.public_ip,
    })
}

/// Gives an interface back at once.
pub(super) fn step_off(request: &Request<'_>, foot: &Foot) {
    request.core.peers.ec2.release_interface(
        request.core,
        request.place(),
        &foot.interface_id,
        chrono::TimeDelta::zero(),
    );
}
