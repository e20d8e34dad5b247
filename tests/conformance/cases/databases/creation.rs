//! New instances: their states, and what they hold of the network.

use conformance::{aws, code, controlled};

use super::support::{
    available, client, described, instance, key, minutes, network, real_pace, remove, status, until,
};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html>
#[tokio::test]
async fn an_instance_tells_what_it_was_made_with() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let id = aws.name("db");
    let create = instance(&rds, &network, &id)
        .db_name("ledger")
        .backup_retention_period(7);
    let made = create
        .send()
        .await
        .expect("an instance")
        .db_instance
        .expect("an instance");
    assert_eq!(made.db_instance_status(), Some("creating"));
    assert!(
        made.endpoint().is_none(),
        "there is no endpoint before the instance"
    );
    until(&rds, &id, "available").await;
    let found = described(&rds, &id).await;
    assert_eq!(found.engine(), Some("postgres"));
    assert_eq!(found.db_name(), Some("ledger"));
    assert_eq!(found.backup_retention_period(), Some(7));
    assert_eq!(found.storage_encrypted(), Some(false));
    assert_eq!(found.multi_az(), Some(false));
    assert_eq!(found.secondary_availability_zone(), None);
    let group = found.db_subnet_group().expect("a subnet group");
    assert_eq!(group.vpc_id(), Some(network.vpc.as_str()));
    let endpoint = found.endpoint().expect("an endpoint");
    assert_eq!(endpoint.port(), Some(5432));
    let host = endpoint.address().expect("a host");
    assert!(
        host.starts_with(&format!("{id}.")) && host.ends_with(".rds.amazonaws.com"),
        "{host}"
    );
    remove(&rds, &id).await;
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>
#[tokio::test]
async fn a_new_instance_is_created_then_backed_up_then_available() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    real_pace(&aws);
    instance(&rds, &network, "db").send().await.expect("an instance");
    aws.advance(minutes(4));
    assert_eq!(status(&rds, "db").await, "creating");
    aws.advance(minutes(2));
    assert_eq!(status(&rds, "db").await, "backing-up");
    aws.advance(minutes(2));
    assert_eq!(status(&rds, "db").await, "available");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html>
#[tokio::test]
async fn a_multi_az_instance_has_its_standby_in_another_zone() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let id = aws.name("db");
    instance(&rds, &network, &id)
        .multi_az(true)
        .send()
        .await
        .expect("an instance");
    until(&rds, &id, "available").await;
    let found = described(&rds, &id).await;
    let mut zones = [
        found.availability_zone().expect("a zone"),
        found.secondary_availability_zone().expect("a standby"),
    ];
    zones.sort_unstable();
    assert_eq!(zones.as_slice(), network.zones.as_slice());
    remove(&rds, &id).await;
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html>
#[tokio::test]
async fn an_encrypted_instance_names_its_key() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let key = key(&aws.vendor().config).await;
    let create = instance(&rds, &network, "own")
        .storage_encrypted(true)
        .kms_key_id(&key);
    create.send().await.expect("an instance");
    let own = described(&rds, "own").await;
    assert_eq!(
        (own.storage_encrypted(), own.kms_key_id()),
        (Some(true), Some(key.as_str()))
    );
    let create = instance(&rds, &network, "default").storage_encrypted(true);
    create.send().await.expect("an instance");
    let default = described(&rds, "default").await;
    assert!(
        default
            .kms_key_id()
            .is_some_and(|arn| arn.contains(":key/") && arn != key)
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html>
#[tokio::test]
async fn a_managed_password_is_in_a_secret() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let create = instance(&rds, &network, "db")
        .set_master_user_password(None)
        .manage_master_user_password(true);
    create.send().await.expect("an instance");
    let secret = described(&rds, "db").await.master_user_secret.expect("a secret");
    assert_eq!(secret.secret_status(), Some("active"));
    assert!(
        secret
            .secret_arn()
            .is_some_and(|arn| arn.contains(":secret:rds!db-"))
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html>
#[tokio::test]
async fn an_instance_holds_its_subnets_until_it_is_gone() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let id = aws.name("db");
    available(&rds, &network, &id).await;
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let owner = aws_sdk_ec2::types::Filter::builder()
        .name("vpc-id")
        .values(&network.vpc)
        .build();
    let found = ec2
        .describe_network_interfaces()
        .filters(owner)
        .send()
        .await
        .expect("interfaces");
    let own = &found.network_interfaces()[0];
    assert_eq!(own.requester_managed(), Some(true));
    let delete = ec2.delete_subnet().subnet_id(own.subnet_id().expect("a subnet"));
    assert_eq!(code(delete.send().await), "DependencyViolation");
    remove(&rds, &id).await;
    network.remove().await;
}
