//! Hosted zones.

use aws_sdk_route53::types::{ChangeAction, ChangeStatus, HostedZoneConfig, RrType, Vpc, VpcRegion};
use conformance::{aws, code, controlled, status};

use super::support::{a, client, created, domain, names, network, put, real_pace, zone};

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html>
#[tokio::test]
async fn a_new_zone_has_four_name_servers_and_the_records_for_them() {
    let aws = aws().await;
    let dns = client(&aws);
    let name = domain(&aws);
    let create = dns
        .create_hosted_zone()
        .name(&name)
        .caller_reference(aws.name("ref"));
    let made = create.send().await.expect("a zone");
    assert_eq!(made.delegation_set().expect("servers").name_servers().len(), 4);
    assert!(made.location().contains("/2013-04-01/hostedzone/Z"));
    let zone = made.hosted_zone.expect("a zone");
    assert_eq!(
        (zone.name(), zone.resource_record_set_count()),
        (format!("{name}.").as_str(), Some(2))
    );
    let listed = dns
        .list_resource_record_sets()
        .hosted_zone_id(&zone.id)
        .send()
        .await;
    let sets = listed.expect("records").resource_record_sets;
    assert_eq!(sets[0].r#type(), &RrType::Ns);
    assert_eq!(sets[0].ttl(), Some(172_800));
    assert_eq!(sets[1].r#type(), &RrType::Soa);
    assert_eq!(sets[1].ttl(), Some(900));
    dns.delete_hosted_zone()
        .id(&zone.id)
        .send()
        .await
        .expect("the zone goes");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html>
#[tokio::test]
async fn a_caller_reference_makes_one_zone() {
    let aws = aws().await;
    let dns = client(&aws);
    let (name, reference) = (domain(&aws), aws.name("ref"));
    let create = || {
        dns.create_hosted_zone()
            .name(&name)
            .caller_reference(&reference)
            .send()
    };
    let made = create().await.expect("a zone").hosted_zone.expect("a zone");
    assert_eq!(code(create().await), "HostedZoneAlreadyExists");
    assert_eq!(status(create().await), 409);
    dns.delete_hosted_zone()
        .id(&made.id)
        .send()
        .await
        .expect("the zone goes");
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>
#[tokio::test]
async fn a_zones_name_is_a_domain_name_below_a_top_level() {
    let aws = aws().await;
    let dns = client(&aws);
    let long = format!("{}.example.net", "x".repeat(64));
    for name in ["net", "two..dots.net", "with space.net", &long] {
        let create = dns
            .create_hosted_zone()
            .name(name)
            .caller_reference(aws.name("ref"));
        assert_eq!(code(create.send().await), "InvalidDomainName", "{name}");
    }
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHostedZone.html>
#[tokio::test]
async fn a_zone_with_records_is_not_deleted() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&zone.sub("www"), "192.0.2.1")).await;
    let delete = dns.delete_hosted_zone().id(&zone.id).send().await;
    assert_eq!(code(delete), "HostedZoneNotEmpty");
    let gone = put(
        &dns,
        &zone,
        ChangeAction::Delete,
        a(&zone.sub("www"), "192.0.2.1"),
    )
    .await;
    gone.expect("the record goes");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHostedZone.html>
#[tokio::test]
async fn an_unknown_zone_is_not_found() {
    let aws = aws().await;
    let dns = client(&aws);
    let id = "Z0123456789ABCDEFGHIJ";
    assert_eq!(
        code(dns.get_hosted_zone().id(id).send().await),
        "NoSuchHostedZone"
    );
    assert_eq!(status(dns.get_hosted_zone().id(id).send().await), 404);
    assert_eq!(
        code(dns.delete_hosted_zone().id(id).send().await),
        "NoSuchHostedZone"
    );
    let list = dns.list_resource_record_sets().hosted_zone_id(id).send().await;
    assert_eq!(code(list), "NoSuchHostedZone");
    let change = super::support::apply(
        &dns,
        id,
        vec![super::support::change(
            ChangeAction::Create,
            a("www.example.net", "192.0.2.1"),
        )],
    );
    assert_eq!(code(change.await), "NoSuchHostedZone");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetChange.html>
#[tokio::test]
async fn a_change_is_pending_until_all_servers_have_it() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    real_pace(&aws);
    let zone = zone(&aws).await;
    let put = put(
        &dns,
        &zone,
        ChangeAction::Create,
        a(&zone.sub("www"), "192.0.2.1"),
    )
    .await;
    let info = put.expect("taken").change_info.expect("a change");
    assert_eq!(info.status(), &ChangeStatus::Pending);
    let get = || dns.get_change().id(&info.id).send();
    let now = get().await.expect("a change").change_info.expect("a change");
    assert_eq!(now.status(), &ChangeStatus::Pending);
    aws.advance(chrono::TimeDelta::minutes(2));
    let then = get().await.expect("a change").change_info.expect("a change");
    assert_eq!(then.status(), &ChangeStatus::Insync);
    let unknown = dns.get_change().id("C0123456789ABCDEFGHIJ").send().await;
    assert_eq!(code(unknown), "NoSuchChange");
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-creating.html>
#[tokio::test]
async fn a_private_zone_is_of_a_network_and_unknown_to_the_public() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let network = network(&aws.vendor().config).await;
    let region = VpcRegion::from(aws.region());
    let of = |id: &str| Vpc::builder().vpc_region(region.clone()).vpc_id(id).build();
    let create = || {
        let private = HostedZoneConfig::builder().private_zone(true).build();
        let create = dns
            .create_hosted_zone()
            .name("inner.example.net")
            .caller_reference(aws.name("ref"));
        create.hosted_zone_config(private)
    };
    assert_eq!(code(create().send().await), "InvalidInput");
    let unknown = create().vpc(of("vpc-0123456789abcdef0")).send().await;
    assert_eq!(code(unknown), "InvalidVPCId");
    let made = create().vpc(of(&network.vpc)).send().await.expect("a zone");
    // The SDK puts an empty set where the answer has none.
    let servers = made.delegation_set().map(|set| set.name_servers().len());
    assert_eq!(servers, Some(0), "the public is not delegated to it");
    let id = made.hosted_zone.expect("a zone").id;
    let found = dns.get_hosted_zone().id(&id).send().await.expect("a zone");
    assert_eq!(found.vpcs()[0].vpc_id(), Some(network.vpc.as_str()));
    let zone = super::support::Zone {
        id: id.trim_start_matches("/hostedzone/").to_owned(),
        name: "inner.example.net".to_owned(),
    };
    created(&dns, &zone, a(&zone.sub("db"), "10.0.0.1")).await;
    assert_eq!(names(&dns, &zone).await.len(), 3);
    assert_eq!(super::support::asked(&aws, &zone.sub("db")).status, "NXDOMAIN");
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
#[tokio::test]
async fn an_account_has_no_more_zones_than_its_quota() {
    let Some(aws) = controlled().await else { return };
    assert!(
        aws.control()
            .set_quota((&aws.vendor().id, "global"), "L-4EA4796A", 1)
    );
    zone(&aws).await;
    let create = client(&aws)
        .create_hosted_zone()
        .name(domain(&aws))
        .caller_reference("two");
    assert_eq!(code(create.send().await), "TooManyHostedZones");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html>
#[tokio::test]
async fn an_unknown_delegation_set_makes_no_zone() {
    let aws = aws().await;
    let create = client(&aws).create_hosted_zone().name(domain(&aws));
    let create = create
        .caller_reference(aws.name("ref"))
        .delegation_set_id("N0123456789ABCDEFGHIJ");
    assert_eq!(code(create.send().await), "NoSuchDelegationSet");
}
