//! What the cases of EC2 share: small networks, launches, and a teardown that leaves nothing.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    Filter, Instance, InstanceStateName, InstanceType, RequestLaunchTemplateData, ResourceType, Tag,
    TagSpecification,
};
use conformance::{Aws, code, eventually};

/// The client of the vendor's administrator.
pub(crate) fn client(aws: &Aws) -> Client {
    Client::new(&aws.vendor().config)
}

pub(crate) fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Tags for one kind of resource.
pub(crate) fn tags(kind: ResourceType, pairs: &[(&str, &str)]) -> TagSpecification {
    let tags = pairs.iter().map(|(key, value)| tag(key, value));
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(tags.collect()))
        .build()
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

pub(crate) async fn vpc(ec2: &Client, block: &str) -> String {
    let made = ec2
        .create_vpc()
        .cidr_block(block)
        .send()
        .await
        .expect("a network");
    made.vpc.and_then(|vpc| vpc.vpc_id).expect("an id")
}

pub(crate) async fn subnet(ec2: &Client, vpc_id: &str, block: &str) -> String {
    let made = ec2.create_subnet().vpc_id(vpc_id).cidr_block(block).send().await;
    let subnet = made.expect("a subnet").subnet;
    subnet.and_then(|subnet| subnet.subnet_id).expect("an id")
}

/// A subnet in a zone by its place in the region: 0, 1 or 2.
pub(crate) async fn subnet_in(ec2: &Client, vpc_id: &str, block: &str, zone: usize) -> String {
    let zone = zone_name(ec2, zone).await;
    let create = ec2.create_subnet().vpc_id(vpc_id).cidr_block(block);
    let made = create.availability_zone(zone).send().await.expect("a subnet");
    made.subnet.and_then(|subnet| subnet.subnet_id).expect("an id")
}

pub(crate) async fn zone_name(ec2: &Client, number: usize) -> String {
    let zones = ec2.describe_availability_zones().send().await.expect("zones");
    zones.availability_zones()[number]
        .zone_name()
        .expect("a name")
        .to_owned()
}

pub(crate) async fn gateway(ec2: &Client, vpc_id: &str) -> String {
    let made = ec2.create_internet_gateway().send().await.expect("a gateway");
    let id = made
        .internet_gateway
        .and_then(|gateway| gateway.internet_gateway_id)
        .expect("an id");
    let attach = ec2
        .attach_internet_gateway()
        .internet_gateway_id(&id)
        .vpc_id(vpc_id);
    attach.send().await.expect("attached");
    id
}

pub(crate) async fn table(ec2: &Client, vpc_id: &str) -> String {
    let made = ec2
        .create_route_table()
        .vpc_id(vpc_id)
        .send()
        .await
        .expect("a table");
    made.route_table
        .and_then(|table| table.route_table_id)
        .expect("an id")
}

pub(crate) async fn main_table(ec2: &Client, vpc_id: &str) -> String {
    let tables = ec2
        .describe_route_tables()
        .filters(filter("vpc-id", vpc_id))
        .filters(filter("association.main", "true"));
    let tables = tables.send().await.expect("tables");
    tables.route_tables()[0]
        .route_table_id()
        .expect("an id")
        .to_owned()
}

pub(crate) async fn group(ec2: &Client, vpc_id: &str, name: &str) -> String {
    let create = ec2.create_security_group().vpc_id(vpc_id).group_name(name);
    let made = create.description("for a case").send().await.expect("a group");
    made.group_id.expect("an id")
}

pub(crate) async fn address(ec2: &Client) -> String {
    let made = ec2.allocate_address().send().await.expect("an address");
    made.allocation_id.expect("an id")
}

/// The newest public image of Amazon Linux for an architecture.
pub(crate) async fn image(ec2: &Client, architecture: &str) -> String {
    let found = ec2
        .describe_images()
        .owners("amazon")
        .filters(filter("architecture", architecture))
        .filters(filter("name", "al2023-ami-2023.*"))
        .send()
        .await
        .expect("images");
    let newest = found
        .images()
        .iter()
        .max_by_key(|image| image.creation_date().map(str::to_owned));
    newest
        .and_then(|image| image.image_id())
        .expect("an id")
        .to_owned()
}

/// One small instance in a subnet, still to be sent.
pub(crate) async fn launch(ec2: &Client, subnet_id: &str) -> RunInstancesFluentBuilder {
    let launch = ec2
        .run_instances()
        .image_id(image(ec2, "x86_64").await)
        .subnet_id(subnet_id);
    launch
        .instance_type(InstanceType::T3Micro)
        .min_count(1)
        .max_count(1)
}

pub(crate) async fn launched(ec2: &Client, subnet_id: &str) -> String {
    let made = launch(ec2, subnet_id).await.send().await.expect("an instance");
    made.instances()[0].instance_id().expect("an id").to_owned()
}

/// The same, seen running.
pub(crate) async fn running(ec2: &Client, subnet_id: &str) -> String {
    let id = launched(ec2, subnet_id).await;
    reaches(ec2, &id, &InstanceStateName::Running).await;
    id
}

pub(crate) async fn instance(ec2: &Client, id: &str) -> Instance {
    let found = ec2
        .describe_instances()
        .instance_ids(id)
        .send()
        .await
        .expect("an instance");
    found.reservations()[0].instances()[0].clone()
}

pub(crate) async fn state(ec2: &Client, id: &str) -> InstanceStateName {
    let state = instance(ec2, id).await.state.and_then(|state| state.name);
    state.expect("a state")
}

pub(crate) async fn reaches(ec2: &Client, id: &str, wanted: &InstanceStateName) {
    eventually("the instance's state", async || state(ec2, id).await == *wanted).await;
}

pub(crate) async fn stopped(ec2: &Client, id: &str) {
    ec2.stop_instances()
        .instance_ids(id)
        .send()
        .await
        .expect("it stops");
    reaches(ec2, id, &InstanceStateName::Stopped).await;
}

pub(crate) async fn terminated(ec2: &Client, id: &str) {
    ec2.terminate_instances()
        .instance_ids(id)
        .send()
        .await
        .expect("it ends");
    reaches(ec2, id, &InstanceStateName::Terminated).await;
}

/// The volume of an instance's root device.
pub(crate) async fn root_volume(ec2: &Client, instance_id: &str) -> String {
    let found = ec2
        .describe_volumes()
        .filters(filter("attachment.instance-id", instance_id))
        .filters(filter("attachment.device", "/dev/xvda"));
    let found = found.send().await.expect("volumes");
    found.volumes()[0].volume_id().expect("an id").to_owned()
}

pub(crate) async fn volume(ec2: &Client, gib: i32) -> String {
    let create = ec2
        .create_volume()
        .availability_zone(zone_name(ec2, 0).await)
        .size(gib);
    let id = create.send().await.expect("a volume").volume_id.expect("an id");
    eventually("the volume is there", async || {
        let found = ec2
            .describe_volumes()
            .volume_ids(&id)
            .send()
            .await
            .expect("a volume");
        found.volumes()[0].state().map(|state| state.as_str().to_owned()) == Some("available".into())
    })
    .await;
    id
}

pub(crate) async fn snapshot(ec2: &Client, volume_id: &str) -> String {
    let made = ec2
        .create_snapshot()
        .volume_id(volume_id)
        .send()
        .await
        .expect("a snapshot");
    let id = made.snapshot_id.expect("an id");
    completes(ec2, &id).await;
    id
}

pub(crate) async fn completes(ec2: &Client, snapshot_id: &str) {
    eventually("the snapshot is whole", async || {
        let found = ec2.describe_snapshots().snapshot_ids(snapshot_id).send().await;
        let found = found.expect("a snapshot");
        found.snapshots()[0]
            .state()
            .map(|state| state.as_str().to_owned())
            == Some("completed".into())
    })
    .await;
}

/// A launch template that says what an instance needs, but where.
pub(crate) async fn template(ec2: &Client, name: &str) -> String {
    let data = template_data(ec2, "t3.micro").await;
    let create = ec2.create_launch_template().launch_template_name(name);
    let made = create
        .launch_template_data(data)
        .send()
        .await
        .expect("a template");
    let template = made.launch_template.expect("a template");
    template.launch_template_id.expect("an id")
}

pub(crate) async fn template_data(ec2: &Client, kind: &str) -> RequestLaunchTemplateData {
    RequestLaunchTemplateData::builder()
        .image_id(image(ec2, "x86_64").await)
        .instance_type(kind.into())
        .build()
}

/// Deletes a network with all that these cases put into one, in the order in which it goes.
pub(crate) async fn sweep(ec2: &Client, vpc_id: &str) {
    end_instances(ec2, vpc_id).await;
    end_nat_gateways(ec2, vpc_id).await;
    let of_vpc = || filter("vpc-id", vpc_id);
    let endpoints = ec2
        .describe_vpc_endpoints()
        .filters(of_vpc())
        .send()
        .await
        .expect("endpoints");
    for endpoint in endpoints.vpc_endpoints() {
        let delete = ec2
            .delete_vpc_endpoints()
            .set_vpc_endpoint_ids(endpoint.vpc_endpoint_id.clone().map(|id| vec![id]));
        delete.send().await.expect("it goes");
    }
    let subnets = ec2
        .describe_subnets()
        .filters(of_vpc())
        .send()
        .await
        .expect("subnets");
    for subnet in subnets.subnets() {
        let id = subnet.subnet_id().expect("an id");
        eventually("the subnet is empty", async || {
            ec2.delete_subnet().subnet_id(id).send().await.is_ok()
        })
        .await;
    }
    let tables = ec2
        .describe_route_tables()
        .filters(of_vpc())
        .send()
        .await
        .expect("tables");
    for table in tables.route_tables() {
        if !table.associations().iter().any(|each| each.main() == Some(true)) {
            let delete = ec2
                .delete_route_table()
                .set_route_table_id(table.route_table_id.clone());
            delete.send().await.expect("it goes");
        }
    }
    sweep_groups(ec2, vpc_id).await;
    let attached = filter("attachment.vpc-id", vpc_id);
    let gateways = ec2
        .describe_internet_gateways()
        .filters(attached)
        .send()
        .await
        .expect("gateways");
    for gateway in gateways.internet_gateways() {
        let id = gateway.internet_gateway_id().expect("an id");
        let detach = ec2
            .detach_internet_gateway()
            .internet_gateway_id(id)
            .vpc_id(vpc_id);
        detach.send().await.expect("it lets go");
        ec2.delete_internet_gateway()
            .internet_gateway_id(id)
            .send()
            .await
            .expect("it goes");
    }
    ec2.delete_vpc()
        .vpc_id(vpc_id)
        .send()
        .await
        .expect("the network is empty");
    assert_eq!(
        code(ec2.delete_vpc().vpc_id(vpc_id).send().await),
        "InvalidVpcID.NotFound"
    );
}

async fn end_instances(ec2: &Client, vpc_id: &str) {
    let found = ec2
        .describe_instances()
        .filters(filter("vpc-id", vpc_id))
        .send()
        .await;
    let found = found.expect("instances");
    let live = found
        .reservations()
        .iter()
        .flat_map(aws_sdk_ec2::types::Reservation::instances)
        .filter(|each| {
            let state = each.state().and_then(|state| state.name());
            state != Some(&InstanceStateName::Terminated)
        });
    for instance in live {
        terminated(ec2, instance.instance_id().expect("an id")).await;
    }
}

async fn end_nat_gateways(ec2: &Client, vpc_id: &str) {
    let found = ec2
        .describe_nat_gateways()
        .filter(filter("vpc-id", vpc_id))
        .send()
        .await;
    for nat in found.expect("NAT gateways").nat_gateways() {
        let id = nat.nat_gateway_id().expect("an id");
        ec2.delete_nat_gateway()
            .nat_gateway_id(id)
            .send()
            .await
            .expect("it goes");
        eventually("the NAT gateway is gone", async || {
            let found = ec2.describe_nat_gateways().nat_gateway_ids(id).send().await;
            let found = found.expect("it is shown for a while");
            found.nat_gateways()[0]
                .state()
                .map(|state| state.as_str().to_owned())
                == Some("deleted".into())
        })
        .await;
    }
}

/// Groups may name each other, so their rules go first.
async fn sweep_groups(ec2: &Client, vpc_id: &str) {
    let found = ec2
        .describe_security_groups()
        .filters(filter("vpc-id", vpc_id))
        .send()
        .await;
    let found = found.expect("groups");
    let own = || {
        found
            .security_groups()
            .iter()
            .filter(|group| group.group_name() != Some("default"))
    };
    for group in own().filter(|group| !group.ip_permissions().is_empty()) {
        let revoke = ec2
            .revoke_security_group_ingress()
            .set_group_id(group.group_id.clone());
        let rules = group.ip_permissions().to_vec();
        revoke
            .set_ip_permissions(Some(rules))
            .send()
            .await
            .expect("closed");
    }
    for group in own() {
        let delete = ec2.delete_security_group().set_group_id(group.group_id.clone());
        delete.send().await.expect("it goes");
    }
}
