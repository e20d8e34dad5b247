//! From EC2's descriptions to what the model compares.

use aws_sdk_ec2::types::{
    Address, Instance, InstanceStateName, InternetGateway, IpPermission, RouteTable, SecurityGroup, Subnet,
    Tag,
};
use tenant_model::observation::{Found, InstanceState, Shape, TAG_INTENT, TAG_RESOURCE};

use super::tag;

const ANYWHERE: &str = "0.0.0.0/0";

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
    found(subnet.subnet_id(), subnet.tags(), Shape::Subnet)
}

pub(super) fn route_table(table: &RouteTable) -> Option<Found> {
    let default_route = table
        .routes()
        .iter()
        .find(|route| route.destination_cidr_block() == Some(ANYWHERE))
        .and_then(|route| route.gateway_id())
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

pub(super) fn security_group(group: &SecurityGroup) -> Option<Found> {
    let open_ports = group
        .ip_permissions()
        .iter()
        .filter(|rule| {
            rule.ip_ranges()
                .iter()
                .any(|range| range.cidr_ip() == Some(ANYWHERE))
        })
        .filter_map(IpPermission::from_port)
        .collect();
    found(
        group.group_id(),
        group.tags(),
        Shape::SecurityGroup { open_ports },
    )
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
    found(instance.instance_id(), instance.tags(), Shape::Instance { state })
}

pub(super) fn address(address: &Address) -> Option<Found> {
    let association = address
        .association_id()
        .map(|id| (id.to_owned(), address.instance_id().map(str::to_owned)));
    found(
        address.allocation_id(),
        address.tags(),
        Shape::ElasticIp { association },
    )
}
