//! Who may do what to databases.

use aws_sdk_rds::Client;
use aws_sdk_rds::types::Tag;
use conformance::{Aws, code, controlled};

use super::support::{available, client, instance, network};

/// A client whose user may do what the policy says.
async fn user(aws: &Aws, policy: &str) -> Client {
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    iam.create_user()
        .user_name("keeper")
        .send()
        .await
        .expect("a user");
    let put = iam.put_user_policy().user_name("keeper").policy_name("own");
    put.policy_document(policy).send().await.expect("a policy");
    let made = iam
        .create_access_key()
        .user_name("keeper")
        .send()
        .await
        .expect("keys");
    let keys = made.access_key.expect("keys");
    Client::new(
        &aws.vendor()
            .with_keys(keys.access_key_id(), keys.secret_access_key(), None),
    )
}

/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html>
#[tokio::test]
async fn what_no_policy_allows_is_denied() {
    let Some(aws) = controlled().await else { return };
    let network = network(&aws).await;
    available(&client(&aws), &network, "db").await;
    let policy = r#"{"Version": "2012-10-17", "Statement":
        [{"Effect": "Allow", "Action": "rds:DescribeDBInstances", "Resource": "*"}]}"#;
    let rds = user(&aws, policy).await;
    rds.describe_db_instances().send().await.expect("allowed");
    let delete = rds
        .delete_db_instance()
        .db_instance_identifier("db")
        .skip_final_snapshot(true);
    assert_eq!(code(delete.send().await), "AccessDenied");
    let create = instance(&rds, &network, "other").send().await;
    assert_eq!(code(create), "AccessDenied");
    let clusters = rds.describe_db_clusters().send().await;
    assert_eq!(code(clusters), "AccessDenied");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.Conditions.html>
#[tokio::test]
async fn conditions_on_tags_hold_for_databases() {
    let Some(aws) = controlled().await else { return };
    let network = network(&aws).await;
    let own = client(&aws);
    let owner = |value: &str| Tag::builder().key("owner").value(value).build();
    for (id, value) in [("mine", "acme"), ("theirs", "other")] {
        let create = instance(&own, &network, id).tags(owner(value));
        create.send().await.expect("an instance");
    }
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "rds:DeleteDBInstance", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceTag/owner": "acme"}}},
        {"Effect": "Allow", "Action": "rds:CreateDBInstance", "Resource": "*",
         "Condition": {"StringEquals": {"aws:RequestTag/owner": "acme"}}}]}"#;
    let rds = user(&aws, policy).await;
    let delete = |id: &str| {
        let delete = rds.delete_db_instance().db_instance_identifier(id);
        delete.skip_final_snapshot(true).send()
    };
    assert_eq!(code(delete("theirs").await), "AccessDenied");
    delete("mine").await.expect("allowed");
    let untagged = instance(&rds, &network, "new").send().await;
    assert_eq!(code(untagged), "AccessDenied");
    instance(&rds, &network, "new")
        .tags(owner("acme"))
        .send()
        .await
        .expect("allowed");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html>
#[tokio::test]
async fn another_accounts_database_is_not_there() {
    let Some(aws) = controlled().await else { return };
    let network = network(&aws).await;
    let arn = available(&client(&aws), &network, "db").await;
    let rds = Client::new(&aws.customer().config);
    let describe = rds
        .describe_db_instances()
        .db_instance_identifier(&arn)
        .send()
        .await;
    assert_eq!(code(describe), "DBInstanceNotFound");
    let delete = rds
        .delete_db_instance()
        .db_instance_identifier(&arn)
        .skip_final_snapshot(true);
    assert_eq!(code(delete.send().await), "DBInstanceNotFound");
    let start = Client::new(&aws.customer().in_region("eu-west-1"));
    let start = start
        .start_db_instance_automated_backups_replication()
        .source_db_instance_arn(&arn);
    assert_eq!(code(start.send().await), "DBInstanceNotFound");
}
