//! Route tables. Their routes are changed in `routes.rs`.

use serde::{Deserialize, Serialize};

use super::cidr::Block;
use super::describe::{Filtered, describe as describe_all};
use super::endpoint::prefix_list;
use super::kind::Kind;
use super::nat::State as NatState;
use super::request::{Request, dependency, done, require};
use super::state::{Meta, Region, Tags, resource};
use super::{tags, token};
use crate::error::AwsError;
use crate::protocol::Xml;

/// A route table. The main one of a VPC has an association without a subnet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RouteTable {
    pub(super) meta: Meta,
    pub(super) vpc_id: String,
    pub(super) routes: Vec<Route>,
    pub(super) associations: Vec<Association>,
    owner: String,
}
resource!(RouteTable, Kind::RouteTable);

/// One route; the local one has no target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Route {
    pub(super) destination: Block,
    pub(super) gateway_id: Option<String>,
    #[serde(default)]
    pub(super) nat_gateway_id: Option<String>,
}

impl Route {
    pub(super) fn is_local(&self) -> bool {
        self.gateway_id.is_none() && self.nat_gateway_id.is_none()
    }

    /// A route whose target is gone drops its traffic and says so.
    fn state(&self, region: &Region, vpc_id: &str) -> &'static str {
        let gateway = self.gateway_id.as_ref().is_none_or(|id| {
            let gateway = region.gateways.get(id);
            gateway.is_some_and(|gateway| gateway.vpc_id.as_deref() == Some(vpc_id))
        });
        let nat = self.nat_gateway_id.as_ref().is_none_or(|id| {
            let nat = region.nat_gateways.get(id);
            nat.is_some_and(|nat| nat.state == NatState::Available || nat.state == NatState::Pending)
        });
        if gateway && nat { "active" } else { "blackhole" }
    }
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
                nat_gateway_id: None,
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
    const FILTERS: &[&str] = &[
        "association.gateway-id",
        "association.main",
        "association.route-table-association-id",
        "association.subnet-id",
        "owner-id",
        "route-table-id",
        "route.destination-cidr-block",
        "route.gateway-id",
        "route.nat-gateway-id",
        "vpc-id",
    ];

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
                .filter(|route| route.nat_gateway_id.is_none())
                .map(|route| route.gateway_id.clone().unwrap_or_else(|| "local".into()))
                .collect(),
            "route.nat-gateway-id" => self
                .routes
                .iter()
                .filter_map(|route| route.nat_gateway_id.clone())
                .collect(),
            "association.gateway-id" => Vec::new(),
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
        return Ok(created(region, table));
    }
    let table = RouteTable::new(request, vpc_id, require(&region.vpcs, vpc_id)?.block, tags);
    let xml = created(region, &table);
    token::remember(region, presented, vec![table.meta.id.clone()]);
    region.route_tables.insert(table.meta.id.clone(), table);
    Ok(xml)
}

fn created(region: &Region, table: &RouteTable) -> Xml {
    let mut xml = Xml::new();
    xml.node("routeTable", |xml| write(xml, region, table));
    xml
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(
        request,
        &region.route_tables,
        ("RouteTableId", "routeTableSet"),
        |xml, table| write(xml, region, table),
    )
}

fn write(xml: &mut Xml, region: &Region, table: &RouteTable) {
    xml.leaf("routeTableId", &table.meta.id)
        .leaf("vpcId", &table.vpc_id)
        .leaf("ownerId", &table.owner);
    xml.node("routeSet", |xml| write_routes(xml, region, table));
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

fn write_routes(xml: &mut Xml, region: &Region, table: &RouteTable) {
    for route in &table.routes {
        let local = route.is_local();
        xml.node("item", |xml| {
            xml.leaf("destinationCidrBlock", route.destination)
                .optional(
                    "gatewayId",
                    local.then_some("local").or(route.gateway_id.as_deref()),
                )
                .optional("natGatewayId", route.nat_gateway_id.as_ref())
                .leaf("state", route.state(region, &table.vpc_id))
                .leaf("origin", if local { "CreateRouteTable" } else { "CreateRoute" });
        });
    }
    let endpoints = region.endpoints.values();
    for endpoint in endpoints.filter(|endpoint| endpoint.table_ids.contains(&table.meta.id)) {
        xml.node("item", |xml| {
            xml.leaf("destinationPrefixListId", prefix_list(&endpoint.service_name))
                .leaf("gatewayId", &endpoint.meta.id)
                .leaf("state", "active")
                .leaf("origin", "CreateRoute");
        });
    }
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
    for endpoint in region.endpoints.values_mut() {
        endpoint.table_ids.retain(|table| table != id);
    }
    Ok(done())
}
