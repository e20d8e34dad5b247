use uuid::Uuid;

use super::*;
use crate::deployment::PROFILES;

fn design(profile: Profile, network: NetworkChoice) -> Design {
    Design {
        profile,
        region: "eu-central-1".parse().expect("a region"),
        instance_type: "t3.medium".to_owned(),
        image: "al2023".to_owned(),
        database: profile == Profile::HighlyAvailable,
        network,
        admits: vec![ANYWHERE.to_owned()],
        domain: "one.platform.example".to_owned(),
    }
}

fn blueprint(profile: Profile) -> Blueprint {
    let id = DeploymentId::from_uuid(Uuid::from_u128(7));
    Blueprint::compile(id, design(profile, NetworkChoice::default()))
}

fn names(resources: &[Resource]) -> Vec<&str> {
    resources.iter().map(|resource| resource.name.as_str()).collect()
}

fn in_an_own_network(profile: Profile) -> Blueprint {
    let network = NetworkChoice::Existing {
        vpc: "vpc-1".to_owned(),
        public_subnets: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
        private_subnets: vec!["subnet-3".to_owned(), "subnet-4".to_owned()],
    };
    Blueprint::compile(
        DeploymentId::from_uuid(Uuid::from_u128(7)),
        design(profile, network),
    )
}

#[test]
fn every_resource_stands_after_what_it_depends_on() {
    let all = PROFILES
        .map(blueprint)
        .into_iter()
        .chain(PROFILES.map(in_an_own_network));
    for blueprint in all {
        let mut seen: Vec<&str> = blueprint.given.keys().map(String::as_str).collect();
        for resource in &blueprint.resources {
            for name in resource.spec.depends_on() {
                assert!(seen.contains(&name), "{} before {name}", resource.name);
            }
            assert!(!seen.contains(&resource.name.as_str()), "{} twice", resource.name);
            seen.push(&resource.name);
        }
    }
}

#[test]
fn the_profiles_use_every_kind_there_is() {
    let used: Vec<Kind> = PROFILES
        .map(blueprint)
        .iter()
        .flat_map(Blueprint::all)
        .map(|resource| resource.spec.kind())
        .collect();
    for kind in KINDS {
        assert!(used.contains(&kind), "{kind:?}");
        assert_eq!(Kind::from_name(kind.name()), Some(kind));
    }
}

#[test]
fn in_an_own_network_nothing_of_the_network_is_made() {
    for profile in PROFILES {
        let blueprint = in_an_own_network(profile);
        let network = [
            Kind::Vpc,
            Kind::InternetGateway,
            Kind::Subnet,
            Kind::RouteTable,
            Kind::NatGateway,
            Kind::VpcEndpoint,
        ];
        let made = blueprint
            .resources
            .iter()
            .find(|one| network.contains(&one.spec.kind()));
        assert_eq!(made, None);
        assert_eq!(blueprint.given["subnet-b"], "subnet-2");
    }
}

#[test]
fn going_on_as_another_profile_keeps_the_network_and_retires_the_rest() {
    let single = blueprint(Profile::Single);
    let next = blueprint(Profile::HighlyAvailable).succeeding(&single);
    assert_eq!(names(&next.retired), ["instance", "elastic-ip"]);
    assert!(next.is_retired("instance") && !next.is_retired("vpc"));
    // Interrupted and turned back, what was half retired is wanted again and the new is retired.
    let back = blueprint(Profile::Single).succeeding(&next);
    assert!(back.find("instance").is_some() && !back.is_retired("instance"));
    assert!(back.is_retired("load-balancer") && back.is_retired("nat-gateway-b"));
}

#[test]
fn dependents_are_the_mirror_of_depends_on() {
    let blueprint = blueprint(Profile::Single);
    let of = |name| blueprint.dependents(name).collect::<Vec<_>>();
    assert_eq!(of("subnet"), ["route-table", "instance"]);
    assert_eq!(of("endpoint"), Vec::<&str>::new());
}

#[test]
fn names_that_aws_knows_are_short_enough_and_carry_the_deployment() {
    for resource in blueprint(Profile::HighlyAvailable).resources {
        let (name, most) = match resource.spec {
            Spec::TargetGroup { group_name, .. } => (group_name, 32),
            Spec::LoadBalancer { balancer_name, .. } => (balancer_name, 32),
            Spec::Database { identifier, .. } => (identifier, 63),
            _ => continue,
        };
        assert!(name.len() <= most, "{name}");
        assert!(
            name.contains(&DeploymentId::from_uuid(Uuid::from_u128(7)).suffix()),
            "{name}"
        );
    }
}

#[test]
fn a_blueprint_survives_its_stored_form() {
    for profile in PROFILES {
        let blueprint = blueprint(profile);
        let stored = serde_json::to_value(&blueprint).expect("serializable");
        assert_eq!(
            serde_json::from_value::<Blueprint>(stored).expect("readable"),
            blueprint
        );
    }
}
