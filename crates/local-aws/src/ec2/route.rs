//! Route tables and their routes.

use serde::{Deserialize, Serialize};

use super::cidr::Block;
use super::describe::{Filtered, describe as describe_all};
use super::kind::Kind;
use super::request::{Request, dependency, done, invalid_value, require, require_mut};
use super::state::{Meta, Region, Tags, resource};
use super::{tags, token};
use crate::error::AwsError;
use crate::protocol::Xml;

/// A route table. The main one of a VPC has an association without a subnet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RouteTable {
    pub(super) meta: Meta,
    pub(super) vpc_id: String,
    routes: Vec<Route>,
    pub(super) associations: Vec<Association>,
    owner: String,
}
resource!(RouteTable, Kind::RouteTable);

/// One route; the local one has no gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Route {
    destination: Block,
    gateway_id: Option<String>,
}

/// Where a table applies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Association {
    pub(super) id: String,
    /// `None` for the main association.
    pub(super) subnet_id: Option<String>,
}

impl RouteTable {
    fn new(request: &Request<'_>, vpc_id: &str, block: Block, tags: Tags) -> Self {
        Self {
            meta: request.new_meta(Kind::RouteTable, tags),
            vpc_id: vpc_id.to_owned(),
            routes: vec![Route {
                destination: block,
                gateway_id: None,
            }],
            associations: Vec::new(),
            owner: request.call.caller.account.clone(),
        }
    }

    /// The table a new VPC brings.
    pub(super) fn main_of(request: &Request<'_>, vpc_id: &str, block: Block) -> Self {
        let id = request.core.ids.resource("rtbassoc");
        let association = Association { id, subnet_id: None };
        Self {
            associations: vec![association],
            ..Self::new(request, vpc_id, block, Tags::new())
        }
    }

    pub(super) fn is_main(&self) -> bool {
        self.associations
            .iter()
            .any(|association| association.subnet_id.is_none())
    }
}

impl Filtered for RouteTable {
    fn field(&self, name: &str) -> Option<Vec<String>> {
        let associations = self.associations.iter();
        Some(match name {
            "route-table-id" => vec![self.meta.id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "owner-id" => vec![self.owner.clone()],
            "association.main" => vec![self.is_main().to_string()],
            "association.subnet-id" => associations.filter_map(|each| each.subnet_id.clone()).collect(),
            "association.route-table-association-id" => associations.map(|each| each.id.clone()).collect(),
            "route.destination-cidr-block" => self
                .routes
                .iter()
                .map(|route| route.destination.to_string())
                .collect(),
            "route.gateway-id" => self
                .routes
                .iter()
                .filter_map(|route| route.gateway_id.clone())
                .collect(),
            _ => return None,
        })
    }
}

/// Takes a client token.
pub(super) fn create_table(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let vpc_id = request.params.required("VpcId")?;
    let tags = request.tags_for(Kind::RouteTable)?;
    request.authorize_creation(Kind::RouteTable, &tags)?;
    request.open(&region.vpcs, vpc_id)?;
    let presented = token::presented(request)?;
    if let Some(ids) = token::earlier(region, presented.as_ref())?
        && let Some(table) = ids.first().and_then(|id| region.route_tables.get(id))
    {
        return Ok(created(table));
    }
    let table = RouteTable::new(request, vpc_id, require(&region.vpcs, vpc_id)?.block, tags);
    let xml = created(&table);
    token::remember(region, presented, vec![table.meta.id.clone()]);
    region.route_tables.insert(table.meta.id.clone(), table);
    Ok(xml)
}

fn created(table: &RouteTable) -> Xml {
    let mut xml = Xml::new();
    xml.node("routeTable", |xml| write(xml, table));
    xml
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(
        request,
        &region.route_tables,
        ("RouteTableId", "routeTableSet"),
        write,
    )
}

fn write(xml: &mut Xml, table: &RouteTable) {
    xml.leaf("routeTableId", &table.meta.id)
        .leaf("vpcId", &table.vpc_id)
        .leaf("ownerId", &table.owner);
    xml.items("routeSet", &table.routes, |xml, route| {
        let (gateway, origin) = route
            .gateway_id
            .as_deref()
            .map_or(("local", "CreateRouteTable"), |gateway| (gateway, "CreateRoute"));
        xml.leaf("destinationCidrBlock", route.destination)
            .leaf("gatewayId", gateway)
            .leaf("state", "active")
            .leaf("origin", origin);
    });
    xml.items("associationSet", &table.associations, |xml, association| {
        xml.leaf("routeTableAssociationId", &association.id)
            .leaf("routeTableId", &table.meta.id)
            .optional("subnetId", association.subnet_id.as_ref())
            .leaf("main", association.subnet_id.is_none());
        xml.node("associationState", |xml| {
            xml.leaf("state", "associated");
        });
    });
    tags::write(xml, &table.meta.tags);
}

pub(super) fn delete_table(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("RouteTableId")?;
    request.open(&region.route_tables, id)?;
    if !require(&region.route_tables, id)?.associations.is_empty() {
        return Err(dependency(format!(
            "The routeTable '{id}' has dependencies and cannot be deleted."
        )));
    }
    region.route_tables.remove(id);
    Ok(done())
}

fn destination(request: &Request<'_>) -> Result<Block, AwsError> {
    let text = request.params.required("DestinationCidrBlock")?;
    text.parse().map_err(|_| {
        invalid_value(format!(
            "Value ({text}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."
        ))
    })
}

pub(super) fn create_route(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("RouteTableId")?;
    let destination = destination(request)?;
    request.open(&region.route_tables, id)?;
    let Some(gateway_id) = request.params.get("GatewayId") else {
        return Err(AwsError::not_implemented(
            "ec2",
            "CreateRoute to another target than a gateway",
        ));
    };
    let gateway = region.gateways.get(gateway_id).ok_or_else(|| {
        AwsError::bad(
            "InvalidGatewayID.NotFound",
            format!("The gateway ID '{gateway_id}' does not exist"),
        )
    })?;
    let table = require(&region.route_tables, id)?;
    if gateway.vpc_id.as_ref() != Some(&table.vpc_id) {
        let why = format!("route table {id} and network gateway {gateway_id} belong to different networks");
        return Err(invalid_value(why));
    }
    let table = require_mut(&mut region.route_tables, id)?;
    if let Some(route) = table.routes.iter().find(|route| route.destination == destination) {
        // The same route again succeeds; the destination with another target does not.
        if route.gateway_id.as_deref() == Some(gateway_id) {
            return Ok(done());
        }
        let why = format!("The route identified by {destination} already exists.");
        return Err(AwsError::bad("RouteAlreadyExists", why));
    }
    table.routes.push(Route {
        destination,
        gateway_id: Some(gateway_id.to_owned()),
    });
    Ok(done())
}

pub(super) fn delete_route(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("RouteTableId")?;
    let destination = destination(request)?;
    request.open(&region.route_tables, id)?;
    let table = require_mut(&mut region.route_tables, id)?;
    let found = table
        .routes
        .iter()
        .position(|route| route.destination == destination);
    let Some(found) = found else {
        let why = format!("no route with destination-cidr-block {destination} in route table {id}");
        return Err(AwsError::bad("InvalidRoute.NotFound", why));
    };
    if table.routes[found].gateway_id.is_none() {
        return Err(invalid_value(format!(
            "cannot remove local route {destination} in route table {id}"
        )));
    }
    table.routes.remove(found);
    Ok(done())
}
