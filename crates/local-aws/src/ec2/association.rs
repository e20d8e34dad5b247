//! Which subnets a route table applies to.

use super::request::{Request, done, invalid_value, require, require_mut};
use super::route::Association;
use super::state::Region;
use crate::error::AwsError;
use crate::protocol::Xml;

pub(super) fn associate(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("RouteTableId")?;
    let subnet_id = request.params.required("SubnetId")?;
    request.authorize_existing(&region.route_tables, id)?;
    request.authorize_existing(&region.subnets, subnet_id)?;
    let table = require(&region.route_tables, id)?;
    let subnet = require(&region.subnets, subnet_id)?;
    request.end_dry_run()?;
    if table.vpc_id != subnet.vpc_id {
        return Err(invalid_value(format!(
            "route table {id} and subnet {subnet_id} belong to different networks"
        )));
    }
    let mut tables = region.route_tables.iter();
    if let Some((other, association)) =
        tables.find_map(|(other, table)| Some((other, of_subnet(&table.associations, subnet_id)?)))
    {
        // Repeating the same association succeeds with its id.
        if other == id {
            return Ok(answer(&association.id.clone()));
        }
        let why =
            format!("the specified association for route table {id} conflicts with an existing association");
        return Err(AwsError::bad("Resource.AlreadyAssociated", why));
    }
    let association = Association {
        id: request.core.ids.resource("rtbassoc"),
        subnet_id: Some(subnet_id.to_owned()),
    };
    let xml = answer(&association.id);
    require_mut(&mut region.route_tables, id)?
        .associations
        .push(association);
    Ok(xml)
}

fn of_subnet<'a>(associations: &'a [Association], subnet_id: &str) -> Option<&'a Association> {
    associations
        .iter()
        .find(|association| association.subnet_id.as_deref() == Some(subnet_id))
}

fn answer(id: &str) -> Xml {
    let mut xml = Xml::new();
    xml.leaf("associationId", id).node("associationState", |xml| {
        xml.leaf("state", "associated");
    });
    xml
}

/// The table that holds an association, with permission to change it.
fn holder(request: &Request<'_>, region: &Region, id: &str) -> Result<String, AwsError> {
    let holds = |associations: &[Association]| associations.iter().any(|association| association.id == id);
    let table = region
        .route_tables
        .values()
        .find(|table| holds(&table.associations));
    let table_id = table.map(|table| table.meta.id.clone()).unwrap_or_default();
    request.authorize_existing(&region.route_tables, &table_id)?;
    if table_id.is_empty() {
        return Err(AwsError::bad(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        ));
    }
    Ok(table_id)
}

pub(super) fn disassociate(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("AssociationId")?;
    let table_id = holder(request, region, id)?;
    let table = require_mut(&mut region.route_tables, &table_id)?;
    request.end_dry_run()?;
    if table
        .associations
        .iter()
        .any(|association| association.id == id && association.subnet_id.is_none())
    {
        return Err(invalid_value(format!(
            "cannot disassociate the main route table association {id}"
        )));
    }
    table.associations.retain(|association| association.id != id);
    Ok(done())
}

/// Puts a subnet, or a VPC's main association, under another table; the association gets a new id.
pub(super) fn replace(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("AssociationId")?;
    let table_id = request.params.required("RouteTableId")?;
    let old_id = holder(request, region, id)?;
    request.authorize_existing(&region.route_tables, table_id)?;
    let table = require(&region.route_tables, table_id)?;
    let old = require(&region.route_tables, &old_id)?;
    request.end_dry_run()?;
    if table.vpc_id != old.vpc_id {
        return Err(invalid_value(format!(
            "route table {table_id} and route table {old_id} belong to different networks"
        )));
    }
    let old = require_mut(&mut region.route_tables, &old_id)?;
    let moved = old
        .associations
        .iter()
        .position(|association| association.id == id);
    let mut association = moved
        .map(|at| old.associations.remove(at))
        .expect("the holder of an association has it");
    association.id = request.core.ids.resource("rtbassoc");
    let mut xml = Xml::new();
    xml.leaf("newAssociationId", &association.id)
        .node("associationState", |xml| {
            xml.leaf("state", "associated");
        });
    require_mut(&mut region.route_tables, table_id)?
        .associations
        .push(association);
    Ok(xml)
}
