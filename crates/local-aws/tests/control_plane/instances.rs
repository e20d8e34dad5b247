//! Instances: launched once, changed in the right state, gone with what they held.
//!
//! Sources: EC2 API reference, "RunInstances", "Ensuring idempotency in Amazon EC2 API requests", "Error codes";
//! EC2 user guide, "Amazon EC2 instance state changes".

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, BlockDeviceMapping, EbsBlockDevice, Filter, HttpTokensState,
    InstanceMetadataOptionsRequest, InstanceMetadataOptionsResponse, InstanceStateName, InstanceType,
    ResourceType,
};
use chrono::TimeDelta;
use local_aws::LagSettings;

use crate::support::{ACME, World, refusal, tags};

struct Site {
    ec2: Client,
    vpc_id: String,
    subnet_id: String,
    image_id: String,
}

impl Site {
    async fn new(world: &World) -> Self {
        let ec2 = world.root(ACME).ec2();
        let vpc = ec2
            .create_vpc()
            .cidr_block("10.0.0.0/16")
            .send()
            .await
            .expect("a network")
            .vpc
            .expect("a network");
        let vpc_id = vpc.vpc_id.expect("an id");
        let subnet = ec2
            .create_subnet()
            .vpc_id(&vpc_id)
            .cidr_block("10.0.1.0/24")
            .send()
            .await
            .expect("a subnet");
        let subnet_id = subnet.subnet.and_then(|subnet| subnet.subnet_id).expect("an id");
        let x86 = Filter::builder().name("architecture").values("x86_64").build();
        let images = ec2
            .describe_images()
            .owners("amazon")
            .filters(x86)
            .send()
            .await
            .expect("images");
        let image_id = images.images()[0].image_id().expect("an id").to_owned();
        Self {
            ec2,
            vpc_id,
            subnet_id,
            image_id,
        }
    }

    fn launch(&self) -> RunInstancesFluentBuilder {
        let launch = self
            .ec2
            .run_instances()
            .image_id(&self.image_id)
            .subnet_id(&self.subnet_id);
        launch
            .instance_type(InstanceType::T3Medium)
            .min_count(1)
            .max_count(1)
    }

    async fn launched(&self) -> String {
        let made = self.launch().send().await.expect("an instance");
        made.instances()[0].instance_id().expect("an id").to_owned()
    }

    async fn state(&self, id: &str) -> InstanceStateName {
        let found = self
            .ec2
            .describe_instances()
            .instance_ids(id)
            .send()
            .await
            .expect("an instance");
        let state = found.reservations()[0].instances()[0]
            .state()
            .and_then(|state| state.name())
            .cloned();
        state.expect("a state")
    }
}

#[tokio::test]
async fn the_same_token_gives_the_same_instance() {
    let world = World::start().await;
    let site = Site::new(&world).await;
    let id = |made: aws_sdk_ec2::operation::run_instances::RunInstancesOutput| {
        made.instances()[0].instance_id().map(str::to_owned)
    };

    let first = id(site
        .launch()
        .client_token("token")
        .send()
        .await
        .expect("an instance"));
    let again = id(site
        .launch()
        .client_token("token")
        .send()
        .await
        .expect("the same instance"));
    let other = site
        .launch()
        .client_token("token")
        .instance_type(InstanceType::T3Large)
        .send()
        .await;

    assert_eq!(first, again);
    assert_eq!(refusal(other), "IdempotentParameterMismatch");
    let kinds = world.control().inventory_of(ACME);
    assert_eq!(kinds.iter().filter(|item| item.kind == "ec2:instance").count(), 1);
    site.ec2
        .terminate_instances()
        .instance_ids(first.expect("an id"))
        .send()
        .await
        .expect("it ends");
    let late = site.launch().client_token("token").send().await;
    assert_eq!(refusal(late), "IdempotentInstanceTerminated");
}

#[tokio::test]
async fn what_was_chosen_at_launch_is_described() {
    let world = World::start().await;
    let site = Site::new(&world).await;
    let disk = EbsBlockDevice::builder().encrypted(true).volume_size(40).build();
    let mapping = BlockDeviceMapping::builder()
        .device_name("/dev/xvda")
        .ebs(disk)
        .build();
    let metadata = InstanceMetadataOptionsRequest::builder()
        .http_tokens(HttpTokensState::Required)
        .http_put_response_hop_limit(1);
    let launch = site
        .launch()
        .private_ip_address("10.0.1.77")
        .block_device_mappings(mapping);
    let launch = launch.metadata_options(metadata.build()).user_data("aGVsbG8=");
    let launch = launch.tag_specifications(tags(ResourceType::Instance, &[("on", "instance")]));
    let made = launch
        .tag_specifications(tags(ResourceType::Volume, &[("on", "volume")]))
        .send()
        .await
        .expect("an instance");
    let instance = &made.instances()[0];

    assert_eq!(instance.private_ip_address(), Some("10.0.1.77"));
    assert_eq!(
        instance
            .metadata_options()
            .and_then(InstanceMetadataOptionsResponse::http_put_response_hop_limit),
        Some(1)
    );
    assert_eq!(instance.tags()[0].value(), Some("instance"));
    let volumes = site.ec2.describe_volumes().send().await.expect("volumes");
    let volume = &volumes.volumes()[0];
    assert_eq!((volume.encrypted(), volume.size()), (Some(true), Some(40)));
    assert_eq!(volume.tags()[0].value(), Some("volume"));
    let taken = site.launch().private_ip_address("10.0.1.77").send().await;
    assert_eq!(refusal(taken), "InvalidIPAddress.InUse");
}

#[tokio::test]
async fn launches_that_do_not_fit_are_refused() {
    let world = World::start().await;
    let site = Site::new(&world).await;

    assert_eq!(
        refusal(site.launch().image_id("ami-00000000000000000").send().await),
        "InvalidAMIID.NotFound"
    );
    assert_eq!(
        refusal(site.launch().image_id("image").send().await),
        "InvalidAMIID.Malformed"
    );
    assert_eq!(
        refusal(site.launch().instance_type("t3.giant".into()).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        refusal(site.launch().instance_type("m7g.large".into()).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        refusal(site.launch().subnet_id("subnet-00000000000000000").send().await),
        "InvalidSubnetID.NotFound"
    );
    assert_eq!(
        refusal(site.launch().private_ip_address("10.0.2.7").send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        refusal(site.launch().user_data("not base64!").send().await),
        "InvalidUserData.Malformed"
    );
    assert_eq!(
        refusal(site.launch().key_name("nobody").send().await),
        "InvalidKeyPair.NotFound"
    );
    assert_eq!(
        refusal(site.launch().min_count(0).send().await),
        "InvalidParameterValue"
    );
    let inventory = world.control().inventory_of(ACME);
    assert!(
        !inventory.iter().any(|item| item.kind == "ec2:volume"),
        "a refused launch leaves nothing"
    );
}

#[tokio::test]
async fn an_instance_stops_changes_starts_and_ends() {
    let world = World::start().await;
    let site = Site::new(&world).await;
    let id = site.launched().await;
    let retype = |kind: &str| {
        let value = AttributeValue::builder().value(kind).build();
        site.ec2
            .modify_instance_attribute()
            .instance_id(&id)
            .instance_type(value)
            .send()
    };

    assert_eq!(site.state(&id).await, InstanceStateName::Running);
    assert_eq!(refusal(retype("t3.large").await), "IncorrectInstanceState");
    site.ec2
        .stop_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it stops");
    assert_eq!(site.state(&id).await, InstanceStateName::Stopped);
    retype("t3.large")
        .await
        .expect("a stopped instance changes its type");
    site.ec2
        .start_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it starts");
    assert_eq!(site.state(&id).await, InstanceStateName::Running);

    let protect = |on| {
        site.ec2
            .modify_instance_attribute()
            .instance_id(&id)
            .disable_api_termination(AttributeBooleanValue::builder().value(on).build())
    };
    protect(true).send().await.expect("protected");
    let end = || site.ec2.terminate_instances().instance_ids(&id).send();
    assert_eq!(refusal(end().await), "OperationNotPermitted");
    protect(false).send().await.expect("not protected");
    end().await.expect("it ends");
    assert_eq!(
        site.state(&id).await,
        InstanceStateName::Terminated,
        "shown for a while"
    );
    assert_eq!(
        refusal(site.ec2.start_instances().instance_ids(&id).send().await),
        "IncorrectInstanceState"
    );
    end().await.expect("ending twice is fine");
    world.control().advance(TimeDelta::minutes(61));
    assert_eq!(refusal(end().await), "InvalidInstanceID.NotFound");
}

#[tokio::test]
async fn states_pass_by_the_endpoints_clock() {
    let world = World::start().await;
    let site = Site::new(&world).await;
    world.control().set_lag(LagSettings {
        instance_ms: 30_000,
        ..LagSettings::default()
    });
    let id = site.launched().await;

    assert_eq!(site.state(&id).await, InstanceStateName::Pending);
    let status = site
        .ec2
        .describe_instance_status()
        .send()
        .await
        .expect("an answer");
    assert!(
        status.instance_statuses().is_empty(),
        "only running instances have a status"
    );
    world.control().advance(TimeDelta::seconds(31));
    assert_eq!(site.state(&id).await, InstanceStateName::Running);

    site.ec2
        .terminate_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it ends");
    let held = site.ec2.delete_subnet().subnet_id(&site.subnet_id).send().await;
    assert_eq!(
        refusal(held),
        "DependencyViolation",
        "its interface outlives the call"
    );
    world.control().advance(TimeDelta::seconds(31));
    site.ec2
        .delete_subnet()
        .subnet_id(&site.subnet_id)
        .send()
        .await
        .expect("now it is free");
}

#[tokio::test]
async fn an_elastic_address_holds_the_gateway_and_a_teardown_leaves_nothing() {
    let world = World::start().await;
    let site = Site::new(&world).await;
    let ec2 = &site.ec2;
    let id = site.launched().await;
    let address = ec2
        .allocate_address()
        .send()
        .await
        .expect("an address")
        .allocation_id
        .expect("an id");
    let associate = || {
        ec2.associate_address()
            .allocation_id(&address)
            .instance_id(&id)
            .send()
    };
    assert_eq!(refusal(associate().await), "Gateway.NotAttached");
    let gateway = ec2
        .create_internet_gateway()
        .send()
        .await
        .expect("a gateway")
        .internet_gateway
        .expect("a gateway");
    let gateway_id = gateway.internet_gateway_id.expect("an id");
    ec2.attach_internet_gateway()
        .internet_gateway_id(&gateway_id)
        .vpc_id(&site.vpc_id)
        .send()
        .await
        .expect("attached");
    let association = associate()
        .await
        .expect("associated")
        .association_id
        .expect("an id");
    let again = associate().await.expect("once more").association_id;

    assert_eq!(again.as_ref(), Some(&association));
    let detach = || {
        ec2.detach_internet_gateway()
            .internet_gateway_id(&gateway_id)
            .vpc_id(&site.vpc_id)
            .send()
    };
    assert_eq!(refusal(detach().await), "DependencyViolation");
    assert_eq!(
        refusal(ec2.release_address().allocation_id(&address).send().await),
        "InvalidIPAddress.InUse"
    );
    assert_eq!(
        refusal(ec2.delete_subnet().subnet_id(&site.subnet_id).send().await),
        "DependencyViolation"
    );

    ec2.disassociate_address()
        .association_id(&association)
        .send()
        .await
        .expect("let go");
    ec2.release_address()
        .allocation_id(&address)
        .send()
        .await
        .expect("released");
    ec2.terminate_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it ends");
    detach().await.expect("no public address is left");
    ec2.delete_internet_gateway()
        .internet_gateway_id(&gateway_id)
        .send()
        .await
        .expect("nothing uses it");
    ec2.delete_subnet()
        .subnet_id(&site.subnet_id)
        .send()
        .await
        .expect("nothing is in it");
    ec2.delete_vpc()
        .vpc_id(&site.vpc_id)
        .send()
        .await
        .expect("it is empty");
    assert!(
        world.control().inventory().is_empty(),
        "{:?}",
        world.control().inventory()
    );
}

#[tokio::test]
async fn a_volume_kept_at_the_end_is_deleted_by_hand() {
    let world = World::start().await;
    let site = Site::new(&world).await;
    let disk = EbsBlockDevice::builder().delete_on_termination(false).build();
    let mapping = BlockDeviceMapping::builder()
        .device_name("/dev/xvda")
        .ebs(disk)
        .build();
    let made = site
        .launch()
        .block_device_mappings(mapping)
        .send()
        .await
        .expect("an instance");
    let id = made.instances()[0].instance_id().expect("an id");
    let volumes = site.ec2.describe_volumes().send().await.expect("volumes");
    let volume_id = volumes.volumes()[0].volume_id().expect("an id");

    assert_eq!(
        refusal(site.ec2.delete_volume().volume_id(volume_id).send().await),
        "VolumeInUse"
    );
    site.ec2
        .terminate_instances()
        .instance_ids(id)
        .send()
        .await
        .expect("it ends");
    site.ec2
        .delete_volume()
        .volume_id(volume_id)
        .send()
        .await
        .expect("nothing uses it");
    assert!(
        !world
            .control()
            .inventory()
            .iter()
            .any(|item| item.kind == "ec2:volume")
    );
}

#[tokio::test]
async fn regions_zones_types_and_offerings_are_described() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();

    let regions = ec2
        .describe_regions()
        .all_regions(true)
        .send()
        .await
        .expect("regions");
    let closed = regions
        .regions()
        .iter()
        .find(|region| region.region_name() == Some("af-south-1"));
    assert_eq!(
        closed.and_then(|region| region.opt_in_status()),
        Some("not-opted-in")
    );
    let zones = ec2.describe_availability_zones().send().await.expect("zones");
    assert_eq!(zones.availability_zones().len(), 3);
    let offered = |kind: &str| {
        let filter = Filter::builder().name("instance-type").values(kind).build();
        ec2.describe_instance_type_offerings()
            .location_type("availability-zone".into())
            .filters(filter)
            .send()
    };
    assert_eq!(
        offered("t3.medium")
            .await
            .expect("offers")
            .instance_type_offerings()
            .len(),
        3
    );
    assert_eq!(
        offered("m7g.large")
            .await
            .expect("offers")
            .instance_type_offerings()
            .len(),
        2
    );
    let unknown = ec2
        .describe_instance_types()
        .instance_types("t3.giant".into())
        .send()
        .await;
    assert_eq!(refusal(unknown), "InvalidInstanceType");
}
