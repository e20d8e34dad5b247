//! Describing instances: names, filters and pages.

use conformance::{aws, code, controlled, status};

use super::support::{available, client, filter, instance, network};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>
#[tokio::test]
async fn an_unknown_instance_is_not_found() {
    let aws = aws().await;
    let rds = client(&aws);
    let describe = || rds.describe_db_instances().db_instance_identifier("never-made");
    assert_eq!(code(describe().send().await), "DBInstanceNotFound");
    assert_eq!(status(describe().send().await), 404);
    let delete = rds.delete_db_instance().db_instance_identifier("never-made");
    assert_eq!(
        code(delete.skip_final_snapshot(true).send().await),
        "DBInstanceNotFound"
    );
    let modify = rds.modify_db_instance().db_instance_identifier("never-made");
    assert_eq!(code(modify.send().await), "DBInstanceNotFound");
    let reboot = rds.reboot_db_instance().db_instance_identifier("never-made");
    assert_eq!(code(reboot.send().await), "DBInstanceNotFound");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>
#[tokio::test]
async fn an_unknown_filter_and_an_odd_page_are_refused() {
    let aws = aws().await;
    let rds = client(&aws);
    let unknown = rds.describe_db_instances().filters(filter("colour", "blue"));
    assert_eq!(code(unknown.send().await), "InvalidParameterValue");
    for size in [19, 101] {
        let describe = rds.describe_db_instances().max_records(size);
        assert_eq!(code(describe.send().await), "InvalidParameterValue", "{size}");
    }
    let marker = rds.describe_db_instances().marker("not a marker!");
    assert_eq!(code(marker.send().await), "InvalidParameterValue");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>
#[tokio::test]
async fn filters_pick_instances_by_name_arn_and_engine() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let arn = available(&rds, &network, "one").await;
    let other = instance(&rds, &network, "two").engine("mysql").send().await;
    other.expect("an instance");
    for (name, value) in [
        ("db-instance-id", "one"),
        ("db-instance-id", &arn),
        ("engine", "postgres"),
    ] {
        let found = rds
            .describe_db_instances()
            .filters(filter(name, value))
            .send()
            .await;
        let found = found.expect("an answer");
        assert_eq!(found.db_instances().len(), 1, "{name}={value}");
        assert_eq!(found.db_instances()[0].db_instance_identifier(), Some("one"));
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>
#[tokio::test]
async fn instances_come_in_pages() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    for number in 0..25 {
        let made = instance(&rds, &network, &format!("db-{number:02}")).send().await;
        made.expect("an instance");
    }
    let first = rds
        .describe_db_instances()
        .max_records(20)
        .send()
        .await
        .expect("a page");
    assert_eq!(first.db_instances().len(), 20);
    let marker = first.marker().expect("there is more");
    let second = rds
        .describe_db_instances()
        .max_records(20)
        .marker(marker)
        .send()
        .await;
    let second = second.expect("a page");
    let names: Vec<_> = second
        .db_instances()
        .iter()
        .filter_map(|instance| instance.db_instance_identifier())
        .collect();
    assert_eq!(names, ["db-20", "db-21", "db-22", "db-23", "db-24"]);
    assert_eq!(second.marker(), None);
}

/// An instance is of one account and one region.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.RegionsAndAvailabilityZones.html>
#[tokio::test]
async fn an_instance_is_seen_in_its_account_and_region_only() {
    let Some(aws) = controlled().await else { return };
    let network = network(&aws).await;
    available(&client(&aws), &network, "db").await;
    for config in [aws.vendor().in_region("eu-west-1"), aws.customer().config.clone()] {
        let rds = aws_sdk_rds::Client::new(&config);
        let found = rds.describe_db_instances().send().await.expect("an answer");
        assert!(found.db_instances().is_empty());
    }
}
