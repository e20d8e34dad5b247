//! What the cases of RDS share: a network with a subnet group, databases in it, and a teardown that leaves nothing.

use aws_config::SdkConfig;
use aws_sdk_rds::Client;
use aws_sdk_rds::operation::create_db_cluster::builders::CreateDBClusterFluentBuilder;
use aws_sdk_rds::operation::create_db_instance::builders::CreateDBInstanceFluentBuilder;
use aws_sdk_rds::operation::create_db_instance_read_replica::builders::CreateDBInstanceReadReplicaFluentBuilder;
use aws_sdk_rds::types::{DbCluster, DbInstance, Filter, GlobalCluster};
use chrono::TimeDelta;
use conformance::local_aws::LatencyModel;
use conformance::{Aws, eventually};

pub(crate) const PASSWORD: &str = "correct-horse-battery";
/// The region of the standby in cases about two regions.
pub(crate) const FAR: &str = "eu-west-1";

/// A VPC with a subnet in each of two zones, and a subnet group over them.
pub(crate) struct Network {
    pub(crate) config: SdkConfig,
    pub(crate) vpc: String,
    pub(crate) subnets: Vec<String>,
    pub(crate) zones: Vec<String>,
    pub(crate) group: String,
}

pub(crate) fn client(aws: &Aws) -> Client {
    Client::new(&aws.vendor().config)
}

pub(crate) async fn network(aws: &Aws) -> Network {
    network_in(aws, &aws.vendor().config).await
}

pub(crate) async fn far_network(aws: &Aws) -> Network {
    network_in(aws, &aws.vendor().in_region(FAR)).await
}

async fn network_in(aws: &Aws, config: &SdkConfig) -> Network {
    let (vpc, subnets, zones) = subnets(config).await;
    let group = aws.name("group");
    let create = Client::new(config)
        .create_db_subnet_group()
        .db_subnet_group_name(&group)
        .db_subnet_group_description("two zones");
    let made = create.set_subnet_ids(Some(subnets.clone())).send().await;
    made.expect("a subnet group");
    Network {
        config: config.clone(),
        vpc,
        subnets,
        zones,
        group,
    }
}

/// A VPC with subnets in two zones.
pub(crate) async fn subnets(config: &SdkConfig) -> (String, Vec<String>, Vec<String>) {
    let ec2 = aws_sdk_ec2::Client::new(config);
    let made = ec2.create_vpc().cidr_block("10.20.0.0/16").send().await;
    let vpc = made
        .expect("a network")
        .vpc
        .expect("a network")
        .vpc_id
        .expect("an id");
    let offered = ec2.describe_availability_zones().send().await.expect("zones");
    let names = offered.availability_zones().iter().take(2);
    let zones: Vec<String> = names.filter_map(|zone| zone.zone_name.clone()).collect();
    let mut subnets = Vec::new();
    for (at, zone) in zones.iter().enumerate() {
        let create = ec2.create_subnet().vpc_id(&vpc).availability_zone(zone);
        let made = create
            .cidr_block(format!("10.20.{at}.0/24"))
            .send()
            .await
            .expect("a subnet");
        subnets.push(made.subnet.expect("a subnet").subnet_id.expect("an id"));
    }
    (vpc, subnets, zones)
}

/// Takes a network without a subnet group down.
pub(crate) async fn remove_subnets(config: &SdkConfig, vpc: &str, subnets: &[String]) {
    let ec2 = aws_sdk_ec2::Client::new(config);
    for subnet in subnets {
        eventually("the subnet can go", async || {
            ec2.delete_subnet().subnet_id(subnet).send().await.is_ok()
        })
        .await;
    }
    ec2.delete_vpc()
        .vpc_id(vpc)
        .send()
        .await
        .expect("the network goes");
}

impl Network {
    pub(crate) async fn remove(self) {
        let rds = Client::new(&self.config);
        let delete = rds.delete_db_subnet_group().db_subnet_group_name(&self.group);
        delete.send().await.expect("the subnet group goes");
        remove_subnets(&self.config, &self.vpc, &self.subnets).await;
    }
}

/// A small PostgreSQL instance.
pub(crate) fn instance(rds: &Client, network: &Network, id: &str) -> CreateDBInstanceFluentBuilder {
    rds.create_db_instance()
        .db_instance_identifier(id)
        .db_instance_class("db.t3.micro")
        .engine("postgres")
        .allocated_storage(20)
        .master_username("keeper")
        .master_user_password(PASSWORD)
        .db_subnet_group_name(&network.group)
}

/// An instance that is available, with its ARN.
pub(crate) async fn available(rds: &Client, network: &Network, id: &str) -> String {
    instance(rds, network, id).send().await.expect("an instance");
    until(rds, id, "available").await;
    described(rds, id).await.db_instance_arn.expect("an ARN")
}

pub(crate) async fn described(rds: &Client, id: &str) -> DbInstance {
    let asked = rds
        .describe_db_instances()
        .db_instance_identifier(id)
        .send()
        .await;
    asked.expect("an answer").db_instances()[0].clone()
}

pub(crate) async fn status(rds: &Client, id: &str) -> String {
    described(rds, id).await.db_instance_status.expect("a status")
}

pub(crate) async fn until(rds: &Client, id: &str, wanted: &str) {
    eventually("the instance gets there", async || {
        status(rds, id).await == wanted
    })
    .await;
}

/// Deletes an instance without a last snapshot, and waits until it is gone.
pub(crate) async fn remove(rds: &Client, id: &str) {
    let delete = rds.delete_db_instance().db_instance_identifier(id);
    delete
        .skip_final_snapshot(true)
        .send()
        .await
        .expect("deletion begins");
    eventually("the instance is gone", async || {
        let asked = rds
            .describe_db_instances()
            .db_instance_identifier(id)
            .send()
            .await;
        asked.is_err()
    })
    .await;
}

/// A replica of a source in the same region, or of an ARN in another.
pub(crate) fn replica(
    rds: &Client,
    network: &Network,
    id: &str,
    source: &str,
) -> CreateDBInstanceReadReplicaFluentBuilder {
    rds.create_db_instance_read_replica()
        .db_instance_identifier(id)
        .db_subnet_group_name(&network.group)
        .source_db_instance_identifier(source)
}

pub(crate) fn cluster(rds: &Client, network: &Network, id: &str) -> CreateDBClusterFluentBuilder {
    rds.create_db_cluster()
        .db_cluster_identifier(id)
        .engine("aurora-postgresql")
        .master_username("keeper")
        .master_user_password(PASSWORD)
        .db_subnet_group_name(&network.group)
}

/// A secondary of a global cluster: it has no master of its own.
pub(crate) fn secondary(
    rds: &Client,
    network: &Network,
    id: &str,
    global: &str,
) -> CreateDBClusterFluentBuilder {
    rds.create_db_cluster()
        .db_cluster_identifier(id)
        .engine("aurora-postgresql")
        .db_subnet_group_name(&network.group)
        .global_cluster_identifier(global)
}

pub(crate) fn member(rds: &Client, cluster: &str, id: &str) -> CreateDBInstanceFluentBuilder {
    rds.create_db_instance()
        .db_instance_identifier(id)
        .db_instance_class("db.r6g.large")
        .engine("aurora-postgresql")
        .db_cluster_identifier(cluster)
}

pub(crate) async fn cluster_of(rds: &Client, id: &str) -> DbCluster {
    let asked = rds.describe_db_clusters().db_cluster_identifier(id).send().await;
    asked.expect("an answer").db_clusters()[0].clone()
}

/// The member that writes.
pub(crate) async fn writer_of(rds: &Client, id: &str) -> Option<String> {
    let cluster = cluster_of(rds, id).await;
    let members = cluster.db_cluster_members.unwrap_or_default();
    let writer = members
        .into_iter()
        .find(|member| member.is_cluster_writer == Some(true));
    writer.and_then(|member| member.db_instance_identifier)
}

pub(crate) async fn global_of(rds: &Client, id: &str) -> GlobalCluster {
    let asked = rds
        .describe_global_clusters()
        .global_cluster_identifier(id)
        .send()
        .await;
    asked.expect("an answer").global_clusters()[0].clone()
}

/// The ARN of the primary of a global cluster.
pub(crate) async fn primary_of(rds: &Client, id: &str) -> Option<String> {
    let members = global_of(rds, id)
        .await
        .global_cluster_members
        .unwrap_or_default();
    let writer = members.into_iter().find(|member| member.is_writer == Some(true));
    writer.and_then(|member| member.db_cluster_arn)
}

pub(crate) fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// AWS's own pace.
pub(crate) fn real_pace(aws: &Aws) {
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
}

pub(crate) fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

/// A key of a region, by its ARN.
pub(crate) async fn key(config: &SdkConfig) -> String {
    let made = aws_sdk_kms::Client::new(config).create_key().send().await;
    made.expect("a key")
        .key_metadata
        .expect("a key")
        .arn
        .expect("an ARN")
}
