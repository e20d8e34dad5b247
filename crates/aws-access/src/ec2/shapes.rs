//! From EC2's descriptions to what the model compares.

use aws_sdk_ec2::types::{
    Address, Instance, InstanceStateName, InstanceType, InternetGateway, LaunchTemplate,
    LaunchTemplateVersion, NatGateway, NatGatewayState, RouteTable, SecurityGroup, SecurityGroupRule, Subnet,
    Tag, VpcEndpoint,
};
use tenant_model::{
    blueprint::ANYWHERE,
    convergence::Machine,
    observation::{Found, InstanceState, Peer, Progress, Rule, Shape, TAG_INTENT, TAG_RESOURCE},
};

use super::tag;

/// None without an id or without a logical name: then it is not of our making.
pub(super) fn found(aws_id: Option<&str>, tags: &[Tag], shape: Shape) -> Option<Found> {
    Some(Found {
        aws_id: aws_id?.to_owned(),
        name: tag(tags, TAG_RESOURCE)?.to_owned(),
        intent: tag(tags, TAG_INTENT).and_then(|text| text.parse().ok()),
        shape,
    })
}

pub(super) fn internet_gateway(gateway: &InternetGateway) -> Option<Found> {
    let attached = gateway
        .attachments()
        .first()
        .and_then(|one| one.vpc_id())
        .map(str::to_owned);
    found(
        gateway.internet_gateway_id(),
        gateway.tags(),
        Shape::InternetGateway { attached },
    )
}

pub(super) fn subnet(subnet: &Subnet) -> Option<Found> {
    let zone = subnet.availability_zone().unwrap_or_default().to_owned();
    found(subnet.subnet_id(), subnet.tags(), Shape::Subnet { zone })
}

pub(super) fn route_table(table: &RouteTable) -> Option<Found> {
    let default_route = table
        .routes()
        .iter()
        .find(|route| route.destination_cidr_block() == Some(ANYWHERE))
        .and_then(|route| route.gateway_id().or_else(|| route.nat_gateway_id()))
        .map(str::to_owned);
    let associations = table
        .associations()
        .iter()
        .filter(|one| one.main() != Some(true))
        .filter_map(|one| {
            Some((
                one.route_table_association_id()?.to_owned(),
                one.subnet_id()?.to_owned(),
            ))
        })
        .collect();
    let shape = Shape::RouteTable {
        default_route,
        associations,
    };
    found(table.route_table_id(), table.tags(), shape)
}

pub(super) fn security_group(group: &SecurityGroup, rules: &[SecurityGroupRule]) -> Option<Found> {
    let of_group =
        |rule: &&SecurityGroupRule| rule.group_id() == group.group_id() && rule.is_egress() != Some(true);
    let rules = rules.iter().filter(of_group).map(rule).collect();
    found(group.group_id(), group.tags(), Shape::SecurityGroup { rules })
}

fn rule(rule: &SecurityGroupRule) -> Rule {
    let block = rule
        .cidr_ipv4()
        .or_else(|| rule.cidr_ipv6())
        .map(str::to_owned)
        .map(Peer::Block);
    let group = rule.referenced_group_info().and_then(|info| info.group_id());
    Rule {
        id: rule.security_group_rule_id().unwrap_or_default().to_owned(),
        protocol: rule.ip_protocol().unwrap_or_default().to_owned(),
        ports: rule.from_port().zip(rule.to_port()),
        from: block.or_else(|| group.map(str::to_owned).map(Peer::Group)),
    }
}

/// None for a deleted one: AWS lists it for an hour, but it is gone.
pub(super) fn nat_gateway(gateway: &NatGateway) -> Option<Found> {
    let progress = match gateway.state()? {
        NatGatewayState::Deleted => return None,
        NatGatewayState::Available => Progress::Ready,
        NatGatewayState::Failed => Progress::Failed,
        NatGatewayState::Deleting => Progress::Ending,
        // A state that AWS may add is one to wait in.
        _ => Progress::UnderWay,
    };
    found(
        gateway.nat_gateway_id(),
        gateway.tags(),
        Shape::NatGateway { progress },
    )
}

/// None for a deleted one. The API's states are written in two ways (API reference, "`VpcEndpoint`").
pub(super) fn vpc_endpoint(endpoint: &VpcEndpoint) -> Option<Found> {
    let state = endpoint.state().map(|state| state.as_str().to_ascii_lowercase());
    let progress = match state.as_deref() {
        Some("deleted") => return None,
        Some("deleting") => Progress::Ending,
        Some("available") => Progress::Ready,
        Some("failed" | "rejected" | "expired") => Progress::Failed,
        _ => Progress::UnderWay,
    };
    let shape = Shape::VpcEndpoint {
        progress,
        tables: endpoint.route_table_ids().to_vec(),
    };
    found(endpoint.vpc_endpoint_id(), endpoint.tags(), shape)
}

pub(super) fn launch_template(template: &LaunchTemplate, newest: &LaunchTemplateVersion) -> Option<Found> {
    let data = newest.launch_template_data()?;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let shape = Shape::LaunchTemplate {
        version: newest.version_number()?,
        machine: Machine {
            image_id: text(data.image_id()),
            instance_type: text(data.instance_type().map(InstanceType::as_str)),
            group: text(data.security_group_ids().first().map(String::as_str)),
        },
    };
    found(template.launch_template_id(), template.tags(), shape)
}

/// None for a terminated instance: AWS lists it for an hour, but it is gone.
pub(super) fn instance(instance: &Instance) -> Option<Found> {
    let state = match instance.state().and_then(|state| state.name())? {
        InstanceStateName::Terminated => return None,
        InstanceStateName::Running => InstanceState::Running,
        InstanceStateName::Stopped => InstanceState::Stopped,
        InstanceStateName::Stopping => InstanceState::Stopping,
        InstanceStateName::ShuttingDown => InstanceState::ShuttingDown,
        // A state that AWS may add is one to wait in.
        _ => InstanceState::Pending,
    };
    let instance_type = instance
        .instance_type()
        .map_or("", |size| size.as_str())
        .to_owned();
    let shape = Shape::Instance { state, instance_type };
    found(instance.instance_id(), instance.tags(), shape)
}

pub(super) fn address(address: &Address) -> Option<Found> {
    let association = address
        .association_id()
        .map(|id| (id.to_owned(), address.instance_id().map(str::to_owned)));
    found(
        address.allocation_id(),
        address.tags(),
        Shape::ElasticIp {
            public_ip: address.public_ip().unwrap_or_default().to_owned(),
            association,
        },
    )
}
