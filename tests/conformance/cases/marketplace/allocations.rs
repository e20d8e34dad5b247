//! Allocations: a quantity split by tags.

use aws_sdk_marketplacemetering::types::{
    Tag, UsageAllocation, UsageRecord, UsageRecordResultStatus as Status,
};
use chrono::TimeDelta;
use conformance::Aws;

use crate::support::{market, outcome, record, refusal};

fn part(quantity: i32, tags: &[(&str, &str)]) -> UsageAllocation {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build().expect("a tag"));
    let part = UsageAllocation::builder().allocated_usage_quantity(quantity);
    part.set_tags(Some(tags.collect())).build().expect("a part")
}

fn split(aws: &Aws, quantity: i32, parts: Vec<UsageAllocation>) -> UsageRecord {
    let mut split = record(aws, "rows", quantity, TimeDelta::zero());
    split.usage_allocations = Some(parts);
    split
}

/// Allocations add up to the quantity.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageAllocation.html
#[tokio::test]
async fn allocations_add_up() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let wrong = split(&aws, 5, vec![part(4, &[])]);
    assert_eq!(refusal(&client, wrong).await, "InvalidUsageAllocationsException");
    let right = split(&aws, 5, vec![part(4, &[("team", "a")]), part(1, &[])]);
    let result = outcome(&client, right.clone()).await;
    assert_eq!(result.status, Some(Status::Success));
    let echoed = result
        .usage_record
        .and_then(|record| record.usage_allocations)
        .expect("echoed");
    assert_eq!(
        Some(&echoed[..1]),
        right.usage_allocations.as_deref().map(|parts| &parts[..1])
    );
}

/// Each allocation has a set of tags of its own, no tags included.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_MeterUsage.html
#[tokio::test]
async fn two_allocations_do_not_share_their_tags() {
    let Some((aws, client)) = market().await else {
        return;
    };
    for parts in [
        vec![
            part(2, &[("team", "a"), ("stage", "b")]),
            part(3, &[("stage", "b"), ("team", "a")]),
        ],
        vec![part(2, &[]), part(3, &[])],
    ] {
        assert_eq!(
            refusal(&client, split(&aws, 5, parts)).await,
            "InvalidUsageAllocationsException"
        );
    }
}

/// An allocation has at most five tags, of the documented characters.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_Tag.html
#[tokio::test]
async fn a_tag_outside_its_rules_is_refused() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let six = [
        ("a", "1"),
        ("b", "1"),
        ("c", "1"),
        ("d", "1"),
        ("e", "1"),
        ("f", "1"),
    ];
    let long = "k".repeat(101);
    for tags in [
        &six[..],
        &[("", "1")],
        &[(long.as_str(), "1")],
        &[("key", "<x>")],
        &[("a", "1"), ("a", "2")],
    ] {
        assert_eq!(
            refusal(&client, split(&aws, 5, vec![part(5, tags)])).await,
            "InvalidTagException",
            "{tags:?}"
        );
    }
    let five = outcome(&client, split(&aws, 5, vec![part(5, &six[..5])])).await;
    assert_eq!(five.status, Some(Status::Success));
}

/// The same quantity split in another way is another record: the first one wins.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn the_same_quantity_split_otherwise_is_a_duplicate() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let (one, other) = (part(2, &[("team", "a")]), part(3, &[("team", "b")]));
    let first = outcome(&client, split(&aws, 5, vec![one.clone(), other.clone()])).await;
    assert_eq!(first.status, Some(Status::Success));
    let reordered = outcome(&client, split(&aws, 5, vec![other, one])).await;
    assert_eq!(reordered.status, Some(Status::Success), "order is no difference");
    let whole = outcome(&client, split(&aws, 5, vec![part(5, &[])])).await;
    assert_eq!(whole.status, Some(Status::DuplicateRecord));
    assert_eq!(whole.metering_record_id, first.metering_record_id);
}

/// A part of a quantity is not below zero.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageAllocation.html
#[tokio::test]
async fn a_part_is_not_below_zero() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let parts = vec![part(-1, &[("team", "a")]), part(6, &[])];
    assert_eq!(
        refusal(&client, split(&aws, 5, parts)).await,
        "ValidationException"
    );
}
