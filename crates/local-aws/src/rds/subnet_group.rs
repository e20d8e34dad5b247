//! DB subnet groups: where the instances of a VPC may stand.

use super::Rds;
use super::request::{Request, invalid};
use super::state::{SubnetGroup, Tags, below};
use super::view;
use crate::error::AwsError;
use crate::protocol::Xml;

const QUOTA: &str = "L-48C6BF61";
/// The quota of subnets in one group.
const SUBNETS_MAX: usize = 20;
/// A group must reach this many zones, so that an instance has somewhere to fail over to.
const ZONES_MIN: usize = 2;

pub(super) fn create(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let tags = request.tags()?;
    let name = name(request)?;
    let description = request.required("DBSubnetGroupDescription")?.to_owned();
    request.permit(&request.arn("subgrp", &name), &tags, &tags)?;
    let subnets = subnets(request)?;
    let count = rds.with(|state| below(&state.subnet_groups, &request.arn("subgrp", "")).count());
    let refusal = (
        "DBSubnetGroupQuotaExceeded",
        "The request would result in the user exceeding the allowed number of DB subnet groups.",
    );
    request.within_quota(QUOTA, count, refusal)?;
    let group = SubnetGroup {
        meta: request.meta("subgrp", &name, tags),
        description,
        vpc_id: subnets.0,
        subnets: subnets.1,
    };
    rds.with(|state| {
        if state.subnet_groups.contains_key(&group.meta.arn) {
            return Err(AwsError::bad(
                "DBSubnetGroupAlreadyExists",
                format!("The DB subnet group '{name}' already exists."),
            ));
        }
        let mut xml = Xml::new();
        xml.node("DBSubnetGroup", |xml| view::subnet_group(xml, &group));
        state.subnet_groups.insert(group.meta.arn.clone(), group);
        Ok(xml)
    })
}

/// At most 255 letters, digits, spaces, periods, underscores and hyphens; not `default`.
fn name(request: &Request<'_>) -> Result<String, AwsError> {
    let name = request.required("DBSubnetGroupName")?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b" ._-".contains(&byte);
    if name.len() > 255 || !name.bytes().all(legal) || name.eq_ignore_ascii_case("default") {
        return Err(invalid(
            "The parameter DBSubnetGroupName must be provided and must not be blank, must contain only letters, digits, \
             spaces, periods, underscores or hyphens, and must not be 'default'.",
        ));
    }
    Ok(name.to_ascii_lowercase())
}

/// The VPC, and the subnets with their zones.
fn subnets(request: &Request<'_>) -> Result<(String, Vec<(String, String)>), AwsError> {
    let ids = request.strings("SubnetIds", "SubnetIdentifier");
    if ids.len() > SUBNETS_MAX {
        let why = "The request would result in the user exceeding the allowed number of subnets in a DB subnet group.";
        return Err(AwsError::bad("DBSubnetQuotaExceededFault", why));
    }
    let mut vpcs = Vec::new();
    let mut found: Vec<(String, String)> = Vec::new();
    for id in ids {
        let subnet = request.core.peers.ec2.subnet(request.core, request.place(), &id);
        let subnet =
            subnet.ok_or_else(|| invalid_subnet(format!("Some input subnets in :[{id}] are invalid.")))?;
        if !found.iter().any(|(known, _)| *known == id) {
            found.push((id, subnet.zone));
            vpcs.push(subnet.vpc_id);
        }
    }
    vpcs.dedup();
    let mut zones: Vec<&String> = found.iter().map(|(_, zone)| zone).collect();
    zones.sort();
    zones.dedup();
    match &vpcs[..] {
        [_, _, ..] => Err(invalid_subnet("Not all subnets are in a common VPC.".to_owned())),
        [vpc_id] if zones.len() >= ZONES_MIN => Ok((vpc_id.clone(), found)),
        _ => Err(AwsError::bad(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            format!(
                "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: {}. Add \
                 subnets to cover at least 2 AZs.",
                zones
                    .iter()
                    .map(|zone| zone.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )),
    }
}

fn invalid_subnet(why: String) -> AwsError {
    AwsError::bad("InvalidSubnet", why)
}

fn group_missing(name: &str) -> AwsError {
    let why = format!("DB subnet group '{name}' does not exist.");
    AwsError::not_found("DBSubnetGroupNotFoundFault", why)
}

pub(super) fn describe(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let named = request.params.get("DBSubnetGroupName");
    request.permit_describing("subgrp", named)?;
    request.filters(&[])?;
    let prefix = request.arn("subgrp", "");
    let mut groups: Vec<SubnetGroup> =
        rds.with(|state| below(&state.subnet_groups, &prefix).cloned().collect());
    if let Some(named) = named {
        groups.retain(|group| group.meta.id == named.to_ascii_lowercase());
        if groups.is_empty() {
            return Err(group_missing(named));
        }
    }
    let found = request.page(groups, |group| &group.meta.arn)?;
    let mut xml = Xml::new();
    xml.node("DBSubnetGroups", |xml| {
        for group in &found.items {
            xml.node("DBSubnetGroup", |xml| view::subnet_group(xml, group));
        }
    });
    xml.optional("Marker", found.next);
    Ok(xml)
}

pub(super) fn delete(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let name = request.required("DBSubnetGroupName")?.to_ascii_lowercase();
    let arn = request.arn("subgrp", &name);
    let tags = rds.with(|state| state.subnet_groups.get(&arn).map(|group| group.meta.tags.clone()));
    request.permit(&arn, tags.as_ref().unwrap_or(&Tags::new()), &Tags::new())?;
    rds.with(|state| {
        if !state.subnet_groups.contains_key(&arn) {
            return Err(group_missing(&name));
        }
        let (dbs, clusters) = (request.arn("db", ""), request.arn("cluster", ""));
        let in_use = below(&state.instances, &dbs).any(|it| it.settings.subnet_group == name)
            || below(&state.clusters, &clusters).any(|it| it.settings.subnet_group == name);
        if in_use {
            let why = format!(
                "Cannot delete the subnet group '{name}' because at least one database is still using it."
            );
            return Err(AwsError::bad("InvalidDBSubnetGroupStateFault", why));
        }
        state.subnet_groups.remove(&arn);
        Ok(Xml::new())
    })
}
