//! VPC endpoints of the gateway kind: a way to S3 that is a route in the tables it is associated with.
//!
//! Sources: EC2 API reference, "CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints"; Amazon VPC user guide,
//! "Gateway endpoints". Interface endpoints are not offered here.

use serde::{Deserialize, Serialize};

use super::describe::{Filtered, describe as describe_all};
use super::kind::Kind;
use super::limits::refuse_above;
use super::request::{Request, done, invalid_value, require, require_mut};
use super::state::{Meta, Region, resource};
use super::{tags, token};
use crate::error::AwsError;
use crate::ids::stable_hash;
use crate::protocol::Xml;

/// What an endpoint allows until another policy is put.
const OPEN_POLICY: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
/// Longest policy.
const POLICY_BYTES_MAX: usize = 20_480;

/// A gateway endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct VpcEndpoint {
    pub(super) meta: Meta,
    pub(super) vpc_id: String,
    pub(super) service_name: String,
    policy: String,
    pub(super) table_ids: Vec<String>,
    owner: String,
}
resource!(VpcEndpoint, Kind::VpcEndpoint);

impl Filtered for VpcEndpoint {
    const FILTERS: &[&str] = &[
        "ip-address-type",
        "service-name",
        "vpc-endpoint-id",
        "vpc-endpoint-state",
        "vpc-endpoint-type",
        "vpc-id",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "vpc-endpoint-id" => self.meta.id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "service-name" => self.service_name.clone(),
            "vpc-endpoint-type" => "Gateway".into(),
            "vpc-endpoint-state" => "available".into(),
            "ip-address-type" => "ipv4".into(),
            _ => return None,
        }])
    }
}

/// The services with gateway endpoints in a region.
fn services(region: &str) -> [String; 2] {
    ["s3", "dynamodb"].map(|service| format!("com.amazonaws.{region}.{service}"))
}

/// The id of the list of a service's addresses, which AWS keeps.
pub(super) fn prefix_list(service_name: &str) -> String {
    format!("pl-{:08x}", stable_hash(0, service_name) >> 32)
}

/// Takes a client token.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let vpc_id = request.params.required("VpcId")?;
    let service_name = request.params.required("ServiceName")?;
    let tables = request.params.strings("RouteTableId");
    let tags = request.tags_for(Kind::VpcEndpoint)?;
    request.authorize_creation(Kind::VpcEndpoint, &tags)?;
    request.authorize_existing(&region.vpcs, vpc_id)?;
    for table in &tables {
        request.authorize_existing(&region.route_tables, table)?;
    }
    require(&region.vpcs, vpc_id)?;
    request.end_dry_run()?;
    check_kind(request, service_name)?;
    let presented = token::presented(request)?;
    if let Some(ids) = token::earlier(region, presented.as_ref())?
        && let Some(endpoint) = ids.first().and_then(|id| region.endpoints.get(id))
    {
        return Ok(answer(request, endpoint));
    }
    check_tables(region, (vpc_id, service_name), &tables)?;
    let limit = request.limits.gateway_endpoints;
    refuse_above(
        region.endpoints.len(),
        limit,
        "VpcEndpointLimitExceeded",
        "gateway endpoints",
    )?;
    let endpoint = VpcEndpoint {
        policy: policy(request)?.unwrap_or_else(|| OPEN_POLICY.to_owned()),
        meta: request.new_meta(Kind::VpcEndpoint, tags),
        vpc_id: vpc_id.to_owned(),
        service_name: service_name.to_owned(),
        table_ids: tables,
        owner: request.call.caller.account.clone(),
    };
    token::remember(region, presented, vec![endpoint.meta.id.clone()]);
    let xml = answer(request, &endpoint);
    region.endpoints.insert(endpoint.meta.id.clone(), endpoint);
    Ok(xml)
}

fn check_kind(request: &Request<'_>, service_name: &str) -> Result<(), AwsError> {
    match request.params.get("VpcEndpointType").unwrap_or("Gateway") {
        "Gateway" => {}
        kind @ ("Interface" | "GatewayLoadBalancer" | "Resource" | "ServiceNetwork") => {
            let what = format!("CreateVpcEndpoint of type {kind}");
            return Err(AwsError::not_implemented("ec2", &what));
        }
        other => return Err(request.params.invalid("vpcEndpointType", other)),
    }
    for name in ["SubnetId.1", "SecurityGroupId.1", "PrivateDnsEnabled"] {
        if request.params.get(name).is_some() {
            let why = format!("{name} cannot be given for a gateway endpoint.");
            return Err(AwsError::bad("InvalidParameter", why));
        }
    }
    if services(&request.call.region)
        .iter()
        .any(|known| known == service_name)
    {
        return Ok(());
    }
    let why = format!("The Vpc Endpoint Service '{service_name}' does not exist");
    Err(AwsError::bad("InvalidServiceName", why))
}

/// Tables of the VPC that lead nowhere for this service yet.
fn check_tables(
    region: &Region,
    (vpc_id, service_name): (&str, &str),
    tables: &[String],
) -> Result<(), AwsError> {
    for id in tables {
        if require(&region.route_tables, id)?.vpc_id != vpc_id {
            let why = format!("Route table {id} belongs to another network than {vpc_id}");
            return Err(AwsError::bad("InvalidParameter", why));
        }
        let mut endpoints = region.endpoints.values();
        if endpoints.any(|endpoint| endpoint.service_name == service_name && endpoint.table_ids.contains(id))
        {
            let list = prefix_list(service_name);
            let why = format!("route table {id} already has a route with destination-prefix-list-id {list}");
            return Err(AwsError::bad("RouteAlreadyExists", why));
        }
    }
    Ok(())
}

fn policy(request: &Request<'_>) -> Result<Option<String>, AwsError> {
    let Some(text) = request.params.get("PolicyDocument") else {
        return Ok(None);
    };
    if text.len() > POLICY_BYTES_MAX || crate::iam::policy::Document::resource(text).is_err() {
        let why = "Policy document is malformed.";
        return Err(AwsError::bad("InvalidPolicyDocument", why));
    }
    Ok(Some(text.to_owned()))
}

fn answer(request: &Request<'_>, endpoint: &VpcEndpoint) -> Xml {
    let mut xml = Xml::new();
    xml.node("vpcEndpoint", |xml| write(xml, endpoint))
        .optional("clientToken", request.params.get("ClientToken"));
    xml
}

fn write(xml: &mut Xml, endpoint: &VpcEndpoint) {
    xml.leaf("vpcEndpointId", &endpoint.meta.id)
        .leaf("vpcEndpointType", "Gateway")
        .leaf("vpcId", &endpoint.vpc_id)
        .leaf("serviceName", &endpoint.service_name)
        .leaf("state", "available")
        .leaf("policyDocument", &endpoint.policy)
        .leaf("ownerId", &endpoint.owner)
        .leaf("ipAddressType", "ipv4")
        .leaf("privateDnsEnabled", false)
        .leaf("requesterManaged", false)
        .leaf(
            "creationTimestamp",
            endpoint.meta.created_at.format("%Y-%m-%dT%H:%M:%S.000Z"),
        );
    xml.items("routeTableIdSet", &endpoint.table_ids, |xml, id| {
        xml.text(id);
    });
    tags::write(xml, &endpoint.meta.tags);
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(
        request,
        &region.endpoints,
        ("VpcEndpointId", "vpcEndpointSet"),
        write,
    )
}

/// Changes the policy and the tables.
pub(super) fn modify(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("VpcEndpointId")?;
    let (added, removed) = (
        request.params.strings("AddRouteTableId"),
        request.params.strings("RemoveRouteTableId"),
    );
    for table in added.iter().chain(&removed) {
        request.authorize_existing(&region.route_tables, table)?;
    }
    request.open(&region.endpoints, id)?;
    let endpoint = require(&region.endpoints, id)?;
    if let Some(unknown) = removed.iter().find(|table| !endpoint.table_ids.contains(table)) {
        return Err(invalid_value(format!(
            "Route table {unknown} is not associated with {id}"
        )));
    }
    let new: Vec<String> = added
        .into_iter()
        .filter(|table| !endpoint.table_ids.contains(table))
        .collect();
    check_tables(region, (&endpoint.vpc_id, &endpoint.service_name), &new)?;
    let policy = match request.params.flag("ResetPolicy")? {
        Some(true) => Some(OPEN_POLICY.to_owned()),
        Some(false) | None => policy(request)?,
    };
    let endpoint = require_mut(&mut region.endpoints, id)?;
    endpoint.table_ids.retain(|table| !removed.contains(table));
    endpoint.table_ids.extend(new);
    if let Some(policy) = policy {
        endpoint.policy = policy;
    }
    Ok(done())
}

/// Says which could not be deleted; those that are not there are among them.
pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let ids = request.params.strings("VpcEndpointId");
    if ids.is_empty() {
        return Err(request.params.missing("VpcEndpointId"));
    }
    for id in &ids {
        request.authorize_existing(&region.endpoints, id)?;
    }
    request.end_dry_run()?;
    let mut refused = Vec::new();
    for id in ids {
        if region.endpoints.remove(&id).is_none() {
            refused.push((Kind::VpcEndpoint.not_found(&id), id));
        }
    }
    let mut xml = Xml::new();
    xml.items("unsuccessful", refused, |xml, (error, id)| {
        xml.leaf("resourceId", id).node("error", |xml| {
            xml.leaf("code", &error.code).leaf("message", &error.message);
        });
    });
    Ok(xml)
}
