//! Two zones, each able to carry on alone: a load balancer in public subnets, machines in private ones.

use super::{
    DATABASE_CLASS, DATABASE_PORT, Design, Leads, NetworkChoice, PLATFORM_PORT, Resource, Source, Spec,
    names::Names, network, resource, single::front_door,
};

/// Machines at least: one for each zone.
const MACHINES_MIN: i32 = 2;
/// Machines at most.
const MACHINES_MAX: i32 = 6;

pub(super) fn compile(design: &Design, names: &Names) -> Vec<Resource> {
    let mut resources = match &design.network {
        NetworkChoice::New { cidr } => [network::public(cidr, 2), network::private(cidr)].concat(),
        NetworkChoice::Existing { .. } => Vec::new(),
    };
    resources.push(front_door(design, names));
    resources.push(admits_from(
        ("application-security-group", names.security_group("application")),
        PLATFORM_PORT,
        "security-group",
    ));
    resources.extend(certificate(design));
    resources.extend(front(names));
    if design.database {
        resources.extend(database(names));
    }
    resources.extend(machines(design, names));
    resources.push(resource(
        "endpoint",
        Spec::DnsRecord {
            domain: design.domain.clone(),
            leads: Leads::Balancer("load-balancer".to_owned()),
        },
    ));
    resources
}

fn private() -> Vec<String> {
    network::PRIVATE.map(str::to_owned).to_vec()
}

fn admits_from((name, group_name): (&str, String), port: i32, from: &str) -> Resource {
    resource(
        name,
        Spec::SecurityGroup {
            vpc: "vpc".to_owned(),
            group_name,
            port,
            from: Source::Group(from.to_owned()),
        },
    )
}

fn certificate(design: &Design) -> [Resource; 2] {
    let domain = design.domain.clone();
    [
        resource(
            "certificate",
            Spec::Certificate {
                domain: domain.clone(),
            },
        ),
        resource(
            "certificate-proof",
            Spec::DnsRecord {
                domain,
                leads: Leads::Proof("certificate".to_owned()),
            },
        ),
    ]
}

fn front(names: &Names) -> [Resource; 2] {
    [
        resource(
            "target-group",
            Spec::TargetGroup {
                group_name: names.balancing("tg"),
                vpc: "vpc".to_owned(),
                port: PLATFORM_PORT,
            },
        ),
        resource(
            "load-balancer",
            Spec::LoadBalancer {
                balancer_name: names.balancing("lb"),
                subnets: network::PUBLIC.map(str::to_owned).to_vec(),
                security_group: "security-group".to_owned(),
                target_group: "target-group".to_owned(),
                certificate: "certificate".to_owned(),
            },
        ),
    ]
}

fn database(names: &Names) -> [Resource; 3] {
    [
        admits_from(
            ("database-security-group", names.security_group("database")),
            DATABASE_PORT,
            "application-security-group",
        ),
        resource(
            "database-subnets",
            Spec::DbSubnetGroup {
                group_name: names.plain("database"),
                subnets: private(),
            },
        ),
        resource(
            "database",
            Spec::Database {
                identifier: names.plain("database"),
                class: DATABASE_CLASS.to_owned(),
                subnet_group: "database-subnets".to_owned(),
                security_group: "database-security-group".to_owned(),
            },
        ),
    ]
}

fn machines(design: &Design, names: &Names) -> [Resource; 2] {
    [
        resource(
            "launch-template",
            Spec::LaunchTemplate {
                template_name: names.plain("platform"),
                image: design.image.clone(),
                instance_type: design.instance_type.clone(),
                security_group: "application-security-group".to_owned(),
            },
        ),
        resource(
            "auto-scaling-group",
            Spec::AutoScalingGroup {
                group_name: names.plain("platform"),
                launch_template: "launch-template".to_owned(),
                subnets: private(),
                target_group: "target-group".to_owned(),
                egress: match design.network {
                    NetworkChoice::New { .. } => network::PRIVATE_ROUTES.map(str::to_owned).to_vec(),
                    NetworkChoice::Existing { .. } => Vec::new(),
                },
                min: MACHINES_MIN,
                max: MACHINES_MAX,
            },
        ),
    ]
}
