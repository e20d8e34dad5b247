//! Tags.

use aws_sdk_rds::types::Tag;
use conformance::{aws, code, controlled};

use super::support::{client, described, instance, network};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html>
#[tokio::test]
async fn tags_are_added_listed_replaced_and_removed() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let asked = rds
        .describe_db_subnet_groups()
        .db_subnet_group_name(&network.group)
        .send()
        .await;
    let group = asked.expect("an answer").db_subnet_groups()[0].clone();
    let arn = group.db_subnet_group_arn().expect("an ARN");
    let add = rds.add_tags_to_resource().resource_name(arn);
    let add = add.tags(tag("owner", "acme")).tags(tag("stage", "test"));
    add.send().await.expect("taken");
    let add = rds
        .add_tags_to_resource()
        .resource_name(arn)
        .tags(tag("stage", "live"));
    add.send().await.expect("taken");
    let remove = rds
        .remove_tags_from_resource()
        .resource_name(arn)
        .tag_keys("owner");
    remove.send().await.expect("taken");
    let list = rds
        .list_tags_for_resource()
        .resource_name(arn)
        .send()
        .await
        .expect("tags");
    assert_eq!(list.tag_list(), [tag("stage", "live")]);
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddTagsToResource.html>
#[tokio::test]
async fn tags_of_what_is_not_there_and_of_aws_are_refused() {
    let aws = aws().await;
    let rds = client(&aws);
    let arn = format!("arn:aws:rds:{}:{}:db:never-made", aws.region(), aws.vendor().id);
    let add = |arn: &str, key: &str| {
        let add = rds.add_tags_to_resource().resource_name(arn);
        add.tags(tag(key, "value")).send()
    };
    assert_eq!(code(add(&arn, "owner").await), "DBInstanceNotFound");
    assert_eq!(code(add(&arn, "aws:owner").await), "InvalidParameterValue");
    assert_eq!(code(add("db:never-made", "owner").await), "InvalidParameterValue");
    let list = rds
        .list_tags_for_resource()
        .resource_name(arn.replace(":db:", ":snapshot:"));
    assert_eq!(code(list.send().await), "DBSnapshotNotFound");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.CopyTags.html>
#[tokio::test]
async fn a_snapshot_takes_its_instances_tags_when_asked_to() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let create = instance(&rds, &network, "db").tags(tag("owner", "acme"));
    create
        .copy_tags_to_snapshot(true)
        .send()
        .await
        .expect("an instance");
    assert_eq!(described(&rds, "db").await.tag_list(), [tag("owner", "acme")]);
    let shot = rds.create_db_snapshot().db_instance_identifier("db");
    let shot = shot.db_snapshot_identifier("shot").send().await.expect("taken");
    assert_eq!(
        shot.db_snapshot.expect("a snapshot").tag_list(),
        [tag("owner", "acme")]
    );
    let items = aws.control().inventory_of(&aws.vendor().id);
    let item = items
        .iter()
        .find(|item| item.kind == "rds:db")
        .expect("it is listed");
    assert_eq!(item.tags["owner"], "acme");
    assert_eq!(item.created_by, aws.vendor().root_arn());
}
