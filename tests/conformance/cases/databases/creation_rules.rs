//! What a new instance may not be.

use aws_sdk_rds::operation::create_db_instance::builders::CreateDBInstanceFluentBuilder;
use conformance::{Aws, aws, code, controlled};

use super::support::{Network, available, client, instance, key, network, remove};

const WHAT: &str = "conformance-never-made";

/// Each call differs from a good one in what it is refused for.
async fn refused(
    aws: &Aws,
    network: &Network,
    change: impl FnOnce(CreateDBInstanceFluentBuilder) -> CreateDBInstanceFluentBuilder,
) -> String {
    let create = instance(&client(aws), network, WHAT);
    code(change(create).send().await)
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
#[tokio::test]
async fn an_instances_identifier_keeps_the_rules_of_names() {
    let aws = aws().await;
    let network = network(&aws).await;
    let long = "a".repeat(64);
    for id in ["1st", "two--hyphens", "ends-", "under_score", &long] {
        let refusal = refused(&aws, &network, |create| create.db_instance_identifier(id)).await;
        assert_eq!(refusal, "InvalidParameterValue", "{id}");
    }
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
#[tokio::test]
async fn an_identifier_is_taken_once_whatever_its_case() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let id = aws.name("db");
    available(&rds, &network, &id).await;
    let again = instance(&rds, &network, &id.to_uppercase());
    assert_eq!(code(again.send().await), "DBInstanceAlreadyExists");
    remove(&rds, &id).await;
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
#[tokio::test]
async fn an_instance_has_a_known_engine_version_and_class() {
    let aws = aws().await;
    let network = network(&aws).await;
    let engine = refused(&aws, &network, |create| create.engine("papyrus")).await;
    assert_eq!(engine, "InvalidParameterValue");
    let version = refused(&aws, &network, |create| create.engine_version("99.9")).await;
    assert_eq!(version, "InvalidParameterCombination");
    let class = refused(&aws, &network, |create| create.db_instance_class("db.vast")).await;
    assert_eq!(class, "InvalidParameterValue");
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html>
#[tokio::test]
async fn an_instances_storage_has_a_least_and_a_largest_size() {
    let aws = aws().await;
    let network = network(&aws).await;
    for gib in [5, 65_537] {
        let refusal = refused(&aws, &network, |create| create.allocated_storage(gib)).await;
        assert_eq!(refusal, "InvalidParameterValue", "{gib}");
    }
    let rate = refused(&aws, &network, |create| {
        create.storage_type("io1").allocated_storage(100)
    })
    .await;
    assert_eq!(rate, "InvalidParameterCombination");
    let kind = refused(&aws, &network, |create| create.storage_type("tape")).await;
    assert_eq!(kind, "InvalidParameterValue");
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
#[tokio::test]
async fn a_master_password_is_long_enough_and_printable() {
    let aws = aws().await;
    let network = network(&aws).await;
    for password in [
        "short",
        "with/slash",
        "with@sign-in",
        "with\"quote",
        &"x".repeat(129),
    ] {
        let refusal = refused(&aws, &network, |create| create.master_user_password(password)).await;
        assert_eq!(refusal, "InvalidParameterValue", "{password}");
    }
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
#[tokio::test]
async fn a_master_user_has_a_name_that_the_engine_does_not_reserve() {
    let aws = aws().await;
    let network = network(&aws).await;
    for name in ["rdsadmin", "1st", "with space"] {
        let refusal = refused(&aws, &network, |create| create.master_username(name)).await;
        assert_eq!(refusal, "InvalidParameterValue", "{name}");
    }
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html>
#[tokio::test]
async fn a_managed_password_and_a_given_one_exclude_each_other() {
    let aws = aws().await;
    let network = network(&aws).await;
    let both = refused(&aws, &network, |create| create.manage_master_user_password(true)).await;
    assert_eq!(both, "InvalidParameterCombination");
    let neither = refused(&aws, &network, |create| create.set_master_user_password(None)).await;
    assert_eq!(neither, "InvalidParameterValue");
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupWindow.html>
#[tokio::test]
async fn backups_are_kept_35_days_at_most_and_made_outside_maintenance() {
    let aws = aws().await;
    let network = network(&aws).await;
    let long = refused(&aws, &network, |create| create.backup_retention_period(36)).await;
    assert_eq!(long, "InvalidParameterValue");
    let overlap = refused(&aws, &network, |create| {
        create
            .preferred_backup_window("03:00-03:30")
            .preferred_maintenance_window("mon:03:15-mon:03:45")
    })
    .await;
    assert_eq!(overlap, "InvalidParameterValue");
    let brief = refused(&aws, &network, |create| {
        create.preferred_backup_window("03:00-03:10")
    })
    .await;
    assert_eq!(brief, "InvalidParameterValue");
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
#[tokio::test]
async fn a_multi_az_instance_is_not_tied_to_a_zone() {
    let aws = aws().await;
    let network = network(&aws).await;
    let zone = network.zones[0].clone();
    let refusal = refused(&aws, &network, |create| {
        create.multi_az(true).availability_zone(zone)
    })
    .await;
    assert_eq!(refusal, "InvalidParameterCombination");
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
#[tokio::test]
async fn an_instances_subnet_group_and_security_groups_exist_in_one_network() {
    let aws = aws().await;
    let (one, other) = (network(&aws).await, network(&aws).await);
    let missing = refused(&aws, &one, |create| create.db_subnet_group_name("nowhere")).await;
    assert_eq!(missing, "DBSubnetGroupNotFoundFault");
    let unknown = refused(&aws, &one, |create| {
        create.vpc_security_group_ids("sg-0123456789abcdef0")
    })
    .await;
    assert_eq!(unknown, "InvalidParameterValue");
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let named = aws_sdk_ec2::types::Filter::builder()
        .name("vpc-id")
        .values(&other.vpc)
        .build();
    let groups = ec2
        .describe_security_groups()
        .filters(named)
        .send()
        .await
        .expect("groups");
    let foreign = groups.security_groups()[0].group_id().expect("an id").to_owned();
    let apart = refused(&aws, &one, |create| create.vpc_security_group_ids(foreign)).await;
    assert_eq!(apart, "InvalidParameterCombination");
    one.remove().await;
    other.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html>
#[tokio::test]
async fn a_public_instance_needs_an_internet_gateway() {
    let aws = aws().await;
    let network = network(&aws).await;
    let refusal = refused(&aws, &network, |create| create.publicly_accessible(true)).await;
    assert_eq!(refusal, "InvalidVPCNetworkStateFault");
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html>
#[tokio::test]
async fn a_key_that_cannot_be_used_encrypts_nothing() {
    let Some(aws) = controlled().await else { return };
    let network = network(&aws).await;
    let unknown = "arn:aws:kms:eu-central-1:111111111111:key/5f4dcc3b-0000-4000-8000-000000000000";
    let missing = refused(&aws, &network, |create| {
        create.storage_encrypted(true).kms_key_id(unknown)
    })
    .await;
    assert_eq!(missing, "KMSKeyNotAccessibleFault");
    let key = key(&aws.vendor().config).await;
    let kms = aws_sdk_kms::Client::new(&aws.vendor().config);
    kms.disable_key().key_id(&key).send().await.expect("disabled");
    let disabled = refused(&aws, &network, |create| {
        create.storage_encrypted(true).kms_key_id(&key)
    })
    .await;
    assert_eq!(disabled, "KMSKeyNotAccessibleFault");
    let without = refused(&aws, &network, |create| create.kms_key_id(&key)).await;
    assert_eq!(without, "InvalidParameterCombination");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html>
#[tokio::test]
async fn an_account_has_no_more_instances_than_its_quota() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let place = (aws.vendor().id.as_str(), aws.region());
    assert!(aws.control().set_quota(place, "L-7B6409FD", 1));
    available(&rds, &network, "first").await;
    let second = instance(&rds, &network, "second").send().await;
    assert_eq!(code(second), "InstanceQuotaExceeded");
}
