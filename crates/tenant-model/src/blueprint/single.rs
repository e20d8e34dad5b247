//! One instance in one public subnet, with a fixed address and a name.

use super::{
    Design, Leads, NetworkChoice, PLATFORM_PORT, Resource, Source, Spec, names::Names, network, resource,
};

pub(super) fn compile(design: &Design, names: &Names) -> Vec<Resource> {
    let (mut resources, gateway, egress) = match &design.network {
        NetworkChoice::New { cidr } => (
            network::public(cidr, 1),
            Some(network::GATEWAY.to_owned()),
            vec![network::PUBLIC_ROUTES.to_owned()],
        ),
        NetworkChoice::Existing { .. } => (Vec::new(), None, Vec::new()),
    };
    resources.extend([
        front_door(design, names),
        resource(
            "instance",
            Spec::Instance {
                image: design.image.clone(),
                instance_type: design.instance_type.clone(),
                subnet: network::PUBLIC[0].to_owned(),
                security_group: "security-group".to_owned(),
                egress,
            },
        ),
        resource(
            "elastic-ip",
            Spec::ElasticIp {
                gateway,
                instance: Some("instance".to_owned()),
            },
        ),
        resource(
            "endpoint",
            Spec::DnsRecord {
                domain: design.domain.clone(),
                leads: Leads::Address("elastic-ip".to_owned()),
            },
        ),
    ]);
    resources
}

/// The group that admits whoever the design admits.
pub(super) fn front_door(design: &Design, names: &Names) -> Resource {
    resource(
        "security-group",
        Spec::SecurityGroup {
            vpc: "vpc".to_owned(),
            group_name: names.security_group("platform"),
            port: PLATFORM_PORT,
            from: Source::Blocks(design.admits.clone()),
        },
    )
}
