//! What a resolver answers, as health changes.

use aws_sdk_ec2::types::DomainType;
use aws_sdk_route53::types::{
    ChangeAction, HealthCheckConfig, HealthCheckType, ResourceRecordSetFailover as Role,
    ResourceRecordSetRegion, RrType,
};
use chrono::TimeDelta;
use conformance::local_aws::{LatencyModel, Outage};
use conformance::{Aws, controlled};

use crate::support::{Zone, a, resolve, set};

const HERE: (&str, &str) = ("eu-central-1", "client");

/// An instance with an Elastic IP: its id and address.
async fn instance(aws: &Aws) -> (String, String) {
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let vpc = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a VPC");
    let vpc = vpc.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let gateway = ec2.create_internet_gateway().send().await.expect("a gateway");
    let gateway = gateway
        .internet_gateway
        .and_then(|one| one.internet_gateway_id)
        .expect("an id");
    ec2.attach_internet_gateway()
        .internet_gateway_id(gateway)
        .vpc_id(&vpc)
        .send()
        .await
        .expect("attached");
    let subnet = ec2
        .create_subnet()
        .vpc_id(&vpc)
        .cidr_block("10.0.0.0/24")
        .availability_zone(format!("{}a", aws.region()))
        .send()
        .await;
    let subnet = subnet
        .expect("a subnet")
        .subnet
        .and_then(|subnet| subnet.subnet_id)
        .expect("an id");
    let images = ec2
        .describe_images()
        .owners("amazon")
        .send()
        .await
        .expect("images");
    let image = images.images()[0].image_id().expect("an id").to_owned();
    let run = ec2
        .run_instances()
        .image_id(image)
        .instance_type(aws_sdk_ec2::types::InstanceType::T3Micro)
        .subnet_id(subnet)
        .min_count(1)
        .max_count(1)
        .send()
        .await;
    let id = run
        .expect("an instance")
        .instances
        .unwrap_or_default()
        .remove(0)
        .instance_id
        .expect("an id");
    ec2.describe_instances().send().await.expect("it runs");
    let address = ec2
        .allocate_address()
        .domain(DomainType::Vpc)
        .send()
        .await
        .expect("an address");
    ec2.associate_address()
        .instance_id(&id)
        .set_allocation_id(address.allocation_id)
        .send()
        .await
        .expect("associated");
    (id, address.public_ip.expect("an address"))
}

async fn check(zone: &Zone, address: &str) -> String {
    let config = HealthCheckConfig::builder()
        .r#type(HealthCheckType::Http)
        .ip_address(address)
        .port(80)
        .request_interval(10)
        .failure_threshold(3);
    let config = config.build().expect("a config has a type");
    let made = zone
        .client
        .create_health_check()
        .caller_reference(address)
        .health_check_config(config)
        .send()
        .await;
    made.expect("a check").health_check.expect("a check").id
}

/// A name without records of a type is not a name that is not there.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/route-53-concepts.html
#[tokio::test]
async fn no_data_is_not_no_name() {
    let Some(aws) = controlled().await else { return };
    let zone = Zone::create(&aws).await;
    let text = set(&zone.at("text"), RrType::Txt, &["\"x\""])
        .build()
        .expect("a set");
    zone.create_set(text).await.expect("a set");
    assert_eq!(resolve(&aws, &zone.at("text"), HERE).status, "NOERROR");
    assert_eq!(resolve(&aws, &zone.at("gone"), HERE).status, "NXDOMAIN");
}

/// A CNAME leads on to the name it holds.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html
#[tokio::test]
async fn a_cname_leads_on() {
    let Some(aws) = controlled().await else { return };
    let zone = Zone::create(&aws).await;
    zone.create_set(a(&zone.at("real"), "192.0.2.7"))
        .await
        .expect("a set");
    let cname = set(&zone.at("www"), RrType::Cname, &[zone.at("real").as_str()])
        .build()
        .expect("a set");
    zone.create_set(cname).await.expect("a set");
    assert_eq!(resolve(&aws, &zone.at("www"), HERE).values, ["192.0.2.7"]);
}

/// Failover answers the primary while it is healthy, the secondary when it is not, and the primary when nobody is.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-failover.html
#[tokio::test]
async fn failover_follows_the_health_of_the_primary() {
    let Some(aws) = controlled().await else { return };
    let zone = Zone::create(&aws).await;
    let (id, address) = instance(&aws).await;
    let check = check(&zone, &address).await;
    let role = |role: Role, value: &str| {
        set(&zone.at("www"), RrType::A, &[value])
            .set_identifier(role.as_str())
            .failover(role)
    };
    let primary = role(Role::Primary, &address)
        .health_check_id(check)
        .build()
        .expect("a set");
    let secondary = role(Role::Secondary, "192.0.2.2").build().expect("a set");
    zone.apply(&[(ChangeAction::Create, primary), (ChangeAction::Create, secondary)])
        .await
        .expect("both");
    let answer = || resolve(&aws, &zone.at("www"), HERE).values;
    assert_eq!(answer(), std::slice::from_ref(&address));
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let outage = Outage::Zone(format!("{}a", aws.region()));
    aws.control().begin_outage(outage.clone());
    aws.advance(TimeDelta::seconds(29));
    assert_eq!(
        answer(),
        std::slice::from_ref(&address),
        "three failed checks of ten seconds are not over yet"
    );
    aws.advance(TimeDelta::seconds(2));
    assert_eq!(answer(), ["192.0.2.2"]);
    aws.control().end_outage(&outage);
    aws.advance(TimeDelta::seconds(31));
    assert_eq!(answer(), [address]);
    drop(id);
}

/// Latency records answer the region that is nearest to who asks.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-latency.html
#[tokio::test]
async fn latency_answers_the_nearest_region() {
    let Some(aws) = controlled().await else { return };
    let zone = Zone::create(&aws).await;
    let near = |region: ResourceRecordSetRegion, value: &str| {
        let set = set(&zone.at("www"), RrType::A, &[value])
            .set_identifier(region.as_str())
            .region(region.clone());
        (ChangeAction::Create, set.build().expect("a set"))
    };
    let batch = [
        near(ResourceRecordSetRegion::EuCentral1, "192.0.2.1"),
        near(ResourceRecordSetRegion::UsEast1, "192.0.2.2"),
    ];
    zone.apply(&batch).await.expect("both");
    assert_eq!(
        resolve(&aws, &zone.at("www"), ("eu-west-1", "x")).values,
        ["192.0.2.1"]
    );
    assert_eq!(
        resolve(&aws, &zone.at("www"), ("us-west-2", "x")).values,
        ["192.0.2.2"]
    );
}

/// Weighted records share clients by weight, and a weight of zero gets none.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-weighted.html
#[tokio::test]
async fn weights_share_the_clients() {
    let Some(aws) = controlled().await else { return };
    let zone = Zone::create(&aws).await;
    let weighted = |weight: i64, value: &str| {
        let set = set(&zone.at("www"), RrType::A, &[value])
            .set_identifier(value)
            .weight(weight);
        (ChangeAction::Create, set.build().expect("a set"))
    };
    let batch = [
        weighted(3, "192.0.2.1"),
        weighted(1, "192.0.2.2"),
        weighted(0, "192.0.2.3"),
    ];
    zone.apply(&batch).await.expect("all");
    let mut counts = [0; 3];
    for client in 0..1_000 {
        let answer = resolve(&aws, &zone.at("www"), ("eu-central-1", &client.to_string()));
        let last = answer.values[0]
            .rsplit('.')
            .next()
            .and_then(|digit| digit.parse::<usize>().ok());
        counts[last.expect("a digit") - 1] += 1;
    }
    assert!((650..850).contains(&counts[0]) && counts[2] == 0, "{counts:?}");
    let again = resolve(&aws, &zone.at("www"), ("eu-central-1", "7"));
    assert_eq!(
        again,
        resolve(&aws, &zone.at("www"), ("eu-central-1", "7")),
        "a client is answered alike"
    );
}

/// The longest zone answers for a name.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-routing-traffic-for-subdomains.html
#[tokio::test]
async fn the_longest_zone_answers() {
    let Some(aws) = controlled().await else { return };
    let zone = Zone::create(&aws).await;
    zone.create_set(a(&zone.at("www.sub"), "192.0.2.1"))
        .await
        .expect("a set");
    let sub = format!("sub.{}", zone.name);
    let made = zone
        .client
        .create_hosted_zone()
        .name(&sub)
        .caller_reference(&sub)
        .send()
        .await;
    let made = made.expect("a zone").hosted_zone.expect("a zone");
    assert_eq!(
        resolve(&aws, &zone.at("www.sub"), HERE).status,
        "NXDOMAIN",
        "the zone below knows no such name"
    );
    zone.client
        .delete_hosted_zone()
        .id(made.id)
        .send()
        .await
        .expect("it goes");
    assert_eq!(resolve(&aws, &zone.at("www.sub"), HERE).values, ["192.0.2.1"]);
}
