//! Names that lead to load balancers, and away from those that cannot answer.

use aws_sdk_route53::types::{ChangeAction, ResourceRecordSetFailover};
use chrono::TimeDelta;
use conformance::local_aws::Outage;
use conformance::{code, controlled};

use super::support::{
    alias, asked, built, check, client, created, http, network, put, real_pace, routed, zone,
};

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-to-elb-load-balancer.html>
#[tokio::test]
async fn an_alias_to_a_load_balancer_answers_its_addresses() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let network = network(&aws.vendor().config).await;
    let machine = network.machine("one").await;
    let (target, target_zone) = network.balancer("front", &[&machine.id]).await;
    let zone = zone(&aws).await;
    created(&dns, &zone, built(alias(&zone.name, &target_zone, &target))).await;
    let answer = asked(&aws, &zone.name);
    assert_eq!(
        (answer.status, answer.ttl, answer.values.len()),
        ("NOERROR", 60, 2)
    );
    assert_eq!(answer.values, asked(&aws, &target).values);
    let ec2 = aws_sdk_ec2::Client::new(&network.config);
    let found = ec2
        .describe_network_interfaces()
        .send()
        .await
        .expect("interfaces");
    let of_balancer = |address: &String| {
        let mut all = found.network_interfaces().iter();
        all.any(|own| {
            let public = own.association().and_then(|association| association.public_ip());
            own.requester_managed() == Some(true) && public == Some(address)
        })
    };
    assert!(answer.values.iter().all(of_balancer), "{:?}", answer.values);
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html>
#[tokio::test]
async fn an_alias_to_a_load_balancer_names_the_zone_of_its_region() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let network = network(&aws.vendor().config).await;
    let machine = network.machine("one").await;
    let (target, _) = network.balancer("front", &[&machine.id]).await;
    let zone = zone(&aws).await;
    let wrong = built(alias(&zone.sub("www"), "Z0123456789ABC", &target));
    assert_eq!(
        code(put(&dns, &zone, ChangeAction::Create, wrong).await),
        "InvalidChangeBatch"
    );
}

/// Two regions, and the second answers while the first has no healthy target.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-configuring.html>
#[tokio::test]
async fn a_failover_alias_leaves_a_lost_region_and_comes_back() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    let roles = [
        (aws.vendor().config.clone(), ResourceRecordSetFailover::Primary),
        (
            aws.vendor().in_region("eu-west-1"),
            ResourceRecordSetFailover::Secondary,
        ),
    ];
    for (config, role) in roles {
        let network = network(&config).await;
        let machine = network.machine("one").await;
        let (target, target_zone) = network.balancer("front", &[&machine.id]).await;
        let set = alias(&name, &target_zone, &target)
            .set_identifier(role.as_str())
            .failover(role.clone());
        created(&dns, &zone, built(set)).await;
    }
    assert_eq!(asked(&aws, &name).chosen, ["PRIMARY"]);
    real_pace(&aws);
    let lost = Outage::Region(aws.region().to_owned());
    aws.control().begin_outage(lost.clone());
    aws.advance(TimeDelta::minutes(1));
    let answer = asked(&aws, &name);
    assert_eq!(
        (answer.chosen, answer.values.len()),
        (vec!["SECONDARY".to_owned()], 2)
    );
    aws.control().end_outage(&lost);
    aws.advance(TimeDelta::minutes(5));
    assert_eq!(asked(&aws, &name).chosen, ["PRIMARY"]);
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>
#[tokio::test]
async fn a_check_of_a_load_balancers_name_is_as_healthy_as_its_targets() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let network = network(&aws.vendor().config).await;
    let machine = network.machine("one").await;
    let (target, target_zone) = network.balancer("front", &[&machine.id]).await;
    let zone = zone(&aws).await;
    created(
        &dns,
        &zone,
        built(alias(&zone.sub("front"), &target_zone, &target)),
    )
    .await;
    for (label, name) in [("direct", target.clone()), ("alias", zone.sub("front"))] {
        let id = check(&dns, label, http(&name)).await;
        let primary = routed(&zone.sub(label), "192.0.2.1", "here")
            .failover(ResourceRecordSetFailover::Primary)
            .health_check_id(id);
        created(&dns, &zone, built(primary)).await;
        let rest =
            routed(&zone.sub(label), "192.0.2.2", "away").failover(ResourceRecordSetFailover::Secondary);
        created(&dns, &zone, built(rest)).await;
    }
    let chosen = || ["direct", "alias"].map(|label| asked(&aws, &zone.sub(label)).chosen.remove(0));
    assert_eq!(chosen(), ["here", "here"]);
    let stop = machine.ec2.stop_instances().instance_ids(&machine.id);
    stop.send().await.expect("it stops");
    assert_eq!(chosen(), ["away", "away"]);
}
