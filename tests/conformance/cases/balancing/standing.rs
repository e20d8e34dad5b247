//! Where load balancers stand, and how they are found.

use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancerSchemeEnum, LoadBalancerTypeEnum, SubnetMapping, TargetHealthStateEnum as State,
};
use conformance::code;

use crate::support::Network;

async fn subnet(network: &Network, block: &str, zone: &str) -> String {
    let made = network
        .ec2
        .create_subnet()
        .vpc_id(&network.vpc)
        .cidr_block(block)
        .availability_zone(zone)
        .send()
        .await;
    let made = made.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id);
    made.expect("a subnet has an id")
}

/// A load balancer moves to other subnets; its interfaces there come and go with it.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSubnets.html
#[tokio::test]
async fn a_load_balancer_moves_to_other_subnets() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let arn = network.balancer("web").await;
    let zone = format!("{}c", network.aws.region());
    let third = subnet(&network, "10.0.7.0/24", &zone).await;
    let set = network
        .elb
        .set_subnets()
        .load_balancer_arn(&arn)
        .subnets(&network.subnets[0])
        .subnets(&third)
        .send()
        .await
        .expect("it moves");
    let mut zones: Vec<_> = set
        .availability_zones()
        .iter()
        .filter_map(|one| one.zone_name())
        .collect();
    zones.sort_unstable();
    assert_eq!(zones, [network.zones[0].as_str(), zone.as_str()]);
    let held = network.ec2.delete_subnet().subnet_id(&third).send().await;
    assert_eq!(code(held), "DependencyViolation");
    let free = network.ec2.delete_subnet().subnet_id(&network.subnets[1]);
    free.send().await.expect("it has left");
}

/// The new subnets must be there, of the load balancer's VPC, and in two zones.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSubnets.html
#[tokio::test]
async fn new_subnets_must_fit() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let arn = network.balancer("web").await;
    let set = async |arn: &str, subnets: &[&str]| {
        let subnets = subnets.iter().map(|id| (*id).to_owned()).collect();
        network
            .elb
            .set_subnets()
            .load_balancer_arn(arn)
            .set_subnets(Some(subnets))
            .send()
            .await
    };
    let [one, two] = &network.subnets[..] else {
        panic!("two subnets")
    };
    assert_eq!(code(set(&arn, &[one]).await), "ValidationError");
    assert_eq!(
        code(set(&arn, &[one, "subnet-0123456789abcdef0"]).await),
        "SubnetNotFound"
    );
    assert_eq!(code(set(&arn, &[one, one]).await), "InvalidConfigurationRequest");
    let gone = arn.replace("/web/", "/gone/");
    assert_eq!(code(set(&gone, &[one, two]).await), "LoadBalancerNotFound");
}

/// An application load balancer needs eight free addresses in each subnet, and leaves nothing where it cannot stand.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
#[tokio::test]
async fn a_full_subnet_is_refused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    // Of its sixteen addresses AWS keeps five, and four instances leave seven.
    let narrow = subnet(&network, "10.0.9.0/28", &network.zones[1]).await;
    for _ in 0..4 {
        network.instance(&narrow).await;
    }
    let made = network
        .elb
        .create_load_balancer()
        .name("web")
        .subnets(&network.subnets[0])
        .subnets(&narrow)
        .send()
        .await;
    assert_eq!(code(made), "InvalidSubnet");
    assert_eq!(interfaces(&network).await, 0);
}

/// A load balancer that cannot stand in its second subnet does not stand in its first.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn a_load_balancer_stands_everywhere_or_nowhere() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let full = subnet(&network, "10.0.9.0/28", &network.zones[1]).await;
    for _ in 0..11 {
        network.instance(&full).await;
    }
    let made = network
        .elb
        .create_load_balancer()
        .name("net")
        .r#type(LoadBalancerTypeEnum::Network)
        .subnets(&network.subnets[0])
        .subnets(&full)
        .send()
        .await;
    assert_eq!(code(made), "InvalidSubnet");
    assert_eq!(interfaces(&network).await, 0);
    let again = network.elb.describe_load_balancers().names("net").send().await;
    assert_eq!(code(again), "LoadBalancerNotFound");
}

/// The interfaces that load balancers have.
async fn interfaces(network: &Network) -> usize {
    let all = network.ec2.describe_network_interfaces().send().await;
    let all = all.expect("interfaces").network_interfaces.unwrap_or_default();
    let of_balancers = all.iter().filter(|one| {
        one.description
            .as_deref()
            .is_some_and(|text| text.starts_with("ELB "))
    });
    of_balancers.count()
}

/// Two calls at once do not both make a load balancer of one name: alike they are answered alike, else one is refused.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn a_name_is_not_taken_twice_at_once() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let create = |scheme: LoadBalancerSchemeEnum| {
        network
            .elb
            .create_load_balancer()
            .name("web")
            .scheme(scheme)
            .set_subnets(Some(network.subnets.clone()))
            .send()
    };
    let (one, same, other) = tokio::join!(
        create(LoadBalancerSchemeEnum::InternetFacing),
        create(LoadBalancerSchemeEnum::InternetFacing),
        create(LoadBalancerSchemeEnum::Internal),
    );
    let arns = [one, same, other].map(|outcome| {
        outcome
            .ok()
            .and_then(|made| made.load_balancers.unwrap_or_default().pop())
            .and_then(|balancer| balancer.load_balancer_arn)
    });
    let shown = network
        .elb
        .describe_load_balancers()
        .send()
        .await
        .expect("load balancers");
    let [only] = shown.load_balancers() else {
        panic!("one load balancer, not {}", shown.load_balancers().len())
    };
    let made: Vec<&String> = arns.iter().flatten().collect();
    assert!(!made.is_empty() && made.len() < 3, "{arns:?}");
    assert!(
        made.iter()
            .all(|arn| Some(arn.as_str()) == only.load_balancer_arn())
    );
    assert_eq!(interfaces(&network).await, 2);
}

/// Security groups are replaced as a whole; they must be there and of the VPC.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSecurityGroups.html
#[tokio::test]
async fn security_groups_are_replaced() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let arn = network.balancer("web").await;
    let own = network.security_group("own").await;
    let set = async |group: &str| {
        network
            .elb
            .set_security_groups()
            .load_balancer_arn(&arn)
            .security_groups(group)
            .send()
            .await
    };
    assert_eq!(code(set("sg-0123456789abcdef0").await), "InvalidSecurityGroup");
    let now = set(&own).await.expect("set");
    assert_eq!(now.security_group_ids(), std::slice::from_ref(&own));
    let worn = network.ec2.delete_security_group().group_id(&own).send().await;
    assert_eq!(code(worn), "DependencyViolation", "the load balancer wears it");
}

/// A network load balancer made without security groups never gets any.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSecurityGroups.html
#[tokio::test]
async fn a_network_load_balancer_without_groups_gets_none() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let arn = network.network_balancer("net", &network.subnets).await;
    let own = network.security_group("own").await;
    let set = network
        .elb
        .set_security_groups()
        .load_balancer_arn(&arn)
        .security_groups(own)
        .send()
        .await;
    assert_eq!(code(set), "InvalidConfigurationRequest");
}

/// Each kind of load balancer has its names and its hosted zone for alias records.
/// https://docs.aws.amazon.com/general/latest/gr/elb.html
#[tokio::test]
async fn names_and_hosted_zones_follow_the_kind() {
    let Some(network) = Network::lay().await else {
        return;
    };
    network.balancer("web").await;
    network.network_balancer("net", &network.subnets).await;
    let shown = async |name: &str| {
        let shown = network.elb.describe_load_balancers().names(name).send().await;
        shown
            .expect("it is there")
            .load_balancers
            .unwrap_or_default()
            .remove(0)
    };
    let web = shown("web").await;
    assert_eq!(web.canonical_hosted_zone_id(), Some("Z215JYRZR1TBD5"));
    let end = format!(".{}.elb.amazonaws.com", network.aws.region());
    assert!(web.dns_name().is_some_and(|name| name.ends_with(&end)));
    let net = shown("net").await;
    assert_eq!(net.canonical_hosted_zone_id(), Some("Z3F0SRJ5LGBH90"));
    let end = format!(".elb.{}.amazonaws.com", network.aws.region());
    assert!(net.dns_name().is_some_and(|name| name.ends_with(&end)));
}

/// A scheme AWS does not have is refused, and so are subnets said in two ways.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn contradictions_are_refused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let base = || {
        network
            .elb
            .create_load_balancer()
            .name("web")
            .set_subnets(Some(network.subnets.clone()))
    };
    let scheme = base()
        .scheme(LoadBalancerSchemeEnum::from("sideways"))
        .send()
        .await;
    assert_eq!(code(scheme), "InvalidScheme");
    let kind = base().r#type(LoadBalancerTypeEnum::from("classic")).send().await;
    assert_eq!(code(kind), "ValidationError");
    let mapping = SubnetMapping::builder().subnet_id(&network.subnets[0]).build();
    let twice = base().subnet_mappings(mapping).send().await;
    assert_eq!(code(twice), "ValidationError");
    let made = network.elb.create_load_balancer().name("web").send().await;
    assert_eq!(code(made), "ValidationError", "no subnets at all");
}

/// Load balancers are listed in pages, or found by names or ARNs, not both.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
#[tokio::test]
async fn load_balancers_come_in_pages() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let mut wanted = Vec::new();
    for name in ["one", "two", "three"] {
        wanted.push(network.balancer(name).await);
    }
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..2 {
        let page = network
            .elb
            .describe_load_balancers()
            .page_size(2)
            .set_marker(marker)
            .send()
            .await
            .expect("a page");
        found.extend(
            page.load_balancers()
                .iter()
                .filter_map(|one| one.load_balancer_arn.clone()),
        );
        marker = page.next_marker;
    }
    assert_eq!(marker, None);
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    let both = network
        .elb
        .describe_load_balancers()
        .names("one")
        .load_balancer_arns(&wanted[0])
        .send()
        .await;
    assert_eq!(code(both), "ValidationError");
    let none = network.elb.describe_load_balancers().page_size(401).send().await;
    assert_eq!(code(none), "ValidationError");
}

/// The first load balancer of an account brings the service's role with it.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html
#[tokio::test]
async fn the_first_load_balancer_brings_the_role_of_the_service() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let iam = aws_sdk_iam::Client::new(&network.aws.vendor().config);
    let look = || {
        iam.get_role()
            .role_name("AWSServiceRoleForElasticLoadBalancing")
            .send()
    };
    assert_eq!(code(look().await), "NoSuchEntity");
    network.balancer("web").await;
    look().await.expect("the role is there");
}

/// Whoever makes the first load balancer must be allowed to make the role of the service.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html
#[tokio::test]
async fn the_first_load_balancer_needs_permission_for_the_role() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let user = network.user(r#"["elasticloadbalancing:*","ec2:*"]"#).await;
    let create = |name: &str| {
        aws_sdk_elasticloadbalancingv2::Client::new(&user)
            .create_load_balancer()
            .name(name)
            .set_subnets(Some(network.subnets.clone()))
            .send()
    };
    assert_eq!(code(create("web").await), "AccessDenied");
    network.balancer("first").await;
    create("web").await.expect("the role is there");
}

/// Subnets move with their load balancer's zones; a target in a zone it left is not used.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
#[tokio::test]
async fn a_target_in_a_zone_that_is_not_enabled_is_unused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &group).await;
    let instance = network.instance(&network.subnets[1]).await;
    network.register(&group, &instance).await;
    assert_eq!(network.health(&group).await, [(State::Healthy, None)]);
    let third = subnet(&network, "10.0.7.0/24", &format!("{}c", network.aws.region())).await;
    network
        .elb
        .set_subnets()
        .load_balancer_arn(&balancer)
        .subnets(&network.subnets[0])
        .subnets(third)
        .send()
        .await
        .expect("it moves");
    let unused = Some("Target.NotInUse".to_owned());
    assert_eq!(network.health(&group).await, [(State::Unused, unused)]);
}
