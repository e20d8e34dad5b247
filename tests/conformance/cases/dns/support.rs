//! What the cases of Route 53 share: zones, records, health checks, and machines that answer them.

use aws_config::SdkConfig;
use aws_sdk_route53::Client;
use aws_sdk_route53::error::SdkError;
use aws_sdk_route53::operation::change_resource_record_sets::{
    ChangeResourceRecordSetsError, ChangeResourceRecordSetsOutput,
};
use aws_sdk_route53::types::builders::{HealthCheckConfigBuilder, ResourceRecordSetBuilder};
use aws_sdk_route53::types::{
    AliasTarget, Change, ChangeAction, ChangeBatch, HealthCheckConfig, HealthCheckType, HostedZone,
    ResourceRecord, ResourceRecordSet, RrType,
};
use conformance::local_aws::{DnsAnswer, DnsQuestion, LatencyModel};
use conformance::{Aws, eventually};

pub(crate) fn client(aws: &Aws) -> Client {
    Client::new(&aws.vendor().config)
}

/// A name for a zone that nobody else uses.
pub(crate) fn domain(aws: &Aws) -> String {
    format!("{}.tenantry-conformance.net", aws.name("zone"))
}

/// A new zone, with its name.
pub(crate) struct Zone {
    pub(crate) id: String,
    pub(crate) name: String,
}

pub(crate) async fn zone(aws: &Aws) -> Zone {
    let name = domain(aws);
    let create = client(aws).create_hosted_zone().name(&name);
    let made = create
        .caller_reference(aws.name("ref"))
        .send()
        .await
        .expect("a zone");
    let zone: HostedZone = made.hosted_zone.expect("a zone");
    Zone {
        id: zone.id.trim_start_matches("/hostedzone/").to_owned(),
        name,
    }
}

impl Zone {
    /// A name below the zone's.
    pub(crate) fn sub(&self, label: &str) -> String {
        format!("{label}.{}.", self.name)
    }

    /// Empties the zone of its own records and deletes it.
    pub(crate) async fn remove(self, dns: &Client) {
        let listed = dns
            .list_resource_record_sets()
            .hosted_zone_id(&self.id)
            .send()
            .await;
        let own = |set: &ResourceRecordSet| !matches!(set.r#type(), RrType::Ns | RrType::Soa);
        let sets = listed.expect("records").resource_record_sets;
        let going: Vec<Change> = sets
            .into_iter()
            .filter(own)
            .map(|set| change(ChangeAction::Delete, set))
            .collect();
        if !going.is_empty() {
            apply(dns, &self.id, going).await.expect("the records go");
        }
        dns.delete_hosted_zone()
            .id(&self.id)
            .send()
            .await
            .expect("the zone goes");
    }
}

pub(crate) type Outcome = Result<ChangeResourceRecordSetsOutput, SdkError<ChangeResourceRecordSetsError>>;

pub(crate) fn change(action: ChangeAction, set: ResourceRecordSet) -> Change {
    let change = Change::builder().action(action).resource_record_set(set);
    change.build().expect("a change")
}

/// A batch of changes.
pub(crate) async fn apply(dns: &Client, zone_id: &str, changes: Vec<Change>) -> Outcome {
    let batch = ChangeBatch::builder()
        .set_changes(Some(changes))
        .build()
        .expect("a batch");
    let call = dns.change_resource_record_sets().hosted_zone_id(zone_id);
    call.change_batch(batch).send().await
}

/// One change.
pub(crate) async fn put(dns: &Client, zone: &Zone, action: ChangeAction, set: ResourceRecordSet) -> Outcome {
    apply(dns, &zone.id, vec![change(action, set)]).await
}

/// Creates a set that must be taken.
pub(crate) async fn created(dns: &Client, zone: &Zone, set: ResourceRecordSet) {
    put(dns, zone, ChangeAction::Create, set).await.expect("taken");
}

/// A set with values, still to be finished.
pub(crate) fn set(name: &str, kind: RrType, values: &[&str]) -> ResourceRecordSetBuilder {
    let values = values.iter().map(|value| {
        let record = ResourceRecord::builder().value(*value);
        record.build().expect("a value")
    });
    ResourceRecordSet::builder()
        .name(name)
        .r#type(kind)
        .ttl(300)
        .set_resource_records(Some(values.collect()))
}

pub(crate) fn built(set: ResourceRecordSetBuilder) -> ResourceRecordSet {
    set.build().expect("a set")
}

pub(crate) fn a(name: &str, value: &str) -> ResourceRecordSet {
    built(set(name, RrType::A, &[value]))
}

/// An address set with a routing policy still to be added.
pub(crate) fn routed(name: &str, value: &str, identifier: &str) -> ResourceRecordSetBuilder {
    set(name, RrType::A, &[value]).set_identifier(identifier)
}

/// An alias that asks its target's health, still to be finished.
pub(crate) fn alias(name: &str, zone_id: &str, target: &str) -> ResourceRecordSetBuilder {
    let target = AliasTarget::builder()
        .hosted_zone_id(zone_id)
        .dns_name(target)
        .evaluate_target_health(true);
    ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::A)
        .alias_target(target.build().expect("a target"))
}

pub(crate) async fn names(dns: &Client, zone: &Zone) -> Vec<(String, String)> {
    let listed = dns
        .list_resource_record_sets()
        .hosted_zone_id(&zone.id)
        .send()
        .await;
    let sets = listed.expect("records").resource_record_sets;
    let named = sets
        .into_iter()
        .map(|set| (set.name, set.r#type.as_str().to_owned()));
    named.collect()
}

/// A check of a public address over TCP, every ten seconds with a threshold of two.
pub(crate) fn tcp(address: &str, port: i32) -> HealthCheckConfigBuilder {
    HealthCheckConfig::builder()
        .r#type(HealthCheckType::Tcp)
        .ip_address(address)
        .port(port)
        .request_interval(10)
        .failure_threshold(2)
}

/// A check of a name over HTTP.
pub(crate) fn http(name: &str) -> HealthCheckConfigBuilder {
    HealthCheckConfig::builder()
        .r#type(HealthCheckType::Http)
        .fully_qualified_domain_name(name)
        .resource_path("/healthz")
        .request_interval(10)
        .failure_threshold(2)
}

/// The id of a new health check.
pub(crate) async fn check(dns: &Client, reference: &str, config: HealthCheckConfigBuilder) -> String {
    let create = dns.create_health_check().caller_reference(reference);
    let made = create
        .health_check_config(config.build().expect("a config"))
        .send()
        .await;
    made.expect("a health check")
        .health_check
        .expect("a health check")
        .id
}

/// What DNS answers for addresses, asked from a region.
pub(crate) fn asked_from(aws: &Aws, name: &str, region: &str) -> DnsAnswer {
    aws.control().resolve(&DnsQuestion {
        name: name.to_owned(),
        kind: "A".to_owned(),
        region: region.to_owned(),
        client: String::new(),
    })
}

pub(crate) fn asked(aws: &Aws, name: &str) -> DnsAnswer {
    asked_from(aws, name, aws.region())
}

/// An instance behind an elastic address, in a security group of its own that lets port 80 in.
pub(crate) struct Machine {
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) group: String,
    pub(crate) zone: String,
}

/// A VPC with an internet gateway and a subnet in each of two zones.
pub(crate) struct Network {
    pub(crate) config: SdkConfig,
    pub(crate) vpc: String,
    pub(crate) subnets: Vec<String>,
}

pub(crate) async fn network(config: &SdkConfig) -> Network {
    let ec2 = aws_sdk_ec2::Client::new(config);
    let made = ec2
        .create_vpc()
        .cidr_block("10.30.0.0/16")
        .send()
        .await
        .expect("a network");
    let vpc = made.vpc.expect("a network").vpc_id.expect("an id");
    let made = ec2.create_internet_gateway().send().await.expect("a gateway");
    let gateway = made
        .internet_gateway
        .expect("a gateway")
        .internet_gateway_id
        .expect("an id");
    let attach = ec2.attach_internet_gateway().internet_gateway_id(gateway);
    attach.vpc_id(&vpc).send().await.expect("attached");
    let offered = ec2.describe_availability_zones().send().await.expect("zones");
    let mut subnets = Vec::new();
    for (at, zone) in offered.availability_zones().iter().take(2).enumerate() {
        let create = ec2
            .create_subnet()
            .vpc_id(&vpc)
            .set_availability_zone(zone.zone_name.clone());
        let made = create
            .cidr_block(format!("10.30.{at}.0/24"))
            .send()
            .await
            .expect("a subnet");
        subnets.push(made.subnet.expect("a subnet").subnet_id.expect("an id"));
    }
    Network {
        config: config.clone(),
        vpc,
        subnets,
    }
}

impl Network {
    pub(crate) async fn machine(&self, name: &str) -> Machine {
        let ec2 = aws_sdk_ec2::Client::new(&self.config);
        let create = ec2.create_security_group().vpc_id(&self.vpc).group_name(name);
        let made = create.description("port 80").send().await.expect("a group");
        let group = made.group_id.expect("an id");
        admit(&ec2, &group, 80).await;
        let images = ec2
            .describe_images()
            .owners("amazon")
            .send()
            .await
            .expect("images");
        let x86 = aws_sdk_ec2::types::ArchitectureValues::X8664;
        let image = images
            .images()
            .iter()
            .find(|image| image.architecture() == Some(&x86));
        let launch = ec2
            .run_instances()
            .image_id(image.and_then(|image| image.image_id()).expect("an image"))
            .instance_type(aws_sdk_ec2::types::InstanceType::T3Micro)
            .subnet_id(&self.subnets[0])
            .security_group_ids(&group)
            .min_count(1)
            .max_count(1);
        let made = launch
            .send()
            .await
            .expect("an instance")
            .instances
            .expect("an instance");
        let id = made[0].instance_id().expect("an id").to_owned();
        let placement = made[0]
            .placement()
            .and_then(|placement| placement.availability_zone());
        let zone = placement.expect("a zone").to_owned();
        runs(&ec2, &id).await;
        let given = ec2.allocate_address().send().await.expect("an address");
        let associate = ec2.associate_address().instance_id(&id);
        let associate = associate.set_allocation_id(given.allocation_id.clone());
        associate.send().await.expect("associated");
        Machine {
            id,
            group,
            zone,
            address: given.public_ip.expect("an address"),
            ec2,
        }
    }

    /// A load balancer in both zones with the instances behind it: its name, and the zone of that.
    pub(crate) async fn balancer(&self, name: &str, instances: &[&str]) -> (String, String) {
        use aws_sdk_elasticloadbalancingv2 as elb;
        let client = elb::Client::new(&self.config);
        let create = client.create_load_balancer().name(name);
        let made = create
            .set_subnets(Some(self.subnets.clone()))
            .send()
            .await
            .expect("a balancer");
        let balancer = made.load_balancers.expect("a balancer").remove(0);
        let create = client
            .create_target_group()
            .name(name)
            .protocol(elb::types::ProtocolEnum::Http);
        let create = create
            .port(80)
            .vpc_id(&self.vpc)
            .health_check_interval_seconds(10);
        let create = create.healthy_threshold_count(2).unhealthy_threshold_count(2);
        let made = create
            .send()
            .await
            .expect("a group")
            .target_groups
            .expect("a group")
            .remove(0);
        let group = made.target_group_arn.expect("an ARN");
        let targets = instances
            .iter()
            .map(|id| elb::types::TargetDescription::builder().id(*id).build());
        let register = client.register_targets().target_group_arn(&group);
        register
            .set_targets(Some(targets.collect()))
            .send()
            .await
            .expect("registered");
        let forward = elb::types::Action::builder()
            .r#type(elb::types::ActionTypeEnum::Forward)
            .target_group_arn(&group);
        let listen = client
            .create_listener()
            .set_load_balancer_arn(balancer.load_balancer_arn);
        let listen = listen.protocol(elb::types::ProtocolEnum::Http).port(80);
        listen
            .default_actions(forward.build())
            .send()
            .await
            .expect("a listener");
        let zone = balancer.canonical_hosted_zone_id.expect("a zone");
        (balancer.dns_name.expect("a name"), zone)
    }
}

/// Lets the world in at a port.
pub(crate) async fn admit(ec2: &aws_sdk_ec2::Client, group: &str, port: i32) {
    let open = ec2
        .authorize_security_group_ingress()
        .group_id(group)
        .ip_protocol("tcp");
    let open = open.from_port(port).to_port(port).cidr_ip("0.0.0.0/0");
    open.send().await.expect("opened");
}

/// Lets nobody in at a port any more.
pub(crate) async fn shut(ec2: &aws_sdk_ec2::Client, group: &str, port: i32) {
    let close = ec2
        .revoke_security_group_ingress()
        .group_id(group)
        .ip_protocol("tcp");
    let close = close.from_port(port).to_port(port).cidr_ip("0.0.0.0/0");
    close.send().await.expect("closed");
}

async fn runs(ec2: &aws_sdk_ec2::Client, id: &str) {
    eventually("the instance runs", async || {
        let found = ec2
            .describe_instances()
            .instance_ids(id)
            .send()
            .await
            .expect("it is there");
        let state = found.reservations()[0].instances()[0]
            .state()
            .and_then(|state| state.name());
        state == Some(&aws_sdk_ec2::types::InstanceStateName::Running)
    })
    .await;
}

/// AWS's own pace: thresholds and intervals count.
pub(crate) fn real_pace(aws: &Aws) {
    let pace = LatencyModel::Realistic { per_mille: 1_000 };
    aws.control().set_latency(pace);
}

/// Nothing takes time.
pub(crate) fn at_once(aws: &Aws) {
    aws.control().set_latency(LatencyModel::Instant);
}
