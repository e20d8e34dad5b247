//! Filters and pages.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, ResourceType};
use chrono::TimeDelta;
use conformance::{aws, code, controlled};
use local_aws::LagSettings;

use crate::support::{client, filter, sweep, tags, vpc};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>
#[tokio::test]
async fn pages_show_everything_once() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    for number in 0..12 {
        crate::support::subnet(&ec2, &vpc_id, &format!("10.0.{number}.0/24")).await;
    }

    let describe = ec2.describe_subnets().filters(filter("vpc-id", &vpc_id));
    let pages = describe.into_paginator().page_size(5).items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.expect("pages");

    let ids: BTreeSet<_> = found.iter().filter_map(|subnet| subnet.subnet_id()).collect();
    assert_eq!((found.len(), ids.len()), (12, 12));
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>
#[tokio::test]
async fn page_sizes_and_tokens_that_are_none_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let describe = || ec2.describe_subnets();

    assert_eq!(
        code(describe().max_results(4).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(describe().max_results(1_001).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(describe().max_results(5).next_token("?").send().await),
        "InvalidNextToken"
    );
    let with_ids = describe().max_results(5).subnet_ids("subnet-00000000000000000");
    assert!(code(with_ids.send().await).starts_with("Invalid"));
}

/// Values of one filter are "or", filters are "and", and `*` and `?` are wild.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>
#[tokio::test]
async fn filters_take_wildcards_and_several_values() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    for number in [1, 2, 10, 11] {
        let name = format!("n{number}");
        let create = ec2
            .create_subnet()
            .vpc_id(&vpc_id)
            .cidr_block(format!("10.0.{number}.0/24"));
        let create = create.tag_specifications(tags(ResourceType::Subnet, &[("number", &name)]));
        create.send().await.expect("a subnet");
    }
    let count = async |name: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let wanted = Filter::builder().name(name).set_values(Some(values)).build();
        let describe = ec2.describe_subnets().filters(filter("vpc-id", &vpc_id));
        describe
            .filters(wanted)
            .send()
            .await
            .expect("subnets")
            .subnets()
            .len()
    };

    assert_eq!(count("tag:number", &["n1*"]).await, 3);
    assert_eq!(count("tag:number", &["n1?"]).await, 2);
    assert_eq!(count("tag:number", &["n1", "n2"]).await, 2);
    assert_eq!(count("tag-key", &["number"]).await, 4);
    assert_eq!(count("tag:number", &["N1"]).await, 0, "case counts");
    assert_eq!(count("cidr-block", &["10.0.10.0/24"]).await, 1);
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html>
#[tokio::test]
async fn a_filter_that_an_operation_does_not_have_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let nonsense = || filter("no-such-filter", "x");

    assert_eq!(
        code(ec2.describe_vpcs().filters(nonsense()).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(ec2.describe_subnets().filters(nonsense()).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(ec2.describe_volumes().filters(nonsense()).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(ec2.describe_images().filters(nonsense()).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(ec2.describe_nat_gateways().filter(nonsense()).send().await),
        "InvalidParameterValue"
    );
    let templates = ec2.describe_launch_templates().filters(nonsense()).send().await;
    assert_eq!(code(templates), "InvalidParameterValue");
}

/// <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>
#[tokio::test]
async fn a_describe_may_miss_what_was_just_made() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    aws.control().set_lag(LagSettings {
        describe_ms_max: 3_600_000,
        ..LagSettings::default()
    });
    let id = vpc(&ec2, "10.0.0.0/16").await;
    let describe = || ec2.describe_vpcs().vpc_ids(&id).send();

    assert_eq!(code(describe().await), "InvalidVpcID.NotFound");
    aws.advance(TimeDelta::hours(1));
    describe().await.expect("an hour later it is seen");
}
