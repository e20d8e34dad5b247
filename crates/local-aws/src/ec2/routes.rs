//! Routes of a table: made, replaced, deleted.
//!
//! Sources: EC2 API reference, "CreateRoute", "ReplaceRoute", "DeleteRoute".

use super::cidr::Block;
use super::nat;
use super::request::{Request, done, invalid_value, require, require_mut};
use super::route::{Route, RouteTable};
use super::state::Region;
use crate::error::AwsError;
use crate::protocol::Xml;

/// Routes of one table that are not local (Amazon VPC user guide, "Amazon VPC quotas", before it was raised).
const ROUTES_MAX: usize = 500;

fn destination(request: &Request<'_>) -> Result<Block, AwsError> {
    for other in ["DestinationIpv6CidrBlock", "DestinationPrefixListId"] {
        if request.params.get(other).is_some() {
            return Err(AwsError::not_implemented("ec2", &format!("routes with {other}")));
        }
    }
    let text = request.params.required("DestinationCidrBlock")?;
    text.parse().map_err(|_| {
        invalid_value(format!(
            "Value ({text}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."
        ))
    })
}

/// Targets that AWS has and this endpoint has not.
const OTHER_TARGETS: [&str; 9] = [
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "InstanceId",
    "LocalGatewayId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
];

/// The route that a call describes: to one target, which is in the table's network.
fn wanted(request: &Request<'_>, region: &Region, destination: Block, id: &str) -> Result<Route, AwsError> {
    let params = &request.params;
    if let Some(other) = OTHER_TARGETS.into_iter().find(|name| params.get(name).is_some()) {
        return Err(AwsError::not_implemented("ec2", &format!("routes to {other}")));
    }
    let (gateway_id, nat_gateway_id) = (params.get("GatewayId"), params.get("NatGatewayId"));
    let vpc_id = match (gateway_id, nat_gateway_id) {
        (Some(gateway_id), None) => gateway_network(region, gateway_id)?,
        (None, Some(nat_gateway_id)) => Some(nat::target(region, nat_gateway_id)?.vpc_id.clone()),
        (None, None) => {
            let why = "The request must contain exactly one of the targets of a route.";
            return Err(AwsError::bad("MissingParameter", why));
        }
        (Some(_), Some(_)) => {
            let why = "The parameters gatewayId and natGatewayId cannot be used together";
            return Err(AwsError::bad("InvalidParameterCombination", why));
        }
    };
    if vpc_id.as_ref() != Some(&require(&region.route_tables, id)?.vpc_id) {
        let target = gateway_id.or(nat_gateway_id).unwrap_or_default();
        let why = format!("route table {id} and network gateway {target} belong to different networks");
        return Err(invalid_value(why));
    }
    Ok(Route {
        destination,
        gateway_id: gateway_id.map(str::to_owned),
        nat_gateway_id: nat_gateway_id.map(str::to_owned),
    })
}

fn gateway_network(region: &Region, id: &str) -> Result<Option<String>, AwsError> {
    let gateway = region.gateways.get(id).ok_or_else(|| {
        AwsError::bad(
            "InvalidGatewayID.NotFound",
            format!("The gateway ID '{id}' does not exist"),
        )
    })?;
    Ok(gateway.vpc_id.clone())
}

fn same_target(one: &Route, other: &Route) -> bool {
    one.gateway_id == other.gateway_id && one.nat_gateway_id == other.nat_gateway_id
}

pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("RouteTableId")?;
    let destination = destination(request)?;
    request.open(&region.route_tables, id)?;
    let wanted = wanted(request, region, destination, id)?;
    let table = require_mut(&mut region.route_tables, id)?;
    if let Some(route) = table.routes.iter().find(|route| route.destination == destination) {
        // The same route again succeeds; the destination with another target does not.
        if same_target(route, &wanted) {
            return Ok(done());
        }
        let why = format!("The route identified by {destination} already exists.");
        return Err(AwsError::bad("RouteAlreadyExists", why));
    }
    let local = table.routes.iter().find(|route| route.is_local());
    if local.is_some_and(|local| local.destination.covers(destination)) {
        return Err(invalid_value(format!(
            "The destination CIDR block {destination} is equal to or more specific than one of this VPC's CIDR blocks."
        )));
    }
    if table.routes.len() > ROUTES_MAX {
        let why = "The maximum number of routes in a route table has been reached.";
        return Err(AwsError::bad("RouteLimitExceeded", why));
    }
    table.routes.push(wanted);
    Ok(done())
}

/// The place of a route that is not the local one.
fn position(table: &RouteTable, destination: Block, verb: &str) -> Result<usize, AwsError> {
    let found = table
        .routes
        .iter()
        .position(|route| route.destination == destination);
    let id = &table.meta.id;
    let Some(found) = found else {
        let why = format!("no route with destination-cidr-block {destination} in route table {id}");
        return Err(AwsError::bad("InvalidRoute.NotFound", why));
    };
    if table.routes[found].is_local() {
        return Err(invalid_value(format!(
            "cannot {verb} local route {destination} in route table {id}"
        )));
    }
    Ok(found)
}

pub(super) fn replace(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("RouteTableId")?;
    let destination = destination(request)?;
    request.open(&region.route_tables, id)?;
    let wanted = wanted(request, region, destination, id)?;
    let table = require_mut(&mut region.route_tables, id)?;
    let found = position(table, destination, "replace")?;
    table.routes[found] = wanted;
    Ok(done())
}

pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("RouteTableId")?;
    let destination = destination(request)?;
    request.open(&region.route_tables, id)?;
    let table = require_mut(&mut region.route_tables, id)?;
    let found = position(table, destination, "remove")?;
    table.routes.remove(found);
    Ok(done())
}
